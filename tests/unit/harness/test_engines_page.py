"""docs/engines.md is what the committed answers, questions and differences say."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from harness.differences import table
from harness.paths import ROOT
from tests.conformance import report
from tests.conformance.interactions import INTERACTIONS

COMMITTED = report.recorded()["answers"]
AGAIN = "./noxw -s conformance writes it anew"


def test_the_answers_are_to_the_questions_that_are_asked_now() -> None:
    assert report.recorded()["questions"] == report.fingerprint(), AGAIN


def test_the_page_is_what_the_generator_writes() -> None:
    assert report.PAGE.read_text(encoding="utf-8") == report.render(report.recorded()["answers"]), AGAIN


def test_every_answer_that_differs_is_a_known_difference() -> None:
    answers = report.recorded()["answers"]
    differing = {
        (engine, one.feature)
        for one in INTERACTIONS
        for engine, answer in answers[one.feature].items()
        if answer != one.expected
    }

    assert differing <= {(row.engine, row.feature) for row in table().differences}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what a run leaves and the report writes."""
    for name in ("FRESH", "ANSWERS", "PAGE"):
        monkeypatch.setattr(report, name, tmp_path / getattr(report, name).name)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    return tmp_path


def test_a_full_run_writes_page_and_answers(elsewhere: Path) -> None:
    report.keep(deepcopy(COMMITTED))

    assert report.main() == 0
    assert report.recorded()["questions"] == report.fingerprint()
    assert (elsewhere / "engines.md").read_text(encoding="utf-8").startswith("# Engines")


@pytest.mark.parametrize("without", ["localstack", "moto", None])
def test_a_run_that_left_something_out_writes_nothing_and_says_so(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], without: str | None
) -> None:
    full = deepcopy(COMMITTED)
    if without is None:
        full.popitem()
    for given in full.values():
        given.pop(without, None)

    report.keep(full)

    assert report.main() == 0
    assert list(elsewhere.iterdir()) == []
    assert capsys.readouterr().out == (
        "engines.md and answers.json stay as they are: the last run did not ask every engine everything.\n"
    )


def test_a_filtered_run_is_not_taken_for_the_full_one_before_it(tmp_path: Path) -> None:
    left = tmp_path / "results" / "conformance-answers.json"
    left.parent.mkdir()
    left.write_text(json.dumps(report.recorded()["answers"]), encoding="utf-8")
    filtered = ("tests/conformance", "-q", "-k", "moto-conditional-put", "-p", "no:schemathesis")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *filtered],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(tmp_path), "HARNESS_ENGINE": "embedded", "HARNESS_SESSION": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout
    assert not left.exists()
