"""No verdict depends on where the clone is: the path of a plan's file is not part of what checks see."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from secrets import choice
from string import ascii_lowercase
from typing import Any

import pytest

from harness.plan.graph import PlanGraph
from harness.policy import checkov
from harness.policy.checkov import Job

CLONE_LENGTHS = range(5, 61)
"""Characters of a clone's absolute path."""

INSIDE_CLONE = len("/build/policy/plan/dev")
"""What follows it in the path of a plan, up to the dot, which ends a word that looks like a key."""

SECRET = "wJalrXUtnFEMIxK7MDENGxbPxRfiCYexampleKEY"


def plan(variables: dict[str, str]) -> dict[str, Any]:
    """The plan of one function with some environment variables."""
    values = {"function_name": "f", "tags": {"Owner": "a team"}, "environment": [{"variables": variables}]}
    names = {"address": "aws_lambda_function.this", "mode": "managed", "type": "aws_lambda_function", "name": "this"}
    provider = "registry.terraform.io/hashicorp/aws"
    change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {}}
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.0",
        "complete": True,
        "planned_values": {"root_module": {"resources": [{**names, "provider_name": provider, "values": values}]}},
        "resource_changes": [{**names, "provider_name": provider, "change": change}],
        "configuration": {"root_module": {"resources": [{**names, "expressions": {}}]}},
    }


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a short path of letters only; pytest's own paths are longer and have digits and hyphens."""
    path = Path("/tmp").resolve() / "".join(choice(ascii_lowercase) for _ in range(10))
    path.mkdir(mode=0o700)
    yield path
    shutil.rmtree(path)


Found = dict[int, set[tuple[str, str, str]]]


@pytest.fixture(scope="module")
def found(folder: Path) -> tuple[Found, Found]:
    """What checkov finds in a harmless plan and in one with a secret, by the length of the clone's path."""
    jobs = []
    for kind, variables, lengths in (("h", {"LOG_LEVEL": "INFO"}, CLONE_LENGTHS), ("s", {"PARTNER": SECRET}, (5, 18))):
        document = plan(variables)
        (folder / kind).mkdir()
        for length in lengths:
            name = "p" * (length + INSIDE_CLONE - len(f"{folder}/{kind}/"))
            file = folder / kind / f"{name}.json"
            file.write_text(json.dumps(document), encoding="utf-8")
            jobs.append(Job(f"{kind}{length}", "plan", file, PlanGraph(document)))
    results = checkov.run(jobs, (), folder / "results")
    findings: tuple[Found, Found] = ({}, {})
    for job in jobs:
        findings["hs".index(job.root[0])][int(job.root[1:])] = {
            (finding.rule_id, finding.address, finding.message)
            for finding in results.findings
            if finding.root == job.root
        }
    return findings


def test_the_findings_are_the_same_wherever_the_clone_is(found: tuple[Found, Found]) -> None:
    harmless, _ = found

    expected = harmless[CLONE_LENGTHS[0]]
    assert expected, "checkov has found nothing, so it has not looked at the plan"
    assert {length: findings ^ expected for length, findings in harmless.items() if findings != expected} == {}
    assert "CKV_AWS_45" not in {rule for rule, _, _ in expected}


def test_a_secret_is_found_and_its_key_is_named(found: tuple[Found, Found]) -> None:
    _, secret = found

    for findings in secret.values():
        (message,) = [message for rule, _, message in findings if rule == "CKV_AWS_45"]
        assert message.endswith("(environment.variables.PARTNER).")
        assert SECRET not in message
