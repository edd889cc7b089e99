"""A canary: what makes a version bad, when it has been watched enough, and how the release then ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.deploy import canary, canary_drill
from harness.deploy.canary_drill import DrillResult, DrillVersion, most_by_chance
from harness.deploy.canary_judge import Defect, defects, files_needed, is_seen_enough
from harness.deploy.release import LiveAlias, ReleaseInputs
from harness.deploy.request import DeployReport
from harness.deploy.stages import Stages
from harness.deploy.version_figures import Figures, VersionFigures, Watched, new_alarms
from harness.deploy.version_logs import Noted, VersionLogs
from harness.errors import HarnessError
from harness.paths import ROOT
from tests.unit.harness.deploy.test_pipeline import plan_of
from tests.unit.harness.deploy.test_release import EMPTY, MOVES, Bucket, Functions, Terraform, moved, stages

WATCHED = Watched("get", "get-dev", "1", "2", 0.1, memory_mb=512, timeout_s=30)
STABLE = Figures(calls=50, p50_ms=20, p95_ms=40, memory_mb=90)


def found(newest: Figures, stable: Figures = STABLE) -> list[str]:
    return [defect.caught_by for defect in defects([WATCHED], {("get", "1"): stable, ("get", "2"): newest})]


@pytest.mark.parametrize(
    ("newest", "caught_by"),
    [
        pytest.param(Figures(calls=9, errors=1, p50_ms=20), ["metric Errors"], id="fails"),
        pytest.param(Figures(calls=3, p50_ms=2000), ["metric Duration"], id="slow"),
        pytest.param(Figures(calls=3, p50_ms=20, memory_mb=420), ["memory"], id="nearly out of memory"),
        pytest.param(Figures(calls=3, p50_ms=20, memory_mb=250), ["memory"], id="leaks"),
        pytest.param(Figures(calls=3, p50_ms=20, secrets=("the API's key",)), ["log"], id="logs secrets"),
        pytest.param(Figures(calls=3, p50_ms=700, memory_mb=150), [], id="within the limits"),
        pytest.param(Figures(), [], id="not called"),
    ],
)
def test_a_version_is_bad_by_its_figures(newest: Figures, caught_by: list[str]) -> None:
    assert found(newest) == caught_by


def test_what_fails_as_often_as_before_is_not_bad() -> None:
    assert found(Figures(calls=10, errors=1), Figures(calls=10, errors=1)) == []


def test_a_platform_that_was_slow_before_may_stay_so() -> None:
    assert found(Figures(calls=3, p50_ms=2000), Figures(calls=50, p95_ms=900)) == []


@pytest.mark.parametrize(("calls", "uncalled", "enough"), [(2, set(), False), (3, set(), True), (0, {"get"}, True)])
def test_a_version_is_good_only_after_enough_calls(calls: int, uncalled: set[str], *, enough: bool) -> None:
    figures = {("get", "2"): Figures(calls=calls)}

    assert is_seen_enough([WATCHED], figures, frozenset(uncalled)) is enough


class Observed:
    """CloudWatch and its logs: the new version has 3 calls in one minute and 1 in the next, of which one failed."""

    def __init__(self, *messages: str) -> None:
        self._messages = messages
        self._values = {"Invocations": [3.0, 1.0], "Errors": [0.0, 1.0], "p50": [10.0, 50.0], "p95": [20.0, 60.0]}

    def get_paginator(self, operation: str) -> "Observed":
        self.operation = operation
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        if self.operation == "filter_log_events":
            assert request["logGroupName"] == "/aws/lambda/get-dev"
            stream = "2026/11/29/[2]0123"
            events = [
                {"timestamp": 1000 * at, "message": message, "logStreamName": stream}
                for at, message in enumerate(self._messages, 7)
            ]
            return [{"events": [*events, {"timestamp": 1, "message": "x", "logStreamName": "2026/11/29/[1]0"}]}]
        return [{"MetricDataResults": [self._result(query) for query in request["MetricDataQueries"]]}]

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        metric, stat = query["MetricStat"]["Metric"], query["MetricStat"]["Stat"]
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        assert dimensions["Resource"] == "get-dev:live"
        values = self._values[stat if metric["MetricName"] == "Duration" else metric["MetricName"]]
        minutes = [datetime(2026, 11, 29, 12, minute, tzinfo=UTC) for minute in (0, 1)]
        newest = dimensions["ExecutedVersion"] == "2"
        return {"Id": query["Id"], "Timestamps": minutes if newest else [], "Values": values if newest else []}


def test_each_version_has_the_figures_of_its_metrics_and_of_its_log() -> None:
    report = {"type": "platform.report", "record": {"metrics": {"maxMemoryUsedMB": 123}}}
    observed = Observed(json.dumps(report), "the key is SECRET")
    since = datetime(2026, 11, 29, 12, tzinfo=UTC)

    figures = VersionFigures(lambda _: observed, [WATCHED], since, {"the key": "SECRET"}).read()

    assert figures["get", "2"] == Figures(4, 1, 20.0, 60.0, 123, 7.0, ("the key",))
    assert figures["get", "1"] == Figures(first_call=0.001)


def test_a_log_is_read_on_from_where_the_last_read_ended() -> None:
    """Otherwise a release that needs many calls would read ever more, and be taken back for want of time."""
    event = {"message": "the key is SECRET", "logStreamName": "2026/11/29/[2]0123"}

    class Log:
        def __init__(self) -> None:
            self.times_ms = [100_000, 150_000]
            self.starts_ms: list[int] = []

        def get_paginator(self, _: str) -> "Log":
            return self

        def paginate(self, *, startTime: int, **_: Any) -> list[dict[str, Any]]:  # noqa: N803 - as boto3
            self.starts_ms.append(startTime)
            return [{"events": [{**event, "timestamp": at} for at in self.times_ms if at >= startTime]}]

    log = Log()
    logs = VersionLogs("get-dev", datetime.fromtimestamp(90, UTC), {"the key": "SECRET"})
    logs.read(log)
    log.times_ms += [130_000]  # of an environment whose events come later

    noted = logs.read(log)

    assert log.starts_ms == [90_000, 120_000]
    assert noted == {"2": Noted(None, 100.0, ("the key",))}


def test_alarms_that_were_on_before_are_not_held_against_a_release() -> None:
    class CloudWatch:
        def describe_alarms(self, *, AlarmNames: list[str], StateValue: str) -> dict[str, Any]:  # noqa: N803 - as boto3
            assert StateValue == "ALARM"
            return {"MetricAlarms": [{"AlarmName": name} for name in AlarmNames]}

    assert new_alarms(CloudWatch(), ["a", "b"], ["a"]) == ["b"]


class Watch:
    """A watch that decides as told, or is interrupted; its traffic finds nothing, or fails before the release."""

    def __init__(self, outcome: Defect | BaseException | None, before: Defect | None = None) -> None:
        self._outcome, self._rounds = outcome, [before]
        self.traffic = self
        self.awaited = False
        self.look: Any = None

    @contextmanager
    def started(self, _access: Any) -> Iterator["Watch"]:
        yield self

    def begin_anew(self) -> None:
        pass

    def await_calls(self) -> None:
        self.awaited = True

    def read(self) -> None:
        pass

    def round(self) -> Defect | None:
        return self._rounds.pop() if self._rounds else None

    def until_decided(self, _watched: Any) -> Defect | None:
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def rows(self) -> list[dict[str, Any]]:
        return [{"function": "get", "version": "2", "newest": True, "calls": 3, "first_call": 1.0}]


def released(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    watch: Watch,
    *plans: Any,
    functions: Functions | None = None,
    bucket: Bucket | None = None,
) -> tuple[Any, Terraform, BaseException | None]:
    """A release in stages with these plans: what was found out about it, Terraform, and the error that ended it."""
    terraform, functions = Terraform(*plans), functions or Functions(get=("1", {}), list=("2", {}))
    release = stages(folder, terraform, functions, bucket or Bucket())
    monkeypatch.setattr(canary, "Watch", watch)
    monkeypatch.setattr(canary, "watched_functions", lambda *_: [WATCHED])
    monkeypatch.setattr("harness.deploy.steps.findings_on", lambda *_, **__: [])
    monkeypatch.setattr("harness.deploy.steps.concurrency.check", lambda *_: None)
    error = None
    for name, content in (("get", b"new"), ("list", b"same")):
        (folder / f"{name}.zip").write_bytes(content)
    functions.zips = {"get-dev": b"old", "list-dev": b"same"}
    try:
        canary.deploy_in_stages(release, 10, lambda: None, artifacts=folder)  # type: ignore[arg-type,return-value]
    except (HarnessError, KeyboardInterrupt) as failure:
        error = failure
    return release, terraform, error


def test_a_good_release_gets_all_calls_by_a_second_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release, terraform, error = released(monkeypatch, tmp_path, Watch(None), MOVES, MOVES, EMPTY)

    assert error is None
    assert terraform.applied == 2
    stage = [any(option.startswith("-var-file=") for option in options) for options in terraform.options]
    assert stage == [True, False, False]
    assert release.store.load().history[-1].versions == {"get": "1", "list": "2"}
    assert (release.steps.report.canary["outcome"], release.steps.report.canary["settled"]) == ("released", True)


def test_a_bad_release_is_taken_back_with_the_metric_that_said_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = Defect("metric Errors", "1 of 3 calls of get version 2 failed.")

    release, _, error = released(monkeypatch, tmp_path, Watch(bad), MOVES, EMPTY)

    assert "metric Errors" in str(error)
    assert release.steps.report.outcome == "taken back"
    assert json.loads((tmp_path / "release.tfvars.json").read_text())["release"] == {
        "stable": {"get": "1"},
        "weight": 0,
    }
    assert release.store.load().inputs == ReleaseInputs({"get": "1"}, 0)
    assert release.steps.report.canary["caught_by"] == "metric Errors"


@pytest.mark.parametrize(("caught_by", "awaited"), [("check deadline", True), ("metric Errors", False)])
def test_calls_that_may_hang_are_awaited_for_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caught_by: str, *, awaited: bool
) -> None:
    watch = Watch(Defect(caught_by, "reason"))

    released(monkeypatch, tmp_path, watch, MOVES, EMPTY)

    assert watch.awaited is awaited


def test_an_interrupted_release_is_taken_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release, _, error = released(monkeypatch, tmp_path, Watch(KeyboardInterrupt()), MOVES)

    assert isinstance(error, KeyboardInterrupt)
    assert release.aliases()["get"] == LiveAlias("get-dev", "1")
    assert "interrupted" in release.store.load().reason


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), HarnessError("Terraform failed", remedy="Look at it.")])
def test_a_release_whose_apply_does_not_end_well_is_taken_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: BaseException
) -> None:
    """The aliases may have their weights already, and nobody watches."""

    functions = Functions(get=("1", {}), list=("2", {}))

    def end_in_the_middle(*_: object, **__: object) -> None:
        functions.aliases["get-dev"] = ("1", {"2": 0.1})
        raise failure

    monkeypatch.setattr(Terraform, "apply", end_in_the_middle)

    release, _, error = released(monkeypatch, tmp_path, Watch(None), MOVES, functions=functions)

    assert error is failure
    assert release.aliases()["get"] == LiveAlias("get-dev", "1")
    assert release.store.load().inputs == ReleaseInputs({"get": "1"}, 0)
    assert release.steps.report.canary["outcome"] == "taken back"


def test_a_release_that_is_not_confirmed_leaves_the_aliases_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise HarnessError("rejected", remedy="Fix it.")

    monkeypatch.setattr("harness.deploy.stages.carry_out", fail)
    monkeypatch.setattr(Stages, "move_at_once", lambda *_: pytest.fail("the aliases were moved"))

    _, _, error = released(monkeypatch, tmp_path, Watch(None), MOVES)

    assert "rejected" in str(error)


def test_nothing_is_released_on_a_platform_that_fails_already(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watch = Watch(None, before=Defect("check PDF", "PDF: none."))

    _, terraform, error = released(monkeypatch, tmp_path, watch, MOVES)

    assert "already before the release" in str(error)
    assert terraform.applied == 0


def test_a_function_with_new_settings_is_released_in_stages_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both = plan_of(moved("get"), moved("list", "2", "3"))

    release, terraform, error = released(monkeypatch, tmp_path, Watch(None), both, both, MOVES, EMPTY)

    assert error is None
    assert terraform.applied == 2
    assert release.steps.report.canary["stable"] == {"get": "1", "list": "2"}


def test_what_was_taken_back_before_is_part_of_the_first_stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its newest version has the code of this deploy, but callers do not have it: the plan moves them, too."""
    functions, store = Functions(get=("1", {}), list=("2", {})), Bucket()
    store.objects["dev/release.json"] = b'{"stable": {"list": "2"}, "reason": "bad"}'
    both = plan_of(moved("get"), moved("list", "2", "3"))

    release, terraform, error = released(
        monkeypatch, tmp_path, Watch(None), both, MOVES, EMPTY, functions=functions, bucket=store
    )

    assert error is None
    assert terraform.applied == 2
    assert release.steps.report.canary["stable"] == {"get": "1", "list": "2"}


def test_a_function_that_has_no_later_version_is_not_kept_back(tmp_path: Path) -> None:
    functions, store = Functions(list=("3", {})), Bucket()
    store.objects["dev/release.json"] = b'{"stable": {"list": "3"}}'
    release = stages(tmp_path, Terraform(EMPTY), functions, store)

    assert canary.kept_back(release, release.aliases()) == {}


def test_without_a_new_version_a_deploy_has_no_stages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(canary, "with_other_code", lambda *_: {})

    _, terraform, error = released(monkeypatch, tmp_path, Watch(Defect("x", "y")), EMPTY)

    assert error is None
    assert terraform.applied == 0


def test_every_patch_of_the_drill_fits_the_code_and_there_are_twenty_bad_ones(tmp_path: Path) -> None:
    every = canary_drill.versions()
    sources = ROOT / "lambdas"

    for version in every:
        copy = tmp_path / version.id / version.file
        copy.parent.mkdir(parents=True)
        copy.write_text((sources / version.file).read_text(encoding="utf-8"), encoding="utf-8")
        version.apply(tmp_path / version.id)
        compile(copy.read_text(encoding="utf-8"), version.file, "exec")

    assert sum(not version.good for version in every) == 20
    assert sum(version.good for version in every) == 3


def test_a_patch_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n", encoding="utf-8")

    with pytest.raises(HarnessError, match="2 times"):
        DrillVersion(id="v", title="", file="a.py", old="x = 1", new="").apply(tmp_path)


def result(**changed: Any) -> DrillResult:
    report = DeployReport("dev", "embedded")
    rows = [
        {"function": "get", "version": "1", "newest": False, "calls": 95, "first_call": 1.0},
        {"function": "get", "version": "2", "newest": True, "calls": 5, "first_call": 100.0},
        {"function": "list", "version": "2", "newest": True, "calls": 50, "first_call": 2.0},
    ]
    report.canary = {
        "outcome": "taken back", "versions": rows, "taken_back_at": 130.0, "caught_by": "check total", "reason": "r",
        "settled": True, **changed,
    }  # fmt: skip
    version = DrillVersion(id="v", title="", file="", old="", new="", good=changed.get("good", False))
    return DrillResult.of(version, report, frozenset({"get"}), "", 60.0)


def test_the_drill_counts_the_calls_of_the_function_that_the_version_changes() -> None:
    caught = result()

    assert (caught.calls, caught.bad_calls, caught.seconds, caught.failures) == (100, 5, 30.0, [])


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        ({"taken_back_at": 161.0}, "taken back after 61"),
        ({"caught_by": "", "outcome": "released"}, "was not caught"),
        ({"settled": False}, "not empty"),
        ({"good": True}, "a good version was taken back"),
        ({"versions": []}, "taken back after None"),
    ],
)
def test_the_drill_fails_for_what_is_not_as_it_should_be(changed: dict[str, Any], failure: str) -> None:
    assert any(failure in each for each in result(**changed).failures)


@pytest.mark.parametrize(("calls", "most"), [(0, 0), (1, 1), (10, 4), (29, 7), (100, 18), (1000, 123)])
def test_a_version_may_have_more_than_its_share_by_chance_but_not_much_more(calls: int, most: int) -> None:
    """As the binomial distribution's 99th percentile."""
    assert most_by_chance(calls) == most
    rows = [
        {"function": "get", "version": "1", "newest": False, "calls": 100 - 19, "first_call": 1.0},
        {"function": "get", "version": "2", "newest": True, "calls": 19, "first_call": 100.0},
    ]
    assert result(versions=rows).failures == ["it got 19 of 100 calls"]


@pytest.mark.parametrize(("share", "files"), [(0, 1), (0.01, 838), (0.1, 81), (0.5, 14), (1, 3)])
def test_a_version_with_a_share_of_the_calls_gets_enough_of_so_many_files(share: float, files: int) -> None:
    """As the binomial distribution's 99th percentile."""
    assert files_needed(share) == files
