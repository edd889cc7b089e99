"""Times and metrics: facts that fit pass, and a difference is reported on both sides."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.contract import metrics, timing
from harness.contract.mismatch import Mismatch
from harness.contract.timing import Duration
from harness.plan.graph import PlanGraph
from tests.unit.harness.contract.facts import ADDRESS, MAKE, arn, only, plan_of


class TestMetrics:
    ALARM = {"alarm_name": "a", "namespace": "AWS/Lambda", "metric_name": "Errors"}  # noqa: RUF012 - a constant
    FUNCTION = ("aws_lambda_function.this", {"function_name": "make-dev"})

    def compared(self, alarm: dict[str, Any], body: dict[str, Any] | None = None) -> list[Mismatch]:
        plan = plan_of(
            self.FUNCTION,
            ("aws_cloudwatch_metric_alarm.this", {**self.ALARM, **alarm}),
            ("aws_cloudwatch_dashboard.this", {"dashboard_body": json.dumps(body or {"widgets": []})}),
        )
        return [*metrics.compare(plan, {"Ours": {"Made"}}, where="code/count.py: count")]

    def test_what_is_there_agrees(self) -> None:
        row = ["AWS/Lambda", "Errors", "FunctionName", "make-dev"]
        body = {
            "widgets": [
                {"properties": {"alarms": ["arn:aws:cloudwatch:r:0:alarm:a"]}},
                {"properties": {"metrics": [row, [".", "Duration", ".", ".", {"stat": "p95"}]]}},
                {"properties": {"metrics": [["Ours", "Made"], [{"expression": "1"}]]}},
            ]
        }
        assert not self.compared({"dimensions": {"FunctionName": "make-dev"}}, body)

    @pytest.mark.parametrize(
        ("alarm", "part"),
        [
            ({"dimensions": {"FunctionName": "gone"}}, "reads it for FunctionName gone"),
            ({"namespace": "Ours", "metric_name": "Mode"}, "reads Ours Mode"),
            ({"metric_name": None, "metric_query": [{"metric": [{"namespace": "Ours", "metric_name": "Mode"}]}]},
             "reads Ours Mode"),
        ],
    )  # fmt: skip
    def test_an_alarm_on_nothing(self, alarm: dict[str, Any], part: str) -> None:
        mismatch = only(self.compared(alarm))

        assert part in mismatch.plan
        assert "aws_cloudwatch_metric_alarm.this" in mismatch.plan

    @pytest.mark.parametrize(
        "properties",
        [
            {"metrics": [["AWS/Lambda", "Errors", "FunctionName", "gone"]]},
            {"metrics": [["Ours", "Mode"]]},
            {"alarms": ["arn:aws:cloudwatch:r:0:alarm:gone"]},
        ],
    )
    def test_a_dashboard_that_shows_nothing(self, properties: dict[str, Any]) -> None:
        mismatch = only(self.compared({}, {"widgets": [{"properties": properties}]}))

        assert "aws_cloudwatch_dashboard.this" in mismatch.plan


class TestTiming:
    def integration(self, waits: int | None) -> PlanGraph:
        values = {"type": "AWS_PROXY", "uri": f"functions/{arn()}/invocations", "timeout_milliseconds": waits}
        return plan_of(("aws_api_gateway_integration.this", values))

    @pytest.mark.parametrize(("waits", "runs", "fits"), [
        (29000, 30.0, True), (None, 29.0, True), (30000, 60.0, False), (29000, 10.0, False)])  # fmt: skip
    def test_the_gateway(self, waits: int | None, runs: float, fits: bool) -> None:  # noqa: FBT001 - a column
        mismatches = [*timing.compare_gateway(self.integration(waits), {"make": replace(MAKE, timeout=runs)})]

        assert (not mismatches) is fits
        assert all(
            ADDRESS in mismatch.plan and "aws_api_gateway_integration.this" in mismatch.plan for mismatch in mismatches
        )

    def mapped(self, **mapping: Any) -> PlanGraph:
        expressions = {
            "function_name": {"references": ["aws_lambda_alias.this.arn"]},
            "event_source_arn": {"references": ["aws_sqs_queue.this.arn"]},
        }
        block = {"mode": "managed", "type": "aws_lambda_event_source_mapping", "name": "this"}
        return plan_of(
            ("aws_lambda_event_source_mapping.this", mapping),
            ("aws_lambda_alias.this", {"function_name": "make-dev", "name": "live"}),
            ("aws_sqs_queue.this", {"name": "q", "visibility_timeout_seconds": mapping.pop("hides", 180)}),
            configuration={"root_module": {"resources": [{**block, "expressions": expressions}]}},
        )

    @pytest.mark.parametrize(("hides", "fits"), [(180, True), (179, False)])
    def test_a_queue_that_feeds_a_function(self, hides: int, fits: bool) -> None:  # noqa: FBT001 - a column
        mismatches = [*timing.compare_queues(self.mapped(hides=hides), {"make": MAKE})]

        assert (not mismatches) is fits
        assert all("aws_sqs_queue.this hides it for 179 s" in mismatch.plan for mismatch in mismatches)

    @pytest.mark.parametrize(("age", "fits"), [(-1, True), (95, True), (94, False)])
    def test_a_stream_that_drops_records(self, age: int, fits: bool) -> None:  # noqa: FBT001 - a column
        plan = self.mapped(
            maximum_record_age_in_seconds=age, maximum_retry_attempts=2, maximum_batching_window_in_seconds=5
        )

        mismatches = [*timing.compare_streams(plan, {"make": MAKE})]

        assert (not mismatches) is fits
        assert all("aws_lambda_event_source_mapping.this drops them after 94 s" in each.plan for each in mismatches)

    def test_what_is_forgotten_too_soon(self) -> None:
        plan = plan_of(
            ("aws_cloudwatch_event_target.this", {"retry_policy": [{"maximum_event_age_in_seconds": 100}]}),
            ("aws_lambda_function_event_invoke_config.this", {"maximum_event_age_in_seconds": 60}),
            ("aws_sqs_queue.this", {"message_retention_seconds": 1000}),
        )

        assert not [*timing.compare_memory(plan, Duration("A marker", 1161, "code/store.py: LIFE"))]
        mismatch = only(timing.compare_memory(plan, Duration("A marker", 1160, "code/store.py: LIFE")))
        assert mismatch.code == "code/store.py: LIFE is 1160 s"
        assert "for 1160 s: aws_cloudwatch_event_target.this (100 s) + " in mismatch.plan

    def test_a_reserve(self) -> None:
        assert not [*timing.compare_timeout(MAKE, Duration("A reserve", 29, "code"))]
        assert ADDRESS in only(timing.compare_timeout(MAKE, Duration("A reserve", 30, "code"))).plan

    def test_a_link_that_outlives_its_session(self) -> None:
        plan = plan_of(("aws_iam_role.this", {"name": "make-dev", "max_session_duration": 3600}))

        assert not [*timing.compare_link(plan, MAKE, Duration("A link", 3600, "code"))]
        assert "aws_iam_role.this" in only(timing.compare_link(plan, MAKE, Duration("A link", 3601, "code"))).plan
