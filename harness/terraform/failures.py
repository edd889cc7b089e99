"""A Terraform command that failed or took too long, as an error of a few lines that a person can act on."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
