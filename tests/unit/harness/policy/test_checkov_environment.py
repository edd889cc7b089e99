"""checkov reads no file that another user of the computer could have written."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.policy import checkov


def test_checkov_keeps_temporary_files_in_a_folder_that_only_its_owner_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its HCL parser unpickles a file from there; in the common folder everybody could have put one."""
    given: dict[str, str] = {}

    def run(*_: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        given.update(options["env"])
        Path(json.loads(options["input"])["out"]).write_text(
            json.dumps({"results": [], "parliament": [], "known": {}}), encoding="utf-8"
        )
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(checkov, "ensure", lambda _: "python")
    monkeypatch.setattr(checkov, "_parliament", lambda *_: [])
    monkeypatch.setattr(subprocess, "run", run)
    (tmp_path / "policy" / "tmp").mkdir(parents=True)
    (tmp_path / "policy" / "tmp").chmod(0o777)

    checkov.run([], [], tmp_path / "policy")

    folder = Path(given["TMPDIR"])
    assert folder.is_relative_to(tmp_path / "policy")
    assert folder.stat().st_mode & 0o777 == 0o700
