"""Where code and plan differ, told so that both ends can be found."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.paths import ROOT


@dataclass(frozen=True)
class Mismatch:
    """One difference between the code and a plan.

    Attributes:
        about: The one thing that both speak of, such as ``the setting TABLE_NAME of create-invoice``.
        code: What the code says, with file and symbol.
        plan: What the plan says, with the resource's address.
        remedy: What to do about it.
    """

    about: str
    code: str
    plan: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.about}\n  code: {self.code}\n  plan: {self.plan}\n  fix: {self.remedy}"


def told(found: Iterable[Mismatch]) -> str:
    """All of them, for the message of a test."""
    some = list(dict.fromkeys(found))
    return "\n".join([f"{len(some)} differences between code and plan", *map(str, some)])


def symbol(thing: Any, part: str = "") -> str:
    """Where something is defined: ``lambdas/invoicing/runtime/settings.py: TableSettings.table_name``.

    Args:
        thing: A module, class or function.
        part: A name in it.
    """
    file = Path(inspect.getsourcefile(thing) or "").resolve()
    where = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    name = "" if inspect.ismodule(thing) else thing.__qualname__
    return f"{where}: {'.'.join(one for one in (name, part) if one)}".removesuffix(": ")


def listed(names: Iterable[object]) -> str:
    """Names for a message: sorted, or that there are none."""
    return ", ".join(sorted(map(str, names))) or "none"
