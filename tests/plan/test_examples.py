"""Every example in a module's README, and the usage example of the guide, can be planned."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.package import placeholders
from harness.paths import BUILD
from harness.plan_tests import examples
from harness.plan_tests.collector import Planner
from harness.plan_tests.root import MODULES, ModuleCall

FOLDER = BUILD / "plan" / "examples"

# Paths outside the repository that an example uses, and their replacement here.
STAND_INS = {'"/srv/build/artifacts/aws"': f'"{placeholders(BUILD / "plan" / "zips")}"'}

EXAMPLES = [
    (readme, line, re.sub("|".join(STAND_INS), lambda match: STAND_INS[match[0]], code))
    for readme in sorted(MODULES.glob("*/README.md"))
    for line, code in examples.examples(readme)
]

GUIDE = """\
module "invoice_table" {
  source = "./modules/dynamodb"

  table_name = "invoice-${var.environment}"
  hash_key   = "invoiceId"

  global_secondary_indexes = [{
    name            = "customerId-index"
    hash_key        = "customerId"
    range_key       = "createdAt"
    projection_type = "ALL"
  }]

  tags = local.common_tags
}
"""
GUIDE_CONTEXT = """\
variable "environment" {
  default = "dev"
}

locals {
  common_tags = { Project = "invoice-modernization" }
}
"""


def calls(_: Path) -> tuple[Sequence[ModuleCall], Sequence[ModuleCall]]:
    guide = examples.call_of(MODULES / "guide" / "README.md", 1, GUIDE, FOLDER, beside=[GUIDE_CONTEXT])
    return [*(examples.call_of(readme, line, code, FOLDER) for readme, line, code in EXAMPLES), guide], []


def test_every_module_has_an_example() -> None:
    assert {readme.parent.name for readme, _, _ in EXAMPLES} == {
        folder.name for folder in MODULES.iterdir() if folder.is_dir()
    }


@pytest.mark.parametrize(("readme", "line"), [(readme.parent.name, line) for readme, line, _ in EXAMPLES])
def test_an_example_can_be_planned(readme: str, line: int, planner: Planner) -> None:
    result = planner.result_of(f"{readme}/README.md:{line}")

    assert result.planned, result.messages
    assert result.planned.resources


def test_the_guides_usage_example_can_be_planned(planner: Planner) -> None:
    result = planner.result_of("guide/README.md:1")

    assert result.planned, result.messages
    table = result.planned.resources["module.invoice_table.aws_dynamodb_table.this"]
    assert table["name"] == "invoice-dev"
    assert [index["name"] for index in table["global_secondary_index"]] == ["customerId-index"]
    assert table["tags"] == {"Project": "invoice-modernization"}
