"""The rules about rules: both sides, real types, and words that help."""

import json
import re
from pathlib import Path

import pytest

from harness.paths import ROOT
from harness.plan_tests.tftest_root import TftestRoot
from harness.policy import fixtures, page
from harness.policy.checkov import RUNNER
from harness.policy.plans import FOLDER
from harness.policy.rule import ATTRIBUTE, HCL, PLAN, RELATION, RULES

ALL = fixtures.load()
SIDES = {(one.rule, one.side): one for one in ALL}
YAML_RULES = {
    found[1]: path
    for path in (RUNNER.parent / "checks").glob("*.yaml")
    if (found := re.search(r"^  id: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
}


@pytest.mark.parametrize("identity", RULES)
def test_every_rule_has_both_sides(identity: str) -> None:
    assert (identity, "pass") in SIDES
    assert (identity, "fail") in SIDES


def test_every_fixture_has_a_rule() -> None:
    assert {one.rule for one in ALL} <= RULES.keys()


@pytest.mark.parametrize("identity", RULES)
def test_a_rule_works_where_it_claims_to(identity: str) -> None:
    rule = RULES[identity]
    judges = {HCL: identity in ATTRIBUTE or identity in YAML_RULES, PLAN: identity in ATTRIBUTE or identity in RELATION}

    assert rule.modes
    assert all(judges[mode] for mode in rule.modes)
    if HCL in rule.modes:  # source needs source: a fixture that is a plan cannot show it
        assert {SIDES[identity, side].path.suffix for side in ("pass", "fail")} == {".tf"}
        assert rule.scope in {"any", "tagged"}, "source does not tell the environment"


def test_every_graph_check_belongs_to_a_rule_on_source() -> None:
    assert {identity for identity in YAML_RULES if HCL not in RULES[identity].modes} == set()


@pytest.mark.parametrize("identity", RULES)
def test_a_rule_says_why_where_to_read_on_and_what_to_do(identity: str) -> None:
    rule = RULES[identity]

    assert re.fullmatch(r"CKV_INV_[1-9]\d\d", rule.id)
    assert rule.guideline.startswith("https://docs.aws.amazon.com/")
    assert all(text.endswith(".") for text in (rule.rationale, rule.remedy))
    assert not rule.title.endswith(".")


def types_in(path: Path) -> set[str]:
    """The types that a fixture declares."""
    return set(re.findall(r'^(?:resource|data) "(\w+)"', path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.usefixtures("everything")  # whose root is initialised
def test_types_exist_in_the_provider() -> None:
    root = FOLDER / "fixtures"
    said = TftestRoot(root).execute_command("providers", "schema", "-json").out
    provider = json.loads(said)["provider_schemas"]["registry.terraform.io/hashicorp/aws"]
    resources, documents = provider["resource_schemas"].keys(), provider["data_source_schemas"].keys()
    named = {kind for rule in RULES.values() for kind in rule.types if kind not in {"*", "provider.aws"}}
    in_fixtures = {kind for one in ALL if one.path.suffix == ".tf" for kind in types_in(one.path)}

    assert {kind for kind in named if not kind.startswith("data.")} <= resources
    assert {kind.removeprefix("data.") for kind in named if kind.startswith("data.")} <= documents
    assert in_fixtures <= resources | documents


def test_the_table_of_rules_is_up_to_date() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "python -m harness.policy.page"


def test_what_checkov_loads_needs_the_standard_library_only() -> None:
    inner = ("policy.finding", "policy.rule", "plan.resource", "plan.graph", "plan.arn", "plan.iam_policy")
    harness = ROOT / "harness"
    files = [harness / f"{name.replace('.', '/')}.py" for name in inner]
    files += [*(harness / "policy" / "rules").glob("*.py"), harness / "plan" / "__init__.py"]
    imported = {
        found[1]
        for file in files
        for found in re.finditer(r"^(?:from|import) ([\w.]+)", file.read_text(), re.MULTILINE)
    }

    assert {name for name in imported if name.startswith("harness.")} <= {
        *(f"harness.{name}" for name in inner),
        "harness.plan",
        "harness.policy",
        "harness.policy.rules",
        "harness.policy.rules.iam",
        "harness.policy.rules.storage",
    }
    assert {name.split(".")[0] for name in imported} <= {
        "harness",
        "collections",
        "dataclasses",
        "enum",
        "fnmatch",
        "functools",
        "itertools",
        "json",
        "re",
        "typing",
    }
