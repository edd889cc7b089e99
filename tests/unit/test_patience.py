"""Waits in tests: their limits are generous, so that a slow machine fails no test that is right."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.paths import ROOT

RUNNERS = {"run", "check_call", "check_output", "call", "wait", "communicate"}
SHORTEST_S = 300.0


def short_limits(source: str) -> Iterator[int]:
    """The lines that give a process, as a number, less time than a slow machine may need."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNNERS:
            for keyword in node.keywords:
                limit = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if keyword.arg == "timeout" and isinstance(limit, int | float) and limit < SHORTEST_S:
                    yield node.lineno


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_process_gets_time_on_a_slow_machine(path: Path) -> None:
    lines = [f"{path.relative_to(ROOT)}:{line}" for line in short_limits(path.read_text(encoding="utf-8"))]

    assert not lines, f"use tests.patience.HANG_S: {lines}"


def test_a_short_limit_is_found() -> None:
    source = "import subprocess\nsubprocess.run(['a'], timeout=60)\nowner.wait(timeout=HANG_S)\n"

    assert list(short_limits(source)) == [2]
