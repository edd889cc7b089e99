"""checkov and parliament, run from outside: they have their own environment, because checkov pins old libraries."""

import json
import os
import re
import subprocess
import tomllib
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

BUILT_IN = ROOT / "policy" / "built_in_checks.toml"

REMEDIES: Mapping[str, str] = tomllib.loads(BUILT_IN.read_text(encoding="utf-8"))["remedies"]
"""What to do about built-in checks that no rule of ours includes."""

OR_ACCEPT = "Or add a row to policy/suppressions.yaml with the reason, the owner and the last day."
"""The other way out, for checkov's built-in checks."""


def remedy_of(check: str) -> str:
    """What to do about a failed check: as its rule says, or the rule that includes it; checkov itself names nothing."""
    including = (rule.remedy for rule in RULES.values() if check in {rule.id, *rule.includes})
    own = next(including, "")
    return own if check in RULES else f"{own or REMEDIES.get(check, 'Follow the guideline.')} {OR_ACCEPT}"


@dataclass(frozen=True)
class Job:
    """A root to scan.

    Attributes:
        root: Its name in findings, such as ``live/dev``.
        mode: ``hcl`` or ``plan``.
        path: The folder, or the plan file.
        planned: The plan, in mode ``plan``.
        environment: The live folder's name; empty for a module alone.
    """

    root: str
    mode: str
    path: Path
    planned: PlanGraph | None = None
    environment: str = ""


@dataclass(frozen=True)
class CheckovResults:
    """What checkov and parliament found.

    Attributes:
        findings: Failed checks, and errors of the scan.
        check_types: The types that each check judges, by its id.
        passed: How many checks passed.
        resources: How many resources were scanned, by job.
        passes: Check ids and addresses that passed, by job, for the tests of the rules.
    """

    findings: list[Finding]
    check_types: Mapping[str, list[str]]
    passed: int
    resources: Mapping[tuple[str, str], int]
    passes: Mapping[tuple[str, str], frozenset[tuple[str, str]]]

    @property
    def check_ids(self) -> frozenset[str]:
        """The ids of all checks."""
        return frozenset(self.check_types)


def run(jobs: Sequence[Job], policies: Sequence[Mapping[str, str]], folder: Path) -> CheckovResults:
    """Scan the jobs with checkov, and read the policies with parliament.

    Args:
        jobs: What to scan, the longest first.
        policies: Rendered policies: ``at`` (an index, which the results repeat) and ``text``.
        folder: For the file with the results.

    Raises:
        HarnessError: checkov failed, or did not end in time.
    """
    python = ensure("policy")
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "tmp"
    own.mkdir(mode=0o700, exist_ok=True)
    own.chmod(0o700)
    out = folder / f"checkov-{os.getpid()}.json"
    request = {
        "workers": WORKERS,
        "out": str(out),
        "jobs": [{"name": job.root, "mode": job.mode, "path": str(job.path)} for job in jobs],
        "policies": list(policies),
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own runner on our own interpreter
            [python, "-W", "ignore", RUNNER],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
            cwd=ROOT,
            env=_environment(folder, own),
        )
    except subprocess.TimeoutExpired:
        raise HarnessError(
            f"checkov did not end within {DEADLINE_S:.0f} s.", remedy="Is the machine overloaded? Try again."
        ) from None
    if done.returncode != 0 or not out.is_file():
        last = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise HarnessError(f"checkov ended with {done.returncode}:\n{last}", remedy="Fix what it names, in policy/.")
    body = json.loads(out.read_text(encoding="utf-8"))
    out.unlink()
    return _results(jobs, policies, body)


def _environment(home: Path, own: Path) -> dict[str, str]:
    """The variables of checkov, which has nothing of the user's.

    It reads a pickled grammar from the folder for temporary files, under a name that anybody can guess. In a folder
    that others can write to, that is code of theirs, so it has a folder of its own.
    """
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "TMPDIR": str(own),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _results(jobs: Sequence[Job], policies: Sequence[Mapping[str, str]], body: Mapping[str, Any]) -> CheckovResults:
    by_key = {(job.root, job.mode): job for job in jobs}
    findings: list[Finding] = []
    resources, passes = {}, {}
    for result in body["results"]:
        key = (result["name"], result["mode"])
        findings += _findings(by_key[key], result)
        resources[key] = int(result["resources"])
        passes[key] = frozenset((check, address) for check, address in result["passed"])
    if len(body["results"]) != len(jobs):
        raise HarnessError("checkov left out a root.", remedy="This is an error in policy/run_checkov.py: fix it.")
    findings += _parliament(policies, body["parliament"])
    return CheckovResults(findings, body["known"], sum(map(len, passes.values())), resources, passes)


def _findings(job: Job, result: Mapping[str, Any]) -> Iterator[Finding]:
    for number, key, problem in ((2, "errors", "a check failed to run"), (3, "parsing_errors", "it cannot be parsed")):
        for error in sorted(set(result.get(key, ()))):
            yield scan_error(number, job, f"{job.mode}: {problem}: {error}", definition=_check_in(error))
    if not result["resources"]:
        yield scan_error(4, job, f"{job.mode}: no resources were scanned.")
    for skip in result["skipped"]:
        message = f"{skip['address']} skips {skip['id']} by a comment."
        yield scan_error(8, job, message, definition=_definition(job, skip))
    for failure in result["failed"]:
        rule = RULES.get(failure["id"])
        if rule and not rule.applies(job.environment):
            continue
        file = _relative(failure["file"]) if job.mode == "hcl" else None
        in_source = file is not None and not _COPY.match(file)  # an example's place is that of its README
        for message in failure["details"] or [_message(failure)]:
            yield Finding(
                failure["id"],
                rule.severity if rule else Severity.MEDIUM,
                readable(failure["address"]),
                file if in_source else None,
                failure["line"] if in_source else None,
                message,
                remedy_of(failure["id"]),
                rule.guideline
                if rule
                else failure["guideline"] or "https://www.checkov.io/5.Policy%20Index/terraform.html",
                job.root,
                job.mode,
                _definition(job, failure),
            )


def _message(failure: Mapping[str, Any]) -> str:
    """What a built-in check says; of a secret also where it is, since the value itself is not printed."""
    about = f" ({', '.join(failure['keys'])})" if failure["keys"] else ""
    return f"The check fails: {failure['name']}{about}."


SCAN_ERRORS = {
    2: "Every check runs",
    3: "Everything can be parsed",
    4: "Everything that should be scanned exists and holds resources",
    5: "The ledger names rules that exist",
    6: "Suppressions end",
    7: "Suppressions are needed",
    8: "Only the ledger suppresses",
    9: "What no plan shows is right: the state, the account, versions, and nothing that runs where Terraform runs",
}
"""What every scan must fulfil, by the number in ``CKV_INV_00<n>``."""


def scan_error(number: int, job: Job, message: str, *, definition: str = "") -> Finding:
    """A finding about the scan itself."""
    remedy = {
        2: "Fix the check; a built-in check that is broken needs a row in the ledger.",
        8: "Remove the comment; only rows of policy/suppressions.yaml suppress.",
    }.get(number, "Fix it, so that the gate sees everything.")
    guideline = "https://www.checkov.io/1.Welcome/What%20is%20Checkov.html"
    rule_id = f"CKV_INV_{number:03}"
    return Finding(
        rule_id, Severity.CRITICAL, job.root, None, None, message, remedy, guideline, job.root, job.mode, definition
    )


def _check_in(error: str) -> str:
    """The check's id in ``Failed to run check <ID> on …``; a row of the ledger can name it."""
    words = error.split()
    return words[4] if words[:4] == ["Failed", "to", "run", "check"] else ""


def _definition(job: Job, record: Mapping[str, Any]) -> str:
    address = str(record["address"])
    if job.planned:
        return normal(job.planned.definition(address))
    kind, _, name = address.rpartition("module.")[2].rpartition(".")
    kind = ".".join(kind.split(".")[-2:]) if kind.startswith("data.") or ".data." in kind else kind.split(".")[-1]
    folder = Path(_relative(record["file"]) or ".").parent.as_posix()
    return normal(f"{folder}/{kind}.{name.partition('[')[0]}")


def normal(definition: str) -> str:
    """A definition as the ledger writes it: examples are planned and scanned as copies that call ``modules/``."""
    return _COPY.sub("modules/", definition)


def readable(address: str) -> str:
    """An address as its author knows it: examples are planned together, each in its own module."""
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


def _subject(issue: Mapping[str, str]) -> str:
    """What an issue is about: a row of the ledger accepts it for one action, not for a whole policy."""
    action = _ACTION.search(issue["detail"])
    return f"{issue['issue']}:{action[0]}" if action else issue["issue"]


def _parliament(policies: Sequence[Mapping[str, str]], issues: Sequence[Mapping[str, str]]) -> Iterator[Finding]:
    rule = RULES[PARLIAMENT]
    for issue in issues:
        policy = policies[int(issue["at"])]
        yield Finding(
            rule.id,
            rule.severity,
            readable(policy["address"]),
            None,
            None,
            f"parliament: {issue['issue']}: {issue['title']} {issue['detail']}".strip(),
            rule.remedy,
            rule.guideline,
            policy["root"],
            "plan",
            f"{policy['definition']}#{_subject(issue)}",
        )
