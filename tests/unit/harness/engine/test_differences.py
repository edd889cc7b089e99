"""docs/engines.md agrees with the committed answers, the questions and the table of differences."""

import ast
import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from harness.engine.differences import Difference, table
from harness.paths import ROOT
from tests.conformance import report
from tests.conformance.interactions import INTERACTIONS
from tests.patience import HANG_S

COMMITTED = report.recorded()["answers"]
DIFFERING = {
    (engine, interaction.feature)
    for interaction in INTERACTIONS
    for engine, answer in COMMITTED.get(interaction.feature, {}).items()
    if answer != interaction.expected
}
BOTH = ("embedded", "localstack")
RUNS_ON = {"e2e": BOTH, "apply": BOTH, "updates": BOTH, "engine": ("embedded",)}
"""The folders of tests that run on an engine, each with the values of HARNESS_ENGINE that it supports."""

AGAIN = "to write it again: ./noxw -s conformance"


def test_the_committed_answers_belong_to_the_current_questions() -> None:
    assert report.recorded()["questions"] == report.fingerprint(), AGAIN


def test_the_page_is_up_to_date() -> None:
    assert report.PAGE.read_text(encoding="utf-8") == report.render(report.recorded()["answers"]), AGAIN


def test_every_question_has_an_answer_of_every_engine_that_supports_it() -> None:
    assert report.answered(COMMITTED) == report.askable(), AGAIN


def test_every_answer_that_differs_is_a_known_difference() -> None:
    known = {(row.engine, row.feature) for row in table().differences}

    assert [pair for pair in sorted(DIFFERING) if pair not in known] == []


def test_no_row_is_contradicted_by_an_answer() -> None:
    assert [row.name for row in table().differences if contradicted(row)] == [], f"fixed, or never true; {AGAIN}"


def test_every_row_is_shown_by_a_question_or_a_test_on_its_engine() -> None:
    assert [row.name for row in table().differences if not shown(row, relied_on())] == []


@pytest.mark.parametrize(
    ("engine", "feature"),
    [
        ("moto", "function-may-only-do-what-its-role-allows"),  # only others get this question: moto runs no functions
        ("embedded", "a-feature-without-a-question"),
        ("moto", "only-relied-on"),  # by tests, which never run on moto
        ("localstack", "relied-on-elsewhere"),  # by tests of the embedded engine
    ],
)
def test_a_row_that_nothing_shows_on_its_engine_is_caught(engine: str, feature: str) -> None:
    marked = {("embedded", "only-relied-on"), ("localstack", "only-relied-on"), ("embedded", "relied-on-elsewhere")}

    assert not shown(row_of(engine, feature), marked)
    assert shown(row_of("embedded", "only-relied-on"), marked)


@pytest.mark.parametrize("engine", ["embedded", "localstack", "moto"])
def test_a_row_that_the_answers_contradict_is_caught(engine: str) -> None:
    assert contradicted(row_of(engine, "conditional-put-returns-the-existing-item"))


def test_a_row_of_an_engine_that_behaves_as_aws_is_caught_although_another_differs() -> None:
    assert contradicted(row_of("embedded", "transaction-token-is-bound-to-its-content"))
    assert not contradicted(row_of("moto", "transaction-token-is-bound-to-its-content"))


def test_features_that_tests_rely_on_are_read_from_marks_with_the_engines_that_the_folder_runs_on(
    tmp_path: Path,
) -> None:
    for folder in ("e2e", "engine", "unit"):
        (tmp_path / folder).mkdir()
        text = f'@pytest.mark.relies_on("of-{folder}")\ndef test_it():\n    """relies_on("no-mark")"""\n'
        (tmp_path / folder / "test_it.py").write_text(text, encoding="utf-8")

    assert relied_on(tmp_path) == {("embedded", "of-e2e"), ("localstack", "of-e2e"), ("embedded", "of-engine")}


def row_of(engine: str, feature: str) -> Difference:
    """A row that claims a difference."""
    return Difference(feature=feature, engine=engine, behaviour="b", aws="a", source="https://docs.aws.amazon.com")


def contradicted(row: Difference) -> bool:
    """Whether the engine behaves as AWS, according to the committed answers."""
    pair = (row.engine, row.feature)
    return pair in report.answered(COMMITTED) and pair not in DIFFERING


def shown(row: Difference, marked: set[tuple[str, str]]) -> bool:
    """Whether a question or a marked test would fail on the row's engine if the row were no longer true."""
    return (row.engine, row.feature) in report.askable() | marked


def relied_on(tests: Path = ROOT / "tests") -> set[tuple[str, str]]:
    """The engine and feature of every mark ``relies_on``, for each engine that the folder's tests can run on."""
    return {
        (engine, call.args[0].value)
        for folder, engines in RUNS_ON.items()
        for file in sorted((tests / folder).rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "relies_on"
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        for engine in engines
    }


@pytest.fixture
def output_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the files that a run leaves and the report writes."""
    for name in ("FRESH", "ANSWERS", "PAGE"):
        monkeypatch.setattr(report, name, tmp_path / getattr(report, name).name)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    return tmp_path


def test_a_full_run_writes_page_and_answers(output_folder: Path) -> None:
    report.keep(deepcopy(COMMITTED))

    assert report.main() == 0
    assert report.recorded()["questions"] == report.fingerprint()
    assert (output_folder / "engines.md").read_text(encoding="utf-8").startswith("# Engines")


@pytest.mark.parametrize("without", ["localstack", "moto", None])
def test_an_incomplete_run_writes_nothing_and_reports_that(
    output_folder: Path, capsys: pytest.CaptureFixture[str], without: str | None
) -> None:
    full = deepcopy(COMMITTED)
    if without is None:
        full.popitem()
    for answers in full.values():
        answers.pop(without, None)

    report.keep(full)

    assert report.main() == 0
    assert list(output_folder.iterdir()) == []
    assert capsys.readouterr().out == (
        "engines.md and answers.json are not changed: the last run did not ask every engine all questions.\n"
    )


def test_a_filtered_run_is_not_taken_for_the_full_one_before_it(tmp_path: Path) -> None:
    earlier = tmp_path / "results" / "conformance-answers.json"
    earlier.parent.mkdir()
    earlier.write_text(json.dumps(report.recorded()["answers"]), encoding="utf-8")
    filtered = ("tests/conformance", "-q", "-k", "moto-conditional-put", "-p", "no:schemathesis")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *filtered],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(tmp_path), "HARNESS_ENGINE": "embedded", "HARNESS_SESSION": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )

    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
    assert not earlier.exists()
