"""The edits that the gate must notice: each operator removes or inverts one safeguard.

An operator has a name, a category and a finder of places. Its mutants are what the finder finds in `modules/` and
`live/`. An operator that finds nothing is an error: the code has changed, and the operator must follow. They are data,
in `operators.toml`, which explains its columns.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.mutation import edits
from harness.mutation.edits import Finder, Target


class Category(StrEnum):
    """What an edit endangers."""

    ACCESS = "access"
    API = "api"
    COST = "cost"
    DATA = "data"
    DELIVERY = "delivery"
    ENCRYPTION = "encryption"
    OBSERVABILITY = "observability"
    RELEASE = "release"
    VALIDATION = "validation"


class EditKind(StrEnum):
    """What an edit does."""

    NEVER = "never"
    REMOVE = "remove"
    SET = "set"
    DEFAULT = "default"
    STRING = "string"
    TEXT = "text"
    INSERT = "insert"
    RENAME = "rename"


@dataclass(frozen=True)
class Operator:
    """A kind of edit.

    Attributes:
        name: Lower-case words joined by hyphens: what the edit does.
        category: What it endangers.
        find: Finds the places of the edit.
    """

    name: str
    category: Category
    find: Finder


class OperatorRow(BaseModel):
    """An operator as it is written in ``operators.toml``; that file explains the columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: Category
    edit: EditKind
    select: str
    attribute: str = ""
    key: str = ""
    was: str = ".*"
    value: str = ""
    companion: str = ""
    first: bool = False
    unless: str = ""
    files: str = ""

    def finder(self) -> Finder:
        """What finds the places of the edit."""
        target = Target(self.select, self.attribute, self.key, self.was)
        find = _FINDERS[self.edit](self, target)
        find = edits.but_not(self.unless, find) if self.unless else find
        return edits.only_in(self.files, find) if self.files else find


_FINDERS: Mapping[EditKind, Callable[[OperatorRow, Target], Finder]] = {
    EditKind.NEVER: lambda row, _: edits.never(row.select),
    EditKind.REMOVE: lambda row, target: edits.without(target) if row.attribute else edits.without_block(row.select),
    EditKind.SET: lambda row, target: edits.setting(target, row.value),
    EditKind.DEFAULT: lambda row, target: edits.defaulting(target, row.value),
    EditKind.STRING: lambda row, target: edits.replacing_strings(target, row.value, first=row.first),
    EditKind.TEXT: lambda row, target: edits.replacing_text(target, row.value),
    EditKind.INSERT: lambda row, target: edits.inserting(target, row.value),
    EditKind.RENAME: lambda row, target: edits.renaming(target, row.value, row.companion),
}


def operators(rows: Mapping[str, Any]) -> tuple[Operator, ...]:
    """The operators of some rows, by name.

    Raises:
        pydantic.ValidationError: A row has an unknown column or value.
    """
    checked = {name: OperatorRow.model_validate(row) for name, row in rows.items()}
    return tuple(Operator(name, row.category, row.finder()) for name, row in checked.items())


TABLE = Path(__file__).with_name("operators.toml")

OPERATORS: tuple[Operator, ...] = operators(tomllib.loads(TABLE.read_text(encoding="utf-8")))
