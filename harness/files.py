"""Files that are written completely or not at all, and keys of what they hold."""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o666) -> None:
    """Write a file, completely or not at all: readers see the old content or the new one.

    Args:
        path: The file; its folder is created if necessary.
        content: Text is written as UTF-8.
        mode: Its permissions, less the umask. It has them before it has the content.
    """
    with draft_of(path) as draft:
        draft.touch(mode=mode, exist_ok=False)
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A path for a draft of a file, in the file's folder, which is created if necessary.

    The draft takes the file's place when the block ends, and is deleted if the block raises. Each process and thread
    has its own draft.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    draft.unlink(missing_ok=True)  # of an ended process with the same number
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def open_private(path: Path) -> BinaryIO:
    """Open a new file for writing that only its owner can ever read; an old one of the same name is deleted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def content_key(parts: Iterable[str | bytes | Path], *, root: Path) -> str:
    """A key that changes with each part and with their order: 64 hexadecimal digits.

    Args:
        parts: Texts, and files. A file counts with its content and its path.
        root: The folder that files are in; a copy of it elsewhere has the same key.
    """
    digest = hashlib.sha256()
    for part in parts:
        name, content = (part.relative_to(root).as_posix(), part.read_bytes()) if isinstance(part, Path) else ("", part)
        content = content.encode() if isinstance(content, str) else content
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()
