"""The totals against worked figures, and against the algebra that must hold for all figures."""

import math
import random
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.domain.money import minor_digits, number_text, rounded
from invoicing.domain.totals import TaxSubtotal, Totals, document_totals, line_net

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
        ("10735.78", "0.25", "0", "RON", "2683.95"),  # 2683.945: half up, not half even
        ("1", "0.01", "50", "EUR", "0.01"),  # with the discount rounded first, it would be 0.00
        ("4.5", "2.25", "10", "EUR", "9.11"),  # 9.1125; with the discount rounded first, 10.125 - 1.01 is 9.12
        ("2000", "8.99", "33.333", "EUR", "11986.73"),
        ("0.333333", "999999999999.999999", "0", "EUR", "333333000000.00"),
        # 509901504900.98499999999999999999, which 28 digits cannot tell from a middle
        ("1.000001", "509901000099.000001", "0.000001", "EUR", "509901504900.98"),
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


@pytest.mark.parametrize(
    ("currency", "lines", "nets", "taxes", "totals"),
    [
        pytest.param(  # 25 % of 1460.50 is 365.125: half up. An exempt return has its own base, and no tax.
            "NOK",
            [
                ("1", "1273.00", "25"),
                ("-1", "3.96", "15"),
                ("2", "2.48", "15"),
                ("-1", "25", "0"),
                ("250", "0.75", "25"),
            ],
            ["1273.00", "-3.96", "4.96", "-25.00", "187.50"],
            [("0", "-25.00", "0.00"), ("15", "1.00", "0.15"), ("25", "1460.50", "365.13")],
            ("1436.50", "365.28", "1801.78"),
            id="CEN/TC 434 example 2 (invoice TOSL108)",
        ),
        pytest.param(
            "DKK",
            [("1000", "1.00", "25"), ("100", "5.00", "25"), ("500", "5.00", "12")],
            ["1000.00", "500.00", "2500.00"],
            [("12", "2500.00", "300.00"), ("25", "1500.00", "375.00")],
            ("4000.00", "675.00", "4675.00"),
            id="CEN/TC 434 example 4 (invoice TOSL110)",
        ),
        pytest.param(
            "EUR",
            [("3", "49.00", "21")],
            ["147.00"],
            [("21", "147.00", "30.87")],
            ("147.00", "30.87", "177.87"),
            id="CEN/TC 434 example 9 (invoice 20150483)",
        ),
        pytest.param(
            "GBP",
            [("10", "120.00", "0")],
            ["1200.00"],
            [("0", "1200.00", "0.00")],
            ("1200.00", "0.00", "1200.00"),
            id="Peppol BIS Billing 3.0, vat-category-E",
        ),
        pytest.param(  # its insurance charge of -25 is a line here: there are no charges of the document
            "EUR",
            [("-7", "400", "25.0"), ("3", "500", "25.0"), ("-1", "25", "25")],
            ["-2800.00", "1500.00", "-25.00"],
            [("25", "-1325.00", "-331.25")],
            ("-1325.00", "-331.25", "-1656.25"),
            id="Peppol BIS Billing 3.0, base-negative-inv-correction",
        ),
    ],
)
def test_figures_of_public_en_16931_examples(
    currency: str,
    lines: list[tuple[str, str, str]],
    nets: list[str],
    taxes: list[tuple[str, str, str]],
    totals: tuple[str, str, str],
) -> None:
    """From ConnectingEurope/eInvoicing-EN16931 (ubl/examples) and OpenPEPPOL/peppol-bis-invoice-3 (rules/examples).

    Example 2 prints quantity 2 for its first line and the net amount of one; one is what is taken here. Its allowance
    and charge, 100.00 each at 25 %, cancel out.
    """
    found = [line_net(Decimal(quantity), Decimal(price), Decimal(0), currency) for quantity, price, _ in lines]
    assert found == list(map(Decimal, nets))
    result = document_totals(zip((Decimal(rate) for *_, rate in lines), found, strict=True), currency)
    assert result == Totals(
        tuple(TaxSubtotal(Decimal(rate), Decimal(base), Decimal(amount)) for rate, base, amount in taxes),
        *map(Decimal, totals),
    )


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


def half_up(exact: Fraction, currency: str) -> Decimal:
    """The rounding rule written a second time, in whole numbers: away from zero at the midpoint."""
    unit = int(10 ** minor_digits(currency))
    whole = math.floor(abs(exact) * unit + Fraction(1, 2))
    return Decimal(whole if exact >= 0 else -whole) / unit


@given(QUANTITIES, PRICES, DISCOUNTS, CURRENCIES)
def test_a_lines_net_is_the_exact_product_rounded_half_up(
    quantity: Decimal, price: Decimal, discount: Decimal, currency: str
) -> None:
    exact = Fraction(quantity) * Fraction(price) * (1 - Fraction(discount) / 100)
    assert line_net(quantity, price, discount, currency) == half_up(exact, currency)


@given(documents())
def test_the_tax_of_a_rate_is_that_of_its_lines_together(document: tuple[list[tuple[Decimal, Decimal]], str]) -> None:
    lines, currency = document
    for tax in document_totals(lines, currency).taxes:
        base = sum((Fraction(net) for rate, net in lines if rate == tax.rate), Fraction(0))
        assert tax.amount == half_up(base * Fraction(tax.rate) / 100, currency)


@given(documents())
def test_merging_the_lines_of_a_rate_changes_nothing(document: tuple[list[tuple[Decimal, Decimal]], str]) -> None:
    lines, currency = document
    merged: dict[Decimal, Decimal] = {}
    for rate, net in lines:
        merged[rate] = merged.get(rate, Decimal(0)) + net
    assert document_totals(merged.items(), currency) == document_totals(lines, currency)


@given(st.lists(QUANTITIES, min_size=1, max_size=9), PRICES, DISCOUNTS, CURRENCIES)
def test_splitting_a_quantity_moves_the_net_by_its_roundings_at_most(
    parts: list[Decimal], price: Decimal, discount: Decimal, currency: str
) -> None:
    """Each line is rounded, so n lines and the one that they make differ by (n + 1) / 2 minor units, rounded down."""
    whole = line_net(sum(parts, Decimal(0)), price, discount, currency)
    pieces = sum(line_net(part, price, discount, currency) for part in parts)
    unit = Decimal(1).scaleb(-minor_digits(currency))
    assert abs(whole - pieces) <= (len(parts) + 1) // 2 * unit


@given(st.lists(st.integers(-999, 999).filter(bool), min_size=1), st.integers(0, 99999), CURRENCIES, RATES)
def test_splitting_a_quantity_changes_nothing_where_nothing_is_rounded(
    parts: list[int], price: int, currency: str, rate: Decimal
) -> None:
    units = Decimal(price).scaleb(-minor_digits(currency))
    one = line_net(Decimal(sum(parts)), units, Decimal(0), currency)
    many = [(rate, line_net(Decimal(part), units, Decimal(0), currency)) for part in parts]
    assert document_totals([(rate, one)], currency) == document_totals(many, currency)


@given(documents())
def test_a_credit_note_mirrors_its_invoice(document: tuple[list[tuple[Decimal, Decimal]], str]) -> None:
    lines, currency = document
    there, back = document_totals(lines, currency), document_totals([(rate, -net) for rate, net in lines], currency)
    assert (back.subtotal, back.tax_total, back.total) == (-there.subtotal, -there.tax_total, -there.total)
    assert [tax.amount for tax in back.taxes] == [-tax.amount for tax in there.taxes]
    assert not any(amount.is_signed() for amount in (back.total, there.total) if not amount)  # no "-0.00"


@given(documents(), PRICES.map(lambda price: rounded(price, "JPY")))
def test_lines_taxed_at_zero_add_to_the_subtotal_only(
    document: tuple[list[tuple[Decimal, Decimal]], str], exempt: Decimal
) -> None:
    lines, currency = document
    less, more = document_totals(lines, currency), document_totals([*lines, (Decimal(0), exempt)], currency)
    assert more.tax_total == less.tax_total
    assert (more.subtotal, more.total) == (less.subtotal + exempt, less.total + exempt)
    assert more.taxes[0].rate == 0
    assert more.taxes[0].amount == 0


@given(QUANTITIES, st.decimals("0", "99999", places=4), DISCOUNTS)
def test_an_e_invoice_can_state_every_line(quantity: Decimal, price: Decimal, discount: Decimal) -> None:
    """Peppol's R040 and R120: the allowance is an amount of two decimals, and both steps have a tolerance of 0.02."""
    exact = quantity * price * discount / 100
    allowance = rounded(exact, "EUR")

    net = line_net(quantity, price, discount, "EUR")

    assert abs(allowance - exact) <= Decimal("0.02")
    assert abs(net - (quantity * price - allowance)) <= Decimal("0.02")


def test_totals_of_no_lines_are_zero() -> None:
    assert document_totals([], "EUR") == Totals((), Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))


def test_the_global_decimal_context_does_not_matter() -> None:
    def figures() -> tuple[Decimal, Totals]:
        net = line_net(Decimal("1.000001"), Decimal("509901000099.000001"), Decimal("0.000001"), "EUR")
        lines = [(Decimal("8.875"), net), (Decimal(19), Decimal("-7.77")), (Decimal("8.875"), net)]
        return net, document_totals(lines, "EUR")

    expected = figures()
    with localcontext(prec=5, rounding=ROUND_DOWN):
        assert figures() == expected
