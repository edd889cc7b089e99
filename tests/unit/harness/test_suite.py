"""The whole suite: what computes runs beside what waits, nothing that failed is lost, and one table ends it."""

import json
import os
import time
from pathlib import Path

import pytest

from harness import suite


@pytest.fixture
def nox(tmp_path: Path) -> str:
    """A program in place of the Python that has nox: it writes its session's name, and fails in `bad`."""
    program = tmp_path / "nox"
    program.write_text(
        "#!/bin/sh\n"
        "for last; do :; done\n"
        f'date +%s%N >>"{tmp_path}/$last.times"; echo "session $last"; sleep 0.2; nice >"{tmp_path}/$last.nice"\n'
        f'date +%s%N >>"{tmp_path}/$last.times"\n'
        '[ "$last" != bad ] || { echo "=== FAILURES ==="; echo "it broke"; exit 3; }\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return str(program)


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the figures, which must not replace those of this checkout."""
    monkeypatch.setattr("harness.results.BUILD", tmp_path)
    return tmp_path / "results"


def span(folder: Path, session: str) -> tuple[int, int]:
    start, end = (folder / f"{session}.times").read_text().split()
    return int(start), int(end)


def test_sessions_on_an_engine_have_a_lane_of_their_own() -> None:
    assert suite.lanes(["unit", "apply", "plan", "e2e"]) == [["unit", "plan"], ["apply", "e2e"]]
    assert suite.lanes(["unit"]) == [["unit"]]


def test_a_lane_that_has_ended_takes_over_the_last_sessions_of_the_other(tmp_path: Path, nox: str) -> None:
    suite.run(["unit", "plan", "contract", "apply"], nox, tmp_path / "logs")

    apply, plan, contract = (span(tmp_path, name) for name in ("apply", "plan", "contract"))
    assert apply[1] <= contract[0], "two sessions of one lane ran at a time"
    assert contract[0] < plan[1], "contract waited for plan"


def test_one_session_of_each_lane_runs_at_a_time(tmp_path: Path, nox: str) -> None:
    outcomes = suite.run(["unit", "apply", "e2e"], nox, tmp_path / "logs")

    assert [(outcome.session, outcome.passed) for outcome in outcomes] == [
        ("unit", True),
        ("apply", True),
        ("e2e", True),
    ]
    unit, apply, e2e = (span(tmp_path, name) for name in ("unit", "apply", "e2e"))
    assert unit[0] < apply[1]
    assert apply[0] < unit[1], "apply did not run beside unit"
    assert apply[1] <= e2e[0], "e2e did not wait for apply"
    assert (tmp_path / "logs/unit.log").read_text() == "session unit\n"


def test_what_computes_leaves_the_processor_to_what_an_engine_times(tmp_path: Path, nox: str) -> None:
    suite.run(["unit", "apply"], nox, tmp_path / "logs")

    unit, apply = (int((tmp_path / f"{name}.nice").read_text()) for name in ("unit", "apply"))
    assert unit == min(apply + suite.NICENESS, 19)


def test_a_failure_does_not_stop_the_others_and_ends_the_output(
    tmp_path: Path, nox: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, results: Path
) -> None:
    monkeypatch.setattr(suite.run, "__defaults__", (tmp_path / "logs",))

    code = suite.main(["--nox", nox, "bad", "unit"])

    printed = capsys.readouterr().out
    assert code == 1
    assert printed.index("✓ unit") < printed.index("=== FAILURES ===\nit broke") < printed.index("./noxw -s bad")
    assert "1 of 2 sessions failed" in printed
    figures = json.loads((results / "suite.json").read_text(encoding="utf-8"))["sessions"]
    assert [(row["session"], row["exit_code"]) for row in figures] == [("bad", 3), ("unit", 0)]
    assert "it broke" in Path(figures[0]["log"]).read_text(encoding="utf-8")


def test_all_passed(
    nox: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite.run, "__defaults__", (tmp_path / "logs",))

    assert suite.main(["--nox", nox, "unit"]) == 0
    assert "All 1 passed in 0 min 0 s" in capsys.readouterr().out


def test_the_figures_of_other_sessions_are_kept(nox: str, tmp_path: Path, results: Path) -> None:
    for session in ("bad", "unit", "unit"):
        suite.leave_figures([suite.run_session(session, nox, tmp_path / "logs")], 1.0)

    rows = json.loads((results / "suite.json").read_text(encoding="utf-8"))["sessions"]
    (results / "suite.json").write_text("{", encoding="utf-8")
    suite.leave_figures([], 1.0)  # a damaged file is replaced

    assert [(row["session"], row["exit_code"]) for row in rows] == [("unit", 0), ("bad", 3)]
    assert json.loads((results / "suite.json").read_text(encoding="utf-8"))["sessions"] == []


def test_the_counts_of_this_run_are_shown_and_not_those_of_an_earlier_one(
    tmp_path: Path, nox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "BUILD", tmp_path)
    results = tmp_path / "results"
    results.mkdir()
    (results / "unit.json").write_text(json.dumps({"passed": 2590, "failed": 0, "skipped": 1}))
    (results / "plan.json").write_text(json.dumps({"passed": 7}))
    os.utime(results / "unit.json", (time.time() + 60,) * 2)
    os.utime(results / "plan.json", (time.time() - 60,) * 2)

    figures = [suite.run_session(name, nox, tmp_path / "logs").figures for name in ("unit", "plan")]

    assert figures == ["2,590 passed, 1 skipped", ""]


def test_an_excerpt_begins_at_the_failures_and_says_what_it_leaves_out() -> None:
    report = "collected 3 items\n..F\n=========== FAILURES ===========\nassert 1 == 2\n1 failed"

    assert suite.excerpt(report) == "=========== FAILURES ===========\nassert 1 == 2\n1 failed"
    assert suite.excerpt("one\ntwo\nthree", lines=2) == "[... 1 lines before]\ntwo\nthree"
