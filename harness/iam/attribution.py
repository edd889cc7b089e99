"""Which function a call belongs to, where several run in one process (unit tests): the one that created the client."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_MARK = "_created_by"


def mark_clients(client: Any, functions: Path) -> Callable[[], None]:
    """Mark every client with the function whose ``handler.py`` created it; a test's own client belongs to no function.

    Args:
        client: The class ``botocore.client.BaseClient``.
        functions: The folder with one folder for each function.

    Returns:
        A function that removes the mark from new clients again.
    """
    initialize = client.__init__

    def initialize_and_mark(self: Any, *arguments: Any, **options: Any) -> None:
        initialize(self, *arguments, **options)
        setattr(self, _MARK, _handler(sys._getframe(1), functions))

    client.__init__ = initialize_and_mark

    def restore() -> None:
        client.__init__ = initialize

    return restore


def caller(functions: Path) -> Callable[[Any], str]:
    """A function that names the function of a client's call, for `harness.iam.watch.Watch`.

    That is the function that created the client, if its handler is running: a test may use a function's client to
    prepare data. A thread belongs to the function, because no handler is on its stack.

    Args:
        functions: As for `mark_clients`.
    """

    def function_of(client: Any) -> str:
        creator = str(getattr(client, _MARK, ""))
        is_running = threading.current_thread() is not threading.main_thread() or _handler(sys._getframe(1), functions)
        return creator if creator and is_running else ""

    return function_of


def _handler(frame: FrameType | None, functions: Path) -> str:
    while frame is not None:
        file = frame.f_code.co_filename
        if file.endswith("handler.py") and file.startswith(str(functions)):
            return Path(file).parent.name.replace("_", "-")
        frame = frame.f_back
    return ""
