"""``docs/engines.md``, written from the interactions, the engines' last answers and the table of differences.

``python -m tests.conformance.report`` stores the answers of the last run (`nox -s conformance`) if that run asked every
engine all questions, and writes the page. A unit test renders the page from the committed answers and compares: after
a change of an interaction or a row, run the session again.
"""

import hashlib
import json
import sys
from typing import Any

from harness.engine.differences import table
from harness.paths import BUILD, ROOT
from tests.conformance.interactions import INTERACTIONS, Interaction

ANSWERS = ROOT / "tests" / "conformance" / "answers.json"
PAGE = ROOT / "docs" / "engines.md"
FRESH = BUILD / "results" / "conformance-answers.json"
"""The answers of the last run; only a run that asked every engine all questions writes this file."""

ENGINES = ("embedded", "localstack", "moto")

HEAD = """\
# Engines, and where they differ from AWS

Written by `nox -s conformance`; do not edit.

`HARNESS_ENGINE` selects the engine:

- `embedded` (default): MiniStack with patches. It enforces IAM and has snapshots.
- `localstack`: LocalStack 4.14.0 community, at the address `LOCALSTACK_ENDPOINT` if it is set, else in Docker with
  Compose, else as a process on this computer. It neither enforces IAM nor has snapshots. It needs Python 3.13, also in
  Docker, because functions are packaged for it. Without Docker, moto serves its DynamoDB.

An engine runs code as the person who started it. `embedded`, and `localstack` as a process on this computer, therefore
belong to that person: root keys are random, requests have to be signed, and only the invocation paths of deployed APIs
are open to all. `localstack` in Docker or at an address of yours verifies no keys: it takes requests from any process
and user of this computer.

The unit tests run on moto.
"""


def can_be_asked(engine: str, interaction: Interaction) -> bool:
    """Whether an engine supports a question: moto runs functions in Docker only, and cannot call a deployed API."""
    return engine != "moto" or not interaction.runs_functions


def askable() -> set[tuple[str, str]]:
    """Every pair of engine and feature in a full run."""
    return {
        (engine, interaction.feature)
        for engine in ENGINES
        for interaction in INTERACTIONS
        if can_be_asked(engine, interaction)
    }


def answered(answers: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """Every pair of engine and feature that has an answer."""
    return {(engine, feature) for feature, by_engine in answers.items() for engine in by_engine}


def keep(answers: dict[str, dict[str, Any]]) -> None:
    """Write the answers of a full run to a file, for :func:`main`; ignore those of any other run."""
    if answered(answers) == askable():
        FRESH.parent.mkdir(parents=True, exist_ok=True)
        FRESH.write_text(json.dumps(answers, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def fingerprint() -> str:
    """A hash that changes with every question and every expected answer."""
    questions = [
        [question.feature, question.aws, question.source, question.expected, question.runs_functions]
        for question in INTERACTIONS
    ]
    return hashlib.sha256(json.dumps(questions, sort_keys=True).encode()).hexdigest()[:16]


def render(answers: dict[str, dict[str, Any]]) -> str:
    """Render the page.

    Args:
        answers: The answers by feature and engine.
    """
    lines = [HEAD, "## Known differences", "", "| engine | feature | the engine | AWS |", "|---|---|---|---|"]
    lines += [
        f"| {row.engine} | `{row.feature}` | {row.behaviour} | [{row.aws}]({row.source}) |"
        for row in sorted(table().differences, key=lambda row: (row.engine, row.feature))
    ]
    lines += [
        "",
        "The tests that rely on a feature are expected to fail on the engines of its rows. If such a test passes, the",
        "run fails: the difference no longer exists, and its row has to be removed.",
    ]
    lines += ["", "## Questions and answers", "", f"| AWS | {' | '.join(ENGINES)} |", f"|---|{'---|' * len(ENGINES)}"]
    for question in INTERACTIONS:
        by_engine = answers.get(question.feature, {})
        cells = (
            _comparison(by_engine[engine], question.expected) if engine in by_engine else "cannot run it"
            for engine in ENGINES
        )
        lines.append(f"| {question.service}: [{question.aws}]({question.source}) | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _comparison(answer: Any, expected: Any) -> str:
    if answer == expected:
        return "as AWS"
    return "differs: `" + json.dumps(answer, ensure_ascii=False)[:90].replace("|", "\\|") + "`"


def recorded() -> dict[str, Any]:
    """The committed answers, with the fingerprint of the questions that they answer."""
    content: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return content


def main() -> int:
    """Store the answers of a full run and write the page; change nothing after any other run.

    Returns:
        The exit code, always 0.
    """
    fresh = json.loads(FRESH.read_text(encoding="utf-8")) if FRESH.exists() else {}
    if answered(fresh) != askable():
        sys.stdout.write(
            f"{PAGE.name} and {ANSWERS.name} are not changed: the last run did not ask every engine all questions.\n"
        )
        return 0
    content = {"questions": fingerprint(), "answers": fresh}
    ANSWERS.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(render(fresh), encoding="utf-8")
    sys.stdout.write(f"Written: {PAGE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
