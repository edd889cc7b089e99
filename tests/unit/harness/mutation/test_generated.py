"""Mutants generated from the provider's schema: what is changed, what a change leaves alone, and what excuses one."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.mutation import harmless, plan_campaign
from harness.mutation.generated import GeneratedMutant, MutatedPlan, generate
from harness.mutation.open_values import OPEN
from harness.mutation.plan_judge import By, Judgement, PlanJudge
from harness.mutation.provider_schema import BlockSchema
from harness.mutation.written_values import is_written
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource
from harness.policy.rule import ATTRIBUTE, RULES

SCHEMA = BlockSchema.from_json(
    {
        "attributes": {
            "id": {"type": "string", "optional": True, "computed": True},
            "arn": {"type": "string", "computed": True},
            "billing_mode": {"type": "string", "optional": True},
            "deletion_protection_enabled": {"type": "bool", "optional": True},
            "read_capacity": {"type": "number", "optional": True},
            "role": {"type": "string", "required": True},
            "stream_enabled": {"type": "bool", "optional": True},
            "tags": {"type": ["map", "string"], "optional": True},
            "kms_key_id": {"type": "string", "optional": True, "deprecated": True},
        },
        "block_types": {
            "replica": {
                "nesting_mode": "set",
                "block": {"attributes": {"region_name": {"type": "string", "required": True}}},
            },
            "ttl": {"nesting_mode": "list", "block": {"attributes": {"enabled": {"type": "bool", "optional": True}}}},
        },
    }
)
TABLE: dict[str, Any] = {
    "billing_mode": "PROVISIONED",
    "deletion_protection_enabled": True,
    "read_capacity": 25,
    "role": "r",
    "tags": {"a": "b"},
    "ttl": [{"enabled": True}],
}


def plan(**unknown: bool) -> PlanGraph:
    """A plan with one table, of which some arguments are known after the apply only."""
    change = {"actions": ["create"], "before": None, "after": TABLE, "after_unknown": unknown}
    entry = {
        "address": "aws_dynamodb_table.t",
        "mode": "managed",
        "type": "aws_dynamodb_table",
        "name": "t",
        "change": change,
    }
    block = {"mode": "managed", "type": "aws_dynamodb_table", "name": "t"}
    expressions = {"stream_enabled": {"references": ["var.stream"]}, "billing_mode": {"references": ["var.mode"]}}
    resources = [{**block, "address": "aws_dynamodb_table.t", "expressions": expressions}]
    configuration = {"root_module": {"resources": resources}}
    return PlanGraph({"format_version": "1.2", "resource_changes": [entry], "configuration": configuration})


def changes(graph: PlanGraph) -> set[tuple[str, str, str]]:
    mutants = generate(graph, {"aws_dynamodb_table": SCHEMA}, seed=1)
    return {(mutant.argument, mutant.operator, mutant.after) for mutant in mutants}


def test_every_argument_that_can_be_written_is_changed() -> None:
    assert changes(plan()) == {
        ("billing_mode", "enum", '"PAY_PER_REQUEST"'),
        ("billing_mode", "remove", "null"),
        ("deletion_protection_enabled", "flip", "false"),
        *(("read_capacity", "number", figure) for figure in ("0", "1", "250", "2")),
        ("stream_enabled", "set", "true"),
        ("stream_enabled", "set", "false"),
        ("tags", "empty", "{}"),
        ("replica", "add-block", '[{"region_name": "mutant"}]'),
        ("ttl", "remove", "[]"),
        ("ttl.enabled", "flip", "false"),
        *((name, "unknown", "unknown") for name in ("billing_mode", "deletion_protection_enabled", "read_capacity")),
        *((name, "unknown", "unknown") for name in ("role", "stream_enabled", "tags", "ttl.enabled")),
        *((name, "unknown-block", "unknown") for name in ("replica", "ttl")),
    }


def test_a_value_that_is_known_later_is_taken_away() -> None:
    graph = plan(stream_enabled=True)
    mutant = next(
        each
        for each in generate(graph, {"aws_dynamodb_table": SCHEMA}, seed=1)
        if (each.argument, each.operator) == ("stream_enabled", "remove")
    )

    (table,) = MutatedPlan.with_change(mutant, graph).resources

    assert table.values["stream_enabled"] is None
    assert graph.references(table, "stream_enabled") == ["var.stream"]
    assert MutatedPlan.with_change(mutant, graph).references(table, "stream_enabled") == []
    assert MutatedPlan.with_change(mutant, graph).references(table, "billing_mode") == ["var.mode"]


def opened(argument: str, **unknown: bool) -> tuple[PlanGraph, Resource]:
    """The plan and its table with one argument or block that is known after the apply only."""
    graph = plan(**unknown)
    mutants = generate(graph, {"aws_dynamodb_table": SCHEMA}, seed=1)
    mutant = next(each for each in mutants if each.argument == argument and each.operator in OPEN)
    mutated = MutatedPlan.with_change(mutant, graph)
    return mutated, mutated.resources[0]


def test_an_open_argument_keeps_its_references_and_reads_an_id() -> None:
    graph, table = opened("billing_mode")

    assert table.values["billing_mode"] is UNKNOWN
    assert graph.references(table, "billing_mode") == ["var.mode", "aws_kms_key.mutant.key_id", "aws_kms_key.mutant"]
    assert graph.references(table, "stream_enabled") == ["var.stream"]


def test_an_open_argument_that_nobody_wrote_is_written() -> None:
    graph, table = opened("tags")

    assert table.values["tags"] is UNKNOWN
    assert graph.references(table, "tags")


def test_an_open_argument_of_a_block_leaves_the_block() -> None:
    _, table = opened("ttl.enabled")

    assert table.values["ttl"] == [{"enabled": UNKNOWN}]


def test_an_open_block_has_no_expression() -> None:
    graph, table = opened("ttl")

    assert graph.changes[0].values["ttl"] is UNKNOWN
    assert "ttl" not in graph.expression(table)["expressions"]


def test_what_the_provider_leaves_open_is_no_mutant() -> None:
    mutants = generate(plan(replica=True), {"aws_dynamodb_table": SCHEMA}, seed=1)

    assert "replica" not in {each.argument for each in mutants if each.operator in OPEN}


def test_a_change_in_a_block_leaves_what_the_block_writes() -> None:
    """Else what AWS fills beside it counted as written, and whatever a mutant changed there would be noticed."""
    graph = plan()
    (block,) = graph.document["configuration"]["root_module"]["resources"]
    reads, writes = {"references": ["var.ttl"]}, {"constant_value": "expiresAt"}
    block["expressions"]["ttl"] = [{"attribute_name": writes, "enabled": reads}]
    mutants = generate(graph, {"aws_dynamodb_table": SCHEMA}, seed=1)
    (mutant,) = (each for each in mutants if (each.argument, each.operator) == ("ttl.enabled", "flip"))

    mutated = MutatedPlan.with_change(mutant, graph)

    expressions = mutated.expression(mutated.resources[0])["expressions"]
    assert expressions["ttl"] == [{"attribute_name": writes, "enabled": {}}]
    assert block["expressions"]["ttl"] == [{"attribute_name": writes, "enabled": reads}]


def test_a_rule_that_fails_on_a_mutant_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = plan()
    mutant = generate(graph, {"aws_dynamodb_table": SCHEMA}, seed=1)[0]
    others = RULES.keys() - {"CKV_INV_626"}
    modes = {"PROVISIONED": ()}  # of the plan itself
    monkeypatch.setitem(ATTRIBUTE, "CKV_INV_626", lambda table: modes[table.values["billing_mode"]])

    with pytest.raises(HarnessError, match=r"CKV_INV_626 fails on a plan with .*KeyError: 'PAY_PER_REQUEST'"):
        PlanJudge(graph, others).judge(mutant)


def test_a_change_leaves_the_plan_itself_alone() -> None:
    graph = plan()
    mutants = generate(graph, {"aws_dynamodb_table": SCHEMA}, seed=1)
    (mutant,) = (each for each in mutants if (each.argument, each.operator) == ("ttl.enabled", "flip"))

    mutated = MutatedPlan.with_change(mutant, graph)

    assert mutated.resources[0].get("ttl.enabled") is False
    assert graph.resources[0].get("ttl.enabled") is True


@pytest.mark.parametrize(
    ("definition", "argument", "expected"),
    [
        ("modules/lambda/aws_lambda_function.this", "publish", True),
        ("modules/lambda/aws_lambda_function.this", "tracing_config.mode", True),
        ("modules/lambda/aws_lambda_function.this", "tracing_config", True),
        ("modules/lambda/aws_lambda_function.this", "layers", False),
        ("modules/lambda/aws_lambda_function.other", "publish", False),
    ],
)
def test_a_value_counts_as_written_where_a_spec_names_it(definition: str, argument: str, *, expected: bool) -> None:
    assert is_written(definition, argument) is expected


def a_mutant(number: int, operator: str = "flip") -> GeneratedMutant:
    return GeneratedMutant(f"a.b{number}", "aws_x", "modules/m/aws_x.y", ("argument",), operator, "true", str(number))


def a_score(**numbers: int) -> plan_campaign.PlanScore:
    """A score with so many mutants of each outcome."""
    outcomes = [By[name.upper()] for name, number in numbers.items() for _ in range(number)]
    return plan_campaign.PlanScore({a_mutant(at): Judgement(by) for at, by in enumerate(outcomes)})


def test_harmless_and_invalid_mutants_do_not_count() -> None:
    score = a_score(rule=80, written=15, survived=5, harmless=500, invalid=500)

    assert (score.by_rules, round(score.noticed, 4)) == (0.8, 0.95)
    plan_campaign.check(score, whole=False)


@pytest.mark.parametrize(
    ("score", "whole", "message"),
    [
        (a_score(rule=90, survived=6), False, "Only 93.8% of the harmful mutants were noticed"),
        (a_score(rule=80, written=20), True, "The rules alone noticed 80.0%"),
        (a_score(rule=100), True, "has rows that excuse nothing: "),
        (a_score(harmless=100), False, "Only 0.0% of the harmful mutants were noticed"),
    ],
)
def test_a_low_score_fails(score: plan_campaign.PlanScore, *, whole: bool, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        plan_campaign.check(score, whole=whole)


@pytest.mark.parametrize("row", ['"a.*" = "all"', 'argument = " "'])
def test_a_row_of_the_harmless_stands_for_one_argument_and_has_a_reason(tmp_path: Path, row: str) -> None:
    file = tmp_path / "harmless.toml"
    file.write_text(f"[aws_x]\n{row}\n", encoding="utf-8")

    with pytest.raises(HarnessError, match="needs a reason, and stands for itself only"):
        harmless.table(file)


def test_a_row_excuses_only_its_operators_and_values() -> None:
    row = harmless.Harmless("aws_x", "argument", "It is nothing.", ("flip",), ("1", "2"))

    assert [row.covers(a_mutant(number)) for number in (1, 2, 3)] == [True, True, False]
    assert not row.covers(a_mutant(1, "remove"))
