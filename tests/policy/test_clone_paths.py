"""No verdict depends on where the clone is: the path of a plan or of a source file is not part of what checks see."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
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

IN_SOURCE = len("/live/dev/main")
"""The same in the path of a source file."""

SOURCE = """
resource "aws_lambda_function" "this" {{
  function_name = "f"
  tags          = {{ Owner = "a team" }}

  environment {{
    variables = {{ {name} = "{value}" }}
  }}
}}
"""

HARMLESS = {"LOG_LEVEL": "INFO"}
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


Findings = dict[int, set[tuple[str, str, str]]]
"""What checkov finds (rule, address, message), by the length of the clone's path."""


@dataclass(frozen=True)
class Scans:
    """Scans of the same function under paths of many lengths."""

    folder: Path
    jobs: list[Job] = field(default_factory=list)

    def add_plan(self, kind: str, variables: dict[str, str], length: int) -> None:
        document = plan(variables)
        file = self._path(kind, length + INSIDE_CLONE).with_suffix(".json")
        file.write_text(json.dumps(document), encoding="utf-8")
        self.jobs.append(Job(f"{kind} {length}", "plan", file, PlanGraph(document)))

    def add_source(self, kind: str, variables: dict[str, str], length: int) -> None:
        (name, value), *_ = variables.items()
        folder = self._path(kind, length + IN_SOURCE - len("/main"))
        folder.mkdir()
        (folder / "main.tf").write_text(SOURCE.format(name=name, value=value), encoding="utf-8")
        self.jobs.append(Job(f"{kind} {length}", "hcl", folder))

    def _path(self, kind: str, length: int) -> Path:
        parent = self.folder / kind
        parent.mkdir(exist_ok=True)
        return parent / "p".ljust(length - len(f"{parent}/"), "p")

    def run(self) -> dict[str, Findings]:
        """The findings of all scans, by kind."""
        results = checkov.run(self.jobs, (), self.folder / "results")
        findings: dict[str, Findings] = {}
        for job in self.jobs:
            kind, length = job.root.split()
            findings.setdefault(kind, {})[int(length)] = {
                (finding.rule_id, finding.address, finding.message)
                for finding in results.findings
                if finding.root == job.root
            }
        return findings


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Findings]:
    """What checkov finds in a harmless function (plan: h, source: i) and in one with a secret (s, t)."""
    scans = Scans(folder)
    for length in CLONE_LENGTHS:
        scans.add_plan("h", HARMLESS, length)
    for length in range(15, 41):  # shorter ones need a shorter folder; longer words look like no key
        scans.add_source("i", HARMLESS, length)
    for length in (5, 18):
        scans.add_plan("s", {"PARTNER": SECRET}, length)
        scans.add_source("t", {"PARTNER": SECRET}, length + 13)
    return scans.run()


@pytest.mark.parametrize("kind", ["h", "i"], ids=["plan", "source"])
def test_the_findings_are_the_same_wherever_the_clone_is(found: dict[str, Findings], kind: str) -> None:
    harmless = found[kind]

    expected = harmless[min(harmless)]
    assert expected, "checkov has found nothing, so it has not looked at the function"
    assert {length: findings ^ expected for length, findings in harmless.items() if findings != expected} == {}
    assert "CKV_AWS_45" not in {rule for rule, _, _ in expected}


@pytest.mark.parametrize("kind", ["s", "t"], ids=["plan", "source"])
def test_a_secret_is_found_and_its_key_is_named(found: dict[str, Findings], kind: str) -> None:
    for findings in found[kind].values():
        (message,) = [message for rule, _, message in findings if rule == "CKV_AWS_45"]
        assert message.endswith("(environment.variables.PARTNER).")
        assert SECRET not in message
