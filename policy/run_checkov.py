"""Runs checkov in its own environment, for harness.policy.checkov: jobs come as JSON on standard input.

checkov takes seconds to import: it is imported once, and each job gets a fork. It is used as a library, for its command
line passes over what it does not find (folders, checks, resources) and calls home. Whatever it logs as an error,
whatever it cannot parse and whatever a check raises is in the results, where the gate makes failures of it.
"""

import gc
import json
import logging
import multiprocessing
import os
import sys
import time
import traceback
from pathlib import Path

os.environ.update({"LOG_LEVEL": "ERROR", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false", "PYTHONHASHSEED": "0"})

import parliament
import ply.yacc
from checkov.common.checks.base_check import BaseCheck
from checkov.common.checks_infra.registry import get_graph_checks_registry
from checkov.common.models.enums import CheckResult
from checkov.runner_filter import RunnerFilter
from checkov.terraform.checks.data.registry import data_registry
from checkov.terraform.checks.provider.registry import provider_registry
from checkov.terraform.checks.resource.registry import resource_registry
from checkov.terraform.plan_runner import Runner as PlanRunner
from checkov.terraform.runner import Runner

CHECKS = Path(__file__).parent / "checks"
OWN = "CKV_INV_"


class Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.said = []

    def emit(self, record):
        """Keep one."""
        self.said.append(record.getMessage().strip().splitlines()[0][:500])


def once_per_grammar(make):
    """A parser generator that generates each grammar's parser once: checkov's JSON paths ask for it at every check."""
    made = {}

    def yacc(*arguments, **named):
        key = (type(named.get("module")), named.get("start"))
        if arguments or key[0] is type(None):
            return make(*arguments, **named)
        if key not in made:
            made[key] = make(**named)
        return made[key]

    return yacc


def unraised(run):
    """A check's run that gives no verdict where it raised, instead of ending the scan of all that follows it."""

    def attempt(self, *arguments, **named):
        try:
            return run(self, *arguments, **named)
        except Exception:  # noqa: BLE001 - whatever a check raises; checkov has logged it
            return {"result": CheckResult.UNKNOWN}

    return attempt


def only_builtin():
    """Take our own checks out of this process: on plans they run without checkov."""
    for registry in (resource_registry, data_registry, provider_registry):
        for table in (registry.checks, registry.wildcard_checks):
            for kind, checks in table.items():
                table[kind] = [check for check in checks if not check.id.startswith(OWN)]
    graph = get_graph_checks_registry("terraform")
    graph.checks = [check for check in graph.checks if not check.id.startswith(OWN)]


def scan(job):
    """One job: a folder of HCL, or a plan file."""
    if job["mode"] == "plan":
        only_builtin()
    errors = Errors()
    logging.getLogger().addHandler(errors)
    result = {"name": job["name"], "mode": job["mode"], "passed": [], "failed": [], "skipped": [], "resources": 0}
    try:
        if job["mode"] == "plan":
            report = PlanRunner().run(files=[job["path"]], runner_filter=RunnerFilter(framework=["terraform_plan"]))
        else:
            report = Runner().run(root_folder=job["path"], runner_filter=RunnerFilter(framework=["terraform"]))
        result["resources"] = len(report.resources)
        result["parsing_errors"] = [str(one) for one in report.parsing_errors]
        result["passed"] = sorted({(one.check_id, address(one)) for one in report.passed_checks})
        result["failed"] = [record(one) for one in report.failed_checks]
        result["skipped"] = [record(one) for one in report.skipped_checks]
    except Exception:  # noqa: BLE001 - whatever a check raises is the gate's to report
        errors.said.append(traceback.format_exc().strip().splitlines()[-1])
    result["errors"] = errors.said
    result["cpu_seconds"] = round(time.process_time(), 1)
    return result


def address(one):
    """The resource's address; in a plan with its keys."""
    return str(one.resource_address or one.resource)


def record(one):
    """One result as JSON."""
    lines = one.file_line_range or [None]
    return {
        "id": one.check_id,
        "name": one.check_name,
        "address": str(one.resource),
        "file": one.file_abs_path,
        "line": lines[0],
        "details": [str(detail) for detail in one.details or ()],
        "guideline": one.guideline or "",
        "comment": (one.check_result or {}).get("suppress_comment", ""),
    }


def load():
    """Load our own checks, and tell every id that there is."""
    sys.path.insert(0, str(Path(__file__).parent.parent))  # harness.policy.rules
    resource_registry.load_external_checks(str(CHECKS))
    registry = get_graph_checks_registry("terraform")
    registry.load_checks()
    registry.load_external_checks(str(CHECKS))
    plain = {
        check.id
        for registry in (resource_registry, data_registry, provider_registry)
        for checks in (*registry.checks.values(), *registry.wildcard_checks.values())
        for check in checks
    }
    return sorted(plain | {check.id for check in get_graph_checks_registry("terraform").checks})


def analyse(policies):
    """What parliament says of policies: those of identities, rendered; one it cannot read is a finding too."""
    found = []
    for one in policies:
        try:
            analysed = parliament.analyze_policy_string(one["text"], ignore_private_auditors=True)
            said = [parliament.enhance_finding(finding) for finding in analysed.findings]
            found += [{"at": one["at"], "issue": f.issue, "title": f.title, "detail": str(f.detail)} for f in said]
        except Exception as fault:  # noqa: BLE001 - whatever it stumbles over is the gate's to report
            found.append({"at": one["at"], "issue": "EXCEPTION", "title": repr(fault), "detail": ""})
    return found


def main():
    """Read the jobs, run them, write the results."""
    asked = json.load(sys.stdin)
    gc.disable()  # nothing here lives long, and collecting takes a tenth of the time
    BaseCheck.run = unraised(BaseCheck.run)
    ply.yacc.yacc = once_per_grammar(ply.yacc.yacc)
    known = load()
    context = multiprocessing.get_context("fork")
    with context.Pool(min(asked["workers"], len(asked["jobs"])), maxtasksperchild=1) as pool:
        results = pool.map(scan, asked["jobs"], chunksize=1)
    answer = {"known": known, "results": results, "parliament": analyse(asked.get("policies", ()))}
    Path(asked["out"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
