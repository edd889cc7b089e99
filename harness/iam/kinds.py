"""What a request is about, without what differs from run to run: account, environment, ids, the names of files.

``arn:aws:s3:::invoice-uploads-dev-000000000000/incoming/2026/a.csv`` becomes
``arn:aws:s3:::invoice-uploads-{environment}-{account}/incoming/x``: one row of the committed list, which can be filled
in again for any environment (`Kinds.filled`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.iam.evaluate import AccessRequest, Value

KEPT = ("dynamodb:leadingkeys", "kms:viaservice", "s3:prefix")
"""The condition keys that are kept: those that say something of this very call."""

_ID = "x"


@dataclass(frozen=True)
class Kinds:
    """Whose names are taken out.

    Attributes:
        account: The account's number.
        region: The region.
        environment: What names end with, such as ``dev``.
        aliases: Names that tests use in the place of real ones: a bucket's short name to its whole one.
    """

    account: str
    region: str
    environment: str
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)

    def of(self, request: AccessRequest) -> AccessRequest:
        """The kind of a request, with only what its conditions may ask for."""
        context = {name: self._value(name, request.context[name]) for name in KEPT if request.context.get(name)}
        return AccessRequest(request.action, self._resource(request.resource), context)

    def filled(self, request: AccessRequest) -> AccessRequest:
        """A request of a kind, with these names filled in; what it says of other condition keys included."""
        fill = {"account": self.account, "environment": self.environment, "region": self.region}

        def one(text: str) -> str:
            for name, value in fill.items():
                text = text.replace(f"{{{name}}}", value)
            return text

        told: dict[str, Value] = {name: None for name in KEPT if name.startswith(request.action.split(":")[0])}
        told |= {"aws:securetransport": "true", "aws:requestedregion": self.region}
        for name, value in request.context.items():
            told[name] = tuple(map(one, value)) if isinstance(value, tuple) else one(str(value))
        return replace(request, resource=one(request.resource), context=told)

    def _value(self, name: str, value: Value) -> Value:
        if name == "dynamodb:leadingkeys":
            return tuple(dict.fromkeys(_item(str(one)) for one in value or ()))
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
            parts[5] = re.sub(r"(?<=/apikeys/)[^/]+|(?<=/usageplans/)[^/]+|(?<=/keys/)[^/]+", _ID, resource)
        elif service == "secretsmanager":
            parts[5] = f"{self._name(resource[:-7])}-{_ID * 6}"
        else:
            parts[5] = "/".join(self._name(step) for step in resource.split("/"))
        return ":".join(parts)

    def _name(self, name: str) -> str:
        name = name.replace(f"-{self.account}", "-{account}")
        return re.sub(rf"-{re.escape(self.environment)}(?=$|-\{{account\}}$)", "-{environment}", name)


def _object(key: str) -> str:
    """A key by its first folder: ``incoming/x``; those below a number are just ``x``."""
    first, slash, _ = key.partition("/")
    return f"{first}/{_ID}" if slash and re.fullmatch(r"[a-z]+", first) else _ID


def _item(identity: str) -> str:
    """An item by the word before its first ``#``: ``claim#x``."""
    word, sharp, _ = identity.partition("#")
    return f"{word}#{_ID}" if sharp else _ID
