"""Percentages: what one cell of their column proves, and which others may be something else because of that."""

from decimal import Decimal

import pytest

from invoicing.uploads.csv_percentages import AMOUNT, BEYOND, FACTOR, PERCENT, RATIO, SIGN, objection, proof


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("", ""),
        ("NULL", ""),
        ("0", ""),
        ("0.00", ""),
        ("0.01", RATIO),
        ("0.99", RATIO),
        ("1", ""),
        ("1.01", FACTOR),
        ("1,99", FACTOR),
        ("2", PERCENT),
        ("100", PERCENT),
        ("100.5", BEYOND),
        ("-0.5", BEYOND),
        ("1.000", ""),
        ("120.000", BEYOND),
        ("10 %", SIGN),
        ("%", ""),
        ("ten %", ""),
        ("3.00 EUR", AMOUNT),
        ("$5", AMOUNT),
        ("5 z", AMOUNT),
        ("EUR", ""),
        ("5_5", ""),
        ("5/6", ""),
    ],
)
def test_what_a_cell_of_a_column_of_percentages_proves(cell: str, kind: str) -> None:
    assert proof(cell) == kind


ALL = {RATIO: 2, FACTOR: 3, AMOUNT: 4, BEYOND: 5, SIGN: 6}
AMONG_AMOUNTS = "may be no percentage: row {} has an amount in this column; write percentages, with their sign"
IN_DOUBT = "is 1 % or 100 %: row 2 has a ratio in this column; write percentages with their sign"
ZERO_OR_ONE = "is 1 % or the factor of 0 %: row 3 has a factor in this column; write percentages with their sign"
IS_RATIO = "means 0.2 %, and is probably a ratio: write 20, or 0.2 % with its sign"
WITHOUT_SIGN = "may be an amount: row 6 has a sign of percent in this column; write it in each row"
MAY_BE_FACTOR = "may be a factor, as that of row 3; write percentages with their sign"


@pytest.mark.parametrize(
    ("number", "rows", "reason"),
    [
        ("0.20", {}, IS_RATIO),
        ("0", ALL, None),
        ("-1", ALL, None),
        ("100.1", ALL, None),
        ("1", {}, None),
        ("1", ALL, IN_DOUBT),
        ("1", {RATIO: 2}, IN_DOUBT),
        ("2", {RATIO: 2}, None),
        ("100", ALL, AMONG_AMOUNTS.format(4)),
        ("100", {BEYOND: 5, SIGN: 6}, AMONG_AMOUNTS.format(5)),
        ("100", {SIGN: 6, FACTOR: 3}, WITHOUT_SIGN),
        ("1", {FACTOR: 3}, MAY_BE_FACTOR),
        ("1.99", {FACTOR: 3}, MAY_BE_FACTOR),
        ("2", {FACTOR: 3}, None),
        ("1.5", {}, None),
        ("1.5", {FACTOR: 3, PERCENT: 7}, None),
    ],
)
def test_a_discount_may_be_a_ratio_an_amount_or_a_factor(number: str, rows: dict[str, int], reason: str | None) -> None:
    assert objection("discount", Decimal(number), rows) == reason


@pytest.mark.parametrize(
    ("number", "rows", "reason"),
    [
        ("0.20", ALL, AMONG_AMOUNTS.format(4)),
        ("0.20", {}, None),
        ("1.19", {}, "is probably a factor: write 19, or 1.19 % with its sign"),
        ("1.9", ALL, "is probably a factor: write 90, or 1.9 % with its sign"),
        ("0", ALL, None),
        ("1", {}, None),
        ("1", ALL, IN_DOUBT),
        ("1", {FACTOR: 3}, ZERO_OR_ONE),
        ("2", {FACTOR: 3}, None),
        ("2", {AMOUNT: 4}, AMONG_AMOUNTS.format(4)),
        ("20", {BEYOND: 5, SIGN: 6}, None),
    ],
)
def test_a_tax_rate_may_be_a_factor_or_an_amount(number: str, rows: dict[str, int], reason: str | None) -> None:
    assert objection("tax_rate", Decimal(number), rows) == reason
