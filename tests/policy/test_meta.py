"""The rules about rules: fixtures on both sides, types that exist, and texts that help."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from harness.paths import ROOT
from harness.plan_tests.tftest_root import TftestRoot
from harness.policy import fixtures, page
from harness.policy.checkov import RUNNER
from harness.policy.rule import ATTRIBUTE, HCL, PLAN, RELATION, RULES, Scope
from harness.policy.rules import functions, secrets

if TYPE_CHECKING:
    from tests.policy.conftest import JudgedFixtures

ALL = fixtures.load()
SIDES = {(fixture.rule, fixture.side): fixture for fixture in ALL}
YAML_RULES = {
    match[1]: path
    for path in (RUNNER.parent / "checks").glob("*.yaml")
    if (match := re.search(r"^  id: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
}


@pytest.mark.parametrize("identity", RULES)
def test_every_rule_has_both_sides(identity: str) -> None:
    assert (identity, "pass") in SIDES
    assert (identity, "fail") in SIDES


def test_every_fixture_has_a_rule() -> None:
    assert {fixture.rule for fixture in ALL} <= RULES.keys()


@pytest.mark.parametrize("identity", RULES)
def test_a_rule_has_a_judge_for_each_of_its_modes(identity: str) -> None:
    rule = RULES[identity]
    judges = {HCL: identity in ATTRIBUTE or identity in YAML_RULES, PLAN: identity in ATTRIBUTE or identity in RELATION}

    assert rule.modes
    assert all(judges[mode] for mode in rule.modes)
    if HCL in rule.modes:  # source needs source: a fixture that is a plan cannot show it
        assert {SIDES[identity, side].path.suffix for side in ("pass", "fail")} == {".tf"}
        assert rule.scope in {Scope.EVERYWHERE, Scope.EVERY_LIVE_FOLDER}, "source does not show the environment"


def test_every_graph_check_belongs_to_a_rule_on_source() -> None:
    assert {identity for identity in YAML_RULES if HCL not in RULES[identity].modes} == set()


@pytest.mark.parametrize("identity", RULES)
def test_a_rule_has_a_rationale_a_guideline_and_a_remedy(identity: str) -> None:
    rule = RULES[identity]

    assert re.fullmatch(r"CKV_INV_[1-9]\d\d", rule.id)
    assert rule.guideline.startswith("https://docs.aws.amazon.com/")
    assert all(text.endswith(".") for text in (rule.rationale, rule.remedy))
    assert not rule.title.endswith(".")


def test_remedies_name_the_figures_of_their_rules() -> None:
    assert all(name in RULES["CKV_INV_202"].remedy for name in functions.RUNTIMES)
    assert f"automatically_after_days = 1 to {secrets.MAXIMUM_DAYS}" in RULES["CKV_INV_701"].remedy


@pytest.mark.parametrize(
    ("scope", "environments"),
    [
        (Scope.EVERYWHERE, ["", "bootstrap", "dev", "prod"]),
        (Scope.EVERY_LIVE_FOLDER, ["bootstrap", "dev", "prod"]),
        (Scope.WHOLE_ENVIRONMENTS, ["dev", "prod"]),
        (Scope.LASTING, ["bootstrap", "prod"]),
        (Scope.PRODUCTION, ["prod"]),
    ],
)
def test_a_scope_includes_its_environments_only(scope: Scope, environments: list[str]) -> None:
    assert [name for name in ("", "bootstrap", "dev", "prod") if scope.includes(name)] == environments


@pytest.mark.parametrize("path", YAML_RULES.values(), ids=lambda path: path.stem)
def test_a_graph_check_has_the_title_and_guideline_of_its_rule(path: Path) -> None:
    metadata = yaml.safe_load(path.read_text(encoding="utf-8"))["metadata"]
    rule = RULES[metadata["id"]]

    assert (metadata["name"], metadata["guidelines"]) == (rule.title, rule.guideline)


@pytest.mark.parametrize("identity", [identity for identity, rule in RULES.items() if rule.includes])
def test_an_included_check_finds_what_the_rule_finds(identity: str, judged_fixtures: "JudgedFixtures") -> None:
    fixture = SIDES[identity, "fail"]

    found = {
        finding.rule_id
        for finding in judged_fixtures.in_source(fixture)
        if finding.rule_id.startswith("CKV2_") or fixtures.without_index(finding.address) in fixture.fails
    }

    assert set(RULES[identity].includes) <= found


def types_in(path: Path) -> set[str]:
    """The types that a fixture declares."""
    return set(re.findall(r'^(?:resource|data) "(\w+)"', path.read_text(encoding="utf-8"), re.MULTILINE))


def test_types_exist_in_the_provider(judged_fixtures: "JudgedFixtures") -> None:
    schema = TftestRoot(judged_fixtures.root).execute_command("providers", "schema", "-json").out
    provider = json.loads(schema)["provider_schemas"]["registry.terraform.io/hashicorp/aws"]
    resources, documents = provider["resource_schemas"].keys(), provider["data_source_schemas"].keys()
    named = {kind for rule in RULES.values() for kind in rule.types if kind not in {"*", "provider.aws"}}
    in_fixtures = {kind for fixture in ALL if fixture.path.suffix == ".tf" for kind in types_in(fixture.path)}

    assert {kind for kind in named if not kind.startswith("data.")} <= resources
    assert {kind.removeprefix("data.") for kind in named if kind.startswith("data.")} <= documents
    assert in_fixtures <= resources | documents


def blocks_in(body: dict[str, Any], before: str = "") -> list[str]:
    """The blocks of a schema, with the blocks around them."""
    blocks = {name: each["block"] for name, each in sorted(body.get("block_types", {}).items()) if name != "timeouts"}
    return [path for name, block in blocks.items() for path in (before + name, *blocks_in(block, f"{before}{name}."))]


def test_the_table_of_blocks_is_the_provider_s(judged_fixtures: "JudgedFixtures") -> None:
    schema = TftestRoot(judged_fixtures.root).execute_command("providers", "schema", "-json").out
    resources = json.loads(schema)["provider_schemas"]["registry.terraform.io/hashicorp/aws"]["resource_schemas"]
    planned = tomllib.loads((ROOT / "policy" / "resource_types.toml").read_text(encoding="utf-8"))["planned"]
    blocks = {kind: blocks_in(resources[kind]["block"]) for kind in sorted(planned) if kind in resources}

    table = tomllib.loads((ROOT / "policy" / "blocks.toml").read_text(encoding="utf-8"))

    expected = {kind: names for kind, names in blocks.items() if names}
    assert table["blocks"] == expected, f"policy/blocks.toml needs: {json.dumps(expected, indent=1)}"
    assert all({*names} <= {*expected[kind]} for kind, names in table["filled"].items())


def test_the_table_of_rules_is_up_to_date() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "./noxw -s docs writes docs/policy.md again"


def test_what_checkov_loads_needs_the_standard_library_only() -> None:
    inner = [
        *("errors", "paths", "settings", "terraform.plan", "terraform.unknown"),
        *("plan.resource", "plan.graph", "plan.arn", "plan.iam_policy"),
        *("plan.dimensions", "plan.evaluate", "plan.named", "plan.written"),
        *("policy.finding", "policy.rule", "policy.secret_shapes"),
    ]
    harness = ROOT / "harness"
    files = [harness / f"{name.replace('.', '/')}.py" for name in inner]
    files += [*(harness / "policy" / "rules").glob("*.py")]
    files += [harness / room / "__init__.py" for room in ("terraform", "plan")]
    imported = {
        match[1]
        for file in files
        for match in re.finditer(r"^(?:from|import) ([\w.]+)", file.read_text(), re.MULTILINE)
    }

    assert {name for name in imported if name.startswith("harness.")} <= {
        *(f"harness.{name}" for name in inner),
        "harness.plan",
        "harness.policy",
        "harness.policy.rules",
        *(f"harness.policy.rules.{subject}" for subject in ("alarms", "events", "iam", "platform", "retention")),
        *(f"harness.policy.rules.{subject}" for subject in ("replication", "reviewed", "roles", "storage")),
    }
    assert {name.split(".")[0] for name in imported} <= {"harness", *sys.stdlib_module_names}
