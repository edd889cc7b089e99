"""Mutants: Terraform with one safeguard taken away, each in a copy of its own."""

import random
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from harness.errors import HarnessError
from harness.mutation.edits import Edit, Source
from harness.mutation.operators import OPERATORS, Category, Operator
from harness.paths import ROOT

EQUIVALENT = ROOT / "policy" / "equivalent-mutants.yaml"
"""Why some mutants cannot be noticed: they do what the original does."""

_COPIED = ("modules", "live")
_UNTOUCHED = shutil.ignore_patterns("README.md", ".terraform")


@dataclass(frozen=True)
class Mutant:
    """One edit by one operator.

    Attributes:
        name: ``<operator>: <file> <place>``, with a number where an operator finds several in one place; it does not
            change when lines move.
        operator: What made it.
        edit: What is edited.
    """

    name: str
    operator: Operator
    edit: Edit

    @property
    def category(self) -> Category:
        """What it endangers."""
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

    def written(self, to: Path, origin: Path = ROOT) -> Path:
        """Copy ``modules/`` and ``live/`` into a folder, with the edit made; the folder."""
        copied(to, origin)
        file = to / self.edit.file
        file.write_text(self.edit.applied(file.read_text(encoding="utf-8")), encoding="utf-8")
        return to


def copied(to: Path, origin: Path = ROOT, *, afresh: bool = True) -> Path:
    """Copy ``modules/`` and ``live/`` into a folder, in the place of what it holds or of its own two; the folder."""
    for old in [to] if afresh else [to / name for name in _COPIED]:
        shutil.rmtree(old, ignore_errors=True)
    for name in _COPIED:
        shutil.copytree(origin / name, to / name, ignore=_UNTOUCHED)
    return to


def sources(root: Path = ROOT) -> list[Source]:
    """Everything that can be edited: the modules, the live folders and their values."""
    patterns = ("modules/*/*.tf", "live/*/*.tf", "live/*/terraform.tfvars")
    return [Source.read(root, file) for pattern in patterns for file in sorted(root.glob(pattern))]


def all_mutants(files: Sequence[Source], operators: Iterable[Operator] = OPERATORS) -> list[Mutant]:
    """Every mutant of some files.

    Raises:
        HarnessError: An operator finds nothing to edit.
    """
    found: list[Mutant] = []
    names: Counter[str] = Counter()
    for operator in operators:
        edits = [edit for source in files for edit in operator.find(source)]
        if not edits:
            raise HarnessError(
                f"The operator {operator.name!r} finds nothing to edit: what it takes away is no longer there.",
                remedy="Let it follow the code, in harness/mutation/operators.py, or fix the code.",
            )
        for edit in edits:
            name = " ".join(word for word in (f"{operator.name}: {edit.file}", edit.place) if word)
            names[name] += 1
            found.append(Mutant(name + (f" #{names[name]}" if names[name] > 1 else ""), operator, edit))
    return found


def sampled(mutants: Sequence[Mutant], *, seed: int, each: int | None, pattern: str = "*") -> list[Mutant]:
    """Some mutants of every operator, the same ones for the same seed.

    Args:
        mutants: All of them.
        seed: Decides which.
        each: How many of each operator; None for all.
        pattern: Only those whose name fits.
    """
    chooser = random.Random(seed)  # noqa: S311 - not for secrets: the same choice again is what it is for
    by_operator: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_operator.setdefault(mutant.operator.name, []).append(mutant)
    chosen: list[Mutant] = []
    for some in by_operator.values():
        picked = some if each is None or len(some) <= each else chooser.sample(some, each)
        chosen += sorted(picked, key=lambda one: one.name)
    return [one for one in chosen if fnmatchcase(one.name, pattern)]


def equivalents(mutants: Iterable[Mutant], file: Path = EQUIVALENT) -> dict[str, str]:
    """The reasons why mutants cannot be noticed, by the mutants' names.

    Raises:
        HarnessError: A reason is missing, or given for a mutant that there is not.
    """
    told = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    reasons = {str(name): str(reason or "").strip() for name, reason in (told or {}).items()}
    without_reason = [name for name, reason in reasons.items() if len(reason) < len("a reason")]
    unknown = sorted(reasons.keys() - {mutant.name for mutant in mutants})
    if without_reason or unknown:
        what = (
            f"has no reason for {without_reason[0]!r}" if without_reason else f"names {unknown[0]!r}, which is not made"
        )
        raise HarnessError(
            f"{file.name} {what}.", remedy=f"Write down why nothing can notice it, or take it out of {file.name}."
        )
    return reasons


def _short(text: str, width: int = 90) -> str:
    line = re.sub(r"\s+", " ", text).strip() or "nothing"
    return line if len(line) <= width else f"{line[: width - 1]}…"
