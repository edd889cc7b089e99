"""Zips have the same bytes whatever zlib the computer has, and every reader understands them."""

import hashlib
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from harness.package import archive


@pytest.fixture
def entries(tmp_path: Path) -> dict[str, Path]:
    """Files for a zip: text, a shared object, an empty file, and a name that is not ASCII."""
    content = {
        "app.py": b"print('hello')\n" * 500,
        "native.so.1": bytes(range(256)) * 40,
        "empty.txt": b"",
        "fonts/größe.txt": b"size",
    }
    files = {}
    for number, (name, data) in enumerate(content.items()):
        files[name] = tmp_path / f"{number}"
        files[name].write_bytes(data)
    return files


def test_the_bytes_are_those_of_the_pinned_compressor(entries: dict[str, Path], tmp_path: Path) -> None:
    archive.write(entries, tmp_path / "it.zip")

    digest = hashlib.sha256((tmp_path / "it.zip").read_bytes()).hexdigest()
    assert digest == "36fe9cbb16db171a8802614ed01f151c6a2b50c8dfb8566364d07da57535a10e", (
        "A new version of deflate? Every function is deployed anew."
    )


def test_zlib_does_not_matter(entries: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.write(entries, tmp_path / "one.zip")
    compressobj = zlib.compressobj
    monkeypatch.setattr(zlib, "compressobj", lambda *_, **__: compressobj(1, zlib.DEFLATED, -15))

    archive.write(entries, tmp_path / "other.zip")

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_a_reader_gets_every_file_back(entries: dict[str, Path], tmp_path: Path) -> None:
    archive.write(entries, tmp_path / "it.zip")

    with zipfile.ZipFile(tmp_path / "it.zip") as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == {
            name: file.read_bytes() for name, file in entries.items()
        }
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_another_program_unpacks_it_with_its_modes(entries: dict[str, Path], tmp_path: Path) -> None:
    archive.write(entries, tmp_path / "it.zip")
    out = tmp_path / "out"

    with zipfile.ZipFile(tmp_path / "it.zip") as opened:
        modes = {info.filename: info.external_attr >> 16 for info in opened.infolist()}
    subprocess.run([sys.executable, "-m", "zipfile", "-e", tmp_path / "it.zip", out], check=True)

    assert modes == {
        "app.py": 0o100644,
        "empty.txt": 0o100644,
        "fonts/größe.txt": 0o100644,
        "native.so.1": 0o100755,
    }
    assert {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()} == entries.keys()


def test_it_is_compressed(entries: dict[str, Path], tmp_path: Path) -> None:
    archive.write(entries, tmp_path / "it.zip")

    assert (tmp_path / "it.zip").stat().st_size < 1500
