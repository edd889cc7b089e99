"""Whose call it is, where several functions run in one process, as they do in unit tests: by who made the client."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_MARK = "_made_by"


def mark_clients(client: Any, functions: Path) -> Callable[[], None]:
    """Write on every client which function's ``handler.py`` made it; one that a test made for itself is nobody's.

    Args:
        client: The class ``botocore.client.BaseClient``.
        functions: The folder with one folder for each function.

    Returns:
        What ends that.
    """
    make = client.__init__

    def made(own: Any, *arguments: Any, **options: Any) -> None:
        make(own, *arguments, **options)
        setattr(own, _MARK, _handler(sys._getframe(1), functions))

    client.__init__ = made

    def ended() -> None:
        client.__init__ = make

    return ended


def caller(functions: Path) -> Callable[[Any], str]:
    """What tells whose call a client is making, for `harness.iam.watch.Watch`.

    It is the function that made the client, if its handler is at work: a test may use a function's own client to lay
    something out. Threads are the function's: no handler stands on their stack.

    Args:
        functions: As `mark_clients`.
    """

    def who(client: Any) -> str:
        made_by = str(getattr(client, _MARK, ""))
        at_work = threading.current_thread() is not threading.main_thread() or _handler(sys._getframe(1), functions)
        return made_by if made_by and at_work else ""

    return who


def _handler(frame: FrameType | None, functions: Path) -> str:
    while frame is not None:
        file = frame.f_code.co_filename
        if file.endswith("handler.py") and file.startswith(str(functions)):
            return Path(file).parent.name.replace("_", "-")
        frame = frame.f_back
    return ""
