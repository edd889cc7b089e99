"""Runs tftest on one root, and avoids its pitfalls.

tftest 1.8.8 (https://github.com/GoogleCloudPlatform/terraform-python-testing-helper) builds the commands, runs them in
order and reads the plan. This module changes four things:

* tftest waits indefinitely for a command, and hangs once the command has written 64 KB to standard error. Here errors
  go to a file, and there is a deadline.
* tftest takes every exit code except 1 and 11 for success. Here every code except 0 is a failure.
* tftest passes the caller's complete environment to Terraform. Here Terraform gets the harness's isolated environment.
* tftest writes ``True`` and ``None`` instead of ``true`` and ``null`` if variables go through ``tf_vars``. Its cache
  returns a stale plan after a called module has changed. Neither is used: values are in the root.
"""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tftest

from harness.process import supervisor
from harness.terraform.events import Diagnostic, RunOutcome, TerraformEvent, lines_of, lines_until
from harness.terraform.failures import CommandFailure
from harness.terraform.run import Terraform, TerraformError

NOWHERE = "http://127.0.0.1:9"
"""The AWS endpoint of plan tests: nothing listens there, so that a call to AWS fails at once."""

_STOP_S = 5.0


@dataclass(frozen=True)
class RootPlan:
    """The result of planning a root.

    Attributes:
        document: The plan, in the format of ``terraform show -json``; empty if it was rejected.
        errors: Why it was rejected.
    """

    document: Mapping[str, Any]
    errors: tuple[Diagnostic, ...] = field(default=())


class PlanRejectedError(tftest.TerraformTestError):  # type: ignore[misc]  # tftest has no types
    """Terraform planned nothing and reported errors."""

    def __init__(self, failure: TerraformError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class TftestRoot(tftest.TerraformTest):  # type: ignore[misc]  # tftest has no types
    """A root under tftest.

    Args:
        folder: The root.
        data_dir: The folder for providers and modules; the root's ``.terraform`` by default.
        log_dir: The folder for each command's errors; the root's ``log`` by default.
        deadline_s: Seconds that one command may take.
        program: The Terraform to use; searched by default.
    """

    def __init__(
        self,
        folder: Path,
        *,
        data_dir: Path | None = None,
        log_dir: Path | None = None,
        deadline_s: float = 300.0,
        program: Path | None = None,
    ) -> None:
        self._log_dir = log_dir or folder / "log"
        terraform = Terraform(
            folder,
            env={"AWS_ENDPOINT_URL": NOWHERE, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"},
            data_dir=data_dir or folder / ".terraform",
            log_dir=self._log_dir,
            program=program,
        )
        super().__init__(str(folder), binary=str(terraform.program), cache_dir=folder / "cache")
        self.env = terraform.environment() | {"TF_CLI_ARGS_init": "-lockfile=readonly"}
        self.deadline_s = deadline_s

    def prepare(self) -> None:
        """Run ``init``: find the provider, install the modules.

        Raises:
            PlanRejectedError: Terraform reports that the configuration is wrong.
        """
        self.setup(backend=False, cleanup_on_exit=False, json_format=True)

    def planned(self) -> RootPlan:
        """Run ``plan`` and ``show``.

        Raises:
            TerraformError: It did not end in time.
        """
        try:
            self.prepare()
            document = self.plan(output=True, json_format=True, refresh=False, lock=False)
        except PlanRejectedError as rejection:
            diagnostics = rejection.failure.diagnostics
            errors = tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")
            if not errors:
                raise rejection.failure from None
            return RootPlan({}, errors)
        return RootPlan(dict(document))

    def plan(self, *, output: bool = False, **options: Any) -> Any:
        """Run ``plan``, and with `output` also ``show``: the plan as tftest presents it.

        tftest keeps the plan in the common folder for temporary files, readable by everybody, and leaves it there.
        Here it is in a folder of its own that only its owner can read, and gone afterwards.

        Args:
            output: Whether the plan is read.
            options: tftest's, see `tftest.parse_args`.
        """
        self._log_dir.mkdir(parents=True, exist_ok=True)
        arguments = tftest.parse_args(**{"input": False, "color": False, **options})
        with TemporaryDirectory(dir=self._log_dir) as private:
            file = f"{private}/plan"
            planned = self.execute_command("plan", *arguments, f"-out={file}")
            if not output:
                return planned.out
            return self._plan_formatter(self.execute_command("show", "-no-color", "-json", file).out)

    def execute_command(self, cmd: str, *cmd_args: str) -> tftest.TerraformCommandOutput:
        """Run one command of Terraform: tftest calls this for each.

        Raises:
            PlanRejectedError: It ended with another exit code than 0.
            TerraformError: It did not end in time.
        """
        started = time.monotonic()
        self._log_dir.mkdir(parents=True, exist_ok=True)
        errors = self._log_dir / f"{cmd}.stderr"
        outcome = RunOutcome()
        with errors.open("wb") as stream:
            process, record = supervisor.spawn(
                [self.binary, f"-chdir={self.tfdir}", cmd, *cmd_args],
                purpose=f"terraform {cmd} of plan tests",
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=stream,
            )
        lines: list[str] = []
        failure = CommandFailure(cmd, "the root of the plan tests", outcome, self._log_dir, None)
        try:
            lines.extend(lines_until(lines_of(process), started + self.deadline_s))
            process.wait(max(0.1, started + self.deadline_s - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise failure.timeout_error(self.deadline_s) from None
        finally:
            record.terminate(grace_s=_STOP_S)
            process.wait(_STOP_S)
        outcome.exit_code = process.returncode
        if outcome.exit_code != 0:
            for line in lines:
                outcome.add(TerraformEvent.from_line(line))
            raise PlanRejectedError(failure.exit_error())
        return tftest.TerraformCommandOutput(0, "".join(lines), errors.read_text(encoding="utf-8", errors="replace"))
