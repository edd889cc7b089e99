"""Lambda: function code that is unpacked once and shared."""

import contextlib
import hashlib
import inspect
import os
import shutil
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime as runtime

from emulation.patch import patches

_UNUSED_DAYS = 3


def _folder() -> Path:
    """The folder of unpacked code: shared by all engines of a checkout, or the server's own temporary folder."""
    return Path(os.environ.get("EMBEDDED_CODE_DIR") or Path(tempfile.gettempdir()) / "code")


class _SharedZip(zipfile.ZipFile):
    """An archive that unpacks by a link to an equal archive's unpacked files."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Replace ``path``, an empty folder, by a link to the unpacked archive."""
        target = Path(path)
        if members is not None or pwd is not None or self.filename is None or any(target.iterdir()):
            super().extractall(path, members, pwd)
            return
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        unpacked = _folder() / digest
        if unpacked.is_dir():
            os.utime(unpacked)
        else:
            unpacked.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix="half-made-", dir=unpacked.parent))
            super().extractall(draft)
            try:
                draft.rename(unpacked)
            except OSError:  # another worker has unpacked it meanwhile
                shutil.rmtree(draft)
        target.rmdir()
        target.symlink_to(unpacked, target_is_directory=True)


class _SharingZipfile:
    """The module ``zipfile`` as :mod:`ministack.core.lambda_runtime` sees it."""

    ZipFile = _SharedZip

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)


@patches(runtime, "zipfile", needed=inspect.ismodule)
def shared_code(_original: Any) -> Any:
    """A function's code is unpacked once, and its bytecode is kept for the next cold start.

    AWS: a cold start of a python3.13 function with few dependencies takes some hundred milliseconds.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    MiniStack: every worker unpacks and compiles the code again; with Powertools and pydantic this takes over a second.
    """
    return _SharingZipfile()


def delete_unused() -> None:
    """Delete code that no engine has used for three days."""
    oldest = time.time() - _UNUSED_DAYS * 86_400
    with contextlib.suppress(FileNotFoundError):
        for unpacked in _folder().iterdir():
            if unpacked.stat().st_mtime < oldest:
                shutil.rmtree(unpacked, ignore_errors=True)
