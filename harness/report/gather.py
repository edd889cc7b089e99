"""The contents of the report, from the files that sessions leave: figures, the gate's report, logs, live folders.

A part that no session has written yet is empty, and the page says which session writes it. A file that cannot be read
is listed with the reason.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2

from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.policy import ledger
from harness.policy.verdict import Suppression
from harness.suite import excerpt

MUTATORS = ("mutants", "mutate-infra", "mutate")
"""The sessions that mutate, the quickest first."""

PROVEN = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
"""The counts of a session of tests."""


@dataclass(frozen=True)
class Run:
    """One run of a session.

    Attributes:
        session: Its name in nox.
        at: When it ended; empty if the suite says so only.
        seconds: How long it took; None if it does not say so.
        passed: Whether it passed; None if it does not say so.
        counts: The tests by outcome, without zeros; empty for sessions without tests.
        slowest: Its slowest tests, each with its seconds.
        log: The end of what it printed, if it failed and the suite kept it.
    """

    session: str
    at: str = ""
    seconds: float | None = None
    passed: bool | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    slowest: Sequence[Mapping[str, Any]] = ()
    log: str = ""

    @property
    def repeat(self) -> str:
        """The command that repeats it."""
        return f"./noxw -s {self.session}"

    @property
    def tests(self) -> int:
        """How many tests it ran."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Score:
    """The score of one mutator, or of one part of it.

    Attributes:
        session: The session.
        part: What was mutated; empty for all of it.
        mutants: How many mutants.
        noticed: How many of them were noticed; None if only the share is known.
        share: The share that was noticed, from 0 to 1.
        survivors: The mutants that nothing noticed.
    """

    session: str
    part: str
    mutants: int
    noticed: int | None
    share: float
    survivors: Sequence[str] = ()


@dataclass(frozen=True)
class Contents:
    """Everything that the report shows.

    Attributes:
        runs: What ran.
        unreadable: Files that could not be read, each with the reason.
        policy: The gate's report; empty if it did not run.
        suppressions: The ledger.
        grants: The rows of the proof of permissions; empty if it was not made.
        scores: The mutators' scores.
        environments: The names of the live environments.
        values: For each setting, its value in each environment.
    """

    runs: Sequence[Run]
    unreadable: Sequence[str]
    policy: Mapping[str, Any]
    suppressions: Sequence[Suppression]
    grants: Sequence[Mapping[str, Any]]
    scores: Sequence[Score]
    environments: Sequence[str]
    values: Sequence[tuple[str, Sequence[str]]]

    @property
    def failed(self) -> list[Run]:
        """The runs that failed."""
        return [run for run in self.runs if run.passed is False]


def gather(build: Path = BUILD, live: Path = ROOT / "live") -> Contents:
    """Read everything.

    Args:
        build: The build folder.
        live: The folder of the live environments.
    """
    files, unreadable = read_all(build / "results")
    policy, problems = read_all(build / "reports" / "policy")
    environments, values = differing_values(live)
    return Contents(
        runs=runs(files),
        unreadable=[*unreadable, *problems],
        policy=policy.get("policy", {}),
        suppressions=ledger.load(),
        grants=files.get("iam", {}).get("table", []),
        scores=[score for name in MUTATORS if name in files for score in scores(name, files[name])],
        environments=environments,
        values=values,
    )


def read_all(folder: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The JSON objects of a folder by their files' names, and what could not be read."""
    documents, unreadable = {}, []
    for path in sorted(folder.glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            unreadable.append(f"{path.name}: {error}")
            continue
        if isinstance(document, dict):
            documents[path.stem] = document
        else:
            unreadable.append(f"{path.name}: it is no JSON object")
    return documents, unreadable


def runs(files: Mapping[str, Mapping[str, Any]]) -> list[Run]:
    """What ran: the sessions of the last suite in its order, then the others.

    Args:
        files: The figures of the sessions, by name.
    """
    of_suite = {str(row["session"]): row for row in files.get("suite", {}).get("sessions", [])}
    names = [*of_suite, *(name for name in files if name not in {"suite", "iam", *of_suite})]
    return [_run(name, files.get(name, {}), of_suite.get(name, {})) for name in names]


def _run(name: str, figures: Mapping[str, Any], of_suite: Mapping[str, Any]) -> Run:
    code = of_suite.get("exit_code", figures.get("exit_code"))
    passed = code == 0 if isinstance(code, int) else _outcome(figures)
    counts = {count: figures[count] for count in PROVEN if isinstance(figures.get(count), int) and figures[count]}
    return Run(
        session=name,
        at=str(figures.get("at") or of_suite.get("at") or ""),
        seconds=of_suite.get("seconds", figures.get("seconds")),
        passed=passed,
        counts=counts if "exit_code" in figures else {},
        slowest=figures.get("slowest", []),
        log=_log(of_suite) if passed is False else "",
    )


def _outcome(figures: Mapping[str, Any]) -> bool | None:
    """Whether a session without an exit code passed, as far as its figures say so."""
    outcome, to_fix = figures.get("outcome"), figures.get("to_fix")
    if isinstance(outcome, str):
        return outcome in {"passed", "applied", "nothing to change"}
    if isinstance(to_fix, int):
        return to_fix == 0
    return None


def _log(of_suite: Mapping[str, Any]) -> str:
    try:
        return excerpt(Path(of_suite["log"]).read_text(encoding="utf-8", errors="replace"))
    except (KeyError, OSError):
        return ""


def scores(session: str, figures: Mapping[str, Any]) -> Iterator[Score]:
    """The scores in the figures of a mutator: all of it first, then its parts.

    Args:
        session: ``mutants``, ``mutate-infra`` or ``mutate``.
        figures: What it wrote.
    """
    if "modules" in figures:  # mutmut's
        survivors = sorted(figures.get("not_killed", {}))
        killed = figures["killed"] + figures["timeout"]
        yield Score(session, "", figures["total"], killed, figures["score"] / 100, survivors)
        for name, module in figures["modules"].items():
            noticed = module["killed"] + module["timeout"]
            yield Score(session, name, module["total"], noticed, module["score"] / 100)
        return
    if "categories" in figures:
        survivors = [f"{row['file']}:{row['line']} {row['mutant']}" for row in figures["survivors"]]
        noticed = figures["mutants"] - len(survivors)
        yield Score(session, "safeguards", figures["mutants"], noticed, figures["score"], survivors)
        for name, part in figures["categories"].items():
            share = part["noticed"] / part["mutants"] if part["mutants"] else 1.0
            yield Score(session, f"safeguards: {name.lower()}", part["mutants"], part["noticed"], share)
    if generated := figures.get("generated"):
        share = generated["rules_or_written_values"]
        yield Score(session, "arguments of production", generated["mutants"], None, share, generated["survivors"])


def differing_values(live: Path) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The environments, and the settings that differ between them, each with its values.

    Args:
        live: The folder of the live environments.

    Raises:
        HarnessError: The values of one cannot be read.
    """
    files = sorted(live.glob("*/terraform.tfvars"))
    values: dict[str, dict[str, str]] = {}
    for file in files:
        try:
            written = hcl2.loads(file.read_text(encoding="utf-8"))
        except Exception as error:  # noqa: BLE001 -- python-hcl2 passes on what its parser raises
            raise HarnessError(f"{file} cannot be read: {error}", remedy="terraform fmt shows where.") from None
        for name, value in _flat(written):
            values.setdefault(name, {})[file.parent.name] = value
    names = [file.parent.name for file in files]
    rows = [(name, [by.get(environment, "default") for environment in names]) for name, by in sorted(values.items())]
    return names, [(name, row) for name, row in rows if len(set(row)) > 1]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of nested values, as ``table.read_capacity`` and text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not key.startswith("__"):
                key_text = str(key).strip('"')
                yield from _flat(inner, f"{name}.{key_text}" if name else key_text)
    elif isinstance(value, list):
        yield name, ", ".join(str(each).strip('"') for each in value) or "none"
    else:
        yield name, str(value).strip('"')
