"""What the tests of running Terraform share: records of their own, a configuration of the CLI, and a root."""

from pathlib import Path

import pytest

from harness.process import supervisor
from harness.terraform.mirror import CliConfig


@pytest.fixture(autouse=True)
def _records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RUN", tmp_path / "run")


@pytest.fixture
def config(tmp_path: Path) -> CliConfig:
    file = tmp_path / "terraform.rc"
    file.write_text("disable_checkpoint = true\n")
    return CliConfig(file, None, (), (), is_custom=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "live"
    folder.mkdir()
    return folder
