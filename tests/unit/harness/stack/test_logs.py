"""Log events become short, readable lines."""

import json
from datetime import UTC, datetime

import pytest

from harness.stack.logs import LogLine, parse

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
