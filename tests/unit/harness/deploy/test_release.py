"""The record of releases, the stages, the way back: what they do with the aliases as they are."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from harness.deploy import applied_code
from harness.deploy.release import LiveAlias, ReleaseInputs, ReleaseRecord, ReleaseStore, live_aliases
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.rollback import Step, confirm, roll_back, roll_back_in_emergency, way_back
from harness.deploy.stages import Stages, changing, deploy_all_at_once
from harness.deploy.steps import Steps
from harness.errors import HarnessError
from harness.terraform.plan import TerraformPlan
from tests.unit.harness.deploy.test_pipeline import change, plan_of

NAMES = {"get": "get-dev", "list": "list-dev"}


class Bucket:
    """S3 with one bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        del Bucket
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": _Body(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803 - as boto3
        del Bucket, ContentType
        self.objects[Key] = Body


class _Body:
    def __init__(self, content: bytes) -> None:
        self.read = lambda: content


class Functions:
    """Lambda with functions whose alias has these versions and weights, and that have published some versions."""

    def __init__(self, **aliases: tuple[str, dict[str, float]]) -> None:
        self.aliases = {f"{name}-dev": alias for name, alias in aliases.items()}
        self.code: list[tuple[str, str]] = []
        self.zips: dict[str, bytes] = {}
        self.unreachable = False

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        del Name
        if FunctionName not in self.aliases:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "GetAlias")
        version, weights = self.aliases[FunctionName]
        routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
        return {"FunctionVersion": version, **routing}

    def update_alias(self, *, FunctionName: str, FunctionVersion: str, **_: Any) -> None:  # noqa: N803 - as boto3
        if self.unreachable:
            raise ClientError({"Error": {"Code": "ServiceException", "Message": ""}}, "UpdateAlias")
        self.aliases[FunctionName] = (FunctionVersion, {})

    def get_paginator(self, _operation: str) -> "Functions":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Versions": [{"Version": version} for version in ("$LATEST", "1", "2", "3")]}]

    def get_function_configuration(self, **request: str) -> dict[str, str]:
        if request["FunctionName"] in self.zips:
            digest = hashlib.sha256(self.zips[request["FunctionName"]]).digest()
            return {"CodeSha256": base64.b64encode(digest).decode()}
        return {"CodeSha256": "q80=" if request["Qualifier"] == "2" else "7/4="}  # abcd, effe

    def update_function_code(self, *, FunctionName: str, S3Bucket: str, S3Key: str) -> None:  # noqa: N803 - as boto3
        self.code.append((FunctionName, f"{S3Bucket}/{S3Key}"))

    def get_waiter(self, _name: str) -> "Functions":
        return self

    def wait(self, **_: Any) -> None:
        pass

    def publish_version(self, **_: Any) -> dict[str, str]:
        return {"Version": str(8 + len(self.code))}


class Terraform:
    """Terraform whose plan moves an alias, or fails; what it applies is counted."""

    def __init__(self, *plans: TerraformPlan | HarnessError) -> None:
        self._plans = list(plans)
        self.options: list[list[str]] = []
        self.applied = 0

    def plan(self, options: list[str], *, out: Path | None = None) -> TerraformPlan:
        self.options.append(list(options))
        plan = self._plans.pop(0) if len(self._plans) > 1 else self._plans[0]
        if isinstance(plan, HarnessError):
            raise plan
        if out:
            out.write_bytes(b"plan")
        return plan

    def apply(self, *_: Any, **__: Any) -> None:
        self.applied += 1

    def output(self) -> dict[str, Any]:
        return {"stack": {"functions": NAMES}}

    def state(self) -> dict[str, Any]:
        return {}


def _s3() -> Any:
    return Bucket()


def moved(name: str = "get", before: str = "1", after: str = "2") -> dict[str, Any]:
    """The change of an alias."""
    alias = {"name": "live", "function_name": f"{name}-dev"}
    versions = ({**alias, "function_version": version} for version in (before, after))
    return change(f"aws_lambda_alias.{name}", "update", **dict(zip(("before", "after"), versions, strict=True)))


MOVES = plan_of(moved())
EMPTY = plan_of()


@pytest.fixture
def no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.deploy.steps.findings_on", lambda *_, **__: [])


def stages(folder: Path, terraform: Any, functions: Any, bucket: Any = None) -> Stages:
    request = DeployRequest("dev", confirm=lambda: True)
    steps = Steps(terraform, request, DeployReport("dev", "embedded"), folder / "plan.tfplan")
    s3: Any = bucket or Bucket()
    return Stages(steps, ReleaseStore(s3, "states", "dev"), functions)


def record(*releases: dict[str, str], **rest: Any) -> ReleaseRecord:
    history = [{"at": "2026-11-29", "versions": versions} for versions in releases]
    return ReleaseRecord.model_validate({"history": history, **rest})


def test_inputs_are_written_for_terraform_and_without_a_stable_version_there_are_none(tmp_path: Path) -> None:
    file = tmp_path / "release.tfvars.json"

    options = ReleaseInputs({"get": "1"}, 0.1).options(file)

    assert options == (f"-var-file={file}",)
    assert json.loads(file.read_text(encoding="utf-8")) == {"release": {"stable": {"get": "1"}, "weight": 0.1}}
    assert ReleaseInputs().options(file) == ()


def test_aliases_that_do_not_exist_are_left_out() -> None:
    aliases = live_aliases(Functions(get=("1", {"2": 0.1})), NAMES)

    assert aliases == {"get": LiveAlias("get-dev", "1", {"2": 0.1})}
    assert aliases["get"].newest == "2"


def test_the_aliases_decide_what_of_a_record_is_true() -> None:
    kept = record(stable={"get": "1", "list": "4"}, reason="bad")

    moved_since = kept.agreeing_with({"get": LiveAlias("get-dev", "2"), "list": LiveAlias("list-dev", "4")})
    in_progress = record().agreeing_with({"get": LiveAlias("get-dev", "1", {"2": 0.1})})

    assert (moved_since.stable, moved_since.weight) == ({"list": "4"}, 0)
    assert in_progress.inputs == ReleaseInputs({"get": "1"}, 0.1)


def test_only_different_releases_are_kept_and_only_so_many() -> None:
    known = record()
    for number in range(1, 20):
        known = known.all_at_once({"get": str(number)}).all_at_once({"get": str(number)})

    assert [release.versions["get"] for release in known.history] == [str(number) for number in range(9, 20)]


@pytest.mark.parametrize(
    ("current", "before"),
    [
        ({"get": "3", "list": "2"}, {"get": "1"}),
        ({"get": "1", "list": "2"}, {"list": "1"}),  # after that rollback, one more
        ({"get": "1", "list": "1"}, {}),
        ({"get": "7", "list": "2"}, {"get": "3"}),  # what was deployed without a record
    ],
)
def test_the_release_before_is_the_last_one_with_earlier_versions(
    current: dict[str, str], before: dict[str, str]
) -> None:
    known = record({"get": "1", "list": "1"}, {"get": "1", "list": "2"}, {"get": "3", "list": "2"})

    assert known.before(current) == before


def test_what_was_rolled_back_is_not_what_a_later_rollback_goes_back_to() -> None:
    known = record({"get": "1"}, {"get": "2"}, {"get": "3"}).released({"get": "2"}).all_at_once({"get": "4"})

    assert known.before({"get": "4"}) == {"get": "2"}
    assert known.before({"get": "2"}) == {"get": "1"}


def test_a_rollback_undoes_a_release_in_progress_and_nothing_else() -> None:
    functions = Functions(get=("2", {"3": 0.1}), list=("4", {}))
    aliases = live_aliases(functions, NAMES)

    steps = way_back(functions, record({"get": "1", "list": "1"}, {"get": "2", "list": "4"}), aliases, set())

    assert steps == [Step("get", "get-dev", "3", "2")]


@pytest.mark.parametrize(
    ("aliases", "targets"),
    [
        pytest.param({"get": ("3", {}), "list": ("4", {})}, {"get": "2"}, id="one alias was moved"),
        pytest.param({"get": ("2", {"3": 0.1}), "list": ("5", {})}, {"get": "2", "list": "4"}, id="a stage too"),
        pytest.param({"get": ("2", {}), "list": ("4", {})}, {}, id="none was moved: nothing earlier is taken instead"),
    ],
)
def test_a_rollback_undoes_a_deploy_that_has_not_ended(
    aliases: dict[str, tuple[str, dict[str, float]]], targets: dict[str, str]
) -> None:
    functions = Functions(**aliases)
    known = record({"get": "1", "list": "1"}, {"get": "2", "list": "4"}, unfinished={"get": "2", "list": "4"})

    steps = way_back(functions, known, live_aliases(functions, NAMES), set())

    assert {step.name: step.target for step in steps} == targets


@pytest.mark.usefixtures("no_findings")
@pytest.mark.parametrize("failure", [HarnessError("Terraform failed", remedy="Look at it."), KeyboardInterrupt()])
def test_a_deploy_is_recorded_before_it_applies_and_until_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    monkeypatch.setattr("harness.deploy.steps.concurrency.check", lambda *_: None)
    bucket, functions = Bucket(), Functions(get=("1", {}), list=("2", {}))
    release = stages(tmp_path, Terraform(MOVES), functions, bucket)

    with monkeypatch.context() as failing:
        failing.setattr(Terraform, "apply", MagicMock(side_effect=failure))
        with pytest.raises(type(failure)):
            deploy_all_at_once(release)
    interrupted = release.store.load().unfinished
    functions.aliases["get-dev"] = ("2", {})
    deploy_all_at_once(release)

    assert interrupted == {"get": "1", "list": "2"}
    assert release.store.load().unfinished == {}


@pytest.mark.usefixtures("no_findings")
def test_a_deploy_that_applies_nothing_is_not_recorded(tmp_path: Path) -> None:
    release = stages(tmp_path, Terraform(HarnessError("locked", remedy="wait")), Functions(get=("1", {})))

    with pytest.raises(HarnessError, match="locked"):
        deploy_all_at_once(release)

    assert release.store.load() == record()


def test_without_a_record_a_rollback_takes_the_version_below() -> None:
    functions = Functions(get=("3", {}), list=("1", {}))

    steps = way_back(functions, record(), live_aliases(functions, NAMES), set())

    assert [(step.name, step.target) for step in steps] == [("get", "2")]


@pytest.mark.parametrize(("names", "message"), [({"pay"}, "no function 'pay'"), ({"list"}, "No earlier release")])
def test_a_rollback_to_nothing_is_an_error(names: set[str], message: str) -> None:
    functions = Functions(get=("3", {}), list=("1", {}))

    with pytest.raises(HarnessError, match=message):
        way_back(functions, record(), live_aliases(functions, NAMES), names)


def test_a_rollback_moves_the_aliases_and_records_why() -> None:
    functions, store = Functions(get=("3", {}), list=("1", {})), ReleaseStore(_s3(), "states", "dev")

    inputs = roll_back(functions, store, {"functions": NAMES}, [])

    assert functions.aliases["get-dev"] == ("2", {})
    assert inputs == ReleaseInputs({"get": "2"}, 0) == store.load().inputs
    assert store.load().history[-1].versions == {"get": "2", "list": "1"}


def test_a_rollback_that_nothing_can_do_says_so() -> None:
    functions = Functions(get=("3", {}), list=("1", {}))
    functions.unreachable = True

    with pytest.raises(HarnessError, match=r"(?s)may still be in progress.*rollback -- dev"):
        roll_back(functions, ReleaseStore(_s3(), "states", "dev"), {"functions": NAMES}, [])


@pytest.mark.usefixtures("no_findings")
def test_terraform_confirms_a_rollback_and_shows_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terraform = Terraform(EMPTY, MOVES)

    confirm(stages(tmp_path, terraform, Functions()), ReleaseInputs({"get": "2"}, 0))

    assert terraform.applied == 1  # an empty plan: the state is what it has read
    assert "aws_lambda_alias.get" in capsys.readouterr().out


@pytest.mark.usefixtures("no_findings")
@pytest.mark.parametrize("plan", [MOVES, HarnessError("locked", remedy="wait")])
def test_a_rollback_does_not_depend_on_terraform(
    tmp_path: Path, plan: TerraformPlan | HarnessError, capsys: pytest.CaptureFixture[str]
) -> None:
    terraform = Terraform(plan)

    confirm(stages(tmp_path, terraform, Functions()), ReleaseInputs({"get": "2"}, 0))

    assert terraform.applied == 0
    assert "Callers have the versions before" in capsys.readouterr().out


@pytest.mark.usefixtures("no_findings")
def test_a_stage_that_changes_more_than_aliases_is_not_applied(tmp_path: Path) -> None:
    terraform = Terraform(plan_of(moved(), change("aws_sqs_queue.q", "create", after={})))

    with pytest.raises(HarnessError, match=r"more than aliases \(aws_sqs_queue.q\)"):
        stages(tmp_path, terraform, Functions()).move(ReleaseInputs())

    assert terraform.applied == 0


def test_an_emergency_takes_the_code_from_the_artifacts_bucket() -> None:
    functions, store = Functions(get=("3", {}), list=("1", {})), ReleaseStore(_s3(), "states", "dev")
    store.save(record({"get": "2", "list": "1"}, {"get": "3", "list": "1"}))

    roll_back_in_emergency(functions, store, {"functions": NAMES, "artifacts_bucket": "zips"}, ["get"])

    assert [release.versions["get"] for release in store.load().history] == ["2", "9"]
    assert functions.code == [("get-dev", f"zips/functions/get/{digest}.zip") for digest in ("abcd", "effe")]
    assert functions.aliases["get-dev"] == ("9", {})
    assert store.load().inputs == ReleaseInputs({"get": "9"}, 0)


def test_a_plan_tells_which_functions_get_a_new_version() -> None:
    aliases = live_aliases(Functions(get=("2", {}), list=("1", {})), NAMES)
    created = change("aws_lambda_alias.pay", "create", after={"name": "live", "function_name": "pay-dev"})

    assert changing(plan_of(moved("get"), moved("list"), created), aliases) == {"list": "1"}


def test_an_alias_with_weights_counts_as_moved_wherever_the_state_believes_it_is() -> None:
    aliases = live_aliases(Functions(get=("1", {"2": 0.1}), list=("2", {})), NAMES)

    assert changing(plan_of(moved("get"), moved("list")), aliases) == {"get": "1"}


def test_a_record_that_is_none_is_an_error() -> None:
    bucket = Bucket()
    bucket.objects["dev/release.json"] = b'{"history": 1}'

    with pytest.raises(HarnessError, match=r"dev/release.json is not a record"):
        ReleaseStore(bucket, "states", "dev").load()  # type: ignore[arg-type]


def state_with(**zips: bytes) -> dict[str, Any]:
    """A state in which functions have these zips."""
    instances = [
        {
            "attributes": {
                "function_name": f"{name}-dev",
                "s3_bucket": "zips",
                "s3_key": f"functions/{name}/{hashlib.sha256(content).hexdigest()}.zip",
            }
        }
        for name, content in zips.items()
    ]
    return {"resources": [{"mode": "managed", "type": "aws_lambda_function", "instances": instances}]}


def test_code_that_a_killed_apply_has_replaced_is_put_back_and_no_alias_moves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Terraform's provider would not notice, and give callers the newest version: that of the killed deploy."""
    functions = Functions(get=("3", {}), list=("1", {}))
    functions.zips = {"get-dev": b"killed", "list-dev": b"applied"}
    digest = hashlib.sha256(b"applied").hexdigest()

    restored = applied_code.restore(functions, state_with(get=b"applied", list=b"applied"))

    assert restored == ["get-dev"]
    assert functions.code == [("get-dev", f"zips/functions/get/{digest}.zip")]
    assert functions.aliases["get-dev"] == ("3", {})
    assert "get-dev had other code than Terraform has applied" in capsys.readouterr().out
