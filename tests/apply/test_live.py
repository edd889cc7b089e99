"""Every live environment, unmodified: it applies, its second plan is empty, and destroy leaves nothing behind."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness import snapshot
from harness.engine import EmbeddedEngine, engine_for
from harness.inventory import inventory
from harness.paths import BUILD
from harness.snapshot import Snapshot
from harness.stack import Deployment, Stack, artifacts_of, build_for, environments


@dataclass(frozen=True)
class Applied:
    """An environment applied in this very run, on an engine that was empty before."""

    before: set[str]
    deployment: Deployment
    stack: Stack
    snapshot: Snapshot
    engine: EmbeddedEngine


@pytest.fixture(scope="module", params=environments())
def applied(request: pytest.FixtureRequest) -> Iterator[Applied]:
    environment: str = request.param
    engine = engine_for(instance=f"apply-{environment}", port="auto")
    artifacts = build_for(engine)
    key = snapshot.key_of(environment, artifacts)
    engine.start(tied=True)
    try:
        engine.wait_healthy(timeout_s=60)
        deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / engine.instance)
        deployment.prepare()
        before = inventory(engine.environment())
        stack = deployment.apply()
        yield Applied(before, deployment, stack, snapshot.take(deployment, stack, artifacts, key), engine)
    finally:
        engine.stop()


def deployment_on(applied: Applied, engine: EmbeddedEngine) -> Deployment:
    """The same live folder on a clone of the engine, initialised against the clone's copy of the state."""
    deployment = Deployment(
        applied.deployment.environment, engine, applied.deployment.artifacts, BUILD / "terraform" / engine.instance
    )
    deployment.prepare()
    return deployment


def test_apply_makes_something_of_every_kind_that_the_inventory_knows_of(applied: Applied) -> None:
    kinds = {entry.rsplit(" ", 1)[0] for entry in inventory(applied.engine.environment()) - applied.before}

    assert kinds >= {
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
        "sns subscription",
        "sns topic",
        "sqs queue",
    }


def test_second_plan_is_empty(applied: Applied) -> None:
    plan = applied.deployment.terraform.plan()

    assert plan.is_empty, str(plan)


def test_state_lies_in_the_backend_under_the_environments_own_key(applied: Applied) -> None:
    s3 = applied.stack.session.client("s3", endpoint_url=applied.stack.endpoint_url)

    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=applied.deployment.state_bucket)["Contents"]]

    assert keys == [f"{applied.deployment.environment}/terraform.tfstate"]  # and no lock file left behind


def test_clone_carries_the_whole_stack_and_destroy_leaves_nothing(applied: Applied) -> None:
    with applied.snapshot.clone(f"destroy-{applied.deployment.environment}") as (_, engine):
        clone = deployment_on(applied, engine)
        assert inventory(engine.environment()) == inventory(applied.engine.environment())
        plan = clone.terraform.plan()
        assert plan.is_empty, str(plan)

        clone.terraform.destroy()

        assert inventory(engine.environment()) == applied.before
