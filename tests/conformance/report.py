"""``docs/engines.md``, written from the interactions, the engines' last answers and the table of differences.

``python -m tests.conformance.report`` takes over the answers of the last run (`nox -s conformance`) if that asked every
engine everything, and writes the page. A unit test renders it again from what is committed: whoever edits an
interaction or a row has to run it anew.
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
"""What the last run was answered; only a run that asked every engine everything leaves it."""

ENGINES = ("embedded", "localstack", "moto")

HEAD = """\
# Engines, and where they differ from AWS

Written by `nox -s conformance`; do not edit.

`HARNESS_ENGINE` chooses: `embedded` (default: MiniStack, patched; IAM enforced, snapshots), or `localstack` (LocalStack
4.14.0 community: what `LOCALSTACK_ENDPOINT` names, else Docker with Compose, else a process of this computer; neither
IAM nor snapshots; it needs Python 3.13, also in Docker: functions are packaged for it). moto runs in the unit tests.
Where LocalStack runs without Docker, DynamoDB is moto's.
"""


def can_be_asked(engine: str, one: Interaction) -> bool:
    """Whether an engine can be asked this: moto runs functions in Docker only, and has no API data plane."""
    return engine != "moto" or not one.runs_functions


def askable() -> set[tuple[str, str]]:
    """Every pair of an engine and a feature that a full run asks."""
    return {(engine, one.feature) for engine in ENGINES for one in INTERACTIONS if can_be_asked(engine, one)}


def answered(answers: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """Every pair of an engine and a feature that has an answer."""
    return {(engine, feature) for feature, given in answers.items() for engine in given}


def keep(answers: dict[str, dict[str, Any]]) -> None:
    """Leave a run's answers to :func:`main`, if they are those of a full run."""
    if answered(answers) == askable():
        FRESH.parent.mkdir(parents=True, exist_ok=True)
        FRESH.write_text(json.dumps(answers, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def fingerprint() -> str:
    """Changes with every question and every expected answer."""
    asked = [[one.feature, one.aws, one.source, one.expected, one.runs_functions] for one in INTERACTIONS]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def render(answers: dict[str, dict[str, Any]]) -> str:
    """The page.

    Args:
        answers: Feature to engine to what it answered.
    """
    lines = [HEAD, "## Every difference that was found", "", "| engine | feature | it | AWS |", "|---|---|---|---|"]
    lines += [
        f"| {row.engine} | `{row.feature}` | {row.behaviour} | [{row.aws}]({row.source}) |"
        for row in sorted(table().differences, key=lambda row: (row.engine, row.feature))
    ]
    lines += [
        "",
        "Each row is a strict expected failure of the tests that rely on the feature: one that is patched fails them.",
    ]
    lines += ["", "## What was asked", "", f"| AWS | {' | '.join(ENGINES)} |", f"|---|{'---|' * len(ENGINES)}"]
    for one in INTERACTIONS:
        given = answers.get(one.feature, {})
        told = ("cannot run it" if name not in given else _same(given[name], one.expected) for name in ENGINES)
        lines.append(f"| {one.service}: [{one.aws}]({one.source}) | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def _same(answer: Any, expected: Any) -> str:
    if answer == expected:
        return "as AWS"
    return "differs: `" + json.dumps(answer, ensure_ascii=False)[:90].replace("|", "\\|") + "`"


def recorded() -> dict[str, Any]:
    """The committed answers, with the fingerprint of the questions that they answer."""
    found: dict[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


def main() -> int:
    """Take over the answers of a full run and write the page; 0. After a run of another kind everything stays."""
    fresh = json.loads(FRESH.read_text(encoding="utf-8")) if FRESH.exists() else {}
    if answered(fresh) != askable():
        sys.stdout.write(
            f"{PAGE.name} and {ANSWERS.name} stay as they are: the last run did not ask every engine everything.\n"
        )
        return 0
    kept = {"questions": fingerprint(), "answers": fresh}
    ANSWERS.write_text(json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(render(fresh), encoding="utf-8")
    sys.stdout.write(f"Written: {PAGE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
