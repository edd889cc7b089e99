"""Columns of a CSV that nothing reads, and that would make another invoice of it (pure).

An unknown column is harmless, unless its name says that it is a discount, a date of payment, or something else that
changes what is to be paid. No list has all such names: the upload's report names every column that was not read.
"""

import re
import unicodedata

from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_percentages import PERCENTAGES

_INSTEAD = {
    "discount": re.compile(
        r"discount|rabat|skonto|nachlas|remise|sconto|descuento|desconto|korting|rebate|rebaja|^disc$|^disc(pct|perc|rate)|"
        r"^(dto|off|percentoff|dcto)$|redu[ck]tion|réduction|sleva|zľava|zlava|popust|indirim|скидк|割引|折扣|할인|خصم|"
        r"alennus|avslag|ribasso|abatimento|abzug|allowance|deduction|ristourne|escompte|kedvezmény|erm(ä|ae)(ss|ß)igung|"
        r"bonificaci|minderung|^promo$"
    ),
    "due_date": re.compile(
        r"due(date|on|days|in|by)|^due$|datedue|paymentdue|termsdays|paymentterms|^terms$|netdays|nettotage|payby|payableby|"
        r"zahlungsziel|zahlungsfrist|zahlbar|f(ä|ae)llig|vervald|betalingsfrist|förfall|forfall|forfald|eräpäivä|"
        r"scadenza|ech?eance|échéance|datelimite|vencim|vencto|fechavto|splatnost|terminpłatności|срокоплаты|支払期限|"
        r"到期|vadetarihi|maturity|deadline"
    ),
}
"""Words in the names of columns that may mean one that the header lacks."""

_BESIDE = (
    (
        re.compile(r"discount(type|kind|unit|amount|amt|value)"),
        "says that a discount may be no percentage: write percentages",
    ),
    (
        re.compile(
            r"^(document|doc|invoice|transaction)type$|^belegart$|^sollhaben(kennzeichen)?$|^(drcr|crdr|dc)$|"
            r"debitcredit|^sign$|^vorzeichen$"
        ),
        "says whether a row is an invoice or a credit note: write a negative quantity for a credit note",
    ),
    (
        re.compile(r"^(invoice)?status$|^storno|^void(ed)?$|^cancel(led|ed)$|^(is)?deleted$|^(is)?draft$"),
        "may say that a row is not to be invoiced: leave out such rows",
    ),
    (
        re.compile(r"^priceunit$|^pricing?per|^preiseinheit$|^priceper"),
        "says that a price is for several units: write prices of one",
    ),
    (re.compile(r"^tax(rate)?2$|^secondtax|^pstrate$|^qstrate$"), "is a second tax: write the rate of both together"),
    (
        re.compile(
            r"lineamounttype|tax(es)?incl|(including|inclusive|includes)(of)?(tax|vat)|pricesinclude|grossprices?$|inklmwst"
        ),
        "says that prices may include tax: write net prices",
    ),
)
"""Words in the names of columns that say how another column is meant, and what that is."""


def _units(label: str) -> set[str]:
    """The signs of units in a column's name, such as ``€`` or ``¢``."""
    return {sign for sign in label if sign in "%‰" or unicodedata.category(sign) == "Sc"}


def misfit(label: str, column: str | None, name: str, names: list[str]) -> str:
    """What `reason` explains, of a column that must not be left unread or not be read so; empty if it may.

    Args:
        label: The cell of the header.
        column: The known column that it names, if it names one.
        name: The name as it is compared.
        names: All names of the header.
    """
    if column is not None:
        units = _units(label)
        return content(label) if units - ({"%"} if column in PERCENTAGES else set()) else ""
    if any(words.search(name) and known.replace("_", "") not in names for known, words in _INSTEAD.items()):
        return name
    return name if any(words.search(name) for words, _ in _BESIDE) else ""


def reason(column: str) -> str:
    """Why a file with such a column is rejected.

    Args:
        column: What `misfit` has returned.
    """
    if _units(column):
        return (
            f"the header has the column {column!r}: write the name without a unit, amounts in the invoice's currency, "
            "and discounts and tax rates in percent"
        )
    for words, meaning in _BESIDE:
        if words.search(column):
            return f"the header has the column {column!r}, which {meaning}; then remove the column"
    meant = next(known for known, words in _INSTEAD.items() if words.search(column))
    return f"the header has the column {column!r}, which may be meant for {meant}: name it so, or remove it"
