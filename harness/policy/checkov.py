"""checkov, asked from outside: it lives in an environment of its own, for it pins old libraries."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine.environments import ensure
from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.policy.finding import Finding, Severity
from harness.policy.rule import RULES

RUNNER = ROOT / "policy" / "run_checkov.py"
DEADLINE_S = 600.0
WORKERS = 2

MEND = (
    "See the guideline; where it does not fit, a row in policy/suppressions.yaml says why, whose it is, and until when."
)


@dataclass(frozen=True)
class Job:
    """Something to scan.

    Attributes:
        root: Its name in findings, such as ``live/dev``.
        mode: ``hcl`` or ``plan``.
        path: The folder, or the plan file.
        planned: The plan, for ``plan``.
        environment: The live folder's name; empty for a module on its own.
    """

    root: str
    mode: str
    path: Path
    planned: PlanGraph | None = None
    environment: str = ""


@dataclass(frozen=True)
class Answer:
    """What checkov said.

    Attributes:
        findings: Failed checks, and faults of the scan.
        known: Every check's id.
        passed: How many checks passed.
        resources: How many resources were looked at, by job.
        passes: Check ids and addresses that passed, by job: for the tests of the rules.
    """

    findings: list[Finding]
    known: frozenset[str]
    passed: int
    resources: Mapping[tuple[str, str], int]
    passes: Mapping[tuple[str, str], frozenset[tuple[str, str]]]


def run(jobs: Sequence[Job], policies: Sequence[Mapping[str, str]], folder: Path) -> Answer:
    """Scan, and have parliament read policies.

    Args:
        jobs: What to scan, the longest first.
        policies: Rendered policies: ``at`` (an index that comes back) and ``text``.
        folder: Where the answer is put.

    Raises:
        HarnessError: checkov did not start, or did not end in time.
    """
    python = ensure("policy")
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"checkov-{os.getpid()}.json"
    asked = {
        "workers": WORKERS,
        "out": str(out),
        "jobs": [{"name": job.root, "mode": job.mode, "path": str(job.path)} for job in jobs],
        "policies": list(policies),
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own runner on our own interpreter
            [python, "-W", "ignore", RUNNER],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        raise HarnessError(
            f"checkov did not end within {DEADLINE_S:.0f} s.", remedy="Is the machine overloaded? Try again."
        ) from None
    if done.returncode != 0 or not out.is_file():
        last = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise HarnessError(f"checkov ended with {done.returncode}:\n{last}", remedy="Fix what it names in policy/.")
    body = json.loads(out.read_text(encoding="utf-8"))
    out.unlink()
    return _answer(jobs, policies, body)


def _answer(jobs: Sequence[Job], policies: Sequence[Mapping[str, str]], body: Mapping[str, Any]) -> Answer:
    by_key = {(job.root, job.mode): job for job in jobs}
    findings: list[Finding] = []
    resources, passes = {}, {}
    for result in body["results"]:
        key = (result["name"], result["mode"])
        findings += _findings(by_key[key], result)
        resources[key] = int(result["resources"])
        passes[key] = frozenset((one[0], one[1]) for one in result["passed"])
    if len(body["results"]) != len(jobs):
        raise HarnessError("checkov left out a root.", remedy="This is a fault of policy/run_checkov.py: fix it.")
    findings += _parliament(policies, body["parliament"])
    return Answer(findings, frozenset(body["known"]), sum(map(len, passes.values())), resources, passes)


def _findings(job: Job, result: Mapping[str, Any]) -> Iterator[Finding]:
    for number, key, what in ((2, "errors", "a check failed to run"), (3, "parsing_errors", "it cannot be parsed")):
        for said in sorted(set(result.get(key, ()))):
            yield fault(number, job, f"{job.mode}: {what}: {said}", definition=_about(said))
    if not result["resources"]:
        yield fault(4, job, f"{job.mode}: no resources were scanned.")
    for one in result["skipped"]:
        yield fault(8, job, f"{one['address']} skips {one['id']} by a comment.", definition=_definition(job, one))
    for one in result["failed"]:
        rule = RULES.get(one["id"])
        if rule and not rule.applies(job.environment):
            continue
        for message in one["details"] or [f"{one['name']}: no."]:
            yield Finding(
                one["id"],
                rule.severity if rule else Severity.MEDIUM,
                readable(one["address"]),
                _relative(one["file"]) if job.mode == "hcl" else None,
                one["line"] if job.mode == "hcl" else None,
                message,
                rule.remedy if rule else MEND,
                rule.guideline
                if rule
                else one["guideline"] or "https://www.checkov.io/5.Policy%20Index/terraform.html",
                job.root,
                job.mode,
                _definition(job, one),
            )


FAULTS = {
    2: "Every check runs",
    3: "Everything can be parsed",
    4: "Everything that should be scanned is there, and holds resources",
    5: "The ledger names rules that exist",
    6: "Suppressions end",
    7: "Suppressions are needed",
    8: "Only the ledger suppresses",
}
"""What the gate demands of itself, by the number in ``CKV_INV_00<n>``."""


def fault(number: int, job: Job, message: str, *, definition: str = "") -> Finding:
    """Something wrong with the scan itself."""
    remedy = {
        2: "Fix the check; a built-in one that is broken gets a row in the ledger.",
        8: "Remove the comment; a suppression is a row in policy/suppressions.yaml.",
    }.get(number, "Fix it, so that the gate sees what it should.")
    guideline = "https://www.checkov.io/1.Welcome/What%20is%20Checkov.html"
    identity = f"CKV_INV_{number:03}"
    return Finding(
        identity, Severity.CRITICAL, job.root, None, None, message, remedy, guideline, job.root, job.mode, definition
    )


def _about(said: str) -> str:
    """``Failed to run check <ID> on …``: the check's id, which a ledger's row can name."""
    words = said.split()
    return words[4] if words[:4] == ["Failed", "to", "run", "check"] else ""


def _definition(job: Job, one: Mapping[str, Any]) -> str:
    address = str(one["address"])
    if job.planned:
        return normal(job.planned.definition(address))
    kind, _, name = address.rpartition("module.")[2].rpartition(".")
    kind = ".".join(kind.split(".")[-2:]) if kind.startswith("data.") or ".data." in kind else kind.split(".")[-1]
    folder = Path(_relative(one["file"]) or ".").parent.as_posix()
    return normal(f"{folder}/{kind}.{name.partition('[')[0]}")


def normal(definition: str) -> str:
    """A definition as the ledger writes it: examples are planned and scanned as copies that call ``modules/``."""
    return _COPY.sub("modules/", definition)


def readable(address: str) -> str:
    """An address as its author knows it: examples are planned together, each below a module of its own."""
    return _CASE.sub("", address)


_CASE = re.compile(r"^module\.case_\d+\.")
_COPY = re.compile(r"^(?:.*/example-sources|examples/cases/case_\d+)/")


def _relative(file: str | None) -> str | None:
    if not file:
        return None
    path = Path(os.path.normpath(file))
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()


PARLIAMENT = "CKV_INV_508"
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*]+")


def _subject(one: Mapping[str, str]) -> str:
    """What parliament's word is about: a row of the ledger accepts it for one action, not for a whole policy."""
    found = _ACTION.search(one["detail"])
    return f"{one['issue']}:{found[0]}" if found else one["issue"]


def _parliament(policies: Sequence[Mapping[str, str]], said: Sequence[Mapping[str, str]]) -> Iterator[Finding]:
    rule = RULES[PARLIAMENT]
    for one in said:
        about = policies[int(one["at"])]
        yield Finding(
            rule.id,
            rule.severity,
            readable(about["address"]),
            None,
            None,
            f"parliament: {one['issue']}: {one['title']} {one['detail']}".strip(),
            rule.remedy,
            rule.guideline,
            about["root"],
            "plan",
            f"{about['definition']}#{_subject(one)}",
        )
