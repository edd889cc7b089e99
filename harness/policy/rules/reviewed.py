"""What each environment may let in, pay for and notify: ``policy/environments.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[3] / "policy" / "environments.toml"


@dataclass(frozen=True)
class ReviewedValues:
    """The values of an environment.

    Attributes:
        allowed_origins: Web origins whose scripts may call the API.
        payment_sources: Event sources whose payments count.
        monthly_budget_usd: The highest monthly budget, in US dollars.
        log_levels: The lowest levels that functions may log.
        alert_emails: How many recipients alarms need at least.
        settings: The functions' variables that only a person may decide, with their values.
    """

    allowed_origins: frozenset[str]
    payment_sources: frozenset[str]
    monthly_budget_usd: int
    log_levels: frozenset[str]
    alert_emails: int
    settings: Mapping[str, str]


def _frozen(value: Any) -> Any:
    return frozenset(value) if isinstance(value, list) else value


def read(path: Path = TABLE) -> Mapping[str, ReviewedValues]:
    """The values by live folder.

    Raises:
        TypeError: An environment lacks a value, or has one that nothing reads.
    """
    return {
        environment: ReviewedValues(**{name: _frozen(value) for name, value in values.items()})
        for environment, values in tomllib.loads(path.read_text(encoding="utf-8")).items()
    }


REVIEWED = read()
"""The values of this repository's environments."""

NOTHING = ReviewedValues(frozenset(), frozenset(), 0, frozenset(), 1, {})
"""The values of an environment that nobody has reviewed."""


def of(environment: str) -> ReviewedValues:
    """The values of an environment; `NOTHING` for one without a table."""
    return REVIEWED.get(environment, NOTHING)
