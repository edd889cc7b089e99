"""Log events become short, readable lines."""

import json
from datetime import UTC, datetime

import pytest

from harness.stack.logs import LogLine, about, fields_text, invocation, parse

AT_MS = 1_795_000_000_123


def of(message: str) -> LogLine | None:
    return parse("create-invoice", AT_MS, message, "1")


def test_powertools_line_is_read_with_its_level() -> None:
    line = of(json.dumps({"level": "ERROR", "message": "put failed", "service": "create-invoice"}))

    assert line is not None
    assert (line.level, line.message, line.is_warning) == ("ERROR", "put failed", True)
    assert line.at == datetime.fromtimestamp(AT_MS / 1000, UTC)


def test_exception_is_part_of_the_line() -> None:
    line = of(
        json.dumps({"level": "ERROR", "message": "refused", "exception": "AccessDeniedException: dynamodb:PutItem"})
    )

    assert line is not None
    assert line.message == "refused\nAccessDeniedException: dynamodb:PutItem"


def test_an_unhandled_error_keeps_its_type_and_message() -> None:
    line = of(json.dumps({"level": "ERROR", "errorType": "KeyError", "errorMessage": "'TABLE_NAME'"}))

    assert line is not None
    assert "'TABLE_NAME'" in line.message
    assert "KeyError" in line.message


@pytest.mark.parametrize(
    "noise",
    [
        {"type": "platform.start", "record": {"requestId": "1"}},
        {"type": "platform.report", "record": {"requestId": "1"}},
        {"_aws": {"CloudWatchMetrics": []}, "InvoicesCreated": 1},
    ],
)
def test_platform_lines_and_metrics_are_left_out(noise: dict[str, object]) -> None:
    assert of(json.dumps(noise)) is None


@pytest.mark.parametrize("text", ["plain words\n", "[1, 2]\n", '"quoted"', "{broken"])
def test_anything_else_is_kept_as_it_is(text: str) -> None:
    line = of(text)

    assert line is not None
    assert (line.level, line.message, line.is_warning) == ("", text.rstrip(), False)


def test_the_fields_are_what_the_function_adds_to_a_line() -> None:
    plumbing = {"location": "receive:1", "service": "s", "cold_start": True, "function_request_id": "r-1"}
    fields = {"invoice_id": "i-1", "correlation_id": "c-1", "report": {"rows": 2}}

    line = of(
        json.dumps(
            {"level": "INFO", "message": "Invoice created", "timestamp": "2026-11-29T10:00:00.5Z"} | plumbing | fields
        )
    )

    assert line is not None
    assert (line.fields, line.request) == (fields, "r-1")
    assert fields_text(line.fields) == 'invoice_id=i-1 correlation_id=c-1 report={"rows":2}'
    assert line.at == datetime(2026, 11, 29, 10, 0, 0, 500_000, tzinfo=UTC)


def test_the_platforms_report_has_the_duration_of_an_invocation() -> None:
    record = {"requestId": "r-1", "metrics": {"durationMs": 12.5}}

    assert invocation(json.dumps({"type": "platform.report", "record": record})) == ("r-1", 12.5)
    assert invocation(json.dumps({"type": "platform.start", "record": record})) is None
    assert invocation("END") is None


def a_line(number: int, message: str = "", request: str = "", **fields: str) -> LogLine:
    return LogLine(
        datetime(2026, 11, 29, 10, 0, number, tzinfo=UTC), "f", "INFO", message, str(number), fields, request
    )


def test_lines_about_a_subject_are_joined_by_correlation_id_and_by_invocation() -> None:
    request = a_line(1, request="r-1", correlation_id="c-1")
    error_of_lambda = a_line(2, "AccessDenied", request="r-1")
    naming = a_line(3, request="r-2", correlation_id="c-1", invoice_id="i-1")
    other_subject = a_line(4, request="r-2", correlation_id="c-1", invoice_id="i-2")
    other_work = a_line(5, request="r-2", correlation_id="c-2")
    in_a_message = a_line(6, "There is no invoice i-1.", request="r-3")

    found = about([request, error_of_lambda, naming, other_subject, other_work, in_a_message], "i-1")

    assert found == [request, error_of_lambda, naming, in_a_message]


def test_a_correlation_id_that_is_known_otherwise_joins_too() -> None:
    upload = a_line(1, "Upload received", correlation_id="u-1")

    assert about([upload], "i-1", ["u-1"]) == [upload]
    assert about([upload], "i-1") == []
