"""The commands `up` and `down`: start the platform, show it, keep it running, and stop it without a trace.

Each process is recorded as it starts, and tied to the process that started it. So whatever an `up` that was killed
leaves behind, the next `up` or `down` cleans.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Literal

from rich.markup import escape

from harness.console import ProgressStep, out, print_json
from harness.engine import Engine, engine_for, localstack_docker
from harness.engine.localstack import adopted_is_running
from harness.engine.localstack_adopted import AdoptedLocalStack, left_running
from harness.engine.ports import DEFAULT as DEFAULT_PORT
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.process import supervisor
from harness.results import record
from harness.settings import PLATFORM
from harness.stack import killed_terraform, walkthrough
from harness.stack.deployment import Deployment, Stack, artifacts_of, build_for, environments, forget
from harness.stack.ignored_inputs import report_ignored
from harness.stack.inventory import holdings
from harness.stack.ownership import orderly_end, sole_owner
from harness.terraform import binary
from harness.terraform.events import TerraformEvent


class Ending(Enum):
    """What `up` does once the platform runs and the CSV is imported."""

    STAY = "stay until Ctrl-C"
    ONCE = "stop everything"
    DETACH = "leave it running"


def up(environment: str, csv: Path, *, port: int | Literal["auto"] | None, ending: Ending) -> None:
    """Start an environment on the engine, upload a CSV, and show its invoices.

    A stack that was left running is used again: changes are applied to it.

    Args:
        environment: The live folder's name.
        csv: The file to upload.
        port: The engine's port, ``auto`` for any free one, or None for the running stack's or else 4566.
        ending: What to do at the end.

    Raises:
        HarnessError: Something is missing or failed. What this call started is stopped again. A stack keeps running if
            it ran before the call, or if it is complete and shall stay (`Ending.DETACH`).
    """
    walkthrough.check_csv(csv)
    engine = engine_for(instance=environment, port=DEFAULT_PORT if port is None else port)  # before any download
    binary.find()
    report_ignored()
    started = time.monotonic()
    with orderly_end(), sole_owner():
        running = running_stack(environment, engine, port)
        keep = running is not None  # an error does not stop what ran before
        try:
            if running is None:
                walkthrough.forget_documents(environment)
                start(engine)
            stack = apply(environment, engine)
            keep = keep or ending is Ending.DETACH  # it is complete: a file that cannot be imported does not stop it
            result = walkthrough.run(stack, csv)
            walkthrough.show(stack, result)
            record(
                "up",
                {"seconds": round(time.monotonic() - started, 1), **result.figures},
            )
            keep = ending is Ending.DETACH
            if ending is not Ending.ONCE:
                walkthrough.show_access(stack, result)
            if ending is Ending.STAY:
                _stay(engine)
        finally:
            if keep and engine.is_running:
                engine.release()
                out.print(engine.phrases.keep)
            else:
                stop(environment, engine)
    if ending is Ending.ONCE:
        out.print("To keep the stack running and try its API: ./noxw -s up")


def down(*, as_json: bool = False) -> None:
    """Stop every engine, function and Terraform that a run of this checkout started or left behind.

    Args:
        as_json: Whether to print what was stopped, and what was left running, as JSON.
    """
    endpoints = _localstack_endpoints()
    for environment in environments():
        forget(environment)
    stopped = []
    for description in _stop_everything():
        stopped.append(description)
        if not as_json:
            out.print(f"Stopped: {escape(description)}")
    adopted = [endpoint for endpoint in endpoints if adopted_is_running(endpoint)]
    if as_json:
        print_json({"stopped": stopped, "left_running": adopted})
        return
    for endpoint in adopted:
        out.print(f"Left running: {escape(left_running(endpoint))}")
    if not stopped and not adopted:
        out.print("Nothing was running.")


def _stop_everything() -> Iterator[str]:
    """Stop one kind after the other, and describe each process once it is stopped.

    Docker is last, and an error there does not keep the others from being reported.
    """
    yield from supervisor.clean_leftovers()
    yield from (f"the engine {instance!r} in Docker" for instance in localstack_docker.clean_leftovers())


def _localstack_endpoints() -> list[str]:
    """Where an adopted LocalStack may run: the endpoint of this shell, and those of the described stacks."""
    endpoints = [os.environ.get("LOCALSTACK_ENDPOINT", "").replace("//localhost", "//127.0.0.1").rstrip("/")]
    for environment in environments():
        with contextlib.suppress(HarnessError):
            stack = Stack.load(environment)
            endpoints += [stack.endpoint_url] if stack.engine == "localstack" else []
    return sorted({*endpoints} - {""})


class ApplyProgress:
    """A progress bar of an apply, from Terraform's events."""

    def __init__(self, step: ProgressStep) -> None:
        self._step = step
        self._total = 0
        self._in_progress: dict[str, None] = {}
        self.done = 0

    def __call__(self, event: TerraformEvent) -> None:
        """Take one event of a running apply."""
        match event.type:
            case "planned_change":
                self._total += 1
            case "apply_start":
                self._in_progress[event.address] = None
            case "apply_complete" | "apply_errored":
                self._in_progress.pop(event.address, None)
                self.done += event.action != "read"  # data sources are read along the way, and are not planned
        oldest = next(iter(self._in_progress), "")
        self._step.advance_to(self.done, self._total or None, oldest.removeprefix(f"module.{PLATFORM.platform_call}."))


def running_stack(environment: str, engine: Engine, port: int | Literal["auto"] | None) -> Stack | None:
    """The stack that was left running, to apply changes to; what a killed run left behind is stopped first."""
    if Stack.path(environment).exists() and engine.is_running:
        killed_terraform.await_end(environment)
    for purpose in supervisor.clean_leftovers(orphaned_only=True):
        out.print(f"[dim]Stopped what an earlier run left behind: {escape(purpose)}[/]")
    if engine.is_running:
        endpoint = engine.endpoint
        if Stack.path(environment).exists() and port in {None, "auto", endpoint.port}:
            stack = Stack.load(environment)
            if stack.endpoint_url == endpoint.url:
                out.print(f"Using the stack that already runs at {endpoint.url}.")
                return stack
        out.print(f"[dim]{escape(engine.phrases.replace)}[/]")
        engine.stop()
    forget(environment)
    return None


def start(engine: Engine) -> None:
    """Start an engine, tied to this process until it is released. What an adopted one holds already is printed."""
    with ProgressStep(engine.phrases.start) as step:
        engine.start(tied=True)
        engine.wait_healthy(timeout_s=60)
        step.conclude(engine.endpoint.url)
    if isinstance(engine, AdoptedLocalStack):
        found = holdings(engine.endpoint.environment())
        if found:
            kinds = ", ".join(f"{number} × {kind}" for kind, number in found.items())
            out.print(f"[yellow]Note:[/] The LocalStack at {engine.endpoint.url} is not empty: {escape(kinds)}.")
            out.print(
                "An apply fails on what has a name of ours, and changes what is in the state there. To stop: Ctrl-C"
            )


def stop(environment: str, engine: Engine) -> None:
    """Stop an engine, and forget the stack in it. What the engine leaves running is printed."""
    forget(environment)
    if not engine.is_running:
        engine.stop()  # its Lambda workers may still run
        return
    with ProgressStep(engine.phrases.stop):
        left = engine.stop()
    if left is not None:
        out.print(f"Left running: {escape(left)}")


def apply(environment: str, engine: Engine) -> Stack:
    """Build the functions and apply a live folder.

    A stack that runs keeps its description, however the apply ends; a new one has none before.

    Raises:
        HarnessError: The sources cannot be built, or Terraform fails.
    """
    with ProgressStep("Build the functions") as step:
        artifacts = build_for(engine)
        step.conclude(", ".join(f"{artifact.function} {artifact.size_bytes / 2**20:.1f} MiB" for artifact in artifacts))
    deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
    with ProgressStep(f"Initialise live/{environment}"):
        deployment.prepare()
    with ProgressStep(f"Apply live/{environment}") as step:
        progress = ApplyProgress(step)
        stack = deployment.apply(progress)
        step.conclude(f"{progress.done} changes")
    stack.save(deployment.shell(), terraform=deployment.own_terraform)
    return stack


def _stay(engine: Engine) -> None:
    """Wait until Ctrl-C, or until the engine stops."""
    out.print(engine.phrases.stay)
    try:
        while engine.is_running:
            time.sleep(0.5)
    except KeyboardInterrupt:
        out.print()
    else:
        out.print(engine.phrases.gone)
