"""Up and down: the whole platform started, shown, kept, and ended without a trace.

What is started is recorded as it starts, and tied to the process that started it, so that an `up` that was killed in
the middle leaves nothing that the next `up` or `down` does not clean.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Literal

from rich.markup import escape

from harness.console import Step, out
from harness.engine import Engine, clean_leftovers, engine_for, localstack_docker
from harness.engine.localstack import left_alone
from harness.engine.ports import DEFAULT as DEFAULT_PORT
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.process import supervisor
from harness.results import record
from harness.stack import walkthrough
from harness.stack.deployment import Deployment, Stack, artifacts_of, build_for, environments, forget
from harness.stack.ownership import orderly_end, sole_owner
from harness.terraform import binary
from harness.terraform.events import TerraformEvent


class Ending(Enum):
    """What `up` does when the platform is up and the CSV is handled."""

    STAY = "stay until Ctrl-C"
    ONCE = "stop everything"
    DETACH = "leave it running"


def up(environment: str, csv: Path, *, port: int | Literal["auto"] | None, ending: Ending) -> None:
    """Bring an environment up on the engine, put a CSV in, and show what comes out.

    A stack that was left running is used again: changes are applied to it.

    Args:
        environment: The live folder's name.
        csv: The file to upload.
        port: The engine's port, ``auto`` for any free one, or None for the running stack's or else 4566.
        ending: What to do at the end.

    Raises:
        HarnessError: Something is missing or failed; what was started is stopped again, unless a stack stands that was
            running before or shall go on (`Ending.DETACH`).
    """
    walkthrough.check_csv(csv)
    engine = engine_for(instance=environment, port=DEFAULT_PORT if port is None else port)  # before any download
    binary.find()
    started = time.monotonic()
    with orderly_end(), sole_owner():
        running = running_stack(environment, engine, port)
        keep = running is not None  # a failure does not end what ran before
        try:
            if running is None:
                walkthrough.forget_documents(environment)
                start(engine)
            stack = _deploy(environment, engine, running)
            keep = keep or ending is Ending.DETACH  # the stack stands: a file that cannot be imported does not end it
            outcome = walkthrough.run(stack, csv)
            walkthrough.show(stack, outcome)
            record(
                "up",
                {
                    "seconds": round(time.monotonic() - started, 1),
                    "rows": outcome.report["rows"],
                    "invoices": len(outcome.invoices),
                    "documents": len(outcome.documents),
                },
            )
            keep = ending is Ending.DETACH
            if ending is not Ending.ONCE:
                walkthrough.show_access(stack, outcome)
            if ending is Ending.STAY:
                _stay(engine)
        finally:
            if keep and engine.is_running:
                engine.release()
                out.print(
                    "The stack goes on running. Stop it with: ./noxw -s down"
                    if engine.is_ours
                    else f"The stack stays in the LocalStack at {engine.endpoint_url}, which was running already."
                )
            else:
                stop(environment, engine)
    if ending is Ending.ONCE:
        out.print("To keep it and try its API: ./noxw -s up")


def down() -> None:
    """Stop every engine, function and Terraform that a run of this checkout started or left behind."""
    adopted = _localstacks()
    for environment in environments():
        forget(environment)
    stopped = False
    for what in _stopping():
        out.print(f"Stopped: {escape(what)}")
        stopped = True
    kept = [endpoint for endpoint in adopted if left_alone(endpoint)]
    for endpoint in kept:
        out.print(
            f"Left running: the LocalStack at {escape(endpoint)}, with what is in it. It was adopted, not started."
        )
    if not stopped and not kept:
        out.print("Nothing was running.")


def _stopping() -> Iterator[str]:
    """Stop one kind after the other; what the last cannot do does not keep the others from being told."""
    yield from supervisor.clean_leftovers()
    yield from (f"the engine {left.instance!r} on port {left.port}" for left in clean_leftovers())
    yield from (f"the engine {instance!r} in Docker" for instance in localstack_docker.clean_leftovers())


def _localstacks() -> list[str]:
    """Where a LocalStack was adopted, by the descriptions of stacks and by this shell."""
    found = [os.environ.get("LOCALSTACK_ENDPOINT", "").replace("//localhost", "//127.0.0.1").rstrip("/")]
    for environment in environments():
        with contextlib.suppress(HarnessError):
            stack = Stack.load(environment)
            found += [stack.endpoint_url] if stack.engine == "localstack" else []
    return sorted({*found} - {""})


class ApplyProgress:
    """Counts Terraform's events into a progress bar."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._total = 0
        self._busy: dict[str, None] = {}
        self.done = 0

    def __call__(self, event: TerraformEvent) -> None:
        """Take one event of a running apply."""
        match event.type:
            case "planned_change":
                self._total += 1
            case "apply_start":
                self._busy[event.address] = None
            case "apply_complete" | "apply_errored":
                self._busy.pop(event.address, None)
                self.done += event.action != "read"  # data sources are read along the way, and are not planned
        longest = next(iter(self._busy), "")
        self._step.advance_to(self.done, self._total or None, longest.removeprefix("module.invoice_platform."))


def running_stack(environment: str, engine: Engine, port: int | Literal["auto"] | None) -> Stack | None:
    """The stack that was left running, to apply changes to; what a killed run left is ended first."""
    for what in supervisor.clean_leftovers(orphaned_only=True):
        out.print(f"[dim]Cleaned up after an earlier run: {escape(what)}[/]")
    if not engine.is_ours:
        with contextlib.suppress(HarnessError):
            stack = Stack.load(environment)
            if stack.endpoint_url == engine.endpoint_url and engine.is_running:
                out.print(f"Using the stack that is at {engine.endpoint_url} already.")
                return stack
    elif engine.is_running:
        if Stack.path(environment).exists() and port in (None, "auto", engine.port):
            out.print(f"Using the stack that runs already at {engine.endpoint_url}.")
            return Stack.load(environment)
        out.print(f"[dim]Stopping the engine that an earlier run left on port {engine.port}.[/]")
        engine.stop()
    forget(environment)
    return None


def start(engine: Engine) -> None:
    """Start an engine, tied to this process until it is released."""
    with Step("Start the engine" if engine.is_ours else "Look at the LocalStack that is adopted") as step:
        engine.start(tied=True)
        engine.wait_healthy(timeout_s=60)
        step.conclude(engine.endpoint_url)


def stop(environment: str, engine: Engine) -> None:
    """Stop an engine, and forget the stack that it held. One that was adopted is left running."""
    forget(environment)
    if not engine.is_ours:
        if engine.is_running:
            out.print(f"Left running: the LocalStack at {engine.endpoint_url}, with what is in it. It was adopted.")
        return
    if not engine.is_running:
        engine.stop()  # it may have left workers
        return
    with Step("Stop the engine"):
        engine.stop()


def _deploy(environment: str, engine: Engine, running: Stack | None) -> Stack:
    """Build and apply; from the apply's begin to its end nothing may rely on the description, so there is none."""
    with Step("Build the functions") as step:
        artifacts = build_for(engine)
        step.conclude(", ".join(f"{one.function} {one.size_bytes / 2**20:.1f} MiB" for one in artifacts))
    deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
    with Step(f"Initialise live/{environment}"):
        deployment.prepare()
    forget(environment)
    with Step(f"Apply live/{environment}") as step:
        progress = ApplyProgress(step)
        try:
            stack = deployment.apply(progress)
        except (HarnessError, KeyboardInterrupt):
            if running is not None:
                running.save(deployment.shell(), terraform=deployment.own_terraform)
            raise
        step.conclude(f"{progress.done} changes")
    stack.save(deployment.shell(), terraform=deployment.own_terraform)
    return stack


def _stay(engine: Engine) -> None:
    """Wait for Ctrl-C, or for the engine's end."""
    out.print("The stack runs until Ctrl-C." if engine.is_ours else "Ctrl-C ends this; the stack stays where it is.")
    try:
        while engine.is_running:
            time.sleep(0.5)
    except KeyboardInterrupt:
        out.print()
    else:
        out.print(
            "The engine was stopped from elsewhere."
            if engine.is_ours
            else f"Nothing answers at {engine.endpoint_url} any more."
        )
