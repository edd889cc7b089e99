"""Events and triggers: facts that agree pass, and a difference is reported on both sides."""

from dataclasses import replace

import pytest

from harness.contract import events, triggers
from harness.contract.mismatch import report
from harness.contract.triggers import ObjectWrite, Trigger, UploadTrigger
from tests.unit.harness.contract.facts import MAKE, arn, only, plan_of

RULE = events.EventRule("r", "aws_cloudwatch_event_rule.this", "bus", {"detail-type": ["made"]}, frozenset({"make"}))
EMITTED = events.EmittedEvent(
    "code/events.py: emit", {"source": "us", "detail-type": "made", "detail": {}}, "bus", frozenset({"make"})
)


class TestEvents:
    def test_an_event_that_reaches_its_receiver_agrees(self) -> None:
        assert not [*events.compare([RULE], [EMITTED])]

    def test_a_renamed_rule_and_a_renamed_event_are_reported_on_both_sides(self) -> None:
        renamed = replace(EMITTED, body={**EMITTED.body, "detail-type": "built"})

        for text in (
            report(events.compare([replace(RULE, pattern={"detail-type": ["built"]})], [EMITTED])),
            report(events.compare([RULE], [renamed])),
        ):
            assert "does not reach its receivers" in text
            assert "code/events.py: emit" in text
            assert "aws_cloudwatch_event_rule.this matches" in text
            assert "which nobody emits" in text

    @pytest.mark.parametrize(
        "rule", [replace(RULE, receivers=frozenset({"other"})), replace(RULE, receivers=frozenset({"make", "other"}))]
    )
    def test_an_event_that_reaches_somebody_else(self, rule: events.EventRule) -> None:
        mismatch = only(events.compare([rule], [EMITTED]))

        assert "aws_cloudwatch_event_rule.this delivers it to" in mismatch.plan

    def test_an_event_that_is_for_nobody(self) -> None:
        mismatch = only(events.compare([], [replace(EMITTED, receivers=frozenset())]))

        assert mismatch.code == "code/events.py: emit emits it on bus for none"
        assert mismatch.plan == "no rule matches it: "

    def test_another_bus_is_another_place(self) -> None:
        assert len([*events.compare([replace(RULE, bus="other")], [EMITTED])]) == 2

    def test_each_detail_type_of_a_rule_has_an_emitter(self) -> None:
        mismatch = only(events.compare([replace(RULE, pattern={"detail-type": ["made", "unmade"]})], [EMITTED]))

        assert 'waits for "unmade", which nobody emits' in mismatch.about

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

        (rule,) = events.rules_of(plan, {"make": MAKE})

        assert (rule.pattern, rule.receivers) == ({"source": ["us"]}, {"make", "queue"})


TRIGGER = Trigger("aws_s3_bucket_notification.this (make)", "inbox", "make", "in/", ".csv", ("s3:ObjectCreated:*",))


class TestTriggers:
    def test_objects_that_are_written_elsewhere_start_nothing(self) -> None:
        writes = [
            ObjectWrite("w", "inbox", "out/a.csv"),
            ObjectWrite("w", "inbox", "in/a.json"),
            ObjectWrite("w", "archive", "in/a.csv"),
        ]

        assert not [*triggers.compare_writes([TRIGGER], writes)]

    def test_an_object_that_is_written_where_it_triggers(self) -> None:
        mismatch = only(triggers.compare_writes([TRIGGER], [ObjectWrite("code/files.py: put", "inbox", "in/a.csv")]))

        assert mismatch.code == "code/files.py: put writes in/a.csv"
        assert mismatch.plan == 'aws_s3_bucket_notification.this (make) is for "in/….csv"'

    def test_accepted_uploads_start_their_function_and_others_nothing(self) -> None:
        accepted, other = (
            UploadTrigger("code/files.py: name", "make", "inbox", key) for key in ("in/a.csv", "other/a.csv")
        )

        assert not [*triggers.compare([TRIGGER], [accepted], [other])]
        assert "starts none" in only(triggers.compare([replace(TRIGGER, prefix="new/")], [accepted], [])).about
        assert "starts make" in only(triggers.compare([replace(TRIGGER, prefix="")], [], [other])).about

    def test_triggers_are_read_from_a_plan(self) -> None:
        target = {"id": "make", "events": ["s3:ObjectCreated:*"], "filter_prefix": "in/", "filter_suffix": ".csv"}
        target["lambda_function_arn"] = arn()
        plan = plan_of(("aws_s3_bucket_notification.this", {"bucket": "inbox", "lambda_function": [target]}))

        assert triggers.triggers_of(plan, {"make": MAKE}) == [TRIGGER]
