"""The files of a checkout are the same on every computer, whatever git is set to there (``core.autocrlf``)."""

import subprocess
from collections import Counter
from pathlib import PurePosixPath

import pytest

from harness.paths import ROOT

MIXED = {"docs/sample/invoices.csv"}
"""Files with line ends of both kinds on purpose."""


def git(*arguments: str, text: str = "") -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this is not a git checkout: {done.stderr.strip()}")
    return done.stdout


def test_every_text_file_is_checked_out_with_line_feeds() -> None:
    files = git("ls-files", "-z")

    attributes = git("check-attr", "-z", "--stdin", "text", "eol", text=files).rstrip("\0").split("\0")

    values = {(path, name): value for path, name, value in zip(*[iter(attributes)] * 3, strict=True)}
    paths = {path for path, _ in values}
    assert len(paths) > 500
    assert {path for path in paths if values[path, "text"] == "unset"} == MIXED
    assert {path for path in paths - MIXED if values[path, "eol"] != "lf"} == set()


def test_no_text_file_is_stored_with_other_line_ends() -> None:
    rows = [line.split("\t") for line in git("ls-files", "--eol").splitlines()]

    assert {path for kinds, path in rows if kinds.split()[0] in {"i/crlf", "i/mixed"}} == MIXED


def test_no_two_names_differ_in_case_only() -> None:
    """Where folders do not distinguish case (macOS, Windows), one of the two files would be missing."""
    paths = git("ls-files", "-z").rstrip("\0").split("\0")
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}

    by_name = Counter(name.casefold() for name in {*paths, *folders})

    assert [name for name, number in by_name.items() if number > 1] == []
