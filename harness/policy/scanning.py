"""Two scans of every live folder and module example, one verdict: see `harness.policy.gate`, which is asked for it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.policy import checkov, deployment_source, ledger, plans
from harness.policy.checkov import Job, fault
from harness.policy.finding import Finding, Severity
from harness.policy.judge import judge
from harness.policy.rule import RULES
from harness.policy.rules.iam import rendered_policies
from harness.policy.verdict import GateVerdict


def scan(*, today: date | None = None) -> GateVerdict:
    """Scan the source and the plan of every live folder and module example.

    Args:
        today: The day by which suppressions end; the computer's unless told otherwise.

    Raises:
        HarnessError: The ledger cannot be read, or checkov cannot be run.
    """
    rows = ledger.load()
    folders = plans.live_folders()
    source = [Job(plans.relative(folder), "hcl", folder, environment=folder.name) for folder in folders]
    source.append(Job(plans.EXAMPLES, "hcl", plans.example_sources()))
    with ThreadPoolExecutor(max_workers=1) as pool:
        reading = pool.submit(checkov.run, source, (), plans.FOLDER / "hcl")
        made = plans.every()
        roots = [one for one in made if isinstance(one, plans.PlannedRoot)]
        planning, policies = _planning(roots)
        planned = checkov.run(planning, policies, plans.FOLDER / "plan")
        read = reading.result()
    findings = [
        *deployment_source.findings(),
        *_missing(folders),
        *json_sources(),
        *_refused(made),
        *read.findings,
        *planned.findings,
    ]
    for root, job in zip(roots, planning, strict=True):
        findings += [_placed(one, root, job) for one in judge(root.planned)]
    known = read.known | RULES.keys() | {f"CKV_INV_{number:03}" for number in (1, *checkov.FAULTS)}
    left, accepted = ledger.applied(_once(findings), rows, today=today or datetime.now(UTC).date(), known=known)
    counts = {
        "roots": len(source) + len(planning),
        "resources_in_source": sum(read.resources.values()),
        "resources_in_plans": sum(len(root.planned.resources) for root in roots),
        "rules": len(RULES),
        "built_in_checks": len(read.known - RULES.keys()),
        "checks_passed": read.passed + planned.passed,
        "policies_read_by_parliament": len(policies),
        "suppressions": len(rows),
    }
    return GateVerdict(sorted(left, key=_order), sorted(accepted, key=lambda one: _order(one[0])), counts)


def _planning(roots: Sequence[plans.PlannedRoot]) -> tuple[list[Job], list[Mapping[str, str]]]:
    """The jobs on plans, and the policies that they render."""
    folder = plans.FOLDER / "plan"
    folder.mkdir(parents=True, exist_ok=True)
    jobs: list[Job] = []
    policies: list[Mapping[str, str]] = []
    for root in roots:
        file = folder / f"{Path(root.name).name.split(' ')[0]}.json"
        file.write_text(json.dumps(root.document), encoding="utf-8")
        file.chmod(0o600)  # a plan may hold secrets
        planned = root.planned
        jobs.append(Job(root.name, "plan", file, planned, root.environment))
        for one, text in rendered_policies(planned):
            about = {
                "root": root.name,
                "address": one.address,
                "definition": checkov.normal(planned.definition(one.address)),
            }
            policies.append({"at": str(len(policies)), "text": text, **about})
    return jobs, policies


def _placed(finding: Finding, root: plans.PlannedRoot, job: Job) -> Finding:
    """A finding on a plan with where it was found, and which block is behind it."""
    definition = checkov.normal(root.planned.definition(finding.address))
    address = checkov.readable(finding.address)
    return replace(finding, address=address, root=root.name, mode=job.mode, definition=definition)


def _refused(made: Iterable[plans.PlannedRoot | HarnessError]) -> list[Finding]:
    """Plans that Terraform refuses: what it says names the resource and, by the modules' own messages, the fix."""
    return [
        Finding(
            "CKV_INV_001",
            Severity.CRITICAL,
            "plan",
            None,
            None,
            one.what,
            one.remedy,
            "https://developer.hashicorp.com/terraform/cli/commands/plan",
            mode="plan",
        )
        for one in made
        if isinstance(one, HarnessError)
    ]


def _missing(folders: Sequence[Path]) -> list[Finding]:
    """The environments that DESIGN asks for."""
    there = {folder.name for folder in folders}
    return [
        fault(4, Job(f"live/{name}", "hcl", ROOT), f"live/{name} is missing.")
        for name in ("bootstrap", "dev", "prod")
        if name not in there
    ]


def json_sources(root: Path = ROOT) -> list[Finding]:
    """Terraform written as JSON: Terraform takes it, and what judges source (no plan has that) reads HCL alone.

    Args:
        root: The checkout.
    """
    return [
        fault(
            3,
            Job(file.parent.relative_to(root).as_posix(), "hcl", file.parent),
            f"{file.relative_to(root).as_posix()} is Terraform as JSON, which nobody here reads: write it as .tf.",
        )
        for pattern in ("live/*/*.tf.json", "modules/*/*.tf.json")
        for file in sorted(root.glob(pattern))
    ]


def _once(findings: Iterable[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))


def _order(one: Finding) -> tuple[int, str, str, str, str]:
    return (one.severity.rank, one.rule_id, one.root, one.address, one.message)
