"""Runs checkov in its own environment, for harness.policy.checkov: jobs come as JSON on standard input.

checkov takes seconds to import, so it is imported once, and each job gets a fork. It is used as a library, because its
command line ignores what it does not find (folders, checks, resources) and calls home. Errors that it logs, files that
it cannot parse and exceptions of checks are in the results: the gate reports them as findings.
"""

import gc
import json
import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypedDict

os.environ.update({"LOG_LEVEL": "ERROR", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false", "PYTHONHASHSEED": "0"})

import parliament
import ply.yacc
from checkov.common.checks.base_check import BaseCheck
from checkov.common.checks_infra.registry import get_graph_checks_registry
from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.common.output.record import Record
from checkov.common.parsers.node import DictNode
from checkov.common.util.consts import LINE_FIELD_NAMES
from checkov.runner_filter import RunnerFilter
from checkov.terraform import plan_parser
from checkov.terraform.checks.data.registry import data_registry
from checkov.terraform.checks.provider.registry import provider_registry
from checkov.terraform.checks.resource.registry import resource_registry
from checkov.terraform.plan_runner import Runner as PlanRunner
from checkov.terraform.runner import Runner

CHECKS = Path(__file__).parent / "checks"
OWN = "CKV_INV_"


class Job(TypedDict):
    """One scan: ``mode`` is ``plan`` (``path`` is a plan file) or ``hcl`` (``path`` is a folder)."""

    name: str
    mode: str
    path: str


class Policy(TypedDict):
    """A rendered identity policy, and the resource that has it."""

    at: str
    text: str


class Errors(logging.Handler):
    """Collects what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Collect the first line of a record."""
        self.messages.append(record.getMessage().strip().splitlines()[0][:500])


def once_per_grammar(generate: Callable[..., Any]) -> Callable[..., Any]:
    """A parser generator that generates each grammar's parser once; checkov's JSON paths need it in every check."""
    parsers: dict[tuple[type, str | None], Any] = {}

    def yacc(*arguments: Any, **options: Any) -> Any:
        key = (type(options.get("module")), options.get("start"))
        if arguments or key[0] is type(None):
            return generate(*arguments, **options)
        if key not in parsers:
            parsers[key] = generate(**options)
        return parsers[key]

    return yacc


def without_exceptions(run: Callable[..., Any]) -> Callable[..., Any]:
    """A check's run that returns UNKNOWN instead of an exception, which would end the scan of everything after it."""

    def attempt(self: BaseCheck, *arguments: Any, **options: Any) -> Any:
        try:
            return run(self, *arguments, **options)
        except Exception:  # noqa: BLE001 - whatever a check raises; checkov has logged it
            return {"result": CheckResult.UNKNOWN}

    return attempt


def only_planned(value: Any) -> Any:
    """A parsed plan without what checkov's parser adds to every object: the plan file's path and the object's lines.

    Checks take all of it for configuration. A path of 40 characters in a function's environment looks like an AWS
    secret key, so the verdict would depend on where the clone is. Only resources keep their lines, for the report.
    """
    if isinstance(value, list):
        return [only_planned(element) for element in value]
    if not isinstance(value, dict):
        return value
    planned = {key: only_planned(inner) for key, inner in value.items() if key not in LINE_FIELD_NAMES}
    if planned.keys() >= {"address", "type", "values"}:
        place = value["values"]
        planned["values"] = DictNode(planned["values"], place.start_mark, place.end_mark)
    return planned


def planned_by(parse: Callable[..., Any]) -> Callable[..., Any]:
    """A plan parser whose result is only what the plan says."""

    def parse_plan(*arguments: Any, **options: Any) -> Any:
        template, lines = parse(*arguments, **options)
        return only_planned(template), lines

    return parse_plan


def only_builtin() -> None:
    """Remove our own checks from this process: on plans they run without checkov."""
    for registry in (resource_registry, data_registry, provider_registry):
        for table in (registry.checks, registry.wildcard_checks):
            for kind, checks in table.items():
                table[kind] = [check for check in checks if not check.id.startswith(OWN)]
    graph = get_graph_checks_registry("terraform")
    graph.checks = [check for check in graph.checks if not check.id.startswith(OWN)]


def scan(job: Job) -> dict[str, Any]:
    """One job: a folder of HCL, or a plan file."""
    if job["mode"] == "plan":
        only_builtin()
    errors = Errors()
    logging.getLogger().addHandler(errors)
    result: dict[str, Any] = {"passed": [], "failed": [], "skipped": [], "resources": 0}
    result |= {"name": job["name"], "mode": job["mode"]}
    try:
        if job["mode"] == "plan":
            report = PlanRunner().run(files=[job["path"]], runner_filter=RunnerFilter(framework=["terraform_plan"]))
        else:
            report = Runner().run(root_folder=job["path"], runner_filter=RunnerFilter(framework=["terraform"]))
        result["resources"] = len(report.resources)
        result["parsing_errors"] = [str(error) for error in report.parsing_errors]
        result["passed"] = sorted({(check.check_id, address(check)) for check in report.passed_checks})
        result["failed"] = [as_json(check) for check in report.failed_checks]
        result["skipped"] = [as_json(check) for check in report.skipped_checks]
    except Exception:  # noqa: BLE001 - whatever a check raises, the gate reports it
        errors.messages.append(traceback.format_exc().strip().splitlines()[-1])
    result["errors"] = errors.messages
    result["cpu_seconds"] = round(time.process_time(), 1)
    return result


def address(record: Record) -> str:
    """The resource's address; in a plan with its keys."""
    return str(record.resource_address or record.resource)


def as_json(record: Record) -> dict[str, Any]:
    """One result of a check as JSON."""
    lines = record.file_line_range or [None]
    return {
        "id": record.check_id,
        "name": record.check_name,
        "address": str(record.resource),
        "file": record.file_abs_path,
        "line": lines[0],
        "details": [str(detail) for detail in record.details or ()],
        "keys": secret_keys(record),
        "guideline": record.guideline or "",
        "comment": (record.check_result or {}).get("suppress_comment", ""),
    }


def secret_keys(record: Record) -> list[str]:
    """The keys of the values that a check takes for secrets; none for other checks."""
    check = resource_registry.get_check_by_id(record.check_id)
    if check is None or CheckCategories.SECRETS not in check.categories:
        return []
    return sorted(key.replace("/[0]", "").replace("/", ".") for key in record.check_result.get("evaluated_keys", ()))


def load() -> dict[str, list[str]]:
    """Load our own checks; returns the types of resources and data sources that each check judges, by its id."""
    sys.path.insert(0, str(Path(__file__).parent.parent))  # harness.policy.rules
    resource_registry.load_external_checks(str(CHECKS))
    graph = get_graph_checks_registry("terraform")
    graph.load_checks()
    graph.load_external_checks(str(CHECKS))
    judged: dict[str, set[str]] = {}
    for registry in (resource_registry, data_registry, provider_registry):
        for kind, checks in (*registry.checks.items(), *registry.wildcard_checks.items()):
            for check in checks:
                judged.setdefault(check.id, set()).add(kind)
    for check in graph.checks:
        judged.setdefault(check.id, set()).update(check.resource_types)
    return {identity: sorted(types) for identity, types in sorted(judged.items())}


def analyse(policies: Iterable[Policy]) -> list[dict[str, str]]:
    """Parliament's findings on rendered identity policies; a policy that it cannot read is a finding too."""
    issues: list[dict[str, str]] = []
    for policy in policies:
        try:
            analysis = parliament.analyze_policy_string(policy["text"], ignore_private_auditors=True)
            issues += [
                {"at": policy["at"], "issue": finding.issue, "title": finding.title, "detail": str(finding.detail)}
                for finding in map(parliament.enhance_finding, analysis.findings)
            ]
        except Exception as error:  # noqa: BLE001 - whatever parliament raises, the gate reports it
            issues.append({"at": policy["at"], "issue": "EXCEPTION", "title": repr(error), "detail": ""})
    return issues


def main() -> None:
    """Read the jobs, run them, write the results."""
    request = json.load(sys.stdin)
    gc.disable()  # the process ends soon, and collecting takes a tenth of the time
    BaseCheck.run = without_exceptions(BaseCheck.run)
    plan_parser.parse = planned_by(plan_parser.parse)
    ply.yacc.yacc = once_per_grammar(ply.yacc.yacc)
    known = load()
    context = multiprocessing.get_context("fork")
    with context.Pool(min(request["workers"], len(request["jobs"])), maxtasksperchild=1) as pool:
        results = pool.map(scan, request["jobs"], chunksize=1)
    response = {"known": known, "results": results, "parliament": analyse(request.get("policies", ()))}
    Path(request["out"]).write_text(json.dumps(response), encoding="utf-8")


if __name__ == "__main__":
    main()
