"""The functions' logs for people: `nox -s logs`, and the log lines beside a failing test."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.paths import ROOT
from harness.stack.deployment import Stack
from harness.stack.logs import lines, recent_errors
from harness.stack.trace import Story, tell
from tests.patience import HANG_S


@pytest.fixture
def described(stack: Stack, tmp_path: Path) -> Path:
    """A build folder in which this worker's stack is the running one."""
    (tmp_path / "stack-dev.json").write_text(stack.model_dump_json(), encoding="utf-8")
    return tmp_path


def logs(build: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", "logs", *arguments],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(build), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )


def test_a_request_can_be_followed_through_the_functions(
    api: Any, stack: Stack, wait: Callable[..., Any], described: Path, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=2)
    api("POST", "/invoices", new_invoice())

    def functions_that_logged() -> set[str] | None:
        names = {line.function for line in lines(stack, sorted(stack.functions), since)}
        return names if names >= {"create-invoice", "process-invoice", "generate-pdf"} else None

    wait(functions_that_logged, "lines of all three functions")
    command = logs(described, "create-invoice", "generate-pdf", "--since", "5m")

    assert command.returncode == 0, command.stderr
    assert "create-invoice" in command.stdout
    assert "Invoice created" in command.stdout
    assert "process-invoice " not in command.stdout


def test_the_story_of_an_invoice_goes_from_the_request_to_the_payment(
    api: Any,
    client: Callable[[str], Any],
    stack: Stack,
    wait: Callable[..., Any],
    described: Path,
    new_invoice: Callable[..., dict[str, Any]],
) -> None:
    created = api("POST", "/invoices", new_invoice())
    identity, total = created.body["invoiceId"], created.body["total"]

    def story_with(place: str, what: str) -> Story | None:
        story = tell(stack, identity)
        return story if any(step.place == place and what in step.what for step in story.steps) else None

    waiting = wait(lambda: story_with("s3", "PDF in the documents bucket"), "the PDF in the story").waiting
    detail = {"invoiceId": identity, "paymentId": identity[:8], "amount": total, "currency": "EUR"}
    entry = {
        "EventBusName": stack.event_bus,
        "Source": "payments.example",
        "DetailType": "invoice-paid",
        "Detail": json.dumps(detail),
    }
    (published,) = client("events").put_events(Entries=[entry])["Entries"]
    story = wait(lambda: story_with("table", "paid by payments.example"), "the payment in the story")
    command = logs(described, "--invoice", identity, "--json")

    assert [reason.partition(" of ")[0] for reason in waiting] == ["A payment"]
    assert not story.waiting
    assert published["EventId"] in story.correlations
    places = [step.place for step in story.steps]
    for first, second in pairwise(("create-invoice", "process-invoice", "s3", "update-invoice-status")):
        assert places.index(first) < places.index(second), places
    lines = [json.loads(line) for line in command.stdout.splitlines()]
    assert {line["function"] for line in lines} >= {"create-invoice", "process-invoice", "generate-pdf"}
    assert {line.get("invoice_id", identity) for line in lines} == {identity}


def test_an_unhandled_error_of_a_function_is_shown(
    client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], described: Path
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=2)
    event = b'{"source": "invoice.platform", "detail-type": "invoice-created", "detail": {"invoiceId": "no-such"}}'
    client("lambda").invoke(FunctionName=f"{stack.functions['generate-pdf']}:live", Payload=event)

    errors = wait(
        lambda: [line for line in recent_errors(stack, since) if "no-such" in line.message] or None, "the error's line"
    )

    assert {line.function for line in errors} == {"generate-pdf"}
    assert "no-such" in logs(described, "--errors").stdout


def test_unknown_function_lists_the_known_ones(described: Path) -> None:
    command = logs(described, "nothing")

    assert command.returncode == 1
    assert "'nothing'" in command.stderr
    assert "query-invoices" in command.stderr
