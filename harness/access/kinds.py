"""Requests without the names that differ from run to run: account, environment, ids, file names.

``arn:aws:s3:::invoice-uploads-dev-000000000000/incoming/2026/a.csv`` becomes
``arn:aws:s3:::invoice-uploads-{environment}-{account}/incoming/x``. That is one row of the committed list, and can be
filled in again for any environment (`Kinds.filled`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.plan.evaluate import AccessRequest, Value

KEPT = (
    "aws:requesttag/api",
    "aws:resourcetag/api",
    "dynamodb:leadingkeys",
    "events:detail-type",
    "events:source",
    "kms:viaservice",
    "s3:prefix",
)
"""The condition keys that are kept, because they describe this call."""

_ID = "x"


@dataclass(frozen=True)
class Kinds:
    """Replaces the names of one environment by placeholders, and placeholders by the names.

    Attributes:
        account: The account's number.
        region: The region.
        environment: What names end with, such as ``dev``.
        aliases: Names that tests use instead of the real ones: a bucket's short name to its full name.
    """

    account: str
    region: str
    environment: str
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)

    def of(self, request: AccessRequest) -> AccessRequest:
        """The kind of a request, with only the condition keys that a policy may check."""
        context = {name: self._value(name, request.context[name]) for name in KEPT if request.context.get(name)}
        return AccessRequest(request.action, self._resource(request.resource), context)

    def filled(self, request: AccessRequest) -> AccessRequest:
        """A request of a kind, with this environment's names, and with the condition keys that every request has."""
        names = {"account": self.account, "environment": self.environment, "region": self.region}

        def fill(text: str) -> str:
            for name, value in names.items():
                text = text.replace(f"{{{name}}}", value)
            return text

        context: dict[str, Value] = {name: None for name in KEPT if name.startswith(request.action.split(":")[0])}
        context |= {"aws:securetransport": "true", "aws:requestedregion": self.region}
        for name, value in request.context.items():
            context[name] = tuple(map(fill, value)) if isinstance(value, tuple) else fill(str(value))
        return replace(request, resource=fill(request.resource), context=context)

    def _value(self, name: str, value: Value) -> Value:
        if name == "dynamodb:leadingkeys":
            return tuple(dict.fromkeys(_item(str(key)) for key in value or ()))
        if isinstance(value, tuple):
            return value
        if name.endswith("/api"):
            return self._name(str(value))
        return _object(str(value)) if name == "s3:prefix" else str(value).replace(self.region, "{region}")

    def _resource(self, arn: str) -> str:
        parts = arn.split(":", 5)
        if len(parts) < 6:
            return arn
        service, resource = parts[2], parts[5]
        parts[3] = parts[3].replace(self.region, "{region}")
        parts[4] = parts[4].replace(self.account, "{account}")
        if service == "s3":
            bucket, slash, key = resource.partition("/")
            parts[5] = self._name(self.aliases.get(bucket, bucket)) + slash + (_object(key) if slash else "")
        elif service == "apigateway":
            resource = resource.replace(f"%3A{self.region}%3A", "%3A{region}%3A")
            parts[5] = re.sub(r"(?<=/apikeys/)[^/]+|(?<=/usageplans/)[^/]+|(?<=/keys/)[^/]+", _ID, resource)
        elif service == "secretsmanager":
            parts[5] = f"{self._name(resource[:-7])}-{_ID * 6}"
        else:
            parts[5] = "/".join(self._name(step) for step in resource.split("/"))
        return ":".join(parts)

    def _name(self, name: str) -> str:
        name = name.replace(f"-{self.account}", "-{account}")
        return re.sub(rf"-{re.escape(self.environment)}(?=$|-dlq$|-\{{account\}}$)", "-{environment}", name)


def _object(key: str) -> str:
    """A key by its first folder: ``incoming/x``; just ``x`` if that is not a word."""
    first, slash, _ = key.partition("/")
    return f"{first}/{_ID}" if slash and re.fullmatch(r"[a-z]+", first) else _ID


def _item(identity: str) -> str:
    """An item by the word before its first ``#``: ``claim#x``."""
    word, sharp, _ = identity.partition("#")
    return f"{word}#{_ID}" if sharp else _ID
