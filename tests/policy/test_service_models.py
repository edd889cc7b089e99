"""Rule CKV_INV_901: what each kind of finding says, and that its table fits AWS's models and the provider."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from harness.errors import HarnessError
from harness.plan.resource import UNKNOWN, Resource
from harness.plan_tests.tftest_root import TftestRoot
from harness.policy import aws_requests
from harness.policy.aws_requests import Row, requests_of
from harness.policy.rule import RULES, violations
from harness.policy.rules import resource_types
from harness.policy.service_models import RULE, problems

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph
    from tests.policy.conftest import JudgedFixtures

ROWS, WITHOUT = aws_requests.rows()
KINDS = {
    "aws_secretsmanager_secret.length": "has 3000 characters; AWS accepts 0 to 2048",
    "aws_lambda_function.pattern": 'handler is "a handler", which does not match AWS\'s pattern [^\\s]+ (Handler).',
    "aws_appautoscaling_target.enumeration": 'is "dynamodb:table:ReadUnits", which is not one of AWS\'s values: ',
    "aws_lambda_event_source_mapping.range": "batch_size is 20000, which is out of AWS's range: 1 to 10000",
    "aws_budgets_budget.required": "NotificationsWithSubscribers[].Subscribers, and no argument sets it.",
    "aws_cloudwatch_metric_alarm.items": "AlarmActions has 6 entries; AWS accepts 0 to 5.",
    "aws_lambda_function.key": "the key TABLE-NAME is",
    "aws_secretsmanager_secret.argument": "Nobody has reviewed the argument replica: remove it, or add its member",
}


FUNCTION: dict[str, Any] = {"function_name": "f", "role": "arn:aws:iam::000000000000:role/f"}


def messages(kind: str, sensitive: Mapping[str, Any] | None = None, **arguments: Any) -> list[str]:
    row = ROWS[kind]
    resource = Resource(f"{kind}.this", kind, arguments, sensitive=sensitive or {})
    return list(problems(row, requests_of(resource, row)))


def test_each_kind_of_finding_says_what_aws_accepts(judged_fixtures: "JudgedFixtures") -> None:
    findings = list(violations(RULES[RULE], judged_fixtures.plans[f"{RULE}-fail"]))

    assert {finding.address for finding in findings} == KINDS.keys()
    assert len(findings) == len(KINDS), "one reason each"
    assert all(KINDS[finding.address] in finding.message for finding in findings)


def test_every_reviewed_type_has_its_request() -> None:
    assert resource_types.PLANNED.keys() == ROWS.keys() | WITHOUT.keys()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("aws_iam_access_key", "credentials"),
        ("aws_cloudwatch_log_subscription_filter", "silence alarms"),
        ("aws_cloudwatch_event_permission", "publish events"),
        ("random_password", "anything"),
    ],
)
def test_a_type_that_nobody_reviewed_is_named_with_its_danger(kind: str, words: str) -> None:
    assert words in resource_types.harm(kind)


def judged_as_existing(plan: "PlanGraph", **before: Any) -> set[str]:
    """The addresses with findings where each resource exists, with its planned values but for these."""
    document = json.loads(json.dumps(plan.document))
    for entry in document["resource_changes"]:
        entry["change"] |= {"actions": ["update"], "before": entry["change"]["after"] | before}
    return {finding.address for finding in violations(RULES[RULE], type(plan)(document, plan.environment))}


def test_what_a_resource_has_already_is_not_judged(judged_fixtures: "JudgedFixtures") -> None:
    """The state of an alarm on an expression has ``period = 0``, which no request had: the second plan has it too."""
    plan = judged_fixtures.plans[f"{RULE}-fail"]

    assert judged_as_existing(plan) == set()


def test_what_a_plan_changes_is_judged(judged_fixtures: "JudgedFixtures") -> None:
    plan = judged_fixtures.plans[f"{RULE}-fail"]

    found = judged_as_existing(plan, handler="handler.handler", batch_size=10)

    assert found == {
        "aws_lambda_function.pattern",
        "aws_lambda_event_source_mapping.range",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"name": "a" * 81}, []),  # the model does not limit it: SQS documents 80 characters in words only
        ({"visibility_timeout_seconds": 30}, ["AWS requires QueueName, and no argument sets it."]),
        ({"name": UNKNOWN}, []),
        ({"name": ["a"]}, ['name is ["a"], which is not a text (QueueName).']),
    ],
)
def test_a_text(arguments: dict[str, Any], expected: list[str]) -> None:
    assert messages("aws_sqs_queue", **arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"reserved_concurrent_executions": "many"}, ['is "many", which is not a number']),
        ({"reserved_concurrent_executions": -2}, ["is -2, which is out of AWS's range: at least 0"]),
        ({"publish": "perhaps"}, ['publish is "perhaps", which is neither true nor false']),
        ({"environment": "A=1"}, ['environment is "A=1", which is not a structure']),
        ({"description": "x" * 257}, ["has 257 characters; AWS accepts 0 to 256"]),
    ],
)
def test_types_ranges_and_lengths_of_a_function(arguments: dict[str, Any], expected: list[str]) -> None:
    found = messages("aws_lambda_function", **FUNCTION, **arguments)

    missing = "AWS requires Code, and no argument sets it."
    assert [message for message in found if message != missing and expected[0] not in message] == []
    assert len(found) == 1 + len(expected)


ALARM = {"alarm_name": "a", "comparison_operator": "GreaterThanThreshold", "evaluation_periods": 1}
TABLE = {"name": "t", "hash_key": "id", "attribute": [{"name": "id", "type": "S"}]}


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("aws_lambda_function", {**FUNCTION, "s3_bucket": "artifacts", "reserved_concurrent_executions": -1}),
        ("aws_cloudwatch_metric_alarm", {**ALARM, "period": 0}),
        (
            "aws_dynamodb_table",
            {**TABLE, "point_in_time_recovery": [{"enabled": True, "recovery_period_in_days": 0}]},
        ),
    ],
)
def test_a_value_with_which_the_provider_sends_nothing_is_not_judged(kind: str, arguments: dict[str, Any]) -> None:
    """States have such values, and so has the plan of a stack in which nothing changes."""
    assert messages(kind, **arguments) == []


def test_a_secret_is_never_shown() -> None:
    secret = {"secret_string": "x" * 65537}
    assert messages("aws_secretsmanager_secret_version", {"secret_string": True}, secret_id="s", **secret) == [
        "secret_string has a secret value that has 65537 characters; AWS accepts 1 to 65536 (SecretString)."
    ]


def test_tags_are_the_pairs_that_aws_receives() -> None:
    assert messages("aws_kms_key", tags_all={"k" * 129: "v"})[0].startswith(f"tags_all.{'k' * 129} is ")


def test_a_row_that_leads_nowhere_is_reported() -> None:
    row = Row("sqs:CreateQueue", members={"name": "Attributes.Name.First"})

    with pytest.raises(HarnessError, match=r"has First for aws_sqs_queue\.name, which String lacks"):
        requests_of(Resource("aws_sqs_queue.this", "aws_sqs_queue", {"name": "a"}), row)


def target(row: Row, argument: str) -> Shape:
    """The shape of the member that an argument leads to, through its blocks."""
    block, _, name = argument.rpartition(".")
    shape = target(row, block) if block else row.shape(row.operation)
    if isinstance(shape, ListShape):
        shape = shape.member
    path = row.members.get(argument)
    if path is None and isinstance(shape, StructureShape):
        path = next(member for member in shape.members if member.lower().rstrip("es") == name.replace("_", ""))
    root, colon, rest = str(path).rpartition(":")
    shape = row.shape(root) if colon else shape
    for step in rest.split(".") if rest else ():
        shape = shape.member if isinstance(shape, ListShape) else shape
        inner = shape.value if isinstance(shape, MapShape) else getattr(shape, "members", {}).get(step)
        assert isinstance(inner, Shape), f"{argument}: {shape.name} lacks {step}"
        shape = inner
    return shape


@pytest.mark.parametrize("kind", ROWS)
def test_every_target_is_a_member(kind: str) -> None:
    row = ROWS[kind]

    assert all(target(row, argument) for argument in row.members)


def arguments_of(block: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every argument of a resource type, as the provider's schema has it."""
    for name, attribute in block.get("attributes", {}).items():
        yield f"{prefix}{name}"
        yield from arguments_of(attribute.get("nested_type", {}), f"{prefix}{name}.")
    for name, inner in block.get("block_types", {}).items():
        yield f"{prefix}{name}"
        yield from arguments_of(inner["block"], f"{prefix}{name}.")


def test_the_table_names_arguments_that_the_provider_has(judged_fixtures: "JudgedFixtures") -> None:
    schema = TftestRoot(judged_fixtures.root).execute_command("providers", "schema", "-json").out
    provider = json.loads(schema)["provider_schemas"]["registry.terraform.io/hashicorp/aws"]["resource_schemas"]
    everywhere = {"id", "tags", "tags_all", "timeouts"}

    for kind, row in ROWS.items():
        known = set(arguments_of(provider[kind]["block"]))
        assert {*row.members, *row.unset, *row.unchecked} - everywhere <= known, kind


def test_every_exception_has_a_reason() -> None:
    reasons = list(WITHOUT.values())
    for row in ROWS.values():
        reasons += [*row.unchecked.values(), *row.filled.values()]

    assert all(reason.endswith(".") and len(reason) > 15 for reason in reasons)
