"""A Terraform command that failed or took too long, told in a few lines that a person can act on."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.terraform.events import Diagnostic, RunOutcome

_SHOWN = 5  # diagnostics in an error's text; the log has the rest
_PREAMBLE = "Terraform encountered problems during initialisation"  # says nothing beside the real error


class TerraformError(HarnessError):
    """Terraform failed.

    Attributes:
        diagnostics: What it said.
        exit_code: As it ended; None when it was ended at its deadline.
    """

    def __init__(
        self, what: str, *, remedy: str, diagnostics: Sequence[Diagnostic] = (), exit_code: int | None = None
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.diagnostics = tuple(diagnostics)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Failure:
    """A command that did not do what it should.

    Attributes:
        verb: Terraform's command.
        root: The name of the folder it ran on.
        outcome: What is known of it.
        log_dir: Where its events and errors are.
        engine_error: Asked for the engine's last error.
    """

    verb: str
    root: str
    outcome: RunOutcome
    log_dir: Path
    engine_error: Callable[[], str | None] | None

    def said(self) -> str:
        """Why, in Terraform's words: its errors, else the end of what it printed."""
        errors = [one for one in self.outcome.errors if not one.summary.startswith(_PREAMBLE)]
        said = [str(one) for one in errors[:_SHOWN]]
        if len(errors) > _SHOWN:
            said.append(f"... and {len(errors) - _SHOWN} more errors")
        said = said or _tail(self.log_dir / f"{self.verb}.stderr") or self.outcome.text[-10:]
        return "\n".join(said) or "it did not say why"

    def ended_badly(self) -> TerraformError:
        """The error for a command that ended with another exit code than a good one."""
        code = self.outcome.exit_code
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return TerraformError(
            f"terraform {self.verb} failed in {self.root} ({how}):\n{self.said()}{self._engines_word()}",
            remedy=f"All that it said is in {self.log_dir / self.verb}.jsonl and .stderr.",
            diagnostics=self.outcome.diagnostics,
            exit_code=code,
        )

    def too_late(self, deadline_s: float) -> TerraformError:
        """The error for a command that was ended at its deadline, in seconds."""
        what = f"terraform {self.verb} in {self.root} was ended: it did not finish within {deadline_s:g} s."
        under_way = [f"{address} ({action})" for address, action in self.outcome.unfinished.items()]
        if under_way:
            more = f" and {len(under_way) - _SHOWN} more" if len(under_way) > _SHOWN else ""
            what += f"\nStill under way: {', '.join(under_way[:_SHOWN])}{more}."
        what += "".join(f"\n{one}" for one in self.outcome.errors[:_SHOWN])
        return TerraformError(
            what + self._engines_word(),
            remedy=f"Look into {self.log_dir / self.verb}.jsonl and the engine's log. If the state stays locked, "
            "`terraform force-unlock` frees it.",
            diagnostics=self.outcome.diagnostics,
        )

    def _engines_word(self) -> str:
        """The engine's last error as a line of its own, or nothing."""
        word = self.engine_error() if self.engine_error else None
        return f"\nThe engine's last error: {word}" if word else ""


def _tail(file: Path, count: int = 10) -> list[str]:
    """The last lines of a log that say something."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return [line.rstrip() for line in text.splitlines() if line.strip(" │╷╵")][-count:]
