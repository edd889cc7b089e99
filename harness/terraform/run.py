"""Running Terraform on a root folder: typed, with a deadline, and with errors that a person can act on."""

import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files import open_private
from harness.isolation import isolate
from harness.process import supervisor
from harness.process.locks import locked
from harness.terraform import binary, mirror
from harness.terraform.events import RunOutcome, TerraformEvent, lines_in, lines_of, lines_until
from harness.terraform.failures import CommandFailure, TerraformError
from harness.terraform.interruption import await_end
from harness.terraform.plan import TerraformPlan

__all__ = ["OnEvent", "Terraform", "TerraformError"]

OnEvent = Callable[[TerraformEvent], None]

_INTERRUPT_S = 30.0  # on an engine: after Ctrl-C Terraform finishes the operations in progress and writes its state
_STOP_S = 5.0
_GOGC = "400"
"""How much garbage Go may keep, in per cent of the live data. The provider starts several times for each command, for a
few seconds; with Go's default of 100, a plan of a live folder takes 15 % more processor time."""


class Terraform:
    """Terraform on one root folder, which it never writes to.

    Args:
        root: The folder with the configuration, such as ``live/dev``.
        env: Variables to set in its environment: the engine's, ``TF_VAR_*``.
        data_dir: The folder for what `init` downloads (``TF_DATA_DIR``) instead of the root's ``.terraform``.
        log_dir: The folder for each command's ``<command>.jsonl`` (events) and ``<command>.stderr``.
        program: The Terraform to use; by default it is found (or downloaded) when needed.
        config: Where providers come from; by default the root's lock file decides when needed.
        patient: Whether it works on an account, where its state is all that leads to what it created. Then no command
            has a deadline, Ctrl-C is passed on once and its end is awaited, and it is never killed.
        check: Called every second while a command runs; what it raises ends the command. It is for what Terraform
            cannot know: that the engine has died, which its provider takes for a temporary error for minutes.
        engine_error: Returns the engine's last error, to be shown when a command fails or runs out of time: the AWS
            provider silently retries 5xx responses for minutes.
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
        check: Callable[[], None] | None = None,
        patient: bool = False,
    ) -> None:
        self.root = root.absolute()
        self.data_dir = data_dir.absolute()
        self.log_dir = log_dir.absolute()
        self._env = dict(env)
        self._program = program
        self._config = config
        self._engine_error = engine_error
        self._check = check
        self._patient = patient

    @property
    def program(self) -> Path:
        """The Terraform program."""
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

        It is the caller's, without its ``TF_*`` (``TF_LOG`` is kept). If an engine's endpoint is set, it is without the
        caller's ``AWS_*`` and profile files: a real account's credentials never reach an engine, nor the reverse.
        """
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("TF_") or name == "TF_LOG"
        }
        if "AWS_ENDPOINT_URL" in self._env:
            isolate(inherited)
        settings = {
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_CONFIG_FILE": str(self.config.path),
            "TF_DATA_DIR": str(self.data_dir),
        }
        return {"GOGC": _GOGC, **inherited, **self._env, **settings}

    def init(
        self,
        backend_config: Mapping[str, str] | None = None,
        *,
        deadline_s: float = 600.0,
        on_event: OnEvent | None = None,
    ) -> RunOutcome:
        """Download providers and modules, configure the backend; the lock file is only read.

        Args:
            backend_config: Passed as ``-backend-config=key=value``.
            deadline_s: Seconds before it is stopped (it may have to download a provider of 600 MB).
            on_event: Called with each event.
        """
        options = [f"-backend-config={key}={value}" for key, value in (backend_config or {}).items()]
        with self._exclusive_cache():
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
    ) -> TerraformPlan:
        """Plan, and read the plan.

        Args:
            options: More options of ``terraform plan``, such as ``-destroy``.
            out: The plan file, which may contain secrets: only its owner can ever read it. By default it is
                ``<log_dir>/plan.tfplan``.
            deadline_s: Seconds before it is stopped.
            on_event: Called with each event.
        """
        file = (out or self.log_dir / "plan.tfplan").absolute()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)  # an earlier one may have other permissions
        file.touch(mode=0o600, exist_ok=False)  # Terraform writes into an existing file and keeps its permissions
        self._stream(
            "plan",
            [f"-out={file}", "-detailed-exitcode", *options],
            deadline_s=deadline_s,
            on_event=on_event,
            good=(0, 2),
        )
        return TerraformPlan.from_json(self.show_json(file))

    def apply(
        self,
        plan_file: Path | None = None,
        options: Sequence[str] = (),
        *,
        deadline_s: float = 900.0,
        on_event: OnEvent | None = None,
    ) -> RunOutcome:
        """Apply a stored plan, or plan and apply at once.

        Args:
            plan_file: The file that `plan` wrote.
            options: More options of ``terraform apply``.
            deadline_s: Seconds before it is stopped.
            on_event: Called with each event.
        """
        files = [str(plan_file.absolute())] if plan_file else []
        return self._stream("apply", ["-auto-approve", *options, *files], deadline_s=deadline_s, on_event=on_event)

    def destroy(
        self, options: Sequence[str] = (), *, deadline_s: float = 600.0, on_event: OnEvent | None = None
    ) -> RunOutcome:
        """Destroy everything in the state."""
        return self._stream("destroy", ["-auto-approve", *options], deadline_s=deadline_s, on_event=on_event)

    def output(self, *, deadline_s: float = 60.0) -> dict[str, Any]:
        """The values of all outputs in the state, sensitive ones too."""
        outputs = json.loads(self._read("output", ["-json"], deadline_s=deadline_s))
        return {name: output["value"] for name, output in outputs.items()}

    def show_json(self, plan_file: Path | None = None, *, deadline_s: float = 120.0) -> dict[str, Any]:
        """A plan file, or by default the state, in Terraform's JSON format."""
        files = [str(plan_file.absolute())] if plan_file else []
        document = json.loads(self._read("show", ["-json", *files], deadline_s=deadline_s))
        if not isinstance(document, dict):
            raise TypeError(f"terraform show -json printed a {type(document).__name__}")
        return document

    def provider_schemas(self, *, deadline_s: float = 120.0) -> dict[str, Any]:
        """The schemas of the root's providers, by their addresses."""
        document = json.loads(self._read("providers schema", ["-json"], deadline_s=deadline_s))
        schemas: dict[str, Any] = document["provider_schemas"]
        return schemas

    def state(self, *, deadline_s: float = 60.0) -> dict[str, Any]:
        """The state in Terraform's own format, as the backend has it; empty if nothing was applied yet."""
        document = json.loads(self._read("state pull", deadline_s=deadline_s) or "{}")
        if not isinstance(document, dict):
            raise TypeError(f"terraform state pull printed a {type(document).__name__}")
        return document

    def forget(self, address: str, *, deadline_s: float = 120.0) -> None:
        """Take a resource out of the state; the resource itself stays as it is."""
        self._read("state rm", [address], deadline_s=deadline_s)

    def take_over(self, address: str, identity: str, options: Sequence[str] = (), *, deadline_s: float = 300.0) -> None:
        """Take an existing resource into the state (``terraform import``).

        Args:
            address: Its address in the configuration; the state has nothing of that address.
            identity: What the provider finds it by, such as a table's name.
            options: More options, such as ``-var``.
            deadline_s: Seconds before it is stopped.
        """
        self._read("import", [*options, address, identity], deadline_s=deadline_s)

    def select_workspace(self, name: str, *, deadline_s: float = 60.0) -> None:
        """Select a workspace, and create it if there is none of that name; it stays selected in the data folder."""
        self._env.pop("TF_WORKSPACE", None)  # while it is set, Terraform rejects the command
        self._read("workspace select", ["-or-create", name], deadline_s=deadline_s)

    def delete_workspace(self, name: str, *, deadline_s: float = 60.0) -> None:
        """Delete a workspace whose state is empty, and select the one that every folder has."""
        self.select_workspace("default", deadline_s=deadline_s)
        self._read("workspace delete", [name], deadline_s=deadline_s)

    def _stream(
        self,
        command: str,
        options: Sequence[str],
        *,
        deadline_s: float,
        on_event: OnEvent | None,
        good: Sequence[int] = (0,),
    ) -> RunOutcome:
        """Run a command that has the option ``-json``, and follow its events."""
        outcome = RunOutcome()
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{command}.jsonl"

        def add(line: str) -> None:
            event = TerraformEvent.from_line(line)
            outcome.add(event)
            if on_event:
                on_event(event)

        self._run([command, "-json", "-no-color", *options], add, outcome, deadline_s=deadline_s, log=log)
        if outcome.exit_code not in good:
            raise self._failure(command, outcome)
        return outcome

    def _read(self, command: str, options: Sequence[str] = (), *, deadline_s: float) -> str:
        """Run a command that prints one document, which may contain secrets: it is not logged."""
        outcome = RunOutcome()
        lines: list[str] = []
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._run([*command.split(), "-no-color", *options], lines.append, outcome, deadline_s=deadline_s)
        if outcome.exit_code != 0:
            raise self._failure(command, outcome)
        return "".join(lines)

    def _run(
        self,
        command: Sequence[str],
        add_line: Callable[[str], None],
        outcome: RunOutcome,
        *,
        deadline_s: float,
        log: Path | None = None,
    ) -> None:
        """Start Terraform, pass on its lines, and wait for its end: normally, by Ctrl-C or at the deadline."""
        started = time.monotonic()
        deadline = math.inf if self._patient else started + deadline_s
        process, record = self._start(command, log)
        lines = lines_in(log, process) if log else lines_of(process)
        try:
            for line in lines_until(lines, deadline, self._check):
                add_line(line)
            process.wait(max(0.1, deadline - time.monotonic()))
        except KeyboardInterrupt as interrupt:
            last_line = self._interrupt(process, record)
            raise (KeyboardInterrupt(last_line) if last_line else interrupt) from None
        except (TimeoutError, subprocess.TimeoutExpired):
            outcome.seconds = time.monotonic() - started
            failure = CommandFailure(command[0], self.root.name, outcome, self.log_dir, self._engine_error)
            raise failure.timeout_error(deadline_s) from None
        finally:
            if self._patient:
                await_end(process, record, self.root)
            record.terminate(grace_s=_STOP_S)  # its plugins too, if any are left
            process.wait(_STOP_S)
        outcome.exit_code = process.returncode
        outcome.seconds = time.monotonic() - started

    def _start(
        self, command: Sequence[str], log: Path | None
    ) -> tuple[subprocess.Popen[bytes], supervisor.SupervisedProcess]:
        """Start a command that writes to a log, or else to a pipe."""
        # Errors go to a file: a pipe that nobody reads would stop Terraform at 64 KB.
        with open_private(self.log_dir / f"{command[0]}.stderr") as errors, ExitStack() as files:
            return supervisor.spawn(
                [self.program, f"-chdir={self.root}", *command],
                purpose=f"terraform {command[0]} {self.root.name}",
                env=self.environment(),
                stdout=files.enter_context(open_private(log)) if log else subprocess.PIPE,
                stderr=errors,
                tie=supervisor.Tie.NONE if self._patient else supervisor.Tie.SIGNAL,
            )

    def _interrupt(self, process: subprocess.Popen[bytes], record: supervisor.SupervisedProcess) -> str:
        """Pass a Ctrl-C on, once, and wait while the state is written and unlocked.

        On an engine a second Ctrl-C ends the wait.

        Returns:
            How it ended, in one line; empty on an engine.
        """
        if self._patient:
            return await_end(process, record, self.root)
        record.interrupt()
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(_INTERRUPT_S)
        return ""

    def _failure(self, command: str, outcome: RunOutcome) -> HarnessError:
        """The error for a command with an exit code of failure."""
        failure = CommandFailure(command, self.root.name, outcome, self.log_dir, self._engine_error)
        about_provider = mirror.provider_error(failure.reason(), self.config) if command == "init" else None
        return about_provider or failure.exit_error()

    @contextmanager
    def _exclusive_cache(self) -> Iterator[None]:
        """Allow one `init` at a time to fill the plugin cache, which Terraform does not lock."""
        if not self.config.direct:
            yield
            return
        with locked(self.config.path.parent / ".init.lock"):
            yield
