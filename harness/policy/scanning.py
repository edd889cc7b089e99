"""The scan of the repository: source and plans of every live folder and module example (`harness.policy.gate.scan`)."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from harness.files import write_whole
from harness.paths import BUILD, ROOT
from harness.policy import checkov, deployment_source, ledger, plans, source_secrets, unplanned
from harness.policy.blocks import Blocks
from harness.policy.call_sites import written_at
from harness.policy.checkov import Job, scan_error
from harness.policy.finding import Finding, Severity
from harness.policy.judge import UNREADABLE, judge
from harness.policy.rule import RULES
from harness.policy.rules.iam import rendered_policies
from harness.policy.verdict import GateVerdict
from harness.terraform.events import Diagnostic
from harness.terraform.failures import TerraformError


def scan(*, today: date | None = None) -> GateVerdict:
    """Scan the source and the plan of every live folder and module example.

    Args:
        today: The day that decides which suppressions have ended; today's date by default.

    Raises:
        HarnessError: The ledger cannot be read, or checkov cannot be run.
    """
    rows = ledger.load()
    folders = plans.live_folders()
    source = [Job(plans.relative(folder), "hcl", folder, environment=folder.name) for folder in folders]
    source.append(Job(plans.EXAMPLES, "hcl", plans.example_sources()))
    with ThreadPoolExecutor(max_workers=1) as pool:
        source_scan = pool.submit(checkov.run, source, (), plans.FOLDER / "hcl")
        attempts = plans.plan_all()
        roots = [attempt for attempt in attempts if isinstance(attempt, plans.PlannedRoot)]
        plan_jobs, policies = _plan_jobs(roots)
        on_plans = checkov.run(plan_jobs, policies, plans.FOLDER / "plan")
        on_source = source_scan.result()
    findings = [
        *deployment_source.findings(),
        *source_secrets.findings(),
        *unplanned.findings(),
        *_missing(folders),
        *json_sources(),
        *_rejected_roots(attempts),
        *on_source.findings,
        *on_plans.findings,
    ]
    findings = [
        each for each in findings if each.rule_id == unplanned.RULE_ID or not unplanned.is_override(each.file or "")
    ]
    for root, job in zip(roots, plan_jobs, strict=True):
        findings += [_placed(finding, root, job) for finding in judge(root.planned)]
    gate_ids = {f"CKV_INV_{number:03}" for number in (1, *checkov.SCAN_ERRORS)}
    rule_ids = on_source.check_ids | RULES.keys() | gate_ids
    remaining, accepted = ledger.apply(
        Blocks().placed(dict.fromkeys(findings)),
        rows,
        today=today or datetime.now(UTC).date(),
        rule_ids=rule_ids,
        unjudged=unjudged(findings),
    )
    counts = {
        "roots": len(source) + len(plan_jobs),
        "resources_in_source": sum(on_source.resources.values()),
        "resources_in_plans": sum(len(root.planned.resources) for root in roots),
        "rules": len(RULES),
        "built_in_checks": len(on_source.check_ids - RULES.keys()),
        "checks_passed": on_source.passed + on_plans.passed,
        "policies_read_by_parliament": len(policies),
        "suppressions": len(rows),
    }
    return GateVerdict(sorted(remaining, key=_order), sorted(accepted, key=lambda pair: _order(pair[0])), counts)


def _plan_jobs(roots: Sequence[plans.PlannedRoot]) -> tuple[list[Job], list[Mapping[str, str]]]:
    """The jobs on plans, and the policies that the plans render."""
    folder = plans.FOLDER / "plan"
    folder.mkdir(parents=True, exist_ok=True)
    jobs: list[Job] = []
    policies: list[Mapping[str, str]] = []
    for root in roots:
        file = folder / f"{Path(root.name).name.split(' ')[0]}.json"
        write_whole(file, portable(json.dumps(root.document)), mode=0o600)  # a plan may hold secrets
        planned = root.planned
        jobs.append(Job(root.name, "plan", file, planned, root.environment))
        for policy, text in rendered_policies(planned):
            origin = {
                "root": root.name,
                "address": policy.address,
                "definition": checkov.normal(planned.definition(policy.address)),
            }
            policies.append({"at": str(len(policies)), "text": text, **origin})
    return jobs, policies


def portable(plan: str, build: Path = BUILD, checkout: Path = ROOT) -> str:
    """A plan's JSON with the paths of this checkout, such as those of the zips, as they are everywhere.

    Args:
        plan: The plan.
        build: The build folder; its paths begin with ``build/`` afterwards.
        checkout: The checkout; its paths are relative to it afterwards.
    """
    for folder, everywhere in ((build, "build/"), (checkout, "")):
        plan = plan.replace(json.dumps(f"{folder}/")[:-1], f'"{everywhere}')
    return plan


def _placed(finding: Finding, root: plans.PlannedRoot, job: Job) -> Finding:
    """A finding on a plan, completed by its root and by the block that declares the resource."""
    definition = checkov.normal(root.planned.definition(finding.address))
    address = checkov.readable(finding.address)
    written = written_at(root.planned, finding, Blocks())
    return replace(finding, address=address, root=root.name, mode=job.mode, definition=definition, written=written)


_UNJUDGED = frozenset({UNREADABLE.id, "CKV_INV_003", "CKV_INV_004"})
"""What is found where a scan saw nothing, or not everything."""


def unjudged(findings: Iterable[Finding]) -> frozenset[tuple[str, str]]:
    """The roots and modes in which something could not be planned or parsed, or is missing."""
    return frozenset((finding.root, finding.mode) for finding in findings if finding.rule_id in _UNJUDGED)


def _rejected_roots(attempts: Iterable[plans.PlannedRoot | plans.RejectedRoot]) -> list[Finding]:
    """Roots that Terraform cannot plan: its errors name the resource, and the modules' validations name the fix."""
    return [
        finding for attempt in attempts if isinstance(attempt, plans.RejectedRoot) for finding in rejections(attempt)
    ]


def rejections(rejected: plans.RejectedRoot) -> list[Finding]:
    """A finding for each of Terraform's errors on a root, with its file and line."""
    error = rejected.error
    diagnostics = error.diagnostics if isinstance(error, TerraformError) else ()
    found = Finding(
        UNREADABLE.id,
        Severity.CRITICAL,
        rejected.name,
        None,
        None,
        error.what,
        error.remedy,
        "https://developer.hashicorp.com/terraform/cli/commands/plan",
        root=rejected.name,
        mode="plan",
    )
    by_error = [_rejection(found, each, rejected.folder) for each in diagnostics if each.severity == "error"]
    return by_error or [found]


_ZIP = re.compile(r"/(?P<name>[a-z0-9-]+)\.zip\b.*\bno\s+(?:such\s+)?file", re.DOTALL)


def _remedy_of(error: Diagnostic) -> str:
    """What to do about what Terraform says; of a function without code it says only which file is missing."""
    missing = _ZIP.search(error.detail)
    if missing:
        name = missing["name"]
        return (
            f"The functions have one named {name}, and there is no lambdas/{name.replace('-', '_')}/: add its code "
            "there (lambdas/README.md, Adding a function), or take the function out."
        )
    return "Fix it, then scan again: until then nothing else is known of this root's plan."


def _rejection(finding: Finding, error: Diagnostic, folder: Path) -> Finding:
    path = Path(os.path.normpath(folder / error.file))
    in_copy = path.is_relative_to(folder) and folder.is_relative_to(plans.FOLDER)  # of an example: its README has it
    has_file = error.file not in {"", "<empty>"} and path.is_relative_to(ROOT) and not in_copy
    return replace(
        finding,
        address=checkov.readable(error.address) or finding.address,
        file=plans.relative(path) if has_file else None,
        line=error.line if has_file else None,
        definition=checkov.normal(path.relative_to(folder.parent).as_posix()) if in_copy else "",
        message=" ".join(f"{error.summary}: {error.detail}".split()),
        remedy=_remedy_of(error),
    )


def _missing(folders: Sequence[Path]) -> list[Finding]:
    """The live folders that every checkout must have."""
    names = {folder.name for folder in folders}
    return [
        scan_error(4, Job(f"live/{name}", "hcl", ROOT), f"live/{name} is missing.")
        for name in ("bootstrap", "dev", "prod")
        if name not in names
    ]


def json_sources(root: Path = ROOT) -> list[Finding]:
    """Terraform written as JSON: Terraform accepts it, but our checks of source read HCL only.

    Args:
        root: The checkout.
    """
    return [
        scan_error(
            3,
            Job(file.parent.relative_to(root).as_posix(), "hcl", file.parent),
            f"{file.relative_to(root).as_posix()} is Terraform as JSON, which our checks cannot read: write it as .tf.",
        )
        for pattern in ("live/*/*.tf.json", "modules/*/*.tf.json")
        for file in sorted(root.glob(pattern))
    ]


def _order(finding: Finding) -> tuple[int, str, str, str, str]:
    return (finding.severity.rank, finding.rule_id, finding.root, finding.address, finding.message)
