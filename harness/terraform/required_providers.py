"""The providers that a module requires, and the versions that it accepts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.terraform.module import Block, Module

_VERSION = re.compile(r'version\s*=\s*"([^"]*)"')
_CONDITION = re.compile(r"\s*(?P<operator>=|!=|>=|>|<=|<|~>|)\s*(?P<version>\d+(?:\.\d+)*(?:-[\w.]+)?)\s*")


@dataclass(frozen=True)
class RequiredProvider:
    """An entry of ``required_providers``.

    Attributes:
        name: Its local name, such as ``aws``.
        constraint: Its version constraint; ``missing`` without one.
        block: The ``required_providers`` block.
        line: The entry's line.
    """

    name: str
    constraint: str
    block: Block
    line: int

    @property
    def has_upper_bound(self) -> bool:
        """Whether a future release can be too new.

        ``~> 5`` accepts every later release: only what is after its last dot may grow, and it has none.
        https://developer.hashicorp.com/terraform/language/expressions/version-constraints
        """
        conditions = (_CONDITION.fullmatch(condition) for condition in self.constraint.split(","))
        return any(
            condition["operator"] in {"", "=", "<", "<="}
            or (condition["operator"] == "~>" and "." in condition["version"])
            for condition in conditions
            if condition
        )


def required_providers(module: Module) -> Iterator[RequiredProvider]:
    """The providers that a module requires, as its files name them."""
    for settings in module.of("terraform"):
        for block in settings.every("required_providers"):
            for name, value in block.attributes.items():
                version = _VERSION.search(value.text)
                yield RequiredProvider(name, version[1] if version else "missing", block, value.line)
