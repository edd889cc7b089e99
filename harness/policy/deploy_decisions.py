"""Expressions that decide by what a deploy sets: its account, folder, boundary or repository, or a name with one in it.

The gate plans with values of its own. ``substr(local._buckets["documents"], -1, 1) == "0"`` is true there and false in
most accounts, so the gate judges another plan than the one that is applied. `harness.policy.source_values` knows the
variables by their names; here what they lead to counts too: names, ARNs, and whatever a module is given of them.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.policy.decisions import Decisions, Value, judged_parts, loops_of, values_of
from harness.policy.source_values import OF_A_DEPLOY
from harness.terraform.module import Module

TABLE = Path(__file__).resolve().parents[2] / "policy" / "deploy_values.toml"

_SOURCE = re.compile(rf"\bvar\.(?:{'|'.join(OF_A_DEPLOY)})\b")
_JUDGED = ("data", "locals", "module", "output", "resource")


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        texts: Expressions.
        reason: Why they decide nothing by the account, folder, boundary or repository, or why they have to.
    """

    texts: list[str]
    reason: str


ROWS = [Row(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["decision"]]

_TEXTS = ["".join(text.split()) for row in ROWS for text in row.texts]
_REVIEWED = frozenset(text for text in _TEXTS if not text.endswith("..."))
_BEGINNINGS = tuple(text.removesuffix("...") for text in _TEXTS if text.endswith("..."))


@dataclass(frozen=True)
class DeployDecisions(Decisions):
    """The decisions of a checkout by what a deploy sets."""

    def problems_of(self, module: Module) -> Iterator[str]:
        """Those in every expression of a module, each with its place; what it reads is judged where it is written."""
        for block in (block for kind in _JUDGED for block in module.of(kind)):
            loops = loops_of(module, block) if block.type == "module" else ()
            for _, value in values_of(module, block, "", loops):
                for place, text in self._decided(value):
                    yield (
                        f"{place}: {text} decides by the account, folder, boundary or repository of a deploy, or by "
                        "a name with it, and the gate plans with others: decide by a variable of terraform.tfvars, or "
                        "add the expression with its reason to policy/deploy_values.toml in a review."
                    )

    def _decided(self, value: Value) -> Iterator[tuple[str, str]]:
        yield from ((value.place, text) for node in judged_parts(value) for text in self._in(value, node))

    def _is_open(self, value: Value, text: str) -> bool:
        """By what a part names itself: of a loop's item it is not known which member has the account in it."""
        return self._is_source(text) or any(self._reads_id(each) for each in self._named(value.module, text))

    def _is_source(self, text: str) -> bool:
        return bool(_SOURCE.search(text))

    def _is_reviewed(self, text: str) -> bool:
        return text in _REVIEWED or text.startswith(_BEGINNINGS)
