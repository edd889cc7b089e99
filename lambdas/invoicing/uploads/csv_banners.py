"""Texts beside the rows that say how all amounts are meant, or that nothing is to be invoiced (pure)."""

import re

from invoicing.uploads.csv_bytes import UnreadableFileError

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


def meaning(text: str) -> str:
    """What a text beside the table says of all its rows, if that is another thing than the columns say; else empty."""
    return next((meaning for pattern, meaning in _MEANINGS if pattern.search(text)), "")


def check(text: str, row: int) -> None:
    """Reject a file because of a text beside its table.

    Raises:
        UnreadableFileError: the text says that the rows are not what they seem to be.
    """
    if said := meaning(text):
        raise UnreadableFileError(f"row {row} says {text.strip()[:60]!r}: {said}; then remove that row", row)
