"""``nox -s clean`` deletes only what a session has created."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import ROOT

MARKER = ".created-by-invoice-platform"


def clean(build: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nox", "-f", str(ROOT / "noxfile.py"), "-s", "clean"],
        env={**os.environ, "HARNESS_BUILD_DIR": str(build)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("names", [["thesis.txt"], ["CACHEDIR.TAG", "thesis.txt"]], ids=["plain", "a-cache"])
def test_a_folder_without_the_marker_is_left_as_it_is(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("mine", encoding="utf-8")

    done = clean(tmp_path)

    assert done.returncode != 0
    assert f"no session has created {tmp_path}" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_folder_with_the_marker_is_emptied_but_not_what_its_links_point_to(tmp_path: Path) -> None:
    build, elsewhere = tmp_path / "build", tmp_path / "elsewhere"
    (build / "terraform").mkdir(parents=True)
    (build / MARKER).touch()
    (build / "log").touch()
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").touch()
    (build / "link").symlink_to(elsewhere)

    done = clean(build)

    assert done.returncode == 0, done.stderr
    assert [path.name for path in build.iterdir()] == [MARKER]
    assert (elsewhere / "thesis.txt").exists()


def test_without_a_build_folder_there_is_nothing_to_clean(tmp_path: Path) -> None:
    assert clean(tmp_path / "none").returncode == 0


@pytest.mark.parametrize(("content", "is_ours"), [([], True), (["thesis.txt"], False)], ids=["empty", "in-use"])
def test_a_session_marks_a_new_folder_and_none_that_is_in_use(
    tmp_path: Path,
    content: list[str],
    is_ours: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    for name in content:
        (tmp_path / name).touch()
    script = "import sys; sys.path.insert(0, '.'); import noxfile; noxfile.claim_build()"

    subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "HARNESS_BUILD_DIR": str(tmp_path)}, check=True
    )

    assert (tmp_path / MARKER).exists() is is_ours


def test_a_link_in_the_place_of_the_build_folder_is_not_marked(tmp_path: Path) -> None:
    """GIVEN a link from build to somebody's folder WHEN a session runs THEN `clean` deletes nothing there."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "build").symlink_to(tmp_path / "mine")
    script = f"""
import sys; sys.path.insert(0, '.'); import noxfile; from pathlib import Path
noxfile.ROOT = Path({str(tmp_path / "checkout")!r})
noxfile.BUILD = noxfile.ROOT / "build"
noxfile.MARKER = noxfile.BUILD / {MARKER!r}
noxfile.claim_build()
"""

    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)

    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
