"""The functions' grants as the Terraform declares them: in which file and line, and how a resource is written there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.paths import ROOT
from harness.settings import PLATFORM

_FUNCTION = re.compile(r"^ {4}([a-z0-9]+(?:-[a-z0-9]+)+) = \{")
_STATEMENTS = re.compile(r"^ {6}statements\s+= \{")
_STATEMENT = re.compile(r"^ {6}(?: {2})?([A-Z][A-Za-z0-9]*)\s+= \{")
_RESOURCES = re.compile(r"resources\s*=\s*\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]")
OWN = ROOT / "modules" / "lambda" / "iam.tf"
"""Where the statements are declared that every function has."""


@dataclass(frozen=True)
class DeclaredStatement:
    """A statement in the source.

    Attributes:
        line: Its line, from 1.
        resources: Its resources as Terraform's expression, without the brackets.
    """

    line: int
    resources: str


@dataclass(frozen=True)
class DeclaredGrants:
    """Where the grants are declared.

    Attributes:
        file: The file that declares the functions.
        functions: For each function, the line of its ``statements``.
        statements: Each statement, by the function and its id.
    """

    file: Path
    functions: Mapping[str, int]
    statements: Mapping[tuple[str, str], DeclaredStatement]

    @classmethod
    def read(cls, module: Path = ROOT / "modules" / PLATFORM.platform_module) -> "DeclaredGrants":
        """Read the file of the composing module that declares functions with their statements.

        Args:
            module: The module's folder.
        """
        found = (cls.of(path) for path in sorted(module.glob("*.tf")))
        return next((grants for grants in found if grants.functions), cls(module / "main.tf", {}, {}))

    @classmethod
    def of(cls, file: Path) -> "DeclaredGrants":
        """Read one file, formatted as ``terraform fmt`` does it."""
        lines = file.read_text(encoding="utf-8").splitlines()
        functions: dict[str, int] = {}
        found: dict[tuple[str, str], DeclaredStatement] = {}
        function = ""
        for number, line in enumerate(lines, 1):
            if match := _FUNCTION.match(line):
                function = match[1]
            elif _STATEMENTS.match(line):
                functions.setdefault(function, number)
            elif (match := _STATEMENT.match(line)) and (resources := _RESOURCES.search(_from(lines, number))):
                found.setdefault((function, match[1]), DeclaredStatement(number, resources[1]))
        return cls(file, functions, found)

    def declares(self, function: str, sid: str) -> bool:
        """Whether the module declares a statement, and not the module of the function itself."""
        return (function, sid) in self.statements

    def place(self, function: str, sid: str = "") -> str:
        """The file and line of a statement, or of a function's statements."""
        statement = self.statements.get((function, sid))
        line = statement.line if statement else self.functions.get(function) if not sid else None
        file = self.file if line else OWN
        name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
        return f"{name}:{line}" if line else str(name)


def _from(lines: list[str], number: int) -> str:
    """A line and the four after it: no statement is longer."""
    return "\n".join(lines[number - 1 : number + 4])


def new_statement(action: str, resource: str) -> str:
    """The Terraform of a statement.

    Args:
        action: Such as ``s3:GetObject``.
        resource: Terraform's expression of its resource.
    """
    service, _, name = action.partition(":")
    return f'{service.title().replace("-", "")}{name} = {{ actions = ["{action}"], resources = [{resource}] }}'
