"""Money: exact decimals, ISO 4217 minor units, and one rounding: half up, once per line and once per tax rate."""

import decimal
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from types import MappingProxyType

CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[decimal.InvalidOperation, decimal.Overflow])
"""Precise enough that no product of a quantity, a price and two percentages is rounded before the end."""

_ZERO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD
KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK
NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"

MINOR_DIGITS = MappingProxyType(
    {
        code: digits
        for digits, codes in ((0, _ZERO_DIGITS), (2, _TWO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
        for code in codes.split()
    }
)
"""Decimal places of every ISO 4217 currency and fund code that has minor units (metals and test codes have none)."""

_GROUPED = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*")
_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class UnknownCurrencyError(ValueError):
    """The code is not in ISO 4217's list of currencies with minor units."""

    def __init__(self, currency: str) -> None:
        super().__init__(f"{currency!r} is not an ISO 4217 currency code")


def minor_digits(currency: str) -> int:
    """How many decimal places an amount in ``currency`` has: 0 for JPY, 2 for EUR, 3 for KWD.

    Raises:
        UnknownCurrencyError: for anything but an upper-case code of ISO 4217.
    """
    try:
        return MINOR_DIGITS[currency]
    except KeyError:
        raise UnknownCurrencyError(currency) from None


def rounded(amount: Decimal, currency: str) -> Decimal:
    """``amount`` rounded half up (away from zero at the midpoint) to the minor units of ``currency``."""
    value = _with_places(amount, minor_digits(currency))
    return value or abs(value)  # never "-0.00"


def _with_places(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), context=CONTEXT)


def is_exact(amount: Decimal, currency: str) -> bool:
    """Whether ``amount`` has no more decimal places than ``currency``."""
    return rounded(amount, currency) == amount


def may_be_grouped(amount: object, currency: str) -> bool:
    """Whether ``1.000`` may mean a thousand: a text with three decimals, of a currency that does not have three."""
    return isinstance(amount, str) and _GROUPED.fullmatch(amount) is not None and minor_digits(currency) != 3


def text(amount: Decimal, currency: str) -> str:
    """The amount as responses and events contain it: with exactly the currency's minor digits, ``1190.00``."""
    return f"{rounded(amount, currency):f}"


def price_text(price: Decimal, currency: str) -> str:
    """A unit price with at least the currency's minor digits, and more if it has more (``0.0375`` per kWh)."""
    digits = max(minor_digits(currency), decimal_places(price))
    return f"{_with_places(price, digits):f}"


def number_text(number: Decimal) -> str:
    """A quantity or percentage without trailing zeros or exponent: ``2.5``, ``100``."""
    return f"{plain_normal(number):f}"


def grouped(number_as_text: str) -> str:
    """A decimal string with commas between thousands, as the PDF prints it: ``1,190.00`` for ``1190.00``."""
    return f"{Decimal(number_as_text):,f}"


def plain_normal(number: Decimal) -> Decimal:
    """The same number in its shortest form, so that equal numbers print and hash alike (``19`` for ``19.0``).

    Only for numbers within the limits of `invoicing.domain.fields`: longer ones would be rounded to `CONTEXT`.
    """
    normal = number.normalize(CONTEXT)
    return normal or Decimal(0)


def decimal_places(number: Decimal) -> int:
    """How many digits after the point the number needs: 1 for ``2.50``, 0 for ``100``."""
    _, digits, exponent = number.as_tuple()
    if not number or not isinstance(exponent, int):
        return 0
    trailing_zeros = next(place for place, digit in enumerate(reversed(digits)) if digit)
    return max(0, -exponent - trailing_zeros)


def exactly(value: object) -> Decimal:
    """A number exactly as it was written: a decimal string, an ``int``, or a `Decimal` from the JSON parser.

    Raises:
        ValueError: for floats (what was written is lost), booleans, strings with exponents, NaN and infinities.
    """
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _PLAIN.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise ValueError("must be a number, or a string with a number such as 1190.00")


def from_event(value: object) -> Decimal:
    """A number of an EventBridge event, which the Lambda runtime has already converted into a ``float``.

    The shortest text that converts to the same float is what the sender wrote, up to 15 significant digits.
    """
    return exactly(Decimal(repr(value)) if isinstance(value, float) else value)
