"""Updates in place: every argument that AWS can change on a running stack is changed once, and changed back.

The matrix is generated from the provider's schema, the values of production's stack and AWS's models;
`tests.updates.matrix` has the method. ``./noxw -s updates`` runs it and leaves the figures in
``build/results/updates-in-place.json``.

Not in CI yet, for no whole run was green. Some types were run alone on the embedded engine: 88 arguments of 15 types.
Those of ``aws_dynamodb_table``, ``aws_cloudwatch_log_group``, IAM and SNS can be updated; so can those of API Gateway's
methods, integrations, stages and usage plans, but for the row in ``LACKED_BY_AN_ENGINE``. Open: six of twenty arguments
of ``aws_lambda_function``, among them ``dead_letter_config``, ``environment`` and ``logging_config``, which are still
there, empty, when they were removed. The other updates were planned, and never made.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.engine import Engine, engine_name
from harness.engine.differences import table as differences
from harness.mutation import provider_schema
from harness.paths import BUILD, ROOT
from harness.results import record
from harness.stack.deployment import Deployment, artifacts_of
from harness.stack.snapshot import clone_source
from harness.terraform.run import Terraform
from tests.updates.candidates import Candidates
from tests.updates.literal import FlatRoot, chosen, common_tags, resources_of, table
from tests.updates.matrix import Outcome, Result, Run, spread, updates_in_place

ENVIRONMENT = "prod"
LEAST_UPDATES = 150
"""Of all arguments; fewer would mean that the generator no longer finds them."""

LACKED_BY_AN_ENGINE = [
    pytest.param(
        "aws_api_gateway_stage.cache_cluster_enabled",
        marks=pytest.mark.relies_on("cache-of-a-stage-becomes-available"),
    ),
]
"""Updates that some engine cannot make, each with the feature of ``localstack/differences.yaml``."""

FEATURES = {str(row.values[0]): mark.args[0] for row in LACKED_BY_AN_ENGINE for mark in row.marks}


@dataclass(frozen=True)
class Matrix:
    """The results of all updates.

    Attributes:
        first: What the first plan of the flat root would change.
        results: By argument.
        last: What is left to change after everything was changed back.
    """

    first: str
    results: dict[str, Result]
    last: str


def flat_root(deployment: Deployment, engine: Engine, folder: Path) -> tuple[Run, Candidates]:
    """The stack as a flat root, before any update."""
    state = deployment.terraform.state()
    types = {entry["type"] for entry in state["resources"] if entry["mode"] == "managed"}
    schemas, rows = provider_schema.schemas(types), table()
    resources = chosen(resources_of(state, schemas), schemas, rows)
    shutil.copy(ROOT / "live" / ENVIRONMENT / ".terraform.lock.hcl", folder)
    root = FlatRoot(folder, common_tags(state), {name: state[name] for name in ("version", "terraform_version")})
    root.write(resources)
    terraform = Terraform(folder, env=engine.endpoint.environment(), data_dir=folder / "data", log_dir=folder / "logs")
    terraform.init()
    unread = {f"{kind}.{argument}" for kind, row in rows.items() for argument in row.not_read}
    return Run(terraform, root, {each.address: each for each in resources}, unread), Candidates(
        resources, schemas, rows
    )


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with clone_source(ENVIRONMENT).clone("updates") as (_, engine):
        deployment = Deployment(ENVIRONMENT, engine, artifacts_of(engine), BUILD / "terraform" / engine.instance)
        deployment.prepare()
        run, candidates = flat_root(deployment, engine, tmp_path_factory.mktemp("flat"))
        updates = updates_in_place(run.terraform, run.root, list(candidates))
        first = run.begin()
        try:
            results = run.all(spread(updates))
        finally:
            record("updates-in-place", figures(run.results))
        yield Matrix(str(first), results, str(run.base()))


def figures(results: dict[str, Result]) -> dict[str, object]:
    """For ``build/results``."""
    return {
        "arguments": len(results),
        "types": len({result.update.resource.type for result in results.values()}),
        **{
            outcome.name.lower(): count for outcome, count in Counter(each.outcome for each in results.values()).items()
        },
        "failed_updates": [str(each) for each in results.values() if not each.works],
        "updates": {name: json.dumps(each.update.value)[:100] for name, each in sorted(results.items())},
    }


def test_the_stack_is_adopted_without_a_change(matrix: Matrix) -> None:
    assert matrix.first == "no changes"


def test_the_matrix_has_every_kind_of_update(matrix: Matrix) -> None:
    assert len(matrix.results) >= LEAST_UPDATES


def test_every_update_is_made_and_changed_back(matrix: Matrix) -> None:
    listed = {argument for argument, feature in FEATURES.items() if differences().of(engine_name(), feature)}

    failed = [str(result) for name, result in matrix.results.items() if not result.works and name not in listed]

    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("argument", LACKED_BY_AN_ENGINE)
def test_an_update_that_some_engine_lacks(matrix: Matrix, argument: str) -> None:
    assert matrix.results[argument].works, str(matrix.results[argument])


def test_only_what_terraform_keeps_to_itself_is_not_read_back(matrix: Matrix) -> None:
    listed = {f"{kind}.{argument}" for kind, row in table().items() for argument in row.not_read}

    unread = {name for name, result in matrix.results.items() if result.outcome is Outcome.UNREAD}

    assert unread == listed & matrix.results.keys()


def test_nothing_is_left_to_change_in_the_end(matrix: Matrix) -> None:
    assert matrix.last == "no changes"
