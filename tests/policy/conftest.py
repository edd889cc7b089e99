"""What the policy tests share: every fixture judged once in each mode."""

import pytest

from harness.plan.graph import PlanGraph
from harness.policy import checkov, fixtures
from harness.policy.checkov import Job
from harness.policy.finding import Finding
from harness.policy.fixtures import Fixture
from harness.policy.plans import FOLDER
from harness.policy.rule import RULES, judged
from harness.policy.rules.iam import rendered_policies
from harness.process.locks import locked

ALL = fixtures.load()


class Judged:
    """What came of the fixtures."""

    def __init__(self) -> None:
        with locked(FOLDER / ".fixtures.lock"):
            self.plans: dict[str, PlanGraph] = fixtures.planned(ALL)
            folder = FOLDER / "fixture-sources"
            fixtures.sources([one for one in ALL if "hcl" in RULES[one.rule].modes], folder)
            policies = [
                {"at": "0", "text": text, "root": name, "address": one.address, "definition": ""}
                for name, plan in self.plans.items()
                if name.startswith(checkov.PARLIAMENT)
                for one, text in rendered_policies(plan)
            ]
            policies = [{**one, "at": str(at)} for at, one in enumerate(policies)]
            self.answer = checkov.run(
                [Job("fixtures", "hcl", folder, environment="dev")], policies, FOLDER / "fixtures"
            )

    def on_plan(self, fixture: Fixture) -> set[str]:
        """The addresses that break the fixture's rule in its plan."""
        if fixture.rule == checkov.PARLIAMENT:
            return {one.address for one in self.answer.findings if one.root == fixture.name}
        return {one.address for one in judged(RULES[fixture.rule], self.plans[fixture.name])}

    def on_source(self, fixture: Fixture) -> set[str]:
        """The addresses that break the fixture's rule in its source."""
        return {fixtures.without_index(one.address) for one in self.in_source(fixture) if one.rule_id == fixture.rule}

    def in_source(self, fixture: Fixture) -> list[Finding]:
        """Everything that checkov finds in a fixture's source."""
        return [one for one in self.answer.findings if fixture.name in one.definition.split("/")]


@pytest.fixture(scope="session")
def everything() -> Judged:
    """The fixtures, judged: one plan and one run of checkov for all."""
    return Judged()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for mode in ("plan", "hcl"):
        if f"{mode}_fixture" in metafunc.fixturenames:
            chosen = [one for one in ALL if mode in RULES[one.rule].modes]
            metafunc.parametrize(f"{mode}_fixture", chosen, ids=[one.name for one in chosen])
