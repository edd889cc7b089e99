"""Reproducible zips: the same files give the same bytes, whenever and wherever the zip is written."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from harness.files import draft_of

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_UNIX = 3  # "version made by": readers then take the modes below as Unix's
_LEVEL = 6


def write(entries: Mapping[str, Path], to: Path) -> None:
    """Write a zip, completely or not at all.

    Names are sorted, there is one fixed time, mode 0644 (0755 for shared objects), one compression level and no extra
    field. So the bytes do not depend on the folder, the clock, the time zone or the umask.

    Args:
        entries: The names in the zip, each with the file to read.
        to: The zip.
    """
    with draft_of(to) as draft:
        with zipfile.ZipFile(draft, "w") as zipped:
            for name in sorted(entries):
                info = zipfile.ZipInfo(name, _TIME)
                info.create_system = _UNIX
                info.external_attr = (0o100000 | (0o755 if ".so" in Path(name).suffixes else 0o644)) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                zipped.writestr(info, entries[name].read_bytes(), zipfile.ZIP_DEFLATED, _LEVEL)
        draft.chmod(0o644)


def digest(file: Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
