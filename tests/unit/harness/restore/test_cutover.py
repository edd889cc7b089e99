"""The cut-over: what the state has, which grants come first, and which plans are not applied."""

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.steps import Steps
from harness.errors import HarnessError
from harness.policy.finding import Finding
from harness.restore import cutover
from harness.restore.cutover import MODULE, TABLE, Cutover, grants_on, table_in
from harness.terraform.plan import TerraformPlan
from tests.unit.harness.deploy.test_pipeline import plan_of

FUNCTION = 'module.shop.module.function["pack"]'
MAPPING = f"{FUNCTION}.aws_lambda_event_source_mapping.this"


def a_resource(address: str, **attributes: Any) -> dict[str, Any]:
    """A managed resource of a state, without or with one key."""
    module, kind, name = address.rsplit(".", 2)
    name, _, key = name.partition("[")
    instance = {"attributes": attributes, **({"index_key": key.strip('"]')} if key else {})}
    return {"mode": "managed", "module": module, "type": kind, "name": name, "instances": [instance]}


def change(address: str, *actions: str) -> dict[str, Any]:
    """A change of a plan; what is updated or replaced differs."""
    kind, name = address.rsplit(".", 2)[1:]
    values = {"before": {"x": 1}, "after": {"x": 2}, "after_unknown": {}}
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "change": {"actions": [*actions], **values},
    }


def a_state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 4, "resources": [*resources]}


class FakeTerraform:
    """Terraform with a state and plans, which remembers what it was told to do."""

    def __init__(self, state: dict[str, Any], *plans: TerraformPlan) -> None:
        self._state, self._plans = state, [*plans]
        self.calls: list[Any] = []

    def state(self) -> dict[str, Any]:
        return self._state

    def forget(self, address: str) -> None:
        self.calls.append(("forget", address))

    def take_over(self, address: str, identity: str, options: Any) -> None:
        self.calls.append(("import", address, identity, tuple(options)))

    def plan(self, options: list[str], *, out: Path) -> TerraformPlan:
        out.write_bytes(b"plan")
        self.calls.append(("plan", *[option for option in options if option.startswith(("-t", "-re"))]))
        return self._plans.pop(0)

    def apply(self, *_: Any, **__: Any) -> None:
        self.calls.append(("apply",))


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The plans that the gate has seen, with its permissions; it finds nothing."""
    seen: list[Any] = []

    def findings_on(plan: TerraformPlan, _: str, allowed: frozenset[str], **__: Any) -> list[Finding]:
        seen.append((plan, allowed))
        return []

    monkeypatch.setattr("harness.deploy.steps.findings_on", findings_on)
    return seen


def a_cutover(terraform: FakeTerraform, folder: Path) -> Cutover:
    request = DeployRequest("prod", full_gate=False, options=("-var=table_name=invoices-x-prod",))
    steps = Steps(terraform, request, DeployReport("prod", "embedded"), folder / "plan")  # type: ignore[arg-type]
    return Cutover(steps, "invoices-x-prod", "invoices-prod")


def test_the_restored_table_is_imported_in_place_of_the_one_in_use(tmp_path: Path) -> None:
    terraform = FakeTerraform(a_state(a_resource(TABLE, name="invoices-prod")))

    a_cutover(terraform, tmp_path).import_table("invoices-x-prod")

    assert terraform.calls == [
        ("forget", TABLE),
        ("import", TABLE, "invoices-x-prod", ("-var=table_name=invoices-x-prod",)),
    ]


def test_an_import_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    without, done = FakeTerraform(a_state()), FakeTerraform(a_state(a_resource(TABLE, name="invoices-x-prod")))

    a_cutover(without, tmp_path).import_table("invoices-x-prod")
    a_cutover(done, tmp_path).import_table("invoices-x-prod")

    assert [call[0] for call in without.calls] == ["import"]
    assert done.calls == []


def test_the_table_and_the_grants_on_the_old_one_come_first(tmp_path: Path, judged: list[Any]) -> None:
    grant = f"{FUNCTION}.aws_iam_role_policy.this"
    policy = '{"Resource": ["arn:aws:dynamodb:r:1:table/invoices-prod", "arn:aws:dynamodb:r:1:table/invoices-prod/*"]}'
    state = a_state(a_resource(grant, policy=policy))
    terraform = FakeTerraform(state, plan_of(change(TABLE, "update")))

    counts = a_cutover(terraform, tmp_path).set_up_table("invoices-prod")

    assert terraform.calls == [("plan", "-refresh=false", f"-target={MODULE}", f"-target={grant}"), ("apply",)]
    assert counts == {"update": 1}
    assert judged == []  # the gate has judged all of it before


@pytest.mark.parametrize(
    ("address", "policy"),
    [
        (f"{FUNCTION}.aws_iam_role_policy.this", '"arn:aws:dynamodb:r:1:table/invoices-prod-2"'),
        (f"{FUNCTION}.aws_iam_role_policy.this", '"arn:aws:dynamodb:r:1:table/invoices"'),
        (f"{FUNCTION}.aws_sqs_queue.this", '"arn:aws:dynamodb:r:1:table/invoices-prod"'),
    ],
)
def test_other_tables_and_other_resources_are_no_grants_on_it(address: str, policy: str) -> None:
    assert grants_on(a_state(a_resource(address, policy=policy)), "invoices-prod") == []


def test_a_policy_with_a_key_has_its_address() -> None:
    state = a_state(a_resource('module.shop.aws_iam_role_policy.this["pack"]', policy='"x:table/orders"'))

    assert grants_on(state, "orders") == ['module.shop.aws_iam_role_policy.this["pack"]']


def test_a_plan_that_replaces_the_table_is_never_applied(tmp_path: Path, judged: list[Any]) -> None:
    terraform = FakeTerraform(a_state(), plan_of(change(TABLE, "delete", "create")))

    with pytest.raises(HarnessError, match="is deleted"):
        a_cutover(terraform, tmp_path).follow()

    assert ("apply",) not in terraform.calls
    assert judged[0][1] == {TABLE}


def test_the_gate_sees_the_own_name_and_may_replace_the_reader(tmp_path: Path, judged: list[Any]) -> None:
    reader = change(MAPPING, "delete", "create")
    document = plan_of(change(TABLE, "update"), reader).raw
    renamed = TerraformPlan.from_json({**document, "variables": {"table_name": {"value": "invoices-x-prod"}}})
    terraform = FakeTerraform(a_state(), renamed)

    a_cutover(terraform, tmp_path).judge()

    [(plan, allowed)] = judged
    assert plan.raw["variables"]["table_name"]["value"] == "invoices-prod"
    assert allowed == {TABLE, MAPPING}


def test_what_the_gate_rejects_is_not_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = MagicMock(spec=Finding, address="module.shop.aws_x.y", remedy="fix it")
    monkeypatch.setattr("harness.deploy.steps.findings_on", lambda *_, **__: [finding])
    monkeypatch.setattr(cutover, "show_findings", lambda _: None)
    terraform = FakeTerraform(a_state(), plan_of(change(TABLE, "update")))

    with pytest.raises(HarnessError, match="rejected by the gate"):
        a_cutover(terraform, tmp_path).follow()

    assert ("apply",) not in terraform.calls


def stopped(address: str, **after: Any) -> dict[str, Any]:
    changed = change(address, "update")
    changed["change"]["before"] = {"reserved_concurrent_executions": 0, "timeout": 3}
    changed["change"]["after"] = {"reserved_concurrent_executions": 5, "timeout": 3, **after}
    return changed


def test_functions_that_stand_still_already_are_no_difference(tmp_path: Path) -> None:
    address = f"{FUNCTION}.aws_lambda_function.this"
    only = FakeTerraform(a_state(), plan_of(stopped(address)))
    more = FakeTerraform(a_state(), plan_of(stopped(address, timeout=9)))

    a_cutover(only, tmp_path).check_settled()
    with pytest.raises(HarnessError, match="differs from what is deployed"):
        a_cutover(more, tmp_path).check_settled()


def test_a_plan_that_is_not_empty_at_the_end_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="still differs"):
        a_cutover(FakeTerraform(a_state(), plan_of(change(TABLE, "update"))), tmp_path).check_complete()


def test_the_state_says_which_table_it_has() -> None:
    assert table_in(a_state(a_resource(TABLE, name="invoices-prod"))) == "invoices-prod"
    assert table_in(a_state()) == ""
    assert table_in({}) == ""
