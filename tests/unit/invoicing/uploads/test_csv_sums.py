"""Lines that are none: which line sums up others, within what its amounts may be rounded by, and lines that are twice.

Each line is written ``name, quantity, unit price, tax rate, discount``.
"""

import pytest

from invoicing.domain.models import LineRequest
from invoicing.uploads.csv_sums import are_doubled, summed_up


def lines(*texts: str) -> list[LineRequest]:
    names = ("description", "quantity", "unit_price", "tax_rate", "discount")
    return [
        LineRequest.model_validate(dict(zip(names, map(str.strip, text.split(",")), strict=False))) for text in texts
    ]


A, B, C = "A,2,10.50,20", "B,1,30.00,10", "C,1,7.00,0"  # net 21, 30 and 7; tax 4.20 and 3


@pytest.mark.parametrize(
    ("texts", "index"),
    [
        ((), None),
        (("Total EUR,1,21,0",), None),
        ((A, B, C), None),
        ((A, B, "Total EUR,1,51,0"), 2),
        ((A, B, "Total EUR,3,51,0"), 2),
        ((A, B, "Total EUR,51,1,0"), 2),
        ((A, B, "Total EUR,1,102,0,50"), 2),
        ((A, B, "Total EUR,1,58.20,0"), 2),
        ((A, B, "VAT,1,7.20,0"), 2),
        ((A, B, "Total EUR,1,43.80,0"), 2),
        ((A, B, "Total care,1,43.80,0"), None),
        (("Total EUR,1,51,0", A, B), 0),
        ((A, "Sum of both,1,37,0", B, C), 1),
        ((A, "Sum of all,1,58,0", B, C), 1),
        ((A, C, "Sum of both,1,28,0", B), 2),
        ((A, "VAT,1,3,0", B), 1),
        ((A, "VAT,1,7.20,0", B), 1),
        ((A, "VAT,1,4.20,0", B), 1),
        ((A, "Total care,1,12,0", B, "Total EUR,1,63,0"), 3),
        (("D,1,100,20,50", "E,1,1,20", "Total EUR,1,51,20"), 2),
        (("D,1,100,20,50", "E,1,1,20", "VAT,1,10.20,0"), 2),
        ((C, "D,1,8,0", "VAT advice,1,0,0"), None),
        (("D,1,7,20", "E,-1,7,20", "Total care,1,0,0"), None),
        (("D,1,7,20", "E,-1,7,10", "Total care,1,0,0", C), None),
        (("D,1,7,20", "E,-1,7,10", "VAT due here,1,0.70,0", C), 2),
        ((A, "Subtotal hardware,1,21,0"), 1),
        ((A, "Total hardware,1,21,0"), None),
        ((A, "Sum of hardware,1,21,0", "Other,1,5,0", C, "Total software,1,12,0"), 1),
        ((A, "Total care,1,9,0", "Other,1,5,0", C, "Total software,1,12,0"), 4),
        (("D,1,100,0", "VAT on software 19 %,1,19,0"), 1),
        (("D,1,100,0", "VAT on software 8.5 %,1,8.50,0"), 1),
        (("D,1,100,0", "KDV software %20,1,20,0"), 1),
        (("D,1,100,0", "VAT on software,1,19,19"), 1),
        (("D,1,100,0", "VAT on software,1,18,19"), None),
    ],
)
def test_a_line_is_a_sum_if_it_names_one_and_is_that_of_lines_beside_it(
    texts: tuple[str, ...], index: int | None
) -> None:
    assert summed_up(lines(*texts), "EUR") == index


@pytest.mark.parametrize(
    ("texts", "index"),
    [
        (("Deposit,1,100,0", "Balance 50 %,1,100,0"), None),
        (("Deposit,1,100,0", "Balance,1,100,0"), None),
        (("Deposit,1,100,0", "Total EUR,1,100,0"), 1),
        (("Deposit,1,100,20", "Balance,1,120,0"), 1),
        (("Deposit,1,100,20", "Balance,1,20,0"), 1),
        (("Deposit,1,100,0", "Gift,1,0,0", "Balance,1,100,0"), None),
        (("Deposit,1,60,0", "Other,1,40,0", "Balance,1,100,0"), 2),
    ],
)
def test_equal_amounts_of_two_lines_prove_little(texts: tuple[str, ...], index: int | None) -> None:
    assert summed_up(lines(*texts), "EUR") == index


@pytest.mark.parametrize(
    ("currency", "count", "total", "is_sum"),
    [
        ("EUR", 2, "20.04", True),
        ("EUR", 2, "20.05", False),
        ("EUR", 20, "200.104", True),
        ("EUR", 20, "200.105", False),
        ("XXX", 20, "200.104", True),
        ("XXX", 20, "200.105", False),
        ("JPY", 2, "21.49", True),
        ("JPY", 2, "21.50", False),
        ("KWD", 20, "200.049", True),
        ("KWD", 20, "200.05", False),
    ],
)
def test_a_sum_may_differ_by_what_each_amount_is_rounded_by(
    currency: str, count: int, total: str, *, is_sum: bool
) -> None:
    """Half of a minor unit for each line and for the total; five hundredths at the least."""
    found = summed_up(lines(*["A,1,10,0"] * count, "Free,1,0,0", f"Total of all ropes,1,{total},0"), currency)

    assert found == (count + 1 if is_sum else None)


@pytest.mark.parametrize(
    ("texts", "doubled"),
    [
        ((), False),
        ((A,), False),
        ((A, A, A, A), False),
        ((A, B, C), False),
        ((A, B, A, B), True),
        ((A, A, B, B), True),
        ((A, B) * 3, True),
        ((A, B, A, "  b ,1,30.0,10"), True),
        ((A, B, A, B, C), False),
        ((A, B, A, B, C, C, C), False),
        ((A, B, A, "B,2,30.00,10"), False),
        ((A, B, A, "B,1,30.01,10"), False),
        ((A, B, A, "B,1,30.00,11"), False),
        ((A, B, A, "B,1,30.00,10,1"), False),
    ],
)
def test_lines_are_doubled_if_each_comes_equally_often(texts: tuple[str, ...], *, doubled: bool) -> None:
    assert are_doubled(lines(*texts)) == doubled
