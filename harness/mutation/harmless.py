"""Changes that do no harm, each with its reason: ``harmless.toml``, by type and argument."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.errors import HarnessError
from harness.mutation.generated import GeneratedMutant

TABLE = Path(__file__).with_name("harmless.toml")


@dataclass(frozen=True)
class Harmless:
    """A row.

    Attributes:
        type: The resource type.
        argument: The argument without the numbers of blocks.
        reason: Why a change of it loses no data, opens nothing and silences nothing.
        operators: The only operators that it excuses; empty for all changes of this argument.
        values: The only new values that it excuses, as JSON; empty for all.
    """

    type: str
    argument: str
    reason: str
    operators: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def covers(self, mutant: GeneratedMutant) -> bool:
        """Whether it excuses a mutant."""
        return (
            (mutant.type, mutant.argument) == (self.type, self.argument)
            and (not self.operators or mutant.operator in self.operators)
            and (not self.values or mutant.after in self.values)
        )


@lru_cache
def table(path: Path = TABLE) -> Mapping[tuple[str, str], tuple[Harmless, ...]]:
    """The rows by type and argument.

    ``"<argument>" = "<reason>"`` below ``[<type>]``; a table with ``reason`` and ``operators`` or ``values`` excuses
    only some changes.

    Raises:
        HarnessError: A row has no reason, or an argument stands for several.
    """
    rows: dict[tuple[str, str], tuple[Harmless, ...]] = {}
    for kind, arguments in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for argument, words in arguments.items():
            several = words if isinstance(words, list) else [words]
            entries = [{"reason": each} if isinstance(each, str) else each for each in several]
            rows[kind, argument] = tuple(
                Harmless(
                    kind,
                    argument,
                    each["reason"],
                    tuple(each.get("operators", ())),
                    tuple(each.get("values", ())),
                )
                for each in entries
            )
            if "*" in argument or not all(row.reason.strip() for row in rows[kind, argument]):
                raise HarnessError(
                    f"{path.name}: {kind}.{argument} needs a reason, and stands for itself only.",
                    remedy="Write one row for each argument, with the reason why a change does no harm.",
                )
    return rows


def row_for(mutant: GeneratedMutant) -> Harmless | None:
    """The row that excuses a mutant."""
    return next((row for row in table().get((mutant.type, mutant.argument), ()) if row.covers(mutant)), None)
