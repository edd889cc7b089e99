"""IAM policies as data: statements in one shape, whether from JSON or from an ``aws_iam_policy_document``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.plan.resource import UNKNOWN, Resource, listed, parsed

POLICIES = {
    "aws_iam_group_policy": "policy",
    "aws_iam_policy": "policy",
    "aws_iam_role_policy": "policy",
    "aws_iam_user_policy": "policy",
}
"""Identity policies, and where their text is."""

RESOURCE_POLICIES = {
    "aws_api_gateway_rest_api_policy": "policy",
    "aws_cloudwatch_event_bus_policy": "policy",
    "aws_cloudwatch_log_resource_policy": "policy_document",
    "aws_kms_key": "policy",
    "aws_kms_key_policy": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_secretsmanager_secret_policy": "policy",
    "aws_sns_topic": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue": "policy",
    "aws_sqs_queue_policy": "policy",
}
"""Policies attached to what they are about, and where their text is."""


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        sid: Its id; empty without one.
        effect: ``Allow`` or ``Deny``.
        actions: What it is about; `UNKNOWN` ones included.
        not_actions: Everything but these.
        resources: On what.
        not_resources: On everything but these.
        principals: Who, as (kind, identifier) pairs; an identity policy has none.
        not_principals: Everybody but these.
        conditions: (test, variable, values) triples.
    """

    sid: str
    effect: str
    actions: tuple[Any, ...]
    not_actions: tuple[Any, ...]
    resources: tuple[Any, ...]
    not_resources: tuple[Any, ...]
    principals: tuple[tuple[str, Any], ...]
    not_principals: tuple[tuple[str, Any], ...]
    conditions: tuple[tuple[str, str, tuple[Any, ...]], ...]

    @property
    def allows(self) -> bool:
        """Whether it grants."""
        return self.effect != "Deny"

    def __str__(self) -> str:
        return f"statement {self.sid}" if self.sid else "a statement without a Sid"


def statements(text: Any) -> list[Statement] | None:
    """The statements of a JSON policy; None if it is no policy (`UNKNOWN` counts as one without statements)."""
    if text is UNKNOWN:
        return []
    body = parsed(text)
    if not isinstance(body, Mapping) or "Statement" not in body:
        return None
    return [_of_json(one) for one in listed(body["Statement"]) if isinstance(one, Mapping)]


def _of_json(one: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=str(one.get("Sid") or ""),
        effect=str(one.get("Effect")),
        actions=tuple(listed(one.get("Action"))),
        not_actions=tuple(listed(one.get("NotAction"))),
        resources=tuple(listed(one.get("Resource"))),
        not_resources=tuple(listed(one.get("NotResource"))),
        principals=tuple(_principals(one.get("Principal"))),
        not_principals=tuple(_principals(one.get("NotPrincipal"))),
        conditions=tuple(
            (test, variable, tuple(listed(values)))
            for test, tested in (one.get("Condition") or {}).items()
            for variable, values in tested.items()
        ),
    )


def _principals(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for kind, named in value.items():
            yield from ((kind, one) for one in listed(named))
    else:
        yield from (("*", one) for one in listed(value))


def of_document(document: Resource) -> list[Statement]:
    """The statements of an ``aws_iam_policy_document`` data source."""
    return [
        Statement(
            sid=str(one.get("sid") or "") if one.get("sid") is not UNKNOWN else "",
            effect="Deny" if one.get("effect") == "Deny" else "Allow",
            actions=tuple(listed(one.get("actions"))),
            not_actions=tuple(listed(one.get("not_actions"))),
            resources=tuple(listed(one.get("resources"))),
            not_resources=tuple(listed(one.get("not_resources"))),
            principals=tuple(_blocks(one.get("principals"))),
            not_principals=tuple(_blocks(one.get("not_principals"))),
            conditions=tuple(
                (str(c.get("test")), str(c.get("variable")), tuple(listed(c.get("values"))))
                for c in listed(one.get("condition"))
                if isinstance(c, Mapping)
            ),
        )
        for one in listed(document.values.get("statement"))
        if isinstance(one, Mapping)
    ]


def _blocks(blocks: Any) -> Iterator[tuple[str, Any]]:
    for block in listed(blocks):
        if isinstance(block, Mapping):
            yield from ((str(block.get("type")), one) for one in listed(block.get("identifiers")))


_WILD = re.compile(r"[*?]")


def wild_actions(statement: Statement) -> Iterator[str]:
    """What a granting statement says about actions without naming them."""
    for action in statement.actions:
        if isinstance(action, str) and _WILD.search(action):
            yield f"grants {action}"
    if statement.not_actions:
        yield f"grants everything but {', '.join(map(str, statement.not_actions))} (NotAction)"


_NAME = r"[^*?/:]+"
_PLACE = r"[\w-]+:\d{12}"  # region and account
WILDCARDS = {
    rf"s3:::{_NAME}/(?:[^*?]+/)?\*": "the objects of one bucket, or those below one prefix of it",
    rf"dynamodb:{_PLACE}:table/{_NAME}/(?:index|stream)/\*": "one table's indexes, or its streams: AWS names those",
    rf"logs:{_PLACE}:log-group:[^*?:]+:\*": "one log group's streams: Lambda names them",
    rf"secretsmanager:{_PLACE}:secret:[^*?:]+-\?{{6}}": "one secret: AWS ends its ARN with six characters of its own",
    r"apigateway:[\w-]+::/apikeys/\*": "API keys: a rotated key's id is AWS's choice",
    rf"apigateway:[\w-]+::/usageplans/{_NAME}/keys/\*": "one usage plan's keys, for the same reason",
}
"""Every form in which a resource may be granted by a wildcard, without ``arn:<partition>:``, and what it stands for."""

_WILDCARDS = [re.compile(rf"arn:[\w-]+:{one}") for one in WILDCARDS]


def is_wide(resource: str) -> bool:
    """Whether a wildcard stands in an ARN in another way than `WILDCARDS` has: it names no resource in particular."""
    return bool(_WILD.search(resource)) and not any(one.fullmatch(resource) for one in _WILDCARDS)
