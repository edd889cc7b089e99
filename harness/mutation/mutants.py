"""Mutants: copies of the Terraform, each with one safeguard removed."""

import random
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import HarnessError
from harness.mutation.edits import Edit, TerraformFile
from harness.mutation.operators import OPERATORS, Category, Operator
from harness.paths import ROOT

_COPIED = ("modules", "live")
_UNTOUCHED = shutil.ignore_patterns("README.md", ".terraform")


@dataclass(frozen=True)
class Mutant:
    """One edit by one operator.

    Attributes:
        name: ``<operator>: <file> <place>``, with a number if an operator finds several in one place; it does not
            change when lines move.
        operator: The kind of edit.
        edit: The edit.
    """

    name: str
    operator: Operator
    edit: Edit

    @property
    def category(self) -> Category:
        """What the edit endangers."""
        return self.operator.category

    @property
    def folder(self) -> str:
        """The module or live folder that it edits, such as ``modules/lambda``."""
        return self.edit.file.rpartition("/")[0]

    @property
    def module(self) -> str:
        """The module's name; empty for a live folder."""
        return self.folder.removeprefix("modules/") if self.folder.startswith("modules/") else ""

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.edit.file}:{self.edit.line}): {_short(self.edit.before)} -> {_short(self.edit.after)}"
        )

    def write(self, to: Path, origin: Path = ROOT) -> Path:
        """Copy ``modules/`` and ``live/`` to a folder, with the edit; returns the folder."""
        copy_terraform(to, origin)
        file = to / self.edit.file
        file.write_text(self.edit.apply_to(file.read_text(encoding="utf-8")), encoding="utf-8")
        return to


def copy_terraform(to: Path, origin: Path = ROOT, *, keep_others: bool = False) -> Path:
    """Copy ``modules/`` and ``live/`` to a folder; returns the folder.

    Args:
        to: The folder.
        origin: The checkout to copy from.
        keep_others: Replace only ``modules/`` and ``live/`` there, instead of everything.
    """
    for old in [to / name for name in _COPIED] if keep_others else [to]:
        shutil.rmtree(old, ignore_errors=True)
    for name in _COPIED:
        shutil.copytree(origin / name, to / name, ignore=_UNTOUCHED)
    return to


def sources(root: Path = ROOT) -> list[TerraformFile]:
    """Every file that can be edited: the modules, the live folders and their values."""
    patterns = ("modules/*/*.tf", "live/*/*.tf", "live/*/terraform.tfvars")
    return [TerraformFile.read(root, file) for pattern in patterns for file in sorted(root.glob(pattern))]


def all_mutants(files: Sequence[TerraformFile], operators: Iterable[Operator] = OPERATORS) -> list[Mutant]:
    """Every possible mutant of some files.

    Raises:
        HarnessError: An operator finds nothing to edit.
    """
    mutants: list[Mutant] = []
    names: Counter[str] = Counter()
    for operator in operators:
        edits = [edit for source in files for edit in operator.find(source)]
        if not edits:
            raise HarnessError(
                f"The operator {operator.name!r} finds nothing to edit: what it removes no longer exists.",
                remedy="Adapt it to the code, in harness/mutation/operators.toml, or fix the code.",
            )
        for edit in edits:
            name = " ".join(word for word in (f"{operator.name}: {edit.file}", edit.place) if word)
            names[name] += 1
            mutants.append(Mutant(name + (f" #{names[name]}" if names[name] > 1 else ""), operator, edit))
    return mutants


def sample(mutants: Sequence[Mutant], *, seed: int, each: int | None, pattern: str = "*") -> list[Mutant]:
    """Choose some mutants of every operator; the same seed chooses the same ones.

    Args:
        mutants: All of them.
        seed: Decides which.
        each: How many of each operator; None for all.
        pattern: Only those whose name matches.
    """
    chooser = random.Random(seed)  # noqa: S311 - not for secrets: the choice must be repeatable
    by_operator: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_operator.setdefault(mutant.operator.name, []).append(mutant)
    chosen: list[Mutant] = []
    for group in by_operator.values():
        picks = group if each is None or len(group) <= each else chooser.sample(group, each)
        chosen += sorted(picks, key=lambda mutant: mutant.name)
    return [mutant for mutant in chosen if fnmatchcase(mutant.name, pattern)]


def _short(text: str, width: int = 90) -> str:
    line = re.sub(r"\s+", " ", text).strip() or "nothing"
    return line if len(line) <= width else f"{line[: width - 1]}…"
