"""The meta-tests detect gaps: shown with an example module, which is planned together with everything else."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.paths import BUILD
from harness.plan_tests import coverage
from harness.plan_tests.collector import Planner, call_of, verdict
from harness.plan_tests.root import ModuleCall
from harness.plan_tests.spec import Case, load
from harness.terraform.module import read

FOLDER = BUILD / "plan" / "example"

MODULE = """\
terraform {
  required_version = ">= 1.11"
}

variable "note" {
  type     = string
  default  = ""
  nullable = false
}

variable "size" {
  type     = number
  nullable = false

  validation {
    condition     = var.size > 0
    error_message = "size is ${var.size}: give more than nothing."
  }

  validation {
    condition     = var.size < 100
    error_message = "size is ${var.size}: give less than a hundred."
  }
}

resource "terraform_data" "this" {
  input = "${var.size} ${var.note}"

  lifecycle {
    precondition {
      condition     = var.size != 13
      error_message = "size is ${var.size}: that brings bad luck."
    }
  }
}
"""
SPEC = """\
good:
  inputs: { size: 7 }
  expect: { inventory: { terraform_data: 1 } }

rejects-nothing-at-all:
  inputs: { size: 0 }
  rejects: [give more than nothing]

rejects-bad-luck:
  inputs: { size: 13 }
  rejects: [that brings bad luck]
"""
CHANGES = {
    "deleted-validation": (
        """\
  validation {
    condition     = var.size > 0
    error_message = "size is ${var.size}: give more than nothing."
  }
""",
        "",
    ),
    "deleted-precondition": (MODULE[MODULE.index("  lifecycle") : -2], ""),
    "reversed-validation": ("var.size > 0", "!(var.size > 0)"),
    "reversed-precondition": ("var.size != 13", "!(var.size != 13)"),
}


def cases_of(name: str, change: tuple[str, str] = ("", "")) -> tuple[Case, ...]:
    module = FOLDER / name
    shutil.rmtree(module, ignore_errors=True)
    module.mkdir(parents=True)
    (module / "variables.tf").write_text(MODULE.replace(*change) if change[0] else MODULE, encoding="utf-8")
    spec = FOLDER / f"{name}.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    return load(spec, read(module))


CASES = {name: cases_of(name, change) for name, change in {"as-it-is": ("", ""), **CHANGES}.items()}


def calls(_: Path) -> tuple[Sequence[ModuleCall], Sequence[ModuleCall]]:
    every = [case for cases in CASES.values() for case in cases]
    # By the actual result, not by the spec: a reversed condition rejects the good case.
    rejected = [case for case in every if case.name != "good" or case.module.name.startswith("reversed")]
    return [call_of(case) for case in every if case not in rejected], [call_of(case) for case in rejected]


def failing(name: str, planner: Planner) -> set[str]:
    return {case.name for case in CASES[name] if [*verdict(case, planner.result_of(case.key))]}


def test_an_unexercised_validation_is_named(planner: Planner) -> None:
    cases = CASES["as-it-is"]
    results = {case.key: planner.result_of(case.key) for case in cases}

    unproven = coverage.unproven_conditions(cases[0].module, cases, results)

    assert [block.attributes["condition"].text for block in unproven] == ["var.size < 100"]


def test_an_input_that_no_case_sets_is_named() -> None:
    cases = CASES["as-it-is"]

    assert coverage.unset_inputs(cases[0].module, cases) == ["note"]
    assert coverage.unswitched_features(cases[0].module, cases) == ["note: never on"]


def test_the_spec_holds_as_long_as_nothing_is_changed(planner: Planner) -> None:
    assert failing("as-it-is", planner) == set()


@pytest.mark.parametrize(
    ("change", "caught_by"),
    [
        ("deleted-validation", {"rejects-nothing-at-all"}),
        ("deleted-precondition", {"rejects-bad-luck"}),
        ("reversed-validation", {"good", "rejects-nothing-at-all", "rejects-bad-luck"}),
        ("reversed-precondition", {"good", "rejects-bad-luck"}),
    ],
)
def test_a_condition_that_is_deleted_or_reversed_fails_a_named_case(
    change: str, caught_by: set[str], planner: Planner
) -> None:
    assert failing(change, planner) == caught_by
