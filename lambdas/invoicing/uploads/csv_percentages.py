"""Percentages: what the other cells of their column prove, and which cells are probably something else (pure).

A column named ``discount`` may have amounts, ratios or factors instead. One cell that can be nothing else proves it,
and then the others are not certain: ``3.00`` in a column with ``150.00``, ``1`` in a column with ``0.19``.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_numbers import readings

PERCENTAGES = frozenset({"discount", "tax_rate"})

RATIO, FACTOR, AMOUNT, BEYOND, SIGN, PERCENT = "ratio", "factor", "amount", "beyond", "sign", "percent"
"""What a cell proves: it is between 0 and 1, or between 1 and 2; it has a currency; it is less than 0 or more than 100;
it has a sign of percent; or it is from 2 to 100 and has none."""

AMONG_AMOUNTS = "may be no percentage: row {row} has an amount in this column; write percentages, with their sign"
_UNIT = re.compile(r"[^\W\d_]")
_HUNDRED = 100


@lru_cache(maxsize=1024)  # a column has few different ones
def proof(cell: str) -> str:
    """What a cell of a column of percentages proves, whatever the decimal mark is; empty if it proves nothing."""
    text = content(cell)
    if not text or text == "0":
        return ""
    is_signed = text.endswith("%")
    numbers = readings(text.removesuffix("%"))
    if is_signed:
        return SIGN if numbers else ""
    if not numbers:
        return AMOUNT if _has_unit(text) else ""
    kinds = {_kind(number) for number in numbers.values()}
    return kinds.pop() if len(kinds) == 1 else ""


def _kind(number: Decimal) -> str:
    if number < 0 or number > _HUNDRED:
        return BEYOND
    if 0 < number < 1:
        return RATIO
    if 1 < number < 2:
        return FACTOR
    return PERCENT if number > 1 else ""


def _has_unit(text: str) -> bool:
    """Whether a text has digits and a currency, or another word: ``3.00 EUR``, ``$5``."""
    has_digits = any(map(str.isdecimal, text))
    return has_digits and any(_UNIT.match(one) or unicodedata.category(one) == "Sc" for one in text)


def objection(name: str, number: Decimal, rows: Mapping[str, int]) -> str | None:
    """Why a number without a sign of percent is probably no percentage; None if nothing speaks against it.

    Args:
        name: The column.
        number: What its cell says.
        rows: By `proof`, the first row of the column with it.
    """
    if name == "discount" and 0 < number < 1:
        return (
            f"means {number.normalize():f} %, and is probably a ratio: write {_shifted(number * _HUNDRED)}, "
            f"or {number.normalize():f} % with its sign"
        )
    if name == "tax_rate" and 1 < number < 2:
        return f"is probably a factor: write {_shifted((number - 1) * _HUNDRED)}, or {number:f} % with its sign"
    if not 0 < number <= _HUNDRED:  # nothing, or what another rule rejects
        return None
    if number == 1 and (row := rows.get(RATIO)):
        return f"is 1 % or 100 %: row {row} has a ratio in this column; write percentages with their sign"
    if row := rows.get(AMOUNT):
        return AMONG_AMOUNTS.format(row=row)
    return _discount_objection(number, rows) if name == "discount" else _factor_objection(number, rows)


def _factor_objection(number: Decimal, rows: Mapping[str, int]) -> str | None:
    if number == 1 and (row := rows.get(FACTOR)):
        return f"is 1 % or the factor of 0 %: row {row} has a factor in this column; write percentages with their sign"
    return None


def _discount_objection(number: Decimal, rows: Mapping[str, int]) -> str | None:
    """A discount without a sign may be an amount if others have one; from 1 to 2, it may be a factor if all are."""
    if row := rows.get(BEYOND):  # a tax rate of 119 is a typing error: taxes are hardly ever written as amounts there
        return AMONG_AMOUNTS.format(row=row)
    if row := rows.get(SIGN):
        return f"may be an amount: row {row} has a sign of percent in this column; write it in each row"
    if 1 <= number < 2 and (row := rows.get(FACTOR)) and PERCENT not in rows:
        return f"may be a factor, as that of row {row}; write percentages with their sign"
    return None


def _shifted(number: Decimal) -> str:
    return f"{number.normalize():f}"
