"""Events and triggers: what agrees passes, what differs is told with both of its ends."""

from dataclasses import replace

import pytest

from harness.contract import events, triggers
from harness.contract.mismatch import told
from harness.contract.triggers import Put, Taken, Trigger
from tests.unit.harness.contract.facts import MAKE, arn, only, plan_of

RULE = events.EventRule("r", "aws_cloudwatch_event_rule.this", "bus", {"detail-type": ["made"]}, frozenset({"make"}))
EMITTED = events.Emitted(
    "code/events.py: emit", {"source": "us", "detail-type": "made", "detail": {}}, "bus", frozenset({"make"})
)


class TestEvents:
    def test_an_event_that_reaches_its_taker_agrees(self) -> None:
        assert not [*events.compare([RULE], [EMITTED])]

    def test_a_renamed_rule_and_a_renamed_event_are_told_of_on_both_sides(self) -> None:
        renamed = replace(EMITTED, event={**EMITTED.event, "detail-type": "built"})
        for found in (
            told(events.compare([replace(RULE, pattern={"detail-type": ["built"]})], [EMITTED])),
            told(events.compare([RULE], [renamed])),
        ):
            assert "does not reach those that it is for" in found
            assert "code/events.py: emit" in found
            assert "aws_cloudwatch_event_rule.this takes" in found
            assert "which nobody emits" in found

    @pytest.mark.parametrize(
        "rule", [replace(RULE, takers=frozenset({"other"})), replace(RULE, takers=frozenset({"make", "other"}))]
    )
    def test_an_event_that_reaches_somebody_else(self, rule: events.EventRule) -> None:
        found = only(events.compare([rule], [EMITTED]))

        assert "aws_cloudwatch_event_rule.this hands it to" in found.plan

    def test_an_event_that_is_for_nobody(self) -> None:
        found = only(events.compare([], [replace(EMITTED, takers=frozenset())]))

        assert found.code == "code/events.py: emit emits it on bus for none"
        assert found.plan == "no rule takes it: "

    def test_another_bus_is_another_place(self) -> None:
        assert len([*events.compare([replace(RULE, bus="other")], [EMITTED])]) == 2

    def test_each_detail_type_of_a_rule_has_an_emitter(self) -> None:
        found = only(events.compare([replace(RULE, pattern={"detail-type": ["made", "unmade"]})], [EMITTED]))

        assert 'waits for "unmade", which nobody emits' in found.about

    def test_rules_are_read_from_a_plan(self) -> None:
        target = {"rule": "r", "event_bus_name": "bus", "target_id": "t"}
        plan = plan_of(
            (
                "aws_cloudwatch_event_rule.this",
                {"name": "r", "event_bus_name": "bus", "event_pattern": '{"source":["us"]}'},
            ),
            ("aws_cloudwatch_event_target.a", {**target, "arn": arn()}),
            ("aws_cloudwatch_event_target.b", {**target, "arn": "arn:aws:sqs:us-east-1:0:queue"}),
            ("aws_cloudwatch_event_target.c", {**target, "event_bus_name": "other", "arn": "arn:aws:sqs:r:0:no"}),
            ("aws_cloudwatch_event_rule.timer", {"name": "t", "schedule_expression": "rate(1 day)"}),
        )

        (found,) = events.rules_of(plan, {"make": MAKE})

        assert (found.pattern, found.takers) == ({"source": ["us"]}, {"make", "queue"})


TRIGGER = Trigger("aws_s3_bucket_notification.this (make)", "inbox", "make", "in/", ".csv", ("s3:ObjectCreated:*",))


class TestTriggers:
    def test_what_is_written_elsewhere_starts_nothing(self) -> None:
        puts = [Put("w", "inbox", "out/a.csv"), Put("w", "inbox", "in/a.json"), Put("w", "archive", "in/a.csv")]

        assert not [*triggers.recursion([TRIGGER], puts)]

    def test_what_is_written_where_it_triggers(self) -> None:
        found = only(triggers.recursion([TRIGGER], [Put("code/files.py: put", "inbox", "in/a.csv")]))

        assert found.code == "code/files.py: put writes in/a.csv"
        assert found.plan == 'aws_s3_bucket_notification.this (make) is on "in/….csv"'

    def test_what_is_taken_starts_its_function_and_the_rest_nothing(self) -> None:
        taken, other = (Taken("code/files.py: name", "make", "inbox", key) for key in ("in/a.csv", "other/a.csv"))

        assert not [*triggers.compare([TRIGGER], [taken], [other])]
        assert "starts none" in only(triggers.compare([replace(TRIGGER, prefix="new/")], [taken], [])).about
        assert "starts make" in only(triggers.compare([replace(TRIGGER, prefix="")], [], [other])).about

    def test_triggers_are_read_from_a_plan(self) -> None:
        call = {"id": "make", "events": ["s3:ObjectCreated:*"], "filter_prefix": "in/", "filter_suffix": ".csv"}
        call["lambda_function_arn"] = arn()
        plan = plan_of(("aws_s3_bucket_notification.this", {"bucket": "inbox", "lambda_function": [call]}))

        assert triggers.triggers_of(plan, {"make": MAKE}) == [TRIGGER]
