"""Names in ARNs: whether what an ARN names is a resource of the plan."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.plan.arn import like
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN

ARN = re.compile(r"arn:[\w-]+:[a-z0-9-]+:[\w-]*:\d*:[^\s\"'\\,<>(){}\[\]]+")
"""An ARN in a text."""


@dataclass(frozen=True)
class NamedKind:
    """How the ARNs of a kind of resource name it.

    Attributes:
        service: The third part of the ARN.
        pattern: The last part, with the group ``name``.
        type: The resource type.
        attribute: The attribute that has the name.
    """

    service: str
    pattern: re.Pattern[str]
    type: str
    attribute: str = "name"


KINDS = (
    NamedKind("cloudwatch", re.compile(r"alarm:(?P<name>.+)"), "aws_cloudwatch_metric_alarm", "alarm_name"),
    NamedKind("dynamodb", re.compile(r"table/(?P<name>[^/]+).*"), "aws_dynamodb_table"),
    NamedKind("events", re.compile(r"event-bus/(?P<name>.+)"), "aws_cloudwatch_event_bus"),
    NamedKind("events", re.compile(r"archive/(?P<name>.+)"), "aws_cloudwatch_event_archive"),
    NamedKind("events", re.compile(r"rule/(?:[^/]+/)?(?P<name>[^/]+)"), "aws_cloudwatch_event_rule"),
    NamedKind("events", re.compile(r"rule/(?P<name>[^/]+)/[^/]+"), "aws_cloudwatch_event_bus"),
    NamedKind("iam", re.compile(r"role/(?:.*/)?(?P<name>[^/]+)"), "aws_iam_role"),
    NamedKind("kms", re.compile(r"(?P<name>alias/.+)"), "aws_kms_alias"),
    NamedKind("kms", re.compile(r"key/(?P<name>.+)"), "aws_kms_key", "key_id"),
    NamedKind("lambda", re.compile(r"function:(?P<name>[^:]+).*"), "aws_lambda_function", "function_name"),
    NamedKind("logs", re.compile(r"log-group:(?P<name>[^:]+).*"), "aws_cloudwatch_log_group"),
    NamedKind("s3", re.compile(r"(?P<name>[^/]+).*"), "aws_s3_bucket", "bucket"),
    NamedKind("secretsmanager", re.compile(r"secret:(?P<name>.+)-.{6}"), "aws_secretsmanager_secret"),
    NamedKind("sns", re.compile(r"(?P<name>[^:]+).*"), "aws_sns_topic"),
    NamedKind("sqs", re.compile(r"(?P<name>.+)"), "aws_sqs_queue"),
)
"""Every kind of resource that the platform's ARNs name; the ARN of a rule names its bus too."""

ELSEWHERE = (
    re.compile(r"arn:[\w-]+:iam::\d{12}:root"),  # the account
    re.compile(r"arn:[\w-]+:iam::aws:policy/.+"),  # rule CKV_INV_507 judges them
    re.compile(r"arn:[\w-]+:apigateway:[\w-]+:lambda:path/.+"),  # has the function's ARN in it
    re.compile(r"arn:[\w-]+:apigateway:[\w-]+::/.+"),  # ids that AWS chooses: rules CKV_INV_502 and CKV_INV_519
    re.compile(r"arn:[\w-]+:execute-api:[\w-]+:\d{12}:.+"),  # likewise: rules CKV_INV_305 and CKV_INV_515
    re.compile(r"arn:[\w-]+:budgets::\d{12}:budget/.+"),
    re.compile(r"arn:[\w-]+:kms:[\w-]+:\d{12}:alias/aws/.+"),  # keys of AWS, which every account has
)
"""ARNs that name nothing with a name in a plan, and what judges them."""


@dataclass(frozen=True)
class PlannedNames:
    """The names that a plan has.

    Attributes:
        plan: Of a whole environment.
    """

    plan: PlanGraph

    def unknown_in(self, text: str) -> Iterator[str]:
        """The ARNs in a text that name nothing of the plan."""
        for match in ARN.finditer(text):
            arn = match[0].rstrip(".;:")
            if not self._has(arn) and not any(pattern.fullmatch(arn) for pattern in ELSEWHERE):
                yield arn

    def _has(self, arn: str) -> bool:
        _, _, service, _, _, resource = arn.split(":", 5)
        of_service = ((kind, kind.pattern.fullmatch(resource)) for kind in KINDS if kind.service == service)
        named = [(self._names[kind], match["name"]) for kind, match in of_service if match]
        return bool(named) and all(
            UNKNOWN in names or any(like(pattern, str(name)) for name in names) for names, pattern in named
        )

    @cached_property
    def _names(self) -> dict[NamedKind, set[Any]]:
        return {kind: {resource.get(kind.attribute) for resource in self.plan.of(kind.type)} - {None} for kind in KINDS}
