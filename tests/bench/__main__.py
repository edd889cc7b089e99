"""``python -m tests.bench [PART ...]``: measures, shows and records what the platform takes.

Nothing here passes or fails: a missed goal is shown with the functions or packages that take the time. The figures are
in ``build/results/bench.json``, those of all runs in ``build/bench/history.jsonl``.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.markup import escape
from rich.table import Table

from harness.console import out
from harness.paths import BUILD
from harness.results import record
from harness.stack.snapshot import clone_source
from tests.bench import cold_starts, documents, stack
from tests.bench.measure import Figure

HISTORY = BUILD / "bench" / "history.jsonl"


def of_stack() -> Iterator[Figure]:
    """The figures of a clone of dev."""
    with TemporaryDirectory() as folder, clone_source("dev").clone("bench") as (clone, _):
        yield from stack.figures(clone, Path(folder))


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "cold-starts": cold_starts.figures,
    "documents": documents.figures,
    "stack": of_stack,
}


def main() -> None:
    """Measure the named parts, or all."""
    parser = argparse.ArgumentParser(prog="./noxw -s bench --", description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or list(PARTS)
    started = time.monotonic()
    figures: list[Figure] = []
    for part in chosen:
        with out.status(f"Measure {part} …"):
            for figure in PARTS[part]():
                figures.append(figure)
                out.print(f"{escape(figure.name)}: {_amount(figure.value)} {escape(figure.unit)}")
    _keep(figures, time.monotonic() - started)
    _show(figures)


def _keep(figures: Sequence[Figure], seconds: float) -> None:
    documents = [document(figure) for figure in figures]
    record("bench", {"seconds": round(seconds, 1), "figures": documents})
    HISTORY.parent.mkdir(parents=True, exist_ok=True)
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "figures": documents}
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def document(figure: Figure) -> dict[str, Any]:
    """A figure as it is recorded."""
    return {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "floor": figure.floor,
        "ratio": figure.ratio,
        "goal": figure.goal,
        "rate": figure.rate,
        "reached": figure.is_reached,
        "shares": [{"name": name, "share": share} for name, share in figure.shares],
    }


def _show(figures: Sequence[Figure]) -> None:
    table = Table("Figure", "Measured", "Floor", "Ratio", "Goal", "")
    for figure in figures:
        goal = f"{'≥' if figure.rate else '≤'} {figure.goal:g}{'' if figure.ratio is None else ' ×'}"
        table.add_row(
            escape(figure.name),
            f"{_amount(figure.value)} {escape(figure.unit)}",
            "" if figure.floor is None else _amount(figure.floor),
            "" if figure.ratio is None else f"{figure.ratio:.2f} ×",
            goal,
            "[green]reached[/]" if figure.is_reached else "[yellow]missed[/]",
        )
    out.print(table)
    for figure in figures:
        if not figure.is_reached and figure.shares:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in figure.shares)
            out.print(f"  {escape(figure.name)}: {escape(shares)}")


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


if __name__ == "__main__":
    main()
