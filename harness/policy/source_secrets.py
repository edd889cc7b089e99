"""Secrets by their known shapes in the source itself: a local that nothing uses is in no plan, but in the history."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.paths import ROOT
from harness.policy.finding import Finding
from harness.policy.rule import HCL, RULES
from harness.policy.secret_shapes import random_in, shape_of

_FOLDERS = ("modules", "live")
_SUFFIXES = frozenset({".json", ".md", ".sh", ".tf", ".tfvars", ".tftpl", ".tpl", ".txt", ".yaml", ".yml"})
"""The lock files of providers hold digests, which are random."""


def findings(root: Path = ROOT) -> list[Finding]:
    """One finding for each line that holds a secret.

    Args:
        root: The checkout.
    """
    files = [
        file
        for folder in _FOLDERS
        for file in sorted((root / folder).rglob("*"))
        if file.suffix in _SUFFIXES and ".terraform" not in file.parts and file.is_file()
    ]
    return [finding for file in files for finding in _in_file(file, file.relative_to(root).as_posix())]


def _in_file(file: Path, name: str) -> Iterator[Finding]:
    rule = RULES["CKV_INV_703"]
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if shape := shape_of(line) or random_in(line):
            found = rule.finding(name, f"Line {number} holds {shape}.", mode=HCL)
            yield replace(found, file=name, line=number, root=name.rpartition("/")[0], definition=name)
