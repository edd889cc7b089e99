"""The field types of the models: what they accept, and how a draft-04 schema describes that."""

import re
import unicodedata
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from invoicing.domain import money
from invoicing.domain.identifiers import is_invisible, mixture, numeral

MAX_INTEGER_DIGITS = 15
"""Digits before the decimal point of a quantity, price or amount, and of their sums."""
MAX_DECIMAL_PLACES = 6
"""Digits after the decimal point."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LINE_BREAKS = "\n\r\t"
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # Hangul fillers, and the Braille pattern without dots


# The following functions look at each character only if the text is not printable (`str.isprintable`). A printable text
# has no control, surrogate, format or separator characters but the blank; most texts are printable, even long ones.


def _clean(value: str) -> str:
    """Reject control characters: they do not belong on an invoice, and they break PDFs, CSVs and terminals."""
    for character in "" if value.isprintable() else value:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in _LINE_BREAKS:
            raise ValueError(f"contains the control character U+{ord(character):04X}")
    if "\ufffd" in value:
        raise ValueError("contains a character that could not be read (U+FFFD)")
    return value


def _one_line(value: str) -> str:
    unprintable = "" if value.isprintable() else value
    if any(character in _LINE_BREAKS or unicodedata.category(character) in {"Zl", "Zp"} for character in unprintable):
        raise ValueError("must be one line")
    return value


def _visible(value: str) -> str:
    """Reject invisible characters and those that reverse text: two ids that look the same would differ."""
    for character in "" if value.isprintable() else value:
        if is_invisible(character):
            raise ValueError(f"contains the invisible character U+{ord(character):04X}")
    return value


def _unmistakable(value: str) -> str:
    """Reject letters of two alphabets, and numerals that are no digits: what looks the same would be another id."""
    if sign := numeral(value):
        raise ValueError(f"contains {sign}, which would be compared as digits; write digits")
    if letter := mixture(value):
        raise ValueError(f"mixes alphabets: {letter} is {unicodedata.name(letter)}")
    return value


def _legible(value: str) -> str:
    """Reject texts without a visible character: the field would have a value, and the invoice would show none."""
    if all(unicodedata.category(character)[0] in "CZ" or character in _BLANK_LETTERS for character in value):
        raise ValueError("has no visible characters")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an email address such as accounts@example.com")
    return value


def _composed(value: str) -> str:
    """Accents as parts of their letters (NFC): an id with separate accents is the same id."""
    return unicodedata.normalize("NFC", value)


def _within_limits(value: Decimal) -> Decimal:
    if value and value.adjusted() >= MAX_INTEGER_DIGITS:
        raise ValueError(f"has more than {MAX_INTEGER_DIGITS} digits before the decimal point")
    if money.decimal_places(value) > MAX_DECIMAL_PLACES:
        raise ValueError(f"has more than {MAX_DECIMAL_PLACES} decimal places")
    return money.plain_normal(value)


def _not_zero(value: Decimal) -> Decimal:
    if not value:
        raise ValueError("must not be zero")
    return value


def _percentage(value: Decimal) -> Decimal:
    if not 0 <= value <= 100:
        raise ValueError("must be a percentage from 0 to 100 (19 means 19 %)")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _iso_date(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("must be an ISO 8601 date such as 2026-11-22")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("is not a day of the calendar") from None


def _known_currency(value: str) -> str:
    money.minor_digits(value)
    return value


def _moment(value: object) -> str:
    """A moment with an offset, as UTC with microseconds. In this form, text order is time order."""
    moment = instant(value) if isinstance(value, str) else None
    if moment is None:
        raise ValueError("must be an ISO 8601 date and time with an offset, such as 2026-11-22T09:30:00Z")
    return timestamp(moment)


def instant(value: str) -> datetime | None:
    """An ISO 8601 date and time with an offset, in UTC; None for anything else.

    The first and the last year of the calendar are excluded: an offset could lead out of the calendar.
    """
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if MINYEAR < moment.year < MAXYEAR else None


def timestamp(moment: datetime) -> str:
    """UTC, ISO 8601, always six digits of microseconds and ``Z``: ``2026-11-22T09:30:00.000000Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _number_schema(description: str, pattern: str, **bounds: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": ["number", "string"], "pattern": pattern, "description": description, **bounds})


_SIGNED = r"^\s*[+-]?[0-9]+(\.[0-9]+)?\s*$"
_UNSIGNED = r"^\s*\+?[0-9]+(\.[0-9]+)?\s*$"

Number = Annotated[Decimal, BeforeValidator(money.exactly), AfterValidator(_within_limits)]
"""Any exact number within the limits."""

Quantity = Annotated[
    Number, AfterValidator(_not_zero), _number_schema("Not zero; negative for returned goods.", _SIGNED)
]
UnitPrice = Annotated[
    Number,
    AfterValidator(_not_negative),
    _number_schema("Price of one unit, without tax, never negative.", _UNSIGNED, minimum=0),
]
Percentage = Annotated[
    Number, AfterValidator(_percentage), _number_schema("In percent: 19 means 19 %.", _UNSIGNED, minimum=0, maximum=100)
]
TaxRate = Annotated[Number, _number_schema("In percent, from 0 to 100: 19 means 19 %.", _SIGNED)]
"""Any number: `invoicing.domain.door` judges it."""
StoredAmount = Annotated[Decimal, BeforeValidator(money.exactly)]
"""An amount that the platform calculated, as the table stores it."""
Amount = Annotated[Number, _number_schema("An amount of money in the invoice's currency.", _SIGNED)]

Currency = Annotated[
    str,
    AfterValidator(_known_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code."}),
]
Day = Annotated[
    date,
    BeforeValidator(_iso_date),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": "ISO 8601 date."}
    ),
]
Moment = Annotated[
    str,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "ISO 8601 date and time with an offset."}),
]


def _text(maximum: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=maximum)


_PLAIN = (AfterValidator(_clean), AfterValidator(_legible))
_IDENTIFYING = (*_PLAIN, AfterValidator(_one_line), AfterValidator(_visible), AfterValidator(_composed))

Identifier = Annotated[str, _text(64), *_IDENTIFYING]
"""An id that people write: kept as it is, including leading zeros, without surrounding blanks."""
NewIdentifier = Annotated[Identifier, AfterValidator(_unmistakable)]
"""An id by which an invoice is found from now on. What is stored, and money that has come, keep the ids they have."""
Name = Annotated[str, _text(200), *_PLAIN, AfterValidator(_one_line)]
Description = Annotated[str, _text(1000), *_PLAIN]
Address = Annotated[str, _text(500), *_PLAIN]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    *_IDENTIFYING,
    AfterValidator(_email),
    Field(json_schema_extra={"pattern": f"^{_EMAIL.pattern}$"}),
]
VatId = Annotated[str, _text(32), *_IDENTIFYING]
TermsDays = Annotated[int, Field(ge=0, le=365, strict=True, description="Days from issueDate to dueDate.")]

DECIMAL_TEXT = r"^-?[0-9]+(\.[0-9]+)?$"
"""The pattern of numbers in responses and events."""

MoneyText = Annotated[
    str, Field(pattern=DECIMAL_TEXT, description="With exactly the currency's minor digits.", examples=["1190.00"])
]
"""An amount as responses and events contain it."""
InvoiceId = Annotated[str, Field(json_schema_extra={"format": "uuid"}, description="Computed from the invoice number.")]
