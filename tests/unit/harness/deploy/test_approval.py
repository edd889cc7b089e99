"""A release in stages applies what was approved: its first plan may differ by the aliases, and by nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.deploy import approval
from harness.errors import HarnessError
from harness.terraform.plan import TerraformPlan
from tests.unit.harness.deploy.test_pipeline import change, plan_of

FUNCTION, ALIAS = "aws_lambda_function.get", "aws_lambda_alias.get"


def plan(code: str, alias: Mapping[str, Any]) -> TerraformPlan:
    return plan_of(
        change(FUNCTION, "update", before={"s3_key": "old"}, after={"s3_key": code}),
        change(ALIAS, "update", before={"function_version": "1"}, after=alias),
    )


def test_the_first_stage_may_move_aliases_otherwise() -> None:
    approved = plan("new", {"function_version": "2"})

    approval.same_but_for_aliases(approved)(plan("new", {"function_version": "1", "routing_config": [{"2": 0.1}]}))


def test_the_first_stage_must_not_change_anything_else() -> None:
    approved = plan("new", {"function_version": "2"})

    with pytest.raises(HarnessError, match="something else than what was approved"):
        approval.same_but_for_aliases(approved)(plan("newer", {"function_version": "2"}))


def test_the_account_is_checked_too() -> None:
    seen: list[str] = []
    check = approval.both(lambda _: seen.append("first"), lambda _: seen.append("second"))

    check(plan("new", {}))

    assert seen == ["first", "second"]
