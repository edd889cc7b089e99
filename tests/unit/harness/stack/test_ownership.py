"""One `up` at a time. It shuts down cleanly on every signal, and a killed one does not leave the lock held."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.stack import ownership
from tests.patience import HANG_S

OWNER = """
import time
from harness.stack.ownership import orderly_end, sole_owner
try:
    with orderly_end(), sole_owner():
        print("owns", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("ended in order", flush=True)
"""


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ownership, "BUILD", tmp_path)
    monkeypatch.setattr(ownership, "PATIENCE_S", 0.3)
    return tmp_path


@pytest.fixture
def owner(build: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(build)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "owns\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_for_a_second_owner_the_error_names_the_first_ones_process(owner: subprocess.Popen[str]) -> None:
    with pytest.raises(HarnessError, match=f"process {owner.pid}"), ownership.sole_owner():
        pytest.fail("two owners")


def test_a_killed_owner_does_not_keep_the_lock(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()

    with ownership.sole_owner():
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leads_to_a_clean_shutdown(owner: subprocess.Popen[str], number: signal.Signals) -> None:
    owner.send_signal(number)

    assert owner.stdout is not None
    assert owner.stdout.readline() == "ended in order\n"
    assert owner.wait(timeout=HANG_S) == 0


def test_the_parents_end_leads_to_a_clean_shutdown(build: Path) -> None:
    middle = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {OWNER!r}])
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", middle],
        cwd=ROOT,
        env={**os.environ, "HARNESS_BUILD_DIR": str(build), "HARNESS_WATCH_PARENT": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    first_lines = {parent.stdout.readline(), parent.stdout.readline()}
    assert "owns\n" in first_lines

    parent.kill()
    parent.wait()

    deadline = time.monotonic() + 10
    rest = parent.stdout.read()  # ends when the child does: it holds the other end of the pipe
    assert "ended in order" in rest
    assert time.monotonic() < deadline
    parent.stdout.close()
