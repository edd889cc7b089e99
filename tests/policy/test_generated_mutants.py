"""The generated mutants of production's plan: many, and a rule that is missing turns the score red."""

import pytest

from harness.errors import HarnessError
from harness.mutation import plan_campaign
from harness.mutation.generated import GeneratedMutant
from harness.mutation.open_values import OPEN
from harness.mutation.plan_judge import By
from harness.mutation.texts import TEXTS
from harness.plan.graph import PlanGraph


@pytest.fixture(scope="module")
def production() -> PlanGraph:
    return plan_campaign.production()


@pytest.fixture(scope="module")
def mutants(production: PlanGraph) -> list[GeneratedMutant]:
    return plan_campaign.mutants_of(production)


def test_there_are_many_mutants_of_every_planned_type(production: PlanGraph, mutants: list[GeneratedMutant]) -> None:
    types = {resource.type for resource in production.resources if not resource.data}

    assert len(mutants) >= 400
    assert {mutant.operator for mutant in mutants} >= {"add-block", "empty", "enum", "flip", "number", "remove", "set"}
    assert {mutant.operator for mutant in mutants} >= OPEN
    assert types - {mutant.type for mutant in mutants} <= {
        "aws_api_gateway_resource",
        "aws_api_gateway_usage_plan_key",
        "aws_cloudwatch_dashboard",
        "aws_iam_role_policy_attachment",
        "aws_kms_alias",
    }, "these have names only, which no operator changes"


def test_policies_patterns_and_templates_are_changed_too(mutants: list[GeneratedMutant]) -> None:
    of_texts = [mutant for mutant in mutants if (mutant.type, mutant.path) in TEXTS]
    operators = {mutant.operator for mutant in of_texts}

    assert len(of_texts) >= 400
    assert operators >= {"drop-condition", "negate-condition", "any-value", "widen-action", "add-stranger"}
    assert operators >= {"principal-canonical-user", "any-prefix", "drop-field", "if-true", "log-key"}


@pytest.mark.parametrize("operator", sorted(OPEN))
def test_what_is_known_after_the_apply_only_is_a_finding(
    operator: str, production: PlanGraph, mutants: list[GeneratedMutant]
) -> None:
    chosen = [each for each in mutants if each.operator == operator and each.type == "aws_lambda_event_source_mapping"]

    complete = plan_campaign.judged(production, chosen)
    incomplete = plan_campaign.judged(production, chosen, without={"CKV_INV_904"})

    assert complete.number(By.RULE) == len(chosen) > 5
    assert incomplete.number(By.RULE) < len(chosen) / 2


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        ({"CKV_INV_612"}, "aws_s3_bucket_public_access_block"),
        ({"CKV_INV_902"}, "aws_cloudwatch_event_target"),
        ({"CKV_INV_103", "CKV_INV_410"}, "aws_api_gateway_usage_plan"),
        ({"CKV_INV_313"}, "aws_cloudwatch_event_rule"),
        ({"CKV_INV_415"}, "aws_api_gateway_integration_response"),
    ],
)
def test_without_a_rule_its_mutants_survive(
    rules: set[str], kind: str, production: PlanGraph, mutants: list[GeneratedMutant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.mutation.plan_judge.is_written", lambda *_: False)
    chosen = [mutant for mutant in mutants if mutant.type == kind]

    complete = plan_campaign.judged(production, chosen)
    incomplete = plan_campaign.judged(production, chosen, without=rules)

    assert incomplete.number(By.SURVIVED) > complete.number(By.SURVIVED)
    assert incomplete.by_rules < complete.by_rules
    with pytest.raises(HarnessError, match="of the harmful mutants were noticed"):
        plan_campaign.check(incomplete, whole=False)
