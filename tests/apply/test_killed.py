"""An `up` that is killed in the middle leaves nothing that `down` or the next `up` does not clean."""

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

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc (Linux)"),
]


@pytest.fixture
def build(fresh_build: Callable[[], Path]) -> Iterator[Path]:
    """A build folder of its own, so that no other stack of this checkout is touched."""
    folder = fresh_build()
    yield folder
    harness("down", build=folder).wait(timeout=60)


def harness(verb: str, *arguments: str, build: Path, to: Path | None = None) -> subprocess.Popen[bytes]:
    log = (to or build.parent / f"{verb}.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "harness", verb, *arguments],
            cwd=ROOT,
            env={**os.environ, "HARNESS_BUILD_DIR": str(build)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def processes_of(build: Path) -> dict[int, str]:
    """Every living process that has anything to do with a build folder: its command line, by number."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if str(build) in command + environment and command:
            found[int(entry.name)] = command
    return found


def until(true: Callable[[], bool], what: str, deadline_s: float) -> None:
    deadline = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < deadline, f"waited {deadline_s} s in vain: {what}"
        time.sleep(0.1)


def events_of(build: Path) -> Path:
    """Where an apply says what it does."""
    return build / "terraform" / "dev" / "logs" / "apply.jsonl"


def engine_of(build: Path) -> int:
    """The process number of the engine that an `up` has started."""
    record = json.loads((build / "engine" / "dev" / "engine.json").read_text(encoding="utf-8"))
    return int(record["pid"])


def applying(up: subprocess.Popen[bytes], log: Path, events: Path) -> bool:
    """Whether an `up` has come as far as making resources."""
    assert up.poll() is None, log.read_text(encoding="utf-8")
    return events.exists() and '"apply_complete"' in events.read_text(encoding="utf-8")


def test_killed_in_the_middle_of_an_apply_leaves_nothing_after_down(build: Path) -> None:
    log = build.parent / "up.log"
    up = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: applying(up, log, events_of(build)), "the apply to be under way", 300)
    assert len(processes_of(build)) >= 3  # up itself, the engine, Terraform

    up.send_signal(signal.SIGKILL)
    up.wait()
    down = harness("down", build=build)

    assert down.wait(timeout=60) == 0
    until(lambda: not processes_of(build), f"the end of {processes_of(build)}", 10)
    assert not list(build.glob("stack-*"))


def test_killed_before_the_stack_stands_nothing_goes_on_and_the_next_up_gets_on(build: Path) -> None:
    """Even a stack that is to be left running is tied to its starter until it stands."""
    log = build.parent / "up.log"
    first = harness("up", "--detach", "--port", "auto", build=build, to=log)
    events = events_of(build)
    until(lambda: applying(first, log, events), "the first engine and its apply", 300)

    engine = engine_of(build)

    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: engine not in processes_of(build), "the engine to end by itself", 15)

    events.unlink()  # Terraform may still wind up what it began; that is for the next up to end
    second = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: applying(second, log, events), "the second apply to get on", 300)
    second.send_signal(signal.SIGTERM)
    second.wait(timeout=60)
    until(lambda: not processes_of(build), "everything to end", 10)


def test_up_ends_an_engine_that_was_left_without_a_stack(build: Path) -> None:
    log = build.parent / "up.log"
    left = "from harness.engine import engine_for; engine_for(instance='dev', port='auto').start()"
    environment = {**os.environ, "HARNESS_BUILD_DIR": str(build)}
    subprocess.run([sys.executable, "-c", left], cwd=ROOT, env=environment, check=True, timeout=120)
    (pid,) = processes_of(build)

    up = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: "Stopping the engine that an earlier run left" in log.read_text(encoding="utf-8"), "its words", 300)
    until(lambda: pid not in processes_of(build), "the engine to be gone", 30)

    until(lambda: "Start the engine:" in log.read_text(encoding="utf-8"), "another engine", 60)
    up.send_signal(signal.SIGTERM)
    up.wait(timeout=60)
    until(lambda: not processes_of(build), "everything to end", 10)


def test_engine_that_dies_during_an_apply_is_named_as_the_cause(build: Path) -> None:
    log = build.parent / "up.log"
    up = harness("up", "--once", "--port", "auto", build=build, to=log)
    until(lambda: applying(up, log, events_of(build)), "the apply to get on", 300)
    os.kill(engine_of(build), signal.SIGKILL)

    assert up.wait(timeout=30) == 1
    assert "The engine 'dev' stopped while Terraform was running" in log.read_text(encoding="utf-8")
    until(lambda: not processes_of(build), f"the end of {processes_of(build)}", 10)
