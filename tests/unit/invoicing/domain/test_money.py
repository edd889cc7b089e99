from decimal import Decimal

import pytest

from invoicing.domain import money


@pytest.mark.parametrize(
    ("currency", "digits"), [("JPY", 0), ("ISK", 0), ("EUR", 2), ("USD", 2), ("KWD", 3), ("BHD", 3), ("CLF", 4)]
)
def test_minor_digits_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert money.minor_digits(currency) == digits


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XAU", "XXX", "€"])
def test_unknown_currencies_are_rejected_by_name(currency: str) -> None:
    with pytest.raises(money.UnknownCurrencyError, match="is not an ISO 4217 currency code"):
        money.minor_digits(currency)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1.005", "EUR", "1.01"),
        ("-1.005", "EUR", "-1.01"),
        ("2.5", "JPY", "3"),
        ("1.0005", "KWD", "1.001"),
        ("1190", "EUR", "1190.00"),
        ("-0.001", "EUR", "0.00"),
        ("123456789012345.675", "USD", "123456789012345.68"),
    ],
)
def test_amounts_are_rounded_half_up_to_the_minor_unit(amount: str, currency: str, expected: str) -> None:
    assert money.text(Decimal(amount), currency) == expected


@pytest.mark.parametrize(
    ("price", "currency", "expected"),
    [
        ("10", "EUR", "10.00"), ("0.0375", "EUR", "0.0375"), ("1000", "JPY", "1000"), ("0.50", "JPY", "0.5"),
        (f"{'1' * 40}.5", "EUR", f"{'1' * 40}.50"),
    ],
)  # fmt: skip
def test_prices_keep_every_decimal_that_they_have(price: str, currency: str, expected: str) -> None:
    assert money.price_text(Decimal(price), currency) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [("100", "100"), ("1E+2", "100"), ("2.50", "2.5"), ("-0.0", "0"), ("1.5E-7", "0.00000015")]
)
def test_numbers_are_printed_without_exponent_or_trailing_zeros(number: str, expected: str) -> None:
    assert money.number_text(Decimal(number)) == expected


@pytest.mark.parametrize(
    ("number", "places"),
    [
        ("2.50", 1), ("100", 0), ("1E+2", 0), ("0.000", 0), ("-0.001", 3), (f"1.{'0' * 80}1", 81), ("1E-9999", 9999),
        (f"1.{'0' * 80}", 0), ("NaN", 0),
    ],
)  # fmt: skip
def test_decimal_places_are_counted_before_anything_is_rounded(number: str, places: int) -> None:
    assert money.decimal_places(Decimal(number)) == places


def test_thousands_are_grouped_for_print() -> None:
    assert [money.grouped(text) for text in ("1190.00", "-1234567.5", "999")] == ["1,190.00", "-1,234,567.5", "999"]


@pytest.mark.parametrize("value", ["19.99", 19, Decimal("0.10"), " 7 ", "+3", "-2.5"])
def test_numbers_are_read_exactly_as_written(value: object) -> None:
    assert money.exactly(value) == Decimal(str(value).strip())


@pytest.mark.parametrize(
    "value", [1.1, True, None, "", "1e3", "1,5", "NaN", Decimal("NaN"), Decimal("Infinity"), "٣", [], ".5", "5."]
)
def test_values_that_may_have_lost_digits_are_rejected(value: object) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        money.exactly(value)


@pytest.mark.parametrize(("value", "expected"), [(35.81, "35.81"), (0.1, "0.1"), (1190, "1190"), ("7.10", "7.10")])
def test_an_events_float_is_read_as_what_the_sender_wrote(value: object, expected: str) -> None:
    assert str(money.from_event(value)) == expected


def test_even_events_may_not_contain_nan() -> None:
    with pytest.raises(ValueError, match="must be a number"):
        money.from_event(float("nan"))
