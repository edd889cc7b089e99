"""The supervisor records each process, identifies it before it ends it, and lets none outlive its owner."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.process import supervisor

linux_only = pytest.mark.xfail(
    sys.platform != "linux", reason="ending with the parent needs Linux's prctl", strict=True
)

TREE = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "


def eventually(condition: Callable[[], object], *, within_s: float = 45.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def spawn(
    code: str, folder: Path, purpose: str = "a test"
) -> tuple[subprocess.Popen[bytes], supervisor.SupervisedProcess]:
    return supervisor.spawn([sys.executable, "-c", code], purpose=purpose, env=dict(os.environ), folder=folder)


def test_a_spawned_process_is_recorded_and_runs_as_the_command_itself(tmp_path: Path) -> None:
    process, record = spawn("import os, sys; sys.exit(os.getpid() == os.getpgid(0) == os.getsid(0))", tmp_path)

    assert process.wait(10) == 1
    assert record.pid == process.pid
    assert supervisor.records(tmp_path) == [record]


def test_a_program_that_does_not_exist_is_named_on_standard_error(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with errors.open("wb") as stderr:
        process, _ = supervisor.spawn(["no-such-program"], purpose="x", env={}, stderr=stderr, folder=tmp_path)

    assert process.wait(10) == 127
    assert errors.read_text() == "no-such-program: No such file or directory\n"


def test_terminate_ends_the_whole_group_and_removes_the_record(tmp_path: Path) -> None:
    process, record = spawn(TREE + "time.sleep(60)", tmp_path)
    eventually(lambda: len(record.survivors()) == 2)

    assert record.terminate()
    assert process.wait(5) == -signal.SIGTERM
    assert record.survivors() == []
    assert supervisor.records(tmp_path) == []


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = f"import signal, time, pathlib; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch(); "
    process, record = spawn(code + "time.sleep(60)", tmp_path)
    eventually(ready.exists)

    assert record.terminate(grace_s=0.1)
    assert process.wait(5) == -signal.SIGKILL


def test_members_of_the_group_are_cleaned_when_their_leader_is_gone(tmp_path: Path) -> None:
    process, record = spawn(TREE, tmp_path, "left behind")
    assert process.wait(10) == 0
    eventually(lambda: len(record.survivors()) == 1)

    assert supervisor.clean_leftovers(tmp_path) == ["left behind"]
    assert record.survivors() == []


def test_a_process_with_a_reused_number_is_not_ended(tmp_path: Path) -> None:
    process, record = spawn("import time; time.sleep(60)", tmp_path)
    assert record.started is not None
    stranger = replace(record, started=record.started - 1, mark="another mark")

    assert not stranger.terminate(grace_s=0.1)
    assert process.poll() is None

    record.terminate()
    process.wait(5)


def test_leftovers_can_be_limited_to_those_whose_owner_has_ended(tmp_path: Path) -> None:
    process, record = spawn("import time; time.sleep(60)", tmp_path)

    assert supervisor.leftovers(tmp_path, orphaned_only=True) == []
    assert supervisor.leftovers(tmp_path) == [record]

    record.terminate()
    process.wait(5)


def test_records_of_ended_processes_and_broken_records_are_removed(tmp_path: Path) -> None:
    process, _ = spawn("", tmp_path)
    process.wait(10)
    (tmp_path / "1-broken.json").write_text("{")

    assert supervisor.leftovers(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@linux_only
def test_a_tied_process_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner = (
        "import sys, os, time; from pathlib import Path; from harness.process import supervisor; "
        "supervisor.spawn([sys.executable, '-c', 'import time; time.sleep(60)'], purpose='tied', env=dict(os.environ), "
        "folder=Path(sys.argv[1])); time.sleep(60)"
    )
    root = str(Path(supervisor.__file__).parents[2])
    parent = subprocess.Popen([sys.executable, "-c", owner, str(tmp_path)], cwd=root)
    try:
        eventually(lambda: supervisor.records(tmp_path))
        (child,) = supervisor.records(tmp_path)
        command = Path(f"/proc/{child.pid}/cmdline")  # empty for a moment while it becomes the command
        eventually(lambda: command.read_text().split("\0")[2:3] == ["import time; time.sleep(60)"])
    finally:
        parent.kill()
        parent.wait(5)
    eventually(lambda: not child.survivors())
    assert child.orphaned


def test_a_leader_that_ends_its_children_in_order_is_signalled_before_them(tmp_path: Path) -> None:
    ready, order = tmp_path / "ready", tmp_path / "order"
    code = f"""
import pathlib, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
def stop(*_):
    time.sleep(0.3)
    pathlib.Path({str(order)!r}).write_text("first" if child.poll() is None else "too late")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
pathlib.Path({str(ready)!r}).touch()
time.sleep(60)
"""
    command = [sys.executable, "-c", code]
    _, record = supervisor.spawn(
        command, purpose="x", env=dict(os.environ), leader_first=True, folder=tmp_path / "records"
    )
    eventually(ready.exists)

    assert record.terminate()

    assert order.read_text() == "first"
    assert record.survivors() == []


def test_a_member_without_the_mark_is_recognised_by_what_it_runs_and_that_is_deleted(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "worker.py").write_text("import time; time.sleep(60)")
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, {str(own / 'worker.py')!r}], env={{}})"
    records = tmp_path / "records"
    process, record = supervisor.spawn(
        [sys.executable, "-c", code], purpose="x", env=dict(os.environ), traces=[own], folder=records
    )
    assert process.wait(10) == 0
    eventually(lambda: len(record.survivors()) == 1)

    assert supervisor.clean_leftovers(records) == ["x"]

    assert record.survivors() == []
    assert not own.exists()


def test_a_released_process_has_no_owner_and_is_not_an_orphan(tmp_path: Path) -> None:
    code = "import sys, time; sys.exit(3) if sys.stdin.readline() != 'stay\\n' else time.sleep(60)"
    process, record = supervisor.spawn(
        [sys.executable, "-c", code], purpose="x", env=dict(os.environ), tie=supervisor.Tie.STDIN, folder=tmp_path
    )

    record.release()

    assert supervisor.leftovers(tmp_path, orphaned_only=True) == []
    assert supervisor.leftovers(tmp_path) == [record]
    assert record.terminate()
    assert process.returncode == -signal.SIGTERM


def test_the_latest_leftover_is_first(tmp_path: Path) -> None:
    started = [spawn("import time; time.sleep(60)", tmp_path, purpose) for purpose in ("engine", "terraform")]
    with_other_times = [
        replace(record, started=moment) for (_, record), moment in zip(started, (1.0, 2.0), strict=True)
    ]
    for record in with_other_times:
        record.save()

    assert [record.purpose for record in supervisor.records(tmp_path)] == ["terraform", "engine"]

    for process, record in started:
        record.terminate()  # by its own start time: its mark cannot be read while it becomes the command
        process.wait(5)


@linux_only
def test_setting_the_clock_does_not_change_a_start_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before = supervisor.start_time(os.getpid())
    boot = psutil.boot_time()

    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)

    assert psutil.boot_time() == boot + 3600
    assert supervisor.start_time(os.getpid()) == before
