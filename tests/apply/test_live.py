"""Every live environment, unchanged: it applies, its second plan is empty, and destroy leaves nothing behind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.deploy.gate import findings_on
from harness.engine import Engine
from harness.paths import BUILD
from harness.stack import snapshot
from harness.stack.deployment import Deployment, Stack, artifacts_of, build_for, environments
from harness.stack.inventory import inventory
from harness.stack.snapshot import CloneSource
from harness.terraform.run import Terraform, TerraformError
from tests.apply.stage import Reader, group, prepared, started

KINDS = {
    "apigateway API key",
    "apigateway rest API",
    "apigateway usage plan",
    "application-autoscaling scalable target",
    "application-autoscaling scaling policy",
    "dynamodb table",
    "events archive",
    "events bus",
    "events rule",
    "iam role",
    "lambda event source mapping",
    "lambda function",
    "logs log group",
    "s3 bucket",
    "sns topic",
    "sqs queue",
}
"""Kinds of resources of every environment, by their names in the inventory."""

PROTECTED = "prod"
"""The environment that a plain destroy must not remove."""


def on(*names: str) -> list[object]:
    """Parameters of the fixture `applied`: one worker each."""
    return [pytest.param(name, marks=group(f"live-{name}")) for name in names]


@dataclass(frozen=True)
class Applied:
    """An environment applied in this run, on an empty engine."""

    before: set[str]
    deployment: Deployment
    stack: Stack
    snapshot: CloneSource
    engine: Engine


@pytest.fixture(scope="module", params=on(*environments()))
def applied(request: pytest.FixtureRequest) -> Iterator[Applied]:
    environment: str = request.param
    with started(f"apply-{environment}") as engine:
        artifacts = build_for(engine)
        key = snapshot.key_of(environment, artifacts)
        deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / engine.instance)
        deployment.prepare()
        before = inventory(engine.endpoint.environment())
        stack = deployment.apply()
        yield Applied(before, deployment, stack, snapshot.take(deployment, stack, artifacts, key), engine)


def test_apply_creates_every_kind_of_resource(applied: Applied) -> None:
    kinds = {entry.rsplit(" ", 1)[0] for entry in inventory(applied.engine.endpoint.environment()) - applied.before}

    assert kinds >= KINDS


def test_second_plan_is_empty(applied: Applied) -> None:
    plan = applied.deployment.terraform.plan()

    assert plan.is_empty, str(plan)


@pytest.mark.parametrize("refresh", ["true", "false"])
def test_second_plan_passes_the_gate(applied: Applied, refresh: str) -> None:
    """A state shows what AWS has computed, and zeros for what was never sent: no rule may take that for a value.

    Before it is read again, it shows what each resource was when it was created.
    """
    environment = applied.deployment.environment
    plan = applied.deployment.terraform.plan([f"-refresh={refresh}"])

    findings = findings_on(plan, environment, frozenset(), full=False, today=datetime.now(UTC).date())

    assert not findings, "\n".join(map(str, findings))


def test_state_is_in_the_backend_under_the_environments_key(applied: Applied) -> None:
    s3 = applied.stack.session.client("s3", endpoint_url=applied.stack.endpoint_url)

    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=applied.deployment.state_bucket)["Contents"]]

    assert keys == [f"{applied.deployment.environment}/terraform.tfstate"]  # and no lock file


@pytest.mark.parametrize("applied", on(*sorted({*environments()} - {PROTECTED})), indirect=True)
def test_clone_has_the_complete_stack_and_destroy_leaves_nothing(applied: Applied) -> None:
    environment = applied.deployment.environment
    with applied.snapshot.clone(f"destroy-{environment}") as (_, engine):
        assert inventory(engine.endpoint.environment()) == inventory(applied.engine.endpoint.environment())
        clone = prepared(environment, engine, BUILD / "terraform" / engine.instance, applied.deployment.artifacts)

        clone.terraform.destroy()

        assert inventory(engine.endpoint.environment()) == applied.before


@pytest.mark.parametrize("applied", on(PROTECTED), indirect=True)
def test_table_of_a_protected_environment_cannot_be_deleted(applied: Applied) -> None:
    dynamodb = applied.stack.session.client("dynamodb", endpoint_url=applied.stack.endpoint_url)

    with pytest.raises(ClientError, match=r"(?i)deletion ?protection"):
        dynamodb.delete_table(TableName=applied.stack.table_name)


@pytest.mark.parametrize("applied", on(PROTECTED), indirect=True)
def test_bucket_of_a_protected_environment_keeps_its_content(applied: Applied) -> None:
    state = applied.deployment.terraform.show_json()

    buckets = list(resources(state["values"]["root_module"], "aws_s3_bucket"))

    assert buckets
    assert not [bucket["bucket"] for bucket in buckets if bucket["force_destroy"]]


@pytest.mark.parametrize("applied", on(PROTECTED), indirect=True)
def test_production_has_no_previews(applied: Applied) -> None:
    deployment = applied.deployment
    variables = {**deployment.variables(), "TF_WORKSPACE": "preview"}
    terraform = Terraform(
        deployment.terraform.root,
        env=variables,
        data_dir=deployment.terraform.data_dir,
        log_dir=BUILD / "terraform" / "apply-prod-workspace",
    )

    with pytest.raises(TerraformError, match=r"prod has no previews .*terraform workspace select default"):
        terraform.plan()


@pytest.mark.parametrize("applied", on(PROTECTED), indirect=True)
def test_a_protected_environment_is_removed_with_its_runbook(
    applied: Applied, reader: Callable[[Deployment], Reader]
) -> None:
    with applied.snapshot.clone(f"destroy-{PROTECTED}") as (stack, engine):
        assert inventory(engine.endpoint.environment()) == inventory(applied.engine.endpoint.environment())
        s3 = stack.session.client("s3", endpoint_url=stack.endpoint_url)
        s3.put_object(Bucket=stack.documents_bucket, Key="2026/11/one.pdf", Body=b"%PDF-")
        clone = prepared(PROTECTED, engine, BUILD / "terraform" / engine.instance, applied.deployment.artifacts)

        done = reader(clone).types("retire-production.md")

        assert "0 to add," in done[1].output  # only the protections change before the end
        assert "0 to destroy." in done[1].output
        assert "Destroy complete!" in done[-1].output
        assert inventory(engine.endpoint.environment()) == applied.before


def resources(module: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """The attributes of all resources of a type, in a module of the state and in its child modules."""
    yield from (resource["values"] for resource in module.get("resources", ()) if resource["type"] == kind)
    for child in module.get("child_modules", ()):
        yield from resources(child, kind)
