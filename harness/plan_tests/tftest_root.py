"""tftest at work on one root, without the traps that it sets.

tftest 1.8.8 (https://github.com/GoogleCloudPlatform/terraform-python-testing-helper) composes the commands, runs them
in order and reads the plan. Around it, here:

* Its own way of running a command waits for ever, and hangs once a command has written 64 KB to standard error. Here
  errors go to a file, and a deadline holds.
* It takes every exit code but 1 and 11 for success. Here every one but 0 is a failure.
* It hands the caller's whole environment on. Here Terraform gets the harness's isolated one.
* It writes ``True`` and ``None`` where Terraform reads ``true`` and ``null``, when variables go through ``tf_vars``;
  and its cache returns a stale plan after a called module has changed. Neither is used: values are in the root.
"""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tftest

from harness.process import supervisor
from harness.terraform.events import Diagnostic, Event, RunOutcome, lines_of, until
from harness.terraform.failures import Failure
from harness.terraform.run import Terraform, TerraformError

NOWHERE = "http://127.0.0.1:9"
"""The AWS endpoint of a plan test: nothing listens there, so that a call to AWS fails at once instead of being made."""

_STOP_S = 5.0


@dataclass(frozen=True)
class Answer:
    """What came of planning a root.

    Attributes:
        document: The plan, as ``terraform show -json`` has it; empty if it was refused.
        errors: Why it was refused.
    """

    document: Mapping[str, Any]
    errors: tuple[Diagnostic, ...] = field(default=())


class PlanRefusedError(tftest.TerraformTestError):  # type: ignore[misc]  # tftest has no types
    """Terraform planned nothing, and said why."""

    def __init__(self, failure: TerraformError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class TftestRoot(tftest.TerraformTest):  # type: ignore[misc]  # tftest has no types
    """A root under tftest.

    Args:
        folder: The root.
        data_dir: Where Terraform puts what it fetches; the root's ``.terraform`` unless told otherwise.
        log_dir: Where each command's errors go; the root's ``log`` unless told otherwise.
        deadline_s: Seconds that one command may take.
        program: The Terraform to use; found unless told otherwise.
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
            PlanRefusedError: Terraform says that the configuration is wrong.
        """
        self.setup(backend=False, cleanup_on_exit=False, json_format=True)

    def planned(self) -> Answer:
        """Run ``plan`` and ``show``.

        Raises:
            TerraformError: It did not end in time.
        """
        try:
            self.prepare()
            found = self.plan(output=True, json_format=True, refresh=False, lock=False)
        except PlanRefusedError as refused:
            errors = tuple(one for one in refused.failure.diagnostics if one.severity == "error")
            if not errors:
                raise refused.failure from None
            return Answer({}, errors)
        return Answer(dict(found))

    def execute_command(self, cmd: str, *cmd_args: str) -> tftest.TerraformCommandOutput:
        """Run one command of Terraform: tftest calls this for each.

        Raises:
            PlanRefusedError: It ended with another exit code than 0.
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
        said: list[str] = []
        failure = Failure(cmd, "the root of the plan tests", outcome, self._log_dir, None)
        try:
            said.extend(until(lines_of(process), started + self.deadline_s))
            process.wait(max(0.1, started + self.deadline_s - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise failure.too_late(self.deadline_s) from None
        finally:
            supervisor.terminate(record, grace_s=_STOP_S)
            process.wait(_STOP_S)
        outcome.exit_code = process.returncode
        if outcome.exit_code != 0:
            for line in said:
                outcome.take(Event.from_line(line))
            raise PlanRefusedError(failure.ended_badly())
        return tftest.TerraformCommandOutput(0, "".join(said), errors.read_text(encoding="utf-8", errors="replace"))
