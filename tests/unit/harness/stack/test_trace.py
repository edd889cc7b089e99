"""The story of an invoice: its steps in order, and what it waits for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from harness.stack.logs import LogLine
from harness.stack.trace import Letter, Step, Story, of_lines, waiting

AT = datetime(2026, 11, 29, 10, tzinfo=UTC)


def an_item(status: str, **changes: Any) -> dict[str, Any]:
    history = [{"status": "created", "at": "t", "by": "api"}, {"status": status, "at": "t", "by": "x"}]
    return {
        "invoiceId": "i-1",
        "status": status,
        "amountDue": Decimal("1E+2"),
        "currency": "EUR",
        "dueDate": "2026-12-29",
        "history": history,
        **changes,
    }


def a_line(number: int, level: str = "INFO", function: str = "generate-pdf", request: str = "r-1") -> LogLine:
    return LogLine(AT + timedelta(seconds=number), function, level, f"message {number}", str(number), {}, request)


@pytest.mark.parametrize(
    ("status", "documents", "reasons"),
    [
        ("paid", 1, []),
        ("void", 0, []),
        ("processed", 1, ["A payment of 100 EUR, due on 2026-12-29."]),
        ("created", 1, ["The decision: process-invoice has not handled its stream record."]),
        ("paid", 0, ["Its PDF: generate-pdf has not stored it."]),
    ],
)
def test_what_is_missing_is_what_it_waits_for(status: str, documents: int, reasons: list[str]) -> None:
    assert waiting(an_item(status), [], [], has_document=documents > 0) == reasons


def test_a_held_invoice_waits_for_an_operator_and_says_why() -> None:
    item = an_item("held")
    item["history"][-1]["reasons"] = ["suspected duplicate of R-1"]

    (reason,) = waiting(item, [], [], has_document=True)

    assert reason.startswith("An operator: suspected duplicate of R-1.")


def test_a_missing_pdf_comes_with_the_last_error_and_the_queue_it_ended_in() -> None:
    lines = [a_line(1, "ERROR"), a_line(2, "ERROR", function="process-invoice"), a_line(3)]
    letter = Letter("generate-pdf", "{}", "not authorized", AT)

    queued, pdf = waiting(an_item("paid"), lines, [letter], has_document=False)

    assert queued == "in the dead-letter queue of generate-pdf: not authorized. Fix the cause, then send it again."
    assert pdf == "Its PDF: generate-pdf has not stored it. Its last error: message 1"


def test_the_first_line_of_an_invocation_has_its_duration() -> None:
    steps = of_lines([a_line(1), a_line(2), a_line(3, request="r-2")], {"r-1": 12.0})

    assert [step.invocation_ms for step in steps] == [12.0, None, None]


def test_a_story_says_how_long_after_the_step_before_each_was() -> None:
    story = Story("title", [Step(AT, "table", "a"), Step(AT + timedelta(milliseconds=1500), "s3", "b")], ["c"])

    document = story.document()

    assert [step["afterMs"] for step in document["steps"]] == [None, 1500.0]
    assert document["waiting"] == ["c"]
