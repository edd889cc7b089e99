"""IAM policies as data: the same statements from JSON and from an ``aws_iam_policy_document``."""

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
"""Identity policies, and the attribute with their text."""

RESOURCE_POLICIES = {
    "aws_api_gateway_rest_api": "policy",
    "aws_api_gateway_rest_api_policy": "policy",
    "aws_backup_vault_policy": "policy",
    "aws_cloudwatch_event_bus_policy": "policy",
    "aws_cloudwatch_log_destination_policy": "access_policy",
    "aws_cloudwatch_log_resource_policy": "policy_document",
    "aws_dynamodb_resource_policy": "policy",
    "aws_ecr_repository_policy": "policy",
    "aws_efs_file_system_policy": "policy",
    "aws_kinesis_resource_policy": "policy",
    "aws_kms_key": "policy",
    "aws_kms_key_policy": "policy",
    "aws_s3_access_point": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_s3control_access_point_policy": "policy",
    "aws_schemas_registry_policy": "policy",
    "aws_secretsmanager_secret": "policy",
    "aws_secretsmanager_secret_policy": "policy",
    "aws_sns_topic": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue": "policy",
    "aws_sqs_queue_policy": "policy",
    "aws_vpc_endpoint_policy": "policy",
}
"""Policies that are attached to the resource that they protect, and the attribute with their text."""


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        sid: Its id; empty without one.
        effect: ``Allow`` or ``Deny``.
        actions: Its actions; some may be `UNKNOWN`.
        not_actions: Every action except these.
        resources: The ARNs that it is about.
        not_resources: Every resource except these.
        principals: (kind, identifier) pairs; an identity policy has none.
        not_principals: Everybody except these.
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
        return f"statement {self.sid}" if self.sid else "statement without a Sid"


def statements(text: Any) -> list[Statement] | None:
    """The statements of a JSON policy; None if it is not a policy. `UNKNOWN` counts as a policy without statements."""
    if text is UNKNOWN:
        return []
    body = parsed(text)
    if not isinstance(body, Mapping) or "Statement" not in body:
        return None
    return [_of_json(item) for item in listed(body["Statement"]) if isinstance(item, Mapping)]


def _of_json(item: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=str(item.get("Sid") or ""),
        effect=str(item.get("Effect")),
        actions=tuple(listed(item.get("Action"))),
        not_actions=tuple(listed(item.get("NotAction"))),
        resources=tuple(listed(item.get("Resource"))),
        not_resources=tuple(listed(item.get("NotResource"))),
        principals=tuple(_principals(item.get("Principal"))),
        not_principals=tuple(_principals(item.get("NotPrincipal"))),
        conditions=tuple(
            (test, variable, tuple(listed(values)))
            for test, tested in (item.get("Condition") or {}).items()
            for variable, values in tested.items()
        ),
    )


def _principals(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for kind, names in value.items():
            yield from ((kind, name) for name in listed(names))
    else:
        yield from (("*", name) for name in listed(value))


def of_document(document: Resource) -> list[Statement]:
    """The statements of an ``aws_iam_policy_document`` data source."""
    return [
        Statement(
            sid=str(item.get("sid") or "") if item.get("sid") is not UNKNOWN else "",
            effect="Deny" if item.get("effect") == "Deny" else "Allow",
            actions=tuple(listed(item.get("actions"))),
            not_actions=tuple(listed(item.get("not_actions"))),
            resources=tuple(listed(item.get("resources"))),
            not_resources=tuple(listed(item.get("not_resources"))),
            principals=tuple(_blocks(item.get("principals"))),
            not_principals=tuple(_blocks(item.get("not_principals"))),
            conditions=tuple(
                (str(block.get("test")), str(block.get("variable")), tuple(listed(block.get("values"))))
                for block in listed(item.get("condition"))
                if isinstance(block, Mapping)
            ),
        )
        for item in listed(document.values.get("statement"))
        if isinstance(item, Mapping)
    ]


def _blocks(blocks: Any) -> Iterator[tuple[str, Any]]:
    for block in listed(blocks):
        if isinstance(block, Mapping):
            yield from ((str(block.get("type")), name) for name in listed(block.get("identifiers")))


def of_key_administration(statement: Statement) -> bool:
    """Whether a statement is AWS's default key policy: the account that owns the key administers it."""
    return statement.actions == ("kms:*",) and of_key_account(statement)


def of_key_account(statement: Statement) -> bool:
    """Whether a statement of a key's policy is for the account that owns the key, whatever it grants."""
    return (
        all(str(action).startswith("kms:") for action in statement.actions)
        and all(kind == "AWS" and (who is UNKNOWN or str(who).endswith(":root")) for kind, who in statement.principals)
        and bool(statement.principals)
    )


_LIMITING = re.compile(
    r"(?:ForAnyValue:|(ForAllValues:))?(?:StringEquals|StringLike|ArnEquals|ArnLike|Bool)", re.IGNORECASE
)
_MULTIVALUED = frozenset({"dynamodb:leadingkeys", "events:detail-type", "events:source"})
"""Keys of which a request has several values: only for these does ForAllValues limit anything."""


def restricted_to(statement: Statement, key: str) -> tuple[Any, ...] | None:
    """The only values of a condition key with which a statement applies; None if it applies without them too.

    Negated operators, ``…IfExists`` and ``Null`` limit nothing that can be listed. Nor does ``ForAllValues`` on a key
    with one value, because it holds for a request without the key.
    """
    for test, variable, values in statement.conditions:
        match = _LIMITING.fullmatch(test)
        if variable.lower() == key.lower() and match and (not match[1] or key.lower() in _MULTIVALUED):
            return values
    return None


_WILD = re.compile(r"[*?]")


def wild_actions(statement: Statement) -> Iterator[str]:
    """What a statement grants without naming the action, such as ``grants s3:*``."""
    for action in statement.actions:
        if isinstance(action, str) and _WILD.search(action):
            yield f"grants {action}"
    if statement.not_actions:
        yield f"grants everything except {', '.join(map(str, statement.not_actions))} (NotAction)"


_NAME = r"[^*?/:]+"
_PLACE = r"[\w-]+:\d{12}"  # region and account
WILDCARDS = {
    rf"s3:::{_NAME}/(?:[^*?]+/)?\*": "the objects of one bucket, or those below one prefix of it",
    rf"dynamodb:{_PLACE}:table/{_NAME}/(?:index|stream)/\*": "one table's indexes, or its streams: AWS names them",
    rf"logs:{_PLACE}:log-group:[^*?:]+:\*": "one log group's streams: Lambda names them",
    rf"secretsmanager:{_PLACE}:secret:[^*?:]+-\?{{6}}": "one secret: AWS adds six characters to its ARN",
    r"apigateway:[\w-]+::/apikeys/\*": "API keys: AWS chooses the id of a rotated key",
    r"apigateway:[\w-]+::/tags/arn%3A[\w-]+%3Aapigateway%3A[\w-]+%3A%3A%2Fapikeys%2F\*": "their tags, likewise",
    rf"apigateway:[\w-]+::/usageplans/{_NAME}/keys/\*": "one usage plan's keys, for the same reason",
}
"""Every allowed form of a resource with a wildcard, without ``arn:<partition>:``, and what it covers."""

_WILDCARDS = [re.compile(rf"arn:[\w-]+:{pattern}") for pattern in WILDCARDS]


def is_wide(resource: str) -> bool:
    """Whether an ARN has a wildcard that `WILDCARDS` does not allow: it names no resource in particular."""
    return bool(_WILD.search(resource)) and not any(pattern.fullmatch(resource) for pattern in _WILDCARDS)
