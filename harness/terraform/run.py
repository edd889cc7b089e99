"""Running Terraform on a root folder: typed, under a deadline, with errors that a person can act on."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.process import supervisor
from harness.process.locks import locked
from harness.terraform import binary, mirror
from harness.terraform.events import Event, RunOutcome, lines_of, until
from harness.terraform.failures import Failure, TerraformError
from harness.terraform.plan import Plan

__all__ = ["OnEvent", "Terraform", "TerraformError"]

OnEvent = Callable[[Event], None]

_INTERRUPT_S = 30.0  # after Ctrl-C Terraform finishes what is under way and writes its state
_STOP_S = 5.0
_GOGC = "400"
"""How much garbage Go lets lie, in per cent of what lives: the provider starts several times for each command and lives
for seconds; with Go's own 100 a plan of a live folder takes 15 % more processor time."""


class Terraform:
    """Terraform on one root folder, which it never writes to.

    Args:
        root: The folder with the configuration, such as ``live/dev``.
        env: What to set in its environment: the engine's variables, ``TF_VAR_*``.
        data_dir: Where `init` puts what it fetches (``TF_DATA_DIR``) instead of the root's ``.terraform``.
        log_dir: Where each command leaves ``<verb>.jsonl`` (events) and ``<verb>.stderr``.
        program: The Terraform to use; found (or downloaded) when needed unless told otherwise.
        config: Where providers come from; decided by the root's lock file when needed unless told otherwise.
        look: Called every second while a command runs; what it raises ends the command. For what Terraform cannot know:
            that the engine has died, which its provider takes for a passing fault for minutes.
        engine_error: Asked for the engine's last error, to be shown when a command fails or runs out of time: the
            AWS provider retries on 5xx answers silently for minutes.
    """

    def __init__(  # noqa: PLR0913 - what a run depends on, all by keyword
        self,
        root: Path,
        *,
        env: Mapping[str, str],
        data_dir: Path,
        log_dir: Path,
        program: Path | None = None,
        config: mirror.CliConfig | None = None,
        engine_error: Callable[[], str | None] | None = None,
        look: Callable[[], None] | None = None,
    ) -> None:
        self.root = root.absolute()
        self.data_dir = data_dir.absolute()
        self.log_dir = log_dir.absolute()
        self._env = dict(env)
        self._program = program
        self._config = config
        self._engine_error = engine_error
        self._look = look

    @property
    def program(self) -> Path:
        """The Terraform that is used."""
        if self._program is None:
            self._program = binary.find()
        return self._program

    @property
    def config(self) -> mirror.CliConfig:
        """Where it gets providers from."""
        if self._config is None:
            self._config = mirror.write_cli_config(self.root / ".terraform.lock.hcl")
        return self._config

    def environment(self) -> dict[str, str]:
        """The environment of every command.

        The caller's, without its ``TF_*`` (``TF_LOG`` stays), and, when an engine's endpoint is set, without its
        ``AWS_*`` and profile files: a real account's credentials never reach an engine or the other way round.
        """
        dropped = ("TF_", "AWS_") if "AWS_ENDPOINT_URL" in self._env else ("TF_",)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped) or name == "TF_LOG"}
        if "AWS_ENDPOINT_URL" in self._env:
            kept |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
            kept |= {"AWS_EC2_METADATA_DISABLED": "true"}
        own = {
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_CONFIG_FILE": str(self.config.path),
            "TF_DATA_DIR": str(self.data_dir),
        }
        return {"GOGC": _GOGC, **kept, **self._env, **own}

    def init(
        self,
        backend_config: Mapping[str, str] | None = None,
        *,
        deadline_s: float = 600.0,
        on_event: OnEvent | None = None,
    ) -> RunOutcome:
        """Fetch providers and modules, configure the backend; the lock file is only read.

        Args:
            backend_config: Given as ``-backend-config=key=value``.
            deadline_s: Seconds before it is ended (a provider of 600 MB may have to be fetched).
            on_event: Called with each event.
        """
        options = [f"-backend-config={key}={value}" for key, value in (backend_config or {}).items()]
        with self._cache_to_itself():
            return self._stream(
                "init", ["-reconfigure", "-lockfile=readonly", *options], deadline_s=deadline_s, on_event=on_event
            )

    def plan(
        self,
        options: Sequence[str] = (),
        *,
        out: Path | None = None,
        deadline_s: float = 300.0,
        on_event: OnEvent | None = None,
    ) -> Plan:
        """Plan, and read the plan.

        Args:
            options: More of ``terraform plan``'s own options, such as ``-destroy``.
            out: Where to keep the plan file, which may hold secrets; ``<log_dir>/plan.tfplan`` unless told otherwise.
            deadline_s: Seconds before it is ended.
            on_event: Called with each event.
        """
        file = (out or self.log_dir / "plan.tfplan").absolute()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream(
            "plan",
            [f"-out={file}", "-detailed-exitcode", *options],
            deadline_s=deadline_s,
            on_event=on_event,
            good=(0, 2),
        )
        return Plan.from_json(self.show_json(file))

    def apply(
        self,
        plan_file: Path | None = None,
        options: Sequence[str] = (),
        *,
        deadline_s: float = 900.0,
        on_event: OnEvent | None = None,
    ) -> RunOutcome:
        """Apply a kept plan, or plan and apply at once.

        Args:
            plan_file: What `plan` kept.
            options: More of ``terraform apply``'s own options.
            deadline_s: Seconds before it is ended.
            on_event: Called with each event.
        """
        what = [str(plan_file.absolute())] if plan_file else []
        return self._stream("apply", ["-auto-approve", *options, *what], deadline_s=deadline_s, on_event=on_event)

    def destroy(
        self, options: Sequence[str] = (), *, deadline_s: float = 600.0, on_event: OnEvent | None = None
    ) -> RunOutcome:
        """Destroy everything that the state knows."""
        return self._stream("destroy", ["-auto-approve", *options], deadline_s=deadline_s, on_event=on_event)

    def output(self, *, deadline_s: float = 60.0) -> dict[str, Any]:
        """The values of all outputs in the state, sensitive ones too."""
        answer = json.loads(self._ask("output", ["-json"], deadline_s=deadline_s))
        return {name: one["value"] for name, one in answer.items()}

    def show_json(self, plan_file: Path | None = None, *, deadline_s: float = 120.0) -> dict[str, Any]:
        """A plan file, or else the state, in Terraform's JSON format."""
        what = [str(plan_file.absolute())] if plan_file else []
        answer = json.loads(self._ask("show", ["-json", *what], deadline_s=deadline_s))
        if not isinstance(answer, dict):
            raise TypeError(f"terraform show -json printed a {type(answer).__name__}")
        return answer

    def _stream(
        self,
        verb: str,
        options: Sequence[str],
        *,
        deadline_s: float,
        on_event: OnEvent | None,
        good: Sequence[int] = (0,),
    ) -> RunOutcome:
        """Run a command that speaks ``-json`` and follow it."""
        outcome = RunOutcome()
        self.log_dir.mkdir(parents=True, exist_ok=True)
        with (self.log_dir / f"{verb}.jsonl").open("w", encoding="utf-8") as log:

            def take(line: str) -> None:
                log.write(line)
                event = Event.from_line(line)
                outcome.take(event)
                if on_event:
                    on_event(event)

            self._run(verb, ["-json", "-no-color", *options], take, outcome, deadline_s=deadline_s)
        if outcome.exit_code not in good:
            raise self._failure(verb, outcome)
        return outcome

    def _ask(self, verb: str, options: Sequence[str], *, deadline_s: float) -> str:
        """Run a command that prints one document, which may hold secrets: it is not logged."""
        outcome = RunOutcome()
        lines: list[str] = []
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._run(verb, ["-no-color", *options], lines.append, outcome, deadline_s=deadline_s)
        if outcome.exit_code != 0:
            raise self._failure(verb, outcome)
        return "".join(lines)

    def _run(
        self, verb: str, options: Sequence[str], take: Callable[[str], None], outcome: RunOutcome, *, deadline_s: float
    ) -> None:
        """Start Terraform, hand over its lines, and see to its end: by itself, by Ctrl-C or by the deadline."""
        started = time.monotonic()
        # Errors go to a file: a pipe that nobody empties would stop Terraform at 64 KB.
        with (self.log_dir / f"{verb}.stderr").open("wb") as errors:
            process, record = supervisor.spawn(
                [self.program, f"-chdir={self.root}", verb, *options],
                purpose=f"terraform {verb} {self.root.name}",
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        lines = lines_of(process)
        try:
            for line in until(lines, started + deadline_s, self._look):
                take(line)
            process.wait(max(0.1, started + deadline_s - time.monotonic()))
        except KeyboardInterrupt:
            self._interrupt(process)
            raise
        except (TimeoutError, subprocess.TimeoutExpired):
            outcome.seconds = time.monotonic() - started
            failure = Failure(verb, self.root.name, outcome, self.log_dir, self._engine_error)
            raise failure.too_late(deadline_s) from None
        finally:
            supervisor.terminate(record, grace_s=_STOP_S)  # its plugins too, should they be left
            process.wait(_STOP_S)
        outcome.exit_code = process.returncode
        outcome.seconds = time.monotonic() - started

    def _interrupt(self, process: subprocess.Popen[bytes]) -> None:
        """Hand a Ctrl-C on, once, and wait: the state is written and unlocked; a second Ctrl-C cuts the wait short."""
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_INTERRUPT_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            return

    def _failure(self, verb: str, outcome: RunOutcome) -> HarnessError:
        """The error for a command that ended badly."""
        failure = Failure(verb, self.root.name, outcome, self.log_dir, self._engine_error)
        about_provider = mirror.init_failure(failure.said(), self.config) if verb == "init" else None
        return about_provider or failure.ended_badly()

    @contextmanager
    def _cache_to_itself(self) -> Iterator[None]:
        """One `init` at a time when it fills the plugin cache, which Terraform does not guard."""
        if not self.config.direct:
            yield
            return
        with locked(self.config.path.parent / ".init.lock"):
            yield
