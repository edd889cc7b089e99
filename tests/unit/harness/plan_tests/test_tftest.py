"""tftest without its pitfalls, with small programs in place of Terraform."""

import time
from pathlib import Path

import pytest

from harness.plan_tests.root import LOCK
from harness.plan_tests.tftest_root import PlanRejectedError, TftestRoot
from harness.terraform.failures import TerraformError


def root(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch, deadline_s: float = 30.0) -> TftestRoot:
    program = tmp_path / "stand-in"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / ".terraform.lock.hcl").write_bytes(LOCK.read_bytes())
    monkeypatch.setattr("harness.terraform.mirror.BUILD", tmp_path)
    return TftestRoot(folder, program=program, deadline_s=deadline_s)


def test_a_command_that_writes_much_to_standard_error_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talkative = root(tmp_path, "head -c 300000 /dev/zero | tr '\\0' x >&2; echo done", monkeypatch)

    output = talkative.execute_command("validate")

    assert output.out == "done\n"
    assert len(output.err) == 300000


def test_a_command_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = root(tmp_path, "exec sleep 60", monkeypatch, deadline_s=0.5)
    started = time.monotonic()

    with pytest.raises(TerraformError, match=r"did not finish within 0\.5 s"):
        endless.execute_command("plan")

    assert time.monotonic() - started < 30


@pytest.mark.parametrize("code", [1, 2, 3, 11, 137])
def test_every_exit_code_except_0_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    failing = root(tmp_path, f"exit {code}", monkeypatch)

    with pytest.raises(PlanRejectedError, match=f"exit code {code}"):
        failing.execute_command("plan")


def test_the_callers_settings_do_not_reach_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_VAR_name", "theirs")
    monkeypatch.setenv("AWS_PROFILE", "theirs")
    printing = root(tmp_path, "env", monkeypatch)

    output = printing.execute_command("plan").out

    assert "theirs" not in output
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:9" in output


def test_a_rejected_plan_has_its_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"No","detail":"name is wrong"}}'
    rejecting = root(tmp_path, f"[ $2 = plan ] && echo '{line}' && exit 1; exit 0", monkeypatch)

    assert [error.detail for error in rejecting.planned().errors] == ["name is wrong"]


def test_a_plan_that_fails_without_a_message_is_not_a_rejection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = root(tmp_path, "[ $2 = plan ] && exit 1; exit 0", monkeypatch)

    with pytest.raises(TerraformError, match="it printed no error"):
        silent.planned()


def test_a_plan_is_kept_where_only_its_owner_can_read_it_and_no_longer_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tftest would leave it in the common folder for temporary files, under a name that was free a moment before."""
    script = f"""
case "$*" in
  *-out=*) out=$(echo "$*" | sed 's/.*-out=//; s/ .*//'); echo "$out" > {tmp_path}/out
           stat -c %a "$(dirname "$out")" > {tmp_path}/mode; echo secret > "$out";;
  *show*) echo '{{"resource_changes": []}}';;
esac
"""
    planning = root(tmp_path, script, monkeypatch)

    document = planning.planned().document

    file = Path((tmp_path / "out").read_text().strip())
    assert document == {"resource_changes": []}
    assert file.is_relative_to(tmp_path / "root")
    assert (tmp_path / "mode").read_text().strip() == "700"
    assert not file.parent.exists()
