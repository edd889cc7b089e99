"""Columns of a CSV that nothing reads, and that would make another invoice of it (pure).

An unknown column rejects the file if a row has anything in it, unless its name is known to be harmless, or the uploader
says that it may be ignored. Some names are known to change an amount, a date or the kind of an invoice: then the reason
says which, and a general permission does not cover them.
"""

import re
import unicodedata
from collections.abc import Mapping, Set

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_harmless import is_harmless_name
from invoicing.uploads.csv_percentages import PERCENTAGES

LABEL = 60
"""Characters of a name that reports show."""
MAX_DOUBTFUL = 100
"""Columns with content that are remembered."""
_MAX_NAMED = 10
_SIGNS = re.compile("[^a-z0-9]")

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
"""Words in the names of columns that may be meant for a known one."""

_BESIDE = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (
            r"discount(type|kind|unit|amount|amt|value)",
            "says that a discount may be no percentage: write percentages",
        ),
        (
            (
                r"lineamounttype|tax(es)?incl|(including|inclusive|includes)(of)?(tax|vat)|pricesinclude|gross|brutto|"
                r"incl|inkl|ttc|ivato|compris|pricetype|taxmode|amounttype|pricemode|preisart|^(is)?(net|netto)(price)?s?$"
            ),
            "says that prices may include tax: write net prices",
        ),
        (
            (
                r"^priceunit|pricing?per|preiseinheit|^priceper|base(qty|quantity)|pricebase|^peinh$|^per$|^uom$|^units?$|"
                r"unitof|measure|einheit$|^(me|vpe|um|pe)$|multipl|^scale|factor|faktor|pack|gebinde|^unité|^unidad|^unità"
            ),
            "says that a price or quantity may be one of several units: write prices of one",
        ),
        (
            (
                r"type$|typ$|^tipo|^kind$|^art$|belegart|sollhaben|^sh$|^(drcr|crdr|dc)$|debit|^sign$|vorzeichen|"
                r"(^|is)credit|creditnote|creditmemo|gutschrift|avoir|abono|notadicr|(^|is)re(fund|turn)$"
            ),
            "says whether a row is an invoice or a credit note: write a negative quantity for a credit note",
        ),
        (
            (
                r"stat(e|us)$|^storno|void|cancel|delete|draft|^(is)?test$|donot|dont|^no(invoice|bill)|invoiced|billed|"
                r"exclude|skip|ignore|^(is)?(active|archived|approved|onhold|hold|locked|valid|live)$"
            ),
            "may say that a row is not to be invoiced: leave out such rows",
        ),
        (
            (
                r"reversecharge|exempt|tax|vat|^(pst|qst|hst|gst|cess|igst|cgst|sgst|tva|iva|ust|btw|moms)|steuer|mwst|impuesto|"
                r"imposta"
            ),
            "is a second tax, or says that the tax is another one: write the rate of all taxes together",
        ),
    )
)
"""Words in the names of columns that say how another column is meant, and what that is."""

_AMOUNTS = re.compile(
    r"surcharge|shipping|freight|fees?$|postage|charge|versand|fracht|zuschlag|porto|paid|prepa|deposit|anzahlung|"
    r"returned|refund|total|amount|betrag|summe?$|balance|saldo|montant|importe|importo|price|preis|qty|quantity|menge"
)
"""Words in the names of columns of other amounts."""


def normalized(name: str) -> str:
    """A column's name as it is compared: its letters and digits, without case."""
    if name.isascii():
        return _SIGNS.sub("", name.casefold())
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _units(label: str) -> set[str]:
    """The signs of units in a column's name, such as ``€`` or ``¢``."""
    return {sign for sign in label if sign in "%‰" or unicodedata.category(sign) == "Sc"}


def misfit(label: str, column: str) -> str:
    """The name of a known column if it has a unit that its cells must not have; empty if it may be read.

    Args:
        label: The cell of the header.
        column: The known column that it names.
    """
    units = _units(label) - ({"%"} if column in PERCENTAGES else set())
    return content(label) if units else ""


def misfit_reason(label: str) -> str:
    """Why a file with such a column is rejected."""
    return (
        f"the header has the column {label!r}: write the name without a unit, amounts in the invoice's currency, "
        "and discounts and tax rates in percent"
    )


def is_of_due_date(label: str) -> bool:
    """Whether a column may be meant for the due date: it says nothing more in a row that has one."""
    return _INSTEAD["due_date"].search(normalized(label)) is not None


def _meaning(label: str) -> str:
    """What an unread column may mean, and what to write instead; empty if its name is just not known."""
    name = normalized(label)
    if meaning := next((meaning for words, meaning in _BESIDE if words.search(name)), ""):
        return f"which {meaning}; then remove the column"
    if meant := next((known for known, words in _INSTEAD.items() if words.search(name)), ""):
        return f"which may be meant for {meant}: name it so, or remove it"
    is_amount = _AMOUNTS.search(name) is not None
    return "which may change what is to be paid: write that as a line; then remove the column" if is_amount else ""


def ignored_names(text: str) -> frozenset[str]:
    """The names of columns that an uploader permits to ignore, as they are compared; ``*`` for all unknown ones."""
    names = (name.strip() for name in text.split(","))
    return frozenset(name if name == "*" else normalized(name) for name in names if name)


def check(rows: Mapping[str, int], ignored: Set[str]) -> None:
    """Reject a file because of columns that nothing reads.

    Args:
        rows: By the names of unread columns, empty for one without a name, the first row that has something in it.
        ignored: The names that the uploader permits to ignore, as `ignored_names` returns them.

    Raises:
        UnreadableFileError: one of them is neither known to be harmless, nor permitted by name. ``*`` permits those of
            which nothing is known.
    """
    meanings = {label: _meaning(label) for label in rows if normalized(label) not in ignored or not normalized(label)}
    if "*" in ignored:
        meanings = {label: meaning for label, meaning in meanings.items() if meaning}
    if not meanings:
        return
    label = next((label for label, meaning in meanings.items() if meaning), next(iter(meanings)))
    others = ", ".join([repr(each) for each in meanings if each != label][:_MAX_NAMED])
    others = f" (so it is with {others})" if others else ""
    what = f"the header has the column {label!r}" if label else "a column has no name"
    meaning = meanings[label] or "which nothing reads and which may change invoices: remove it"
    names = ",".join(list(filter(None, map(_declarable, meanings)))[:_MAX_NAMED]) or "*"
    raise UnreadableFileError(
        f"{what}, {meaning}{others}. If it changes nothing, upload the file again with the metadata ignore-columns: "
        f"{names} (row {rows[label]} has something in it)",
        rows[label],
    )


def _declarable(label: str) -> str:
    """A column's name as metadata can have it, which is ASCII."""
    return label.replace(",", " ") if label.isascii() and normalized(label) else ""


def is_doubtful(label: str) -> bool:
    """Whether what is in an unread column may change an invoice: its name is not known to be harmless."""
    return not is_harmless_name(label)
