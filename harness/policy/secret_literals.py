"""Literals that become secrets: what is written to a write-only or sensitive argument, followed to where it comes from.

Of a write-only argument a plan shows nothing, and of a sensitive variable nobody sees the value. So the expression is
followed through locals, variables, calls of modules and ``terraform.tfvars``: a text or a number on the way is in the
history of the source for good.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.paths import ROOT
from harness.terraform.module import Block, Expression, Module, read, read_values

WRITE_ONLY = "_wo"
"""How the names of write-only arguments end."""

_INDEX = re.compile(r'\[\s*"[^"]*"\s*\]')
_KEY = re.compile(r'"[^"$]*"\s*(?==[^=])')
_COMMENT = re.compile(r'(?:#|//)[^\n"]*$', re.MULTILINE)
_LITERAL = re.compile(r'"[^"]*[^"\s][^"]*"|<<-?~?\w+|(?<![\w."-])\d{4,}(?![\w"-])')
_WHOLE_REFERENCE = re.compile(r'"\$\{[^{}]*\}"')
_REFERENCE = re.compile(r"\b(local|var)\.([A-Za-z_][\w-]*)")


@dataclass(frozen=True)
class SecretLiterals:
    """Where literals become secrets in a checkout.

    Attributes:
        root: The checkout.
    """

    root: Path = ROOT
    _seen: set[tuple[Path, str]] = field(default_factory=set, repr=False, compare=False)

    def problems(self) -> Iterator[str]:
        """Each literal once, with its place and the fix."""
        for module in self._modules:
            for block in (*module.of("resource"), *module.of("ephemeral")):
                for name, value in _write_only(block):
                    yield from self._of(module, value, f"{block.labels[0]}.{name}", block)
            for variable in module.of("variable"):
                if "sensitive" in variable.attributes and variable.attributes["sensitive"].text == "true":
                    yield from self._of_variable(module, variable.name, f"the sensitive variable {variable.name}")

    @cached_property
    def _modules(self) -> list[Module]:
        files = (file for pattern in ("modules/*/*.tf", "live/*/*.tf") for file in self.root.glob(pattern))
        return [read(folder) for folder in sorted({file.parent for file in files})]

    def _of(self, module: Module, value: Expression, sink: str, block: Block) -> Iterator[str]:
        text = _COMMENT.sub("", value.text)
        if has_literal(text):
            place = f"{block.file.parent.name}/{block.file.name}:{value.line}"
            yield (
                f"{place}: it writes a value to {sink}, where everybody who reads the source finds it: "
                "refer to what creates it."
            )
        for kind, name in _REFERENCE.findall(text):
            if kind == "var":
                yield from self._of_variable(module, name, sink)
            elif (module.folder, f"local.{name}") not in self._seen:
                self._seen.add((module.folder, f"local.{name}"))
                for holder in module.of("locals"):
                    if name in holder.attributes:
                        yield from self._of(module, holder.attributes[name], sink, holder)

    def _of_variable(self, module: Module, name: str, sink: str) -> Iterator[str]:
        """The default of a variable, what callers of the module pass to it, and what a live folder sets it to."""
        if (module.folder, name) in self._seen:
            return
        self._seen.add((module.folder, name))
        for variable in module.of("variable"):
            if variable.name == name and "default" in variable.attributes:
                yield from self._of(module, variable.attributes["default"], sink, variable)
        values = module.folder / "terraform.tfvars"
        if module.folder.parent.name == "live" and values.is_file():
            block = read_values(values)
            if name in block.attributes:
                yield from self._of(module, block.attributes[name], sink, block)
        for caller in self._modules:
            for call in caller.of("module"):
                source = call.attributes["source"].string if "source" in call.attributes else None
                if source and (caller.folder / source).resolve() == module.folder.resolve() and name in call.attributes:
                    yield from self._of(caller, call.attributes[name], sink, call)


def _write_only(block: Block) -> Iterator[tuple[str, Expression]]:
    yield from ((name, value) for name, value in block.attributes.items() if name.endswith(WRITE_ONLY))
    for inner in block.blocks:
        yield from _write_only(inner)


def has_literal(text: str) -> bool:
    """Whether an expression has a text or a number of its own, besides keys and indexes.

    Args:
        text: As it is written.
    """
    return bool(_LITERAL.search(_WHOLE_REFERENCE.sub("", _KEY.sub("", _INDEX.sub("", text)))))
