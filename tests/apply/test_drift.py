"""Ten changes by hand in a running environment: `drift` reports each, with what to do, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness.deploy.drift import Difference, Kind, differences
from harness.deploy.unmanaged import states, unmanaged
from harness.paths import BUILD
from harness.settings import PLATFORM
from harness.stack.deployment import Deployment, Stack
from harness.stack.snapshot import clone_source
from tests.apply.changes_by_hand import CHANGES, ChangeByHand
from tests.apply.stage import group, prepared

pytestmark = [pytest.mark.drill, group("drift")]


@dataclass(frozen=True)
class Environment:
    """dev on an engine of its own."""

    deployment: Deployment
    stack: Stack

    def client(self, service: str) -> Any:
        return self.stack.session.client(service, endpoint_url=self.stack.endpoint_url)

    def drift(self) -> list[Difference]:
        documents = [*states(self.deployment.state_bucket, self.stack.session, self.stack.endpoint_url)]
        return differences(self.deployment.terraform, "dev") + unmanaged(
            documents,
            self.stack.credentials,
            state_bucket=self.deployment.state_bucket,
            made_by_platform=PLATFORM.made_while_it_runs,
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with clone_source("dev").clone("drift") as (stack, engine):
        artifacts = BUILD / "artifacts" / "snapshot-dev"  # those that it was applied with
        yield Environment(prepared("dev", engine, tmp_path_factory.mktemp("drift"), artifacts), stack)


def found(rows: list[Difference], change: ChangeByHand) -> Difference:
    (row,) = [row for row in rows if row.kind is change.kind and row.subject.endswith(change.subject)]
    return row


def test_changes_by_hand_are_reported_until_they_are_taken_back(
    environment: Environment, record_property: Callable[[str, object], None]
) -> None:
    assert environment.drift() == []

    by_deploy = {name: change for name, change in CHANGES.items() if not change.ignored}
    for change in by_deploy.values():
        change.make(environment.client)
    rows = environment.drift()

    assert len(rows) == len(by_deploy), [row.subject for row in rows]
    for name, change in by_deploy.items():
        row = found(rows, change)
        assert change.detail in " ".join(row.details), name
        record_property(name, row.remedy)
        if change.kind is Kind.UNMANAGED:
            assert "import it" in row.remedy, name
        else:
            assert "A deploy takes it back" in row.remedy, name
            assert (row.file.startswith("modules/"), row.line > 0) == (True, True), name

    environment.deployment.terraform.apply()
    left = environment.drift()

    assert {row.kind for row in left} == {Kind.UNMANAGED}
    assert len(left) == sum(change.kind is Kind.UNMANAGED for change in by_deploy.values())


def test_what_terraform_ignores_is_reported_too(environment: Environment) -> None:
    index = CHANGES["index"]
    index.make(environment.client)

    rows = environment.drift()

    row = found(rows, index)
    assert index.detail in " ".join(row.details)
    assert "(secret)" not in " ".join(row.details)
    (blocked,) = [row for row in rows if row.kind is Kind.UNPLANNABLE]
    assert "aws_dynamodb_table" in " ".join(blocked.details)


def test_reading_changes_no_state(environment: Environment) -> None:
    before = environment.deployment.terraform.show_json()

    environment.drift()

    assert environment.deployment.terraform.show_json() == before
