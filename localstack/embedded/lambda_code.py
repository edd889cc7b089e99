"""Lambda: a function's code, unpacked once."""

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
    """Where unpacked code lies: shared by all engines of a checkout, else in the server's own temporary folder."""
    return Path(os.environ.get("EMBEDDED_CODE_DIR") or Path(tempfile.gettempdir()) / "code")


class _SharedZip(zipfile.ZipFile):
    """An archive that is unpacked by a link to where its equal was unpacked before."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Make ``path``, which must be an empty folder, a link to the unpacked archive."""
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
            half_made = Path(tempfile.mkdtemp(prefix="half-made-", dir=unpacked.parent))
            super().extractall(half_made)
            try:
                half_made.rename(unpacked)
            except OSError:  # another worker was faster
                shutil.rmtree(half_made)
        target.rmdir()
        target.symlink_to(unpacked, target_is_directory=True)


class _SharingZipfile:
    """The module ``zipfile`` as :mod:`ministack.core.lambda_runtime` sees it."""

    ZipFile = _SharedZip

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)


@patches(runtime, "zipfile", needed=inspect.ismodule)
def code_unpacked_once(_original: Any) -> Any:
    """A function's code is unpacked once, and its bytecode kept for the next cold start.

    AWS: cold starts of a python3.13 function with few dependencies take some hundred milliseconds.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    MiniStack: every worker unpacks and compiles all of it again; with Powertools and pydantic that is over a second.
    """
    return _SharingZipfile()


def forget_unused() -> None:
    """Delete code that no engine has started for some days."""
    oldest = time.time() - _UNUSED_DAYS * 86_400
    with contextlib.suppress(FileNotFoundError):
        for unpacked in _folder().iterdir():
            if unpacked.stat().st_mtime < oldest:
                shutil.rmtree(unpacked, ignore_errors=True)
