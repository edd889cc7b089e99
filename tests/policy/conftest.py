"""Fixtures of the policy tests: each rule's fixtures, judged once in each mode."""

from pathlib import Path

import pytest

from harness.plan.graph import PlanGraph
from harness.policy import checkov, fixtures
from harness.policy.checkov import Job
from harness.policy.finding import Finding
from harness.policy.fixtures import Fixture
from harness.policy.plans import FOLDER
from harness.policy.rule import RULES, violations
from harness.policy.rules.iam import rendered_policies
from harness.process.locks import locked

ALL = fixtures.load()


class JudgedFixtures:
    """The fixtures' plans, and what the rules find in plans and source."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        with locked(folder / ".lock"):
            self.plans: dict[str, PlanGraph] = fixtures.planned(ALL, folder)
            in_source = folder / "fixture-sources"
            scanned = [each for each in ALL if "hcl" in RULES[each.rule].modes or RULES[each.rule].includes]
            fixtures.sources(scanned, in_source)
            policies = [
                {"at": "0", "text": text, "root": name, "address": policy.address, "definition": ""}
                for name, plan in self.plans.items()
                if name.startswith(checkov.PARLIAMENT)
                for policy, text in rendered_policies(plan)
            ]
            policies = [{**policy, "at": str(at)} for at, policy in enumerate(policies)]
            self.results = checkov.run([Job("fixtures", "hcl", in_source, environment="dev")], policies, folder)

    def on_plan(self, fixture: Fixture) -> set[str]:
        """The addresses that break the fixture's rule in its plan."""
        if fixture.rule == checkov.PARLIAMENT:
            return {finding.address for finding in self.results.findings if finding.root == fixture.name}
        return {finding.address for finding in violations(RULES[fixture.rule], self.plans[fixture.name])}

    def on_source(self, fixture: Fixture) -> set[str]:
        """The addresses that break the fixture's rule in its source."""
        findings = [finding for finding in self.in_source(fixture) if finding.rule_id == fixture.rule]
        return {fixtures.without_index(finding.address) for finding in findings}

    def in_source(self, fixture: Fixture) -> list[Finding]:
        """Everything that checkov finds in a fixture's source."""
        return [finding for finding in self.results.findings if fixture.name in finding.definition.split("/")]


@pytest.fixture(scope="session")
def judged_fixtures(worker_id: str) -> JudgedFixtures:
    """The fixtures, judged: one plan and one run of checkov for all; each test process has its own folder."""
    return JudgedFixtures(FOLDER / "fixtures" / worker_id)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that need the judged fixtures in one process, so that they are judged once."""
    for item in items:
        if "judged_fixtures" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("fixtures"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for mode in ("plan", "hcl"):
        if f"{mode}_fixture" in metafunc.fixturenames:
            selected = [fixture for fixture in ALL if mode in RULES[fixture.rule].modes]
            metafunc.parametrize(f"{mode}_fixture", selected, ids=[fixture.name for fixture in selected])
