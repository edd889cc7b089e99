"""A Terraform command that failed or took too long, as an error of a few lines that a person can act on."""

import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from harness.errors import HarnessError
from harness.terraform.events import Diagnostic, RunOutcome

_SHOWN = 5  # diagnostics in an error's text; the log has the rest
_PREAMBLE = "Terraform encountered problems during initialisation"  # adds nothing to the real error


class TerraformError(HarnessError):
    """Terraform failed.

    Attributes:
        diagnostics: Its diagnostics.
        exit_code: Its exit code; None if it was stopped at its deadline.
    """

    def __init__(
        self, what: str, *, remedy: str, diagnostics: Sequence[Diagnostic] = (), exit_code: int | None = None
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.diagnostics = tuple(diagnostics)
        self.exit_code = exit_code


@dataclass(frozen=True)
class StateLock:
    """The lock that keeps a command from the state, as Terraform prints it.

    Attributes:
        id: What ``terraform force-unlock`` takes.
        who: ``user@computer`` of the command that holds it.
        operation: What that command does, such as ``apply``.
        created: When it took the lock; None if that cannot be read.
    """

    id: str
    who: str
    operation: str
    created: datetime | None

    @classmethod
    def of(cls, errors: Sequence[Diagnostic]) -> Self | None:
        """The lock that one of the errors is about; None if none is."""
        for error in errors:
            fields = dict(re.findall(r"^\s*(ID|Operation|Who|Created):\s*(\S.*?)\s*$", error.detail, re.MULTILINE))
            if "state lock" in error.summary and "ID" in fields:
                operation = fields.get("Operation", "").removeprefix("OperationType").lower() or "an unknown operation"
                return cls(fields["ID"], fields.get("Who", "unknown"), operation, _time(fields.get("Created", "")))
        return None

    def error(self, command: str, root: str, outcome: RunOutcome, now: datetime) -> TerraformError:
        """The error for a command that found this lock."""
        minutes = int((now - self.created).total_seconds() // 60) if self.created else 0
        since = f" since {self.created:%Y-%m-%d %H:%M} UTC ({minutes} minutes ago)" if self.created else ""
        return TerraformError(
            f"terraform {command}: the state of {root} is locked{since} by {self.who}, who runs {self.operation}.",
            remedy=f"Wait for that command. Only if it has died: terraform -chdir=live/{root} force-unlock {self.id} "
            "(docs/runbooks/stuck-lock.md).",
            diagnostics=outcome.diagnostics,
            exit_code=outcome.exit_code,
        )


def _time(text: str) -> datetime | None:
    """A time as Go prints it: ``2026-11-27 21:04:11.123456789 +0000 UTC``."""
    match = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? \+0000", text)
    return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if match else None


@dataclass(frozen=True)
class CommandFailure:
    """A command that failed.

    Attributes:
        command: Terraform's command, such as ``apply``.
        root: The name of the folder it ran on.
        outcome: What is known about it.
        log_dir: The folder of its events and errors.
        engine_error: Returns the engine's last error.
    """

    command: str
    root: str
    outcome: RunOutcome
    log_dir: Path
    engine_error: Callable[[], str | None] | None

    def reason(self) -> str:
        """Why, in Terraform's words: its errors, otherwise the end of its output."""
        errors = [error for error in self.outcome.errors if not error.summary.startswith(_PREAMBLE)]
        lines = [str(error) for error in errors[:_SHOWN]]
        if len(errors) > _SHOWN:
            lines.append(f"... and {len(errors) - _SHOWN} more errors")
        lines = lines or _tail(self.log_dir / f"{self.command}.stderr") or self.outcome.text[-10:]
        return "\n".join(lines) or "it printed no error"

    def exit_error(self) -> TerraformError:
        """The error for a command that ended with an exit code of failure."""
        code = self.outcome.exit_code
        if lock := StateLock.of(self.outcome.errors):
            return lock.error(self.command, self.root, self.outcome, datetime.now(UTC))
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return TerraformError(
            f"terraform {self.command} failed in {self.root} ({how}):\n{self.reason()}{self._engine_line()}",
            remedy=f"Its complete output is in {self.log_dir / self.command}.jsonl and .stderr.",
            diagnostics=self.outcome.diagnostics,
            exit_code=code,
        )

    def timeout_error(self, deadline_s: float) -> TerraformError:
        """The error for a command that was stopped at its deadline, in seconds."""
        what = f"terraform {self.command} in {self.root} was stopped: it did not finish within {deadline_s:g} s."
        unfinished = [f"{address} ({action})" for address, action in self.outcome.unfinished.items()]
        if unfinished:
            more = f" and {len(unfinished) - _SHOWN} more" if len(unfinished) > _SHOWN else ""
            what += f"\nStill in progress: {', '.join(unfinished[:_SHOWN])}{more}."
        what += "".join(f"\n{error}" for error in self.outcome.errors[:_SHOWN])
        return TerraformError(
            what + self._engine_line(),
            remedy=f"Look into {self.log_dir / self.command}.jsonl and the engine's log. If the state stays locked, "
            "`terraform force-unlock` frees it.",
            diagnostics=self.outcome.diagnostics,
        )

    def _engine_line(self) -> str:
        """A line with the engine's last error; empty without one."""
        error = self.engine_error() if self.engine_error else None
        return f"\nThe engine's last error: {error}" if error else ""


def _tail(file: Path, count: int = 10) -> list[str]:
    """The last lines of a log that are not empty."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return [line.rstrip() for line in text.splitlines() if line.strip(" │╷╵")][-count:]
