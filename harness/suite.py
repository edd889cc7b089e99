"""The whole suite, two sessions at a time: those that compute beside those that wait for an engine.

``python -m harness.suite --nox PYTHON SESSION ...`` runs it. Each session is a nox process of its own, whose output
goes to ``build/logs/<session>.log``. What failed is shown at the end, above one table: what ran, how long, with which
result, and how to repeat it.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness import results
from harness.console import expected_errors, out
from harness.paths import BUILD, ROOT
from harness.results import record

WAITING = frozenset({"engine", "apply", "e2e", "drills", "releases", "updates", "localstack"})
"""The sessions on an engine. Half of their time is waiting, and two of them at once would disturb each other."""

NICENESS = 10
"""Added to the niceness of the sessions that compute: those on an engine meet time limits, as they would on AWS."""

SHOWN_LINES = 150
"""Lines of a failed session's output that are repeated at the end; its log has all of them."""

_FIGURES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


@dataclass(frozen=True)
class Outcome:
    """A session that has ended.

    Attributes:
        session: Its name in nox.
        seconds: How long it took.
        exit_code: 0 if it passed.
        log: What it printed.
        figures: The counts that pytest left in ``build/results/<session>.json``; empty for other programs.
    """

    session: str
    seconds: float
    exit_code: int
    log: Path
    figures: str = ""

    @property
    def passed(self) -> bool:
        """Whether the session passed."""
        return self.exit_code == 0


def lanes(sessions: Sequence[str]) -> list[list[str]]:
    """The sessions that run one after the other, for each lane: those that compute, and those that wait.

    Args:
        sessions: Names of nox sessions. Their order is kept within a lane.
    """
    both = ([name for name in sessions if name not in WAITING], [name for name in sessions if name in WAITING])
    return [lane for lane in both if lane]


def run_session(session: str, nox: str, logs: Path = BUILD / "logs") -> Outcome:
    """Run one session in the environments that are there already, and keep what it prints.

    Args:
        session: Its name.
        nox: The Python that has nox.
        logs: The folder for its output.
    """
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{session}.log"
    started, begun = time.monotonic(), time.time()
    with log.open("wb") as stream:
        command = [nox, "-m", "nox", "-f", str(ROOT / "noxfile.py"), "-s", session]
        process = subprocess.Popen(  # noqa: S603 - nox, with the name of a session
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
        if session not in WAITING:
            yield_to_others(process.pid)
        code = process.wait()
    return Outcome(session, time.monotonic() - started, code, log, _figures(session, begun))


def yield_to_others(pid: int) -> None:
    """Lower the priority of a process and of those that it will start, if it has not ended yet.

    Args:
        pid: The process.
    """
    with contextlib.suppress(ProcessLookupError):
        niceness = os.getpriority(os.PRIO_PROCESS, pid) + NICENESS
        os.setpriority(os.PRIO_PROCESS, pid, min(niceness, 19))


def _figures(session: str, begun: float) -> str:
    """The counts of a pytest run that has just ended: "2590 passed, 1 skipped"."""
    file = BUILD / "results" / f"{session}.json"
    if not file.exists() or file.stat().st_mtime < begun:
        return ""
    counts = json.loads(file.read_text(encoding="utf-8"))
    return ", ".join(f"{counts[name]:,} {name}" for name in _FIGURES if counts.get(name))


def run(sessions: Sequence[str], nox: str, logs: Path = BUILD / "logs") -> list[Outcome]:
    """Run sessions, one of each lane at a time, and print a line for each that ends.

    Args:
        sessions: Names of nox sessions.
        nox: The Python that has nox.
        logs: The folder for their output.

    Returns:
        The outcomes, in the order of ``sessions``.

    Raises:
        KeyboardInterrupt: The user stopped it; the sessions that ran have ended.
    """
    ended: list[Outcome] = []
    stopped = threading.Event()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:

        def work(lane: deque[str]) -> None:
            while not stopped.is_set() and (name := _next(lane, computing)):
                task = progress.add_task(name, total=None)
                if not out.is_terminal:
                    out.print(f"… {name}")
                outcome = run_session(name, nox, logs)
                progress.remove_task(task)
                if not stopped.is_set():
                    ended.append(outcome)
                    out.print(_line(outcome))

        queues = [deque(lane) for lane in lanes(sessions)]
        computing = queues[0]
        workers = [threading.Thread(target=work, args=(queue,)) for queue in queues]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:  # nox got it too, and gives what runs a minute to end
            stopped.set()
            for worker in workers:
                worker.join()
            raise
    return sorted(ended, key=lambda outcome: list(sessions).index(outcome.session))


def _next(lane: deque[str], computing: deque[str]) -> str | None:
    """The next session of a lane; when it has no more, the last one of those that compute. None at the end."""
    try:
        return lane.popleft() if lane else computing.pop()
    except IndexError:
        return None


def _line(outcome: Outcome) -> str:
    sign = "[green]✓[/]" if outcome.passed else "[red]✗[/]"
    figures = f": {outcome.figures}" if outcome.figures else ""
    return f"{sign} {outcome.session}{figures} [dim]({outcome.seconds:.0f} s)[/]"


def excerpt(text: str, lines: int = SHOWN_LINES) -> str:
    """The part of a log that says what failed: pytest's own report of it if there is one, and not more than ``lines``.

    Args:
        text: What the session printed.
        lines: The most lines to keep; the last ones are kept.
    """
    rows = text.splitlines()
    reports = [index for index, row in enumerate(rows) if row.startswith("===") and row.strip("= ") in _REPORTS]
    rows = rows[reports[0] :] if reports else rows
    left_out = len(rows) - lines
    return "\n".join([f"[... {left_out} lines before]", *rows[-lines:]] if left_out > 0 else rows)


_REPORTS = {"FAILURES", "ERRORS"}


def summarise(outcomes: Sequence[Outcome], seconds: float) -> None:
    """Print what failed, and then the table of all sessions.

    Args:
        outcomes: What `run` returned.
        seconds: How long all of it took.
    """
    for outcome in outcomes:
        if not outcome.passed:
            out.rule(f"{outcome.session} failed")
            out.print(excerpt(outcome.log.read_text(encoding="utf-8", errors="replace")), markup=False)
    out.rule()
    table = Table(box=None, pad_edge=False)
    table.add_column("session")
    table.add_column("result")
    table.add_column("time", justify="right")
    table.add_column("tests")
    table.add_column("repeat it, all of its output")
    for outcome in outcomes:
        result = "[green]passed[/]" if outcome.passed else "[red]failed[/]"
        log = outcome.log.relative_to(ROOT) if outcome.log.is_relative_to(ROOT) else outcome.log
        repeat = "" if outcome.passed else escape(f"./noxw -s {outcome.session}   {log}")
        table.add_row(outcome.session, result, f"{outcome.seconds:.0f} s", outcome.figures, repeat)
    out.print(table)
    failed = sum(not outcome.passed for outcome in outcomes)
    verdict = (
        f"[red]{failed} of {len(outcomes)} sessions failed[/]" if failed else f"[green]All {len(outcomes)} passed[/]"
    )
    out.print(f"{verdict} in {int(seconds) // 60} min {int(seconds) % 60} s")


def leave_figures(outcomes: Sequence[Outcome], seconds: float) -> Path:
    """Write the figures of the whole suite, which the report reads; returns their file.

    The sessions of earlier suites are kept, each as it ended last.

    Args:
        outcomes: What `run` returned.
        seconds: How long all of it took.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    sessions = [
        {
            "session": outcome.session,
            "at": now,
            "seconds": round(outcome.seconds, 1),
            "exit_code": outcome.exit_code,
            "log": str(outcome.log),
        }
        for outcome in outcomes
    ]
    names = {outcome.session for outcome in outcomes}
    earlier = [row for row in _earlier_sessions() if row.get("session") not in names]
    return record("suite", {"seconds": round(seconds, 1), "sessions": [*sessions, *earlier]})


def _earlier_sessions() -> list[dict[str, Any]]:
    """The sessions of earlier suites; none if the file is missing or damaged."""
    try:
        body = json.loads(results.file_of("suite").read_text(encoding="utf-8"))
        return [dict(row) for row in body["sessions"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sessions that the command names. Returns 0 if all of them passed."""
    parser = argparse.ArgumentParser(prog="python -m harness.suite", description=__doc__, allow_abbrev=False)
    parser.add_argument("--nox", required=True, metavar="PYTHON", help="the Python that has nox")
    parser.add_argument("sessions", nargs="+", metavar="SESSION")
    options = parser.parse_args(arguments)
    with expected_errors():
        started = time.monotonic()
        outcomes = run(options.sessions, options.nox)
        seconds = time.monotonic() - started
        leave_figures(outcomes, seconds)
        summarise(outcomes, seconds)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
