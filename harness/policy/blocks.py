"""Where a block is declared: the file and line that a finding on a plan is about."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.paths import ROOT
from harness.policy.finding import Finding

_BLOCK = re.compile(r'^(resource|data|variable|output|module)\s+"([^"]+)"(?:\s+"([^"]+)")?', re.MULTILINE)
_EXAMPLE = re.compile(r"^(modules/.+)-example-(\d+)$")
_PREFIXES = {"resource": "", "data": "data.", "variable": "var.", "output": "output.", "module": "module."}


@dataclass(frozen=True)
class Blocks:
    """The blocks of a checkout's Terraform.

    Attributes:
        root: The checkout.
    """

    root: Path = ROOT
    _folders: dict[str, Mapping[str, tuple[str, int]]] = field(default_factory=dict, repr=False, compare=False)

    def place(self, definition: str) -> tuple[str, int] | None:
        """The file, relative to the checkout, and the line of a block; None if it is not in the source.

        Args:
            definition: Such as ``modules/lambda/aws_lambda_function.this``; parliament's have a subject after ``#``.
                A block of an example is found at the example's line in its README.
        """
        folder, _, name = definition.partition("#")[0].rpartition("/")
        if example := _EXAMPLE.match(folder):
            return f"{example[1]}/README.md", int(example[2])
        declared = self._declared(folder) if folder else {}
        return declared.get(name) or declared.get(f"data.{name}")

    def placed(self, findings: Iterable[Finding]) -> list[Finding]:
        """Findings, those without a file with the place of the block that they are about."""
        return [self._with_place(finding) for finding in findings]

    def _with_place(self, finding: Finding) -> Finding:
        place = None if finding.file else self.place(finding.definition)
        return replace(finding, file=place[0], line=place[1]) if place else finding

    def _declared(self, folder: str) -> Mapping[str, tuple[str, int]]:
        """The blocks of a folder by type and label, as definitions have them."""
        if folder not in self._folders:
            self._folders[folder] = {
                name: (f"{folder}/{file.name}", line)
                for file in sorted((self.root / folder).glob("*.tf"))
                for name, line in _names(file.read_text(encoding="utf-8"))
            }
        return self._folders[folder]


def _names(text: str) -> Iterable[tuple[str, int]]:
    for block in _BLOCK.finditer(text):
        label = f"{block[2]}.{block[3]}" if block[3] else block[2]
        yield f"{_PREFIXES[block[1]]}{label}", text.count("\n", 0, block.start()) + 1
