"""What a person sees of the functions: `nox -s logs`, and what stands beside a failing test."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.paths import ROOT
from harness.stack.deployment import Stack
from harness.stack.logs import lines, recent_errors


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
        timeout=60,
    )


def test_a_request_can_be_followed_through_the_functions(
    api: Any, stack: Stack, wait: Callable[..., Any], described: Path, new_invoice: Callable[..., dict[str, Any]]
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=2)
    api("POST", "/invoices", new_invoice())

    def through() -> set[str] | None:
        seen = {line.function for line in lines(stack, sorted(stack.functions), since)}
        return seen if seen >= {"create-invoice", "process-invoice", "generate-pdf"} else None

    wait(through, "lines of all three functions")
    shown = logs(described, "create-invoice", "generate-pdf", "--since", "5m")
    assert shown.returncode == 0, shown.stderr
    assert "create-invoice" in shown.stdout
    assert "Invoice created" in shown.stdout
    assert "process-invoice " not in shown.stdout


def test_an_unhandled_fault_of_a_function_is_told(
    client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], described: Path
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=2)
    event = b'{"source": "invoice.platform", "detail-type": "invoice-created", "detail": {"invoiceId": "no-such"}}'
    client("lambda").invoke(FunctionName=f"{stack.functions['generate-pdf']}:live", Payload=event)

    found = wait(
        lambda: [line for line in recent_errors(stack, since) if "no-such" in line.message] or None, "the error's line"
    )

    assert {line.function for line in found} == {"generate-pdf"}
    assert "no-such" in logs(described, "--errors").stdout


def test_unknown_function_names_those_that_there_are(described: Path) -> None:
    ended = logs(described, "nothing")

    assert ended.returncode == 1
    assert "'nothing'" in ended.stderr
    assert "query-invoices" in ended.stderr
