"""Where an engine differs from AWS: ``localstack/differences.yaml``, read by the tests and by ``docs/engines.md``.

A test names with ``@pytest.mark.relies_on("<feature>")`` the AWS feature that it needs. It never names an engine: the
table lists which engine lacks the feature. On such an engine the test must fail (a strict xfail), so that a row that is
no longer true is noticed.
"""

from functools import cache
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import HarnessError
from harness.paths import ROOT

FILE = ROOT / "localstack" / "differences.yaml"


class Difference(BaseModel):
    """One row: what one engine does where AWS does something else.

    Attributes:
        feature: The AWS feature, in dashed words; tests name it.
        engine: The engine, as ``HARNESS_ENGINE`` spells it, or ``moto``.
        behaviour: The engine's behaviour.
        aws: AWS's behaviour.
        source: The document that states it, or the place in the engine's code that shows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)

    feature: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    engine: str = Field(pattern=r"^(embedded|localstack|moto)$")
    behaviour: str
    aws: str
    source: str = Field(pattern=r"^https://")

    @property
    def name(self) -> str:
        """The row's name in reports."""
        return f"{self.engine}: {self.feature}"


class DifferenceTable(BaseModel):
    """All rows; no two for the same feature and engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    differences: tuple[Difference, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a table.

        Raises:
            HarnessError: It is not of the form above, or has two rows for the same feature and engine.
        """
        try:
            table = cls.model_validate(yaml.safe_load(text))
        except (ValidationError, yaml.YAMLError) as error:
            raise HarnessError(
                f"{FILE.name} cannot be read: {error}", remedy="Correct the row that the message names."
            ) from None
        names = [row.name for row in table.differences]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise HarnessError(f"{FILE.name} has {duplicates[0]!r} twice.", remedy="Merge the two rows.")
        return table

    def of(self, engine: str, feature: str) -> Difference | None:
        """The row of a feature on an engine, if it differs there."""
        return next((row for row in self.differences if (row.engine, row.feature) == (engine, feature)), None)


@cache
def table() -> DifferenceTable:
    """The committed table."""
    return DifferenceTable.parse(FILE.read_text(encoding="utf-8"))
