"""Texts beside the rows: what they say of all of them, such as ``Amounts in thousands``, must not be ignored (pure).

No list has all texts that change what rows mean. So a text passes if it is known to be harmless: a title, a period, the
name of a company, the number of a page, the currency that the rows have, or net prices. Any other rejects the file.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from invoicing.domain.money import MINOR_DIGITS
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_harmless import are_harmless_words

SHOWN = 60
"""Characters of a text that the report shows."""
_MAX_JUDGED = 1000  # characters of a text; longer ones are not harmless

_THOUSANDS = (
    r"\b(?:in|x|×)\s?['\u2019]?(?:thousands?|thsd|tsd|tausend|mille|miles|000s?|1[.,' ]?000|millions?|mio|mrd|lakhs?|"
    r"crores?)\b|\b[TK](?:EUR|USD|CHF|GBP)\b|\b[TK]€"
)
_HUNDREDTHS = r"\bin\s(?:euro\s?)?(?:cents?|pence|rappen|ct|minor units|centimes|céntimos|centesimi|groszach|öre)\b"
_WITH_TAX = (
    r"\b(?:incl?|inkl|including|inclusive|einschl|einschließlich)\b\.?(?:\s(?:of|der|all|\d+\s?%))*"
    r"\s(?:vat|tax|taxes|gst|mwst|mehrwertsteuer|ust|umsatzsteuer|tva|iva|moms|btw)\b|\bttc\b|\bbruttopreise\b|"
    r"\bgross (?:prices|amounts)\b|\bprices (?:are )?gross\b|\bpreise (?:sind )?brutto\b|\biva (?:inclu|compresa)"
)
_NOT_MEANT = (
    r"\b(?:draft|entwurf|brouillon|borrador|bozza|pro[- ]?forma|specimen|muster|sample data|test data|testdaten|"
    r"(?:do not|don't) (?:send|invoice|import|use)|nicht (?:versenden|importieren|verwenden|buchen)|"
    r"not for (?:invoicing|import|billing)|preview|vorschau|obsolete|superseded|ungültig|cancelled|storniert)\b"
)
_CREDITS = (
    r"\b(?:credit notes?|credit memos?|gutschriften|avoirs|note di credito|notas de crédito|refunds|returns|retouren)\b"
)
_OTHERS = (
    r"\b(?:quotes|quotations|offers|angebote|devis|estimates|purchase orders|bestellungen|purchase invoices|"
    r"supplier invoices|eingangsrechnungen)\b"
)
_MEANINGS = (
    (re.compile(_THOUSANDS, re.IGNORECASE), "amounts may be thousands: write them in whole units of the currency"),
    (re.compile(_HUNDREDTHS, re.IGNORECASE), "amounts may be hundredths: write them in whole units of the currency"),
    (re.compile(_WITH_TAX, re.IGNORECASE), "prices may include tax: write net prices"),
    (re.compile(_NOT_MEANT, re.IGNORECASE), "nothing of it may be meant to be invoiced"),
    (re.compile(_CREDITS, re.IGNORECASE), "its rows may be credit notes: write negative quantities"),
    (re.compile(_OTHERS, re.IGNORECASE), "its rows may be no invoices to customers"),
)
_UNKNOWN = "nobody can tell whether that changes what the rows mean"

_AMOUNTS = r"(?:prices?|amounts?|values?|preise|beträge|werte|prix|montants?|precios|importes|prezzi|importi)"
_ALL = r"(?:(?:all|alle|tous|todos|tutti)\s)?(?:(?:the|les|los|i|die)\s)?"
_ARE = r"(?:\s(?:are|is|sind|ist|sont|son|sono))?"
_TAXES = r"(?:vat|tax(?:es)?|gst|mwst|ust|mehrwertsteuer|umsatzsteuer|tva|iva|moms|btw)\b\.?"
_NET = re.compile(
    rf"{_ALL}(?:{_AMOUNTS}{_ARE}\s)?(?:excl(?:uding|usive|\.)?(?:\sof)?|exkl\.?|ohne|zzgl\.?|hors|sin|senza|"
    rf"escl(?:us[aio])?\.?)\s{_TAXES}|{_ALL}{_AMOUNTS}{_ARE}\s(?:net(?:to|ti|tos|os|s)?|hors taxes?|ht)\b|"
    rf"{_ALL}net(?:to)?[ -]?{_AMOUNTS}\b",
    re.IGNORECASE,
)
"""Prices are net, which is what they are anyway."""
_MONEY = re.compile(
    rf"(?:{_ALL}{_AMOUNTS}{_ARE}\s(?:in|en)|(?:currency|währung|devise|moneda|valuta)\s?[:=]?|\bin|\()\s?"
    r"(?P<code>[A-Z]{3}\b|€|£|euros?\b)\)?",
    re.IGNORECASE,
)
"""The currency of all amounts."""
_SIGNS = {"€": "EUR", "£": "GBP", "EURO": "EUR", "EUROS": "EUR"}
_TAX_ID = re.compile(
    r"\b(?:vat|ust|umsatzsteuer|tva|iva|tax|steuer)[- .]*(?:id|idnr|ident\w*|reg\w*|no|nr|number|nummer)\b[ .:]*"
    r"[A-Z]{0,3} ?[0-9][0-9 ./-]{3,}[A-Z]{0,2}",
    re.IGNORECASE,
)
_CODE = re.compile(r"[(\[#]*(?:[A-Z]{1,6}[-/#.]|(?:[A-Z]{1,6}[-/# ]?)?[0-9][0-9A-Z.,:/-]*)[)\],.;:]*")
"""Dates, times, counts, and the numbers of invoices, customers or pages."""
_ZEROS = re.compile(r"[^1-9]*0[^1-9]*|(?:.*[^0-9])?10{2,}(?:[^0-9].*)?|.*[,.']000(?:[^0-9].*)?")
_STRANGE = re.compile("[%‰+=×<>~^$¥€£¢?!√∑]")
_WORD = re.compile(r"[^\W\d_]+")
_DATE = re.compile(r"\s*(?:[0-9]{1,4}[-./ ]\s?\w{1,10}[-./ ]\s?[0-9]{1,4}.*|[0-9]{5,8})\s*")
_NUMBER = re.compile(r"\s*#?(?:[A-Z]{1,6}[-/# ]?[0-9][0-9A-Z./:-]*|[0-9][0-9./-]{2,})\s*")
_MOST_LETTERS = 3
_WHOLE = 6  # cells at the least of a row that is in one cell


class Judgement(NamedTuple):
    """What a text beside the table says.

    Attributes:
        reason: Why the file is rejected; empty if the text is harmless.
        currency: The code of the currency that it says all amounts have; empty if it names none.
    """

    reason: str
    currency: str = ""


def meaning(text: str) -> str:
    """What a text beside the table says of all its rows, if that is another thing than the columns say; else empty."""
    return next((meaning for pattern, meaning in _MEANINGS if pattern.search(text)), "")


@lru_cache(maxsize=256)
def judgement(text: str) -> Judgement:
    """Whether a text beside the table is harmless."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    if said := meaning(text):
        return Judgement(said)
    if len(text) > _MAX_JUDGED:
        return Judgement(_UNKNOWN)
    rest = _NET.sub(" ", _TAX_ID.sub(" ", text))
    match = _MONEY.search(rest)
    code = match["code"].upper() if match else ""
    code = _SIGNS.get(code, code)
    if match and code in MINOR_DIGITS:
        rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    else:
        code = ""
    if not any(map(str.isalnum, rest)):
        return Judgement("", code)
    words = [word for part in rest.split() if not _CODE.fullmatch(part) for word in _WORD.findall(part)]
    parts = [part for part in rest.split() if any(map(str.isdigit, part))]
    is_sound = all(map(_CODE.fullmatch, parts)) and not (code and any(map(_ZEROS.fullmatch, parts)))
    is_harmless = is_sound and not _STRANGE.search(rest) and are_harmless_words(words)
    return Judgement("" if is_harmless else _UNKNOWN, code)


def is_row(issue_date: str, currency: str, numbers: list[str]) -> bool:
    """Whether a record is a row, and no text beside the table: two of these cells, at least, are what they should be.

    Args:
        issue_date: Its date.
        currency: Its currency.
        numbers: Its quantity, price and tax rate.
    """
    fitting = bool(_DATE.fullmatch(issue_date)) + (currency.strip() in MINOR_DIGITS)
    return fitting + sum(map(_is_number, numbers)) > 1


def is_part(cells: list[str], number: str) -> bool:
    """Whether a record is probably a part of a row, or one that is quoted as a whole: it begins with a number.

    Args:
        cells: Its cells.
        number: The cell where the number of an invoice should be.
    """
    if _NUMBER.fullmatch(number):
        return sum(map(bool, map(str.strip, cells))) > 1
    first, *others = re.split("[,;\t]", number)
    return len(others) >= _WHOLE and _NUMBER.fullmatch(first) is not None


def _is_number(cell: str) -> bool:
    return any(map(str.isdigit, cell)) and sum(map(str.isalpha, cell)) <= _MOST_LETTERS


def rejection(text: str, row: int, reason: str) -> UnreadableFileError:
    """Why a file is rejected for a text beside its table."""
    return UnreadableFileError(
        f"row {row} says {text.strip()[:SHOWN]!r}: {reason}; then remove that row, or, if it says nothing of the "
        "invoices, upload the file again with the metadata ignore-text: yes",
        row,
    )
