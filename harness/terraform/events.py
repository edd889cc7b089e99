"""Terraform's output while it works: the lines of its ``-json`` option, read into types.

See https://developer.hashicorp.com/terraform/internals/machine-readable-ui.
"""

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self, TypeAlias

_CHECK_S = 1.0
_FOLLOW_S = 0.05

LineQueue: TypeAlias = "queue.SimpleQueue[str | None]"
"""The lines that a process prints, and None after the last."""


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning.

    Attributes:
        severity: ``error`` or ``warning``.
        summary: One line.
        detail: More, possibly several lines; may be empty.
        address: The resource that it is about, if any.
        file: The configuration file that it is about, if any, relative to the root.
        line: The line in that file; 0 if there is no file.
    """

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    file: str = ""
    line: int = 0

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the ``diagnostic`` of an event."""
        where = body.get("range") or {}
        return cls(
            severity=body.get("severity", "error"),
            summary=body.get("summary", ""),
            detail=body.get("detail") or "",
            address=body.get("address") or "",
            file=where.get("filename", ""),
            line=(where.get("start") or {}).get("line", 0),
        )

    def __str__(self) -> str:
        about = self.address
        if self.file not in {"", "<empty>"}:  # Terraform's name for a provider block that is not written anywhere
            about += (" " if about else "") + f"({self.file}:{self.line})"
        lines = [f"{about}: {self.summary}" if about else self.summary]
        lines += [f"  {line}" for line in self.detail.strip().splitlines() if line.strip()]
        return "\n".join(lines)


@dataclass(frozen=True)
class TerraformEvent:
    """One line of ``terraform … -json``.

    Attributes:
        type: ``version``, ``planned_change``, ``resource_drift``, ``change_summary``, ``refresh_start``,
            ``refresh_complete``, ``apply_start``, ``apply_progress``, ``apply_complete``, ``apply_errored``,
            ``diagnostic``, ``outputs``, ``init_output``, ``log``; later releases may add others.
        message: The line as Terraform would print it for people.
        address: The resource that it is about, if any.
        action: ``create``, ``update``, ``delete``, ``replace``, ``read`` …, if it is about one.
        elapsed_s: Seconds that the resource has taken so far, as Terraform counts them (whole ones).
        diagnostic: For a ``diagnostic``.
        raw: The complete line.
    """

    type: str
    message: str
    address: str = ""
    action: str = ""
    elapsed_s: float = 0.0
    diagnostic: Diagnostic | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read a line; one that is not JSON (a panic, a plugin's output) becomes an event of type ``text``."""
        try:
            body = json.loads(line)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return cls(type="text", message=line.rstrip())
        about = body.get("hook") or body.get("change") or {}
        return cls(
            type=body.get("type", "log"),
            message=body.get("@message", ""),
            address=(about.get("resource") or {}).get("addr", ""),
            action=about.get("action", ""),
            elapsed_s=float(about.get("elapsed_seconds", 0)),
            diagnostic=Diagnostic.from_json(body["diagnostic"]) if "diagnostic" in body else None,
            raw=body,
        )


@dataclass
class RunOutcome:
    """The result of a finished ``terraform``, collected from its events.

    Attributes:
        exit_code: Terraform's exit code; negative for a signal.
        seconds: How long it took.
        added: The number of resources created, likewise `changed` and `removed`; for a plan, those that would be.
        outputs: The values of the root's outputs after an apply, without sensitive ones.
        diagnostics: Errors and warnings, in order.
        unfinished: Resources that were started and neither completed nor failed, with their action.
        text: Lines that are not events.
    """

    exit_code: int = 0
    seconds: float = 0.0
    added: int = 0
    changed: int = 0
    removed: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unfinished: dict[str, str] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def add(self, event: TerraformEvent) -> None:
        """Add an event."""
        if event.diagnostic:
            self.diagnostics.append(event.diagnostic)
        match event.type:
            case "apply_start":
                self.unfinished[event.address] = event.action
            case "apply_complete" | "apply_errored":
                self.unfinished.pop(event.address, None)
            case "change_summary":
                counts = event.raw.get("changes", {})
                self.added, self.changed, self.removed = (counts.get(key, 0) for key in ("add", "change", "remove"))
            case "outputs":
                outputs = event.raw["outputs"].items()
                self.outputs = {name: output["value"] for name, output in outputs if "value" in output}
            case "text":
                self.text.append(event.message)

    @property
    def errors(self) -> Sequence[Diagnostic]:
        """The diagnostics that are errors."""
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"]


def lines_of(process: subprocess.Popen[bytes]) -> LineQueue:
    """The lines that a process prints to a pipe, read by a thread as they arrive; None at the end."""
    lines: LineQueue = queue.SimpleQueue()

    def read(stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                lines.put(line.decode("utf-8", errors="replace"))
        lines.put(None)

    if process.stdout is None:
        raise ValueError("the process was started without a pipe for its output")
    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    return lines


def lines_in(file: Path, process: subprocess.Popen[bytes]) -> LineQueue:
    """The lines that a process writes to a file, read by a thread as they arrive; None at the process's end.

    A file and not a pipe: whoever writes to a pipe without a reader is ended by SIGPIPE, whatever it still has to do.
    """
    lines: LineQueue = queue.SimpleQueue()

    def read() -> None:
        rest = b""
        with file.open("rb") as stream:
            ended = False
            while not ended:
                ended = process.poll() is not None  # before the last read, so that it sees everything
                *complete, rest = (rest + stream.read()).split(b"\n")
                for line in [*complete, rest] if ended and rest else complete:
                    lines.put(line.decode("utf-8", errors="replace") + "\n")
                if not ended:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_FOLLOW_S)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def lines_until(lines: LineQueue, deadline: float, check: Callable[[], None] | None = None) -> Iterator[str]:
    """The lines, until the last one or the deadline (TimeoutError).

    Args:
        lines: The queue of lines.
        deadline: On the monotonic clock; infinite for none.
        check: Called about every second; what it raises ends the waiting.
    """
    while True:
        if check:
            check()
        remaining = deadline - time.monotonic()
        try:
            line = lines.get(timeout=max(0.0, min(remaining, _CHECK_S)))
        except queue.Empty:
            if time.monotonic() < deadline:
                continue
            raise TimeoutError from None
        if line is None:
            return
        yield line
