"""Whoever breaks a built-in check of checkov is told what to write: checkov's own results name no fix."""

import tomllib
from typing import TYPE_CHECKING

from harness.paths import ROOT
from harness.policy import checkov
from harness.policy.checkov import OR_ACCEPT, REMEDIES, remedy_of
from harness.policy.rule import RULES

if TYPE_CHECKING:
    from tests.policy.conftest import JudgedFixtures

PLANNED = tomllib.loads((ROOT / "policy" / "resource_types.toml").read_text(encoding="utf-8"))["planned"]


def test_every_built_in_check_on_a_planned_type_has_a_remedy(judged_fixtures: "JudgedFixtures") -> None:
    judged = {*PLANNED, "aws_iam_policy_document"}
    built_in = {
        check
        for check, types in judged_fixtures.results.check_types.items()
        if check not in RULES and judged.intersection(types)
    }
    included = {check for rule in RULES.values() for check in rule.includes}

    assert len(built_in) > 80
    assert built_in - included == REMEDIES.keys(), f"{checkov.BUILT_IN.name} needs a row of each of them"


def test_the_remedy_says_what_to_write_and_how_to_accept() -> None:
    assert "replication = { bucket" in remedy_of("CKV_AWS_144")
    assert remedy_of("CKV_AWS_21") == f"{RULES['CKV_INV_613'].remedy} {OR_ACCEPT}", "the rule that includes it"
    assert remedy_of("CKV_INV_613") == RULES["CKV_INV_613"].remedy
    assert remedy_of("CKV_AWS_0") == f"Follow the guideline. {OR_ACCEPT}"
    assert all(remedy.endswith(".") for remedy in REMEDIES.values())
