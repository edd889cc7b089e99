"""Whatever an `up` that is killed in the middle leaves behind, `down` and the next `up` clean."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.paths import ROOT
from tests.patience import ARRIVAL_S, HANG_S

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc (Linux)"),
]


@pytest.fixture
def build(fresh_build: Callable[[], Path]) -> Iterator[Path]:
    """A separate build folder, so that no other stack of this checkout is touched."""
    folder = fresh_build()
    yield folder
    harness("down", build=folder).wait(timeout=HANG_S)


def harness(command: str, *arguments: str, build: Path, to: Path | None = None) -> subprocess.Popen[bytes]:
    log = (to or build.parent / f"{command}.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "harness", command, *arguments],
            cwd=ROOT,
            env={**os.environ, "HARNESS_BUILD_DIR": str(build)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def processes_of(build: Path) -> dict[int, str]:
    """The command lines of the living processes that mention a build folder, by process number."""
    processes = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if str(build) in command + environment and command:
            processes[int(entry.name)] = command
    return processes


def until(condition: Callable[[], bool], what: str, deadline_s: float) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"after {deadline_s} s still waiting for {what}"
        time.sleep(0.1)


def events_of(build: Path) -> Path:
    """The file with the events of an apply."""
    return build / "terraform" / "dev" / "logs" / "apply.jsonl"


def engine_of(build: Path) -> int:
    """The process number of the engine that an `up` has started."""
    record = json.loads((build / "engine" / "dev" / "engine.json").read_text(encoding="utf-8"))
    return int(record["pid"])


def applying(up: subprocess.Popen[bytes], log: Path, events: Path) -> bool:
    """Whether an `up` has created its first resource."""
    assert up.poll() is None, log.read_text(encoding="utf-8")
    return events.exists() and '"apply_complete"' in events.read_text(encoding="utf-8")


def test_killed_in_the_middle_of_an_apply_leaves_nothing_after_down(build: Path) -> None:
    log = build.parent / "up.log"
    up = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: applying(up, log, events_of(build)), "the apply to make progress", 300)
    assert len(processes_of(build)) >= 3  # up itself, the engine, Terraform

    up.send_signal(signal.SIGKILL)
    up.wait()
    down = harness("down", build=build)

    assert down.wait(timeout=HANG_S) == 0
    until(lambda: not processes_of(build), f"the end of {processes_of(build)}", ARRIVAL_S)
    assert not list(build.glob("stack-*"))


def test_after_an_early_kill_no_process_keeps_running_and_the_next_up_works(build: Path) -> None:
    """Even a stack that shall be left running is tied to the `up` that starts it until it is complete."""
    log = build.parent / "up.log"
    first = harness("up", "--detach", "--port", "auto", build=build, to=log)
    events = events_of(build)
    until(lambda: applying(first, log, events), "the first engine and its apply", 300)

    engine = engine_of(build)

    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: engine not in processes_of(build), "the engine to end by itself", ARRIVAL_S)

    events.unlink()  # Terraform may still be ending; the next up has to clean that
    second = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: applying(second, log, events), "the second apply to make progress", 300)
    second.send_signal(signal.SIGTERM)
    second.wait(timeout=HANG_S)
    until(lambda: not processes_of(build), "everything to end", ARRIVAL_S)


def test_up_stops_an_engine_that_was_left_without_a_stack(build: Path) -> None:
    log = build.parent / "up.log"
    script = "from harness.engine import engine_for; engine_for(instance='dev', port='auto').start()"
    environment = {**os.environ, "HARNESS_BUILD_DIR": str(build)}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, timeout=HANG_S)
    (pid,) = processes_of(build)

    up = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: "Stopping the engine that an earlier run left" in log.read_text(encoding="utf-8"), "its message", 300)
    until(lambda: pid not in processes_of(build), "the engine to be gone", ARRIVAL_S)

    until(lambda: "Start the engine:" in log.read_text(encoding="utf-8"), "another engine", ARRIVAL_S)
    up.send_signal(signal.SIGTERM)
    up.wait(timeout=HANG_S)
    until(lambda: not processes_of(build), "everything to end", ARRIVAL_S)


def test_engine_that_dies_during_an_apply_is_named_as_the_cause(build: Path) -> None:
    log = build.parent / "up.log"
    up = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: applying(up, log, events_of(build)), "the apply to make progress", 300)
    os.kill(engine_of(build), signal.SIGKILL)

    assert up.wait(timeout=HANG_S) == 1
    assert "The engine 'dev' stopped while Terraform was running" in log.read_text(encoding="utf-8")
    until(lambda: not processes_of(build), f"the end of {processes_of(build)}", ARRIVAL_S)
