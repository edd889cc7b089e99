"""A difference between code and plan, printed so that both places can be found."""

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
        about: What both sides name, such as ``the setting TABLE_NAME of create-invoice``.
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


def report(mismatches: Iterable[Mismatch]) -> str:
    """All differences, as the message of a failed test."""
    distinct = list(dict.fromkeys(mismatches))
    return "\n".join([f"{len(distinct)} differences between code and plan", *map(str, distinct)])


def symbol(definition: Any, part: str = "") -> str:
    """Where something is defined: ``lambdas/invoicing/runtime/settings.py: TableSettings.table_name``.

    Args:
        definition: A module, class or function.
        part: A name in it.
    """
    file = Path(inspect.getsourcefile(definition) or "").resolve()
    where = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    name = "" if inspect.ismodule(definition) else definition.__qualname__
    return f"{where}: {'.'.join(filter(None, (name, part)))}".removesuffix(": ")


def listed(names: Iterable[object]) -> str:
    """Names for a message, sorted; "none" if there are none."""
    return ", ".join(sorted(map(str, names))) or "none"
