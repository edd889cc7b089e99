"""The totals against worked figures, and against the algebra that must hold for all figures."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.money import minor_digits, number_text, rounded
from invoicing.totals import document_totals, line_net

RATES = st.sampled_from([Decimal(rate) for rate in ("0", "5.5", "7", "8.875", "19", "21", "25")])
CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD"])
QUANTITIES = st.decimals("-999", "999", places=3).filter(bool)
PRICES = st.decimals("0", "99999", places=4)
DISCOUNTS = st.decimals("0", "100", places=2)


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "currency", "net"),
    [
        ("3", "19.99", "0", "EUR", "59.97"),
        ("1.5", "10", "10", "EUR", "13.50"),
        ("-2", "5.005", "0", "EUR", "-10.01"),
        ("1", "0.005", "0", "EUR", "0.01"),
        ("-1", "0.005", "0", "EUR", "-0.01"),
        ("3", "333.335", "33.33", "JPY", "667"),
        ("1", "1.0005", "0", "KWD", "1.001"),
        ("5", "10", "100", "EUR", "0.00"),
        ("0.333333", "999999999999.999999", "0", "EUR", "333333000000.00"),
    ],
)
def test_a_line_is_rounded_once(quantity: str, price: str, discount: str, currency: str, net: str) -> None:
    assert line_net(Decimal(quantity), Decimal(price), Decimal(discount), currency) == Decimal(net)


@pytest.mark.parametrize(
    ("lines", "taxes", "subtotal", "tax_total", "total"),
    [
        # one rate: 1,000 net at 19 %
        ([("19", "1000.00")], [("19", "1000.00", "190.00")], "1000.00", "190.00", "1190.00"),
        # the document rule: three lines of 0.33 at 10 % make 0.10 of tax; line by line it would be 0.09
        ([("10", "0.33")] * 3, [("10", "0.99", "0.10")], "0.99", "0.10", "1.09"),
        # and the other way round: 0.05 × 3 at 10 % is 0.02; line by line 0.03
        ([("10", "0.05")] * 3, [("10", "0.15", "0.02")], "0.15", "0.02", "0.17"),
        # mixed rates, zero included, in ascending order
        (
            [("25", "4000.00"), ("0", "100.00"), ("15", "-500.00")],
            [("0", "100.00", "0.00"), ("15", "-500.00", "-75.00"), ("25", "4000.00", "1000.00")],
            "3600.00",
            "925.00",
            "4525.00",
        ),
        # 19 and 19.0 are one rate
        ([("19", "1.00"), ("19.0", "2.00")], [("19", "3.00", "0.57")], "3.00", "0.57", "3.57"),
        # a return as large as the sale
        ([("7", "50.00"), ("7", "-50.00")], [("7", "0.00", "0.00")], "0.00", "0.00", "0.00"),
    ],
)
def test_worked_figures(
    lines: list[tuple[str, str]], taxes: list[tuple[str, str, str]], subtotal: str, tax_total: str, total: str
) -> None:
    result = document_totals([(Decimal(rate), Decimal(net)) for rate, net in lines], "EUR")

    assert [(number_text(tax.rate), f"{tax.base:f}", f"{tax.amount:f}") for tax in result.taxes] == taxes
    assert (result.subtotal, result.tax_total, result.total) == (Decimal(subtotal), Decimal(tax_total), Decimal(total))


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[tuple[Decimal, Decimal]], str]:
    currency = draw(CURRENCIES)
    lines = draw(st.lists(st.tuples(RATES, QUANTITIES, PRICES, DISCOUNTS), min_size=1, max_size=20))
    return [(rate, line_net(quantity, price, off, currency)) for rate, quantity, price, off in lines], currency


@given(documents())
def test_the_algebra_of_en_16931_holds_to_the_last_digit(document: tuple[list[tuple[Decimal, Decimal]], str]) -> None:
    lines, currency = document
    result = document_totals(lines, currency)

    assert result.subtotal == sum(net for _, net in lines)  # BR-CO-10, BR-CO-13
    assert result.tax_total == sum(tax.amount for tax in result.taxes)  # BR-CO-14
    assert result.total == result.subtotal + result.tax_total  # BR-CO-15
    for tax in result.taxes:
        assert tax.base == sum(net for rate, net in lines if rate == tax.rate)
        assert abs(tax.amount - tax.base * tax.rate / 100) <= Decimal("0.5").scaleb(-minor_digits(currency))  # BR-CO-17
    assert [tax.rate for tax in result.taxes] == sorted({rate for rate, _ in lines})


@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(
    document: tuple[list[tuple[Decimal, Decimal]], str], dice: random.Random
) -> None:
    lines, currency = document
    shuffled = list(lines)
    dice.shuffle(shuffled)
    assert document_totals(shuffled, currency) == document_totals(lines, currency)


@given(documents(), st.decimals("-9999", "9999", places=0))
def test_splitting_a_line_into_two_changes_nothing(
    document: tuple[list[tuple[Decimal, Decimal]], str], part: Decimal
) -> None:
    lines, currency = document
    (rate, net), *rest = lines
    split = [(rate, net - part), *rest, (rate, part)]
    assert document_totals(split, currency) == document_totals(lines, currency)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6), CURRENCIES)
def test_rounding_is_symmetric_and_settles_at_once(amount: Decimal, currency: str) -> None:
    once = rounded(amount, currency)
    assert rounded(once, currency) == once
    assert rounded(-amount, currency) == -once
