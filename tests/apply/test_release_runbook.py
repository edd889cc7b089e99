"""The runbook of a version's release, typed in a clone of the repository."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from harness.paths import ROOT
from tests.apply.test_deploy import FreshCheckout

pytestmark = pytest.mark.drill


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with an author, the environment that `./noxw` would make, and a fragment for the changelog."""
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(ROOT), str(folder))
    git(folder, "config", "user.name", "A. Maintainer")
    git(folder, "config", "user.email", "maintainer@example.com")
    (folder / ".nox").symlink_to(ROOT / ".nox")
    for name in ("pyproject.toml", "CHANGELOG.md", "docs/runbooks/release.md", ".gitignore"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / ".git" / "info" / "exclude").write_text(".nox\nrelease.log\n", encoding="utf-8")
    (folder / "changelog.d" / "+clone.added.md").write_text("Clones can be released.\n", encoding="utf-8")
    git(folder, "add", "changelog.d", "docs")
    return folder


def test_a_version_has_its_changelog_and_a_tag(clone: Path) -> None:
    draft, _, tag = (run.output for run in FreshCheckout(clone).types("release.md"))

    assert "- Clones can be released." in draft
    assert "tag v0.2.0" in tag
    assert git(clone, "rev-parse", "v0.2.0^{commit}") == git(clone, "rev-parse", "HEAD")
    assert tomllib.loads((clone / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == "0.2.0"
    changelog = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.index("## 0.2.0") < changelog.index("- Clones can be released.") < changelog.index("## 0.1.0")
    assert not list((clone / "changelog.d").glob("*.md"))
    assert git(clone, "status", "--porcelain") == ""
