"""Files whose cells may mean something else than they say: no invoice may be created with a wrong amount.

Only what is created is compared, as in `test_csv_hostile`.
"""

import pytest

from tests.unit.invoicing.uploads.test_csv_hostile import CUP, LAST, H, R, created

WITH_ORDER = f"{H},order"

APART = {
    "apart": (f"{R},PO-1", f"{CUP},", f"{R},PO-2"),
    "only one has it": (f"{R},", f"{CUP},", f"{R},PO-2"),
    "below another header": (f"{R},PO-1", WITH_ORDER, f"{R},PO-2"),
    "in an unknown column before": (f"{R},PO-1", f"{CUP},", f"order,{H}", f"PO-2,{R}"),
}


@pytest.mark.parametrize("rows", APART.values(), ids=list(APART))
def test_rows_that_differ_in_an_unread_column_are_no_repetition(rows: tuple[str, ...]) -> None:
    assert created(WITH_ORDER, *rows).keys() <= {"I-2"}


def test_rows_that_are_equal_in_unread_columns_are_repetitions() -> None:
    assert created(WITH_ORDER, f"{R},PO 1", f"{CUP},", f"{R},po  1") == {"I-1": ["Rope"], "I-2": ["Cup"]}


DISCOUNTS = {
    "an amount above 100": ("150.00", "3.00"),
    "an amount with its currency": ("3.00 EUR", "3.00"),
    "an amount with its sign": ("$5", "5"),
    "an amount below zero": ("-3.00", "3.00"),
    "an amount with a decimal comma": ('"150,00"', '"3,00"'),
    "percentages with and without their sign": ("10 %", "10"),
    "factors": ("1.2", "1"),
    "only a factor": ("1.2", "1.5"),
    "amounts of many digits": ("1000", "20"),
}


@pytest.mark.parametrize(("proof", "discount"), DISCOUNTS.values(), ids=list(DISCOUNTS))
def test_a_discount_may_be_none_of_percent_if_another_one_is_none(proof: str, discount: str) -> None:
    rows = (f"{R},{discount}", f"{CUP},{proof}", f"{LAST},")

    assert created(f"{H},discount", *rows).keys() - {"I-2"} == {"I-9"}
    assert created(f"{H},discount", *reversed(rows)).keys() - {"I-2"} == {"I-9"}


def test_discounts_that_are_certain_are_read() -> None:
    signed = created(f"{H},discount", f"{R},150.00", f"{CUP},3 %", f"{LAST},0")
    factors = created(f"{H},discount", f"{R},1.2", f"{CUP},1", f"{LAST},10")

    assert signed.keys() == {"I-2", "I-9"}
    assert factors.keys() == {"I-1", "I-2", "I-9"}


@pytest.mark.parametrize("proof", ["1.20", "150.00", "4.20 EUR"])
def test_a_tax_rate_may_be_none_if_another_one_is_none(proof: str) -> None:
    rows = [each.removesuffix("20") for each in (R, CUP, LAST)]

    assert created(H, f"{rows[0]}1", f"{rows[1]}{proof}", f"{rows[2]}0") == {"I-9": ["Last"]}
