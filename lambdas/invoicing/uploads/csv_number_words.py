"""Invoice numbers: which texts can be one, and what those that cannot be one speak of (pure).

A number has a digit other than 0, and no words but a short prefix: ``INV 1001``, ``RE-2026-17``. A word may be the
state of an invoice, as in ``I-1 on hold``, a reference to it, as in ``see I-1``, or a label, as in ``Invoice I-1``.
Then the row may belong to the invoice of which it speaks, and neither is created.
"""

import re
from functools import lru_cache

from invoicing.uploads.csv_harmless import words

MAX_PREFIX = 6
"""Letters of a word in front of a number, such as ``INV``."""
MAX_SUFFIX = 2
"""Letters of a word behind one, such as ``A``."""
_MAX_PARTS = 20  # of a text that is looked at; no number has more

_SEPARATORS = r"\s\-/_.#:()\[\]"
_PART = re.compile(rf"[^{_SEPARATORS}]+")
_WORD = re.compile(r"[^\W\d_]+")
_ENDS_OPEN = re.compile(r".*[-/_#:]")
_NOTHING = re.compile(
    r"nan|none|null|nil|nat|undefined|unknown|missing|tb[acd]|new|neu|true|false|wahr|falsch|vrai|faux|empty|blank|leer|"
    r"auto|pending",
    re.IGNORECASE,
)
_NOTHING_BEHIND = re.compile(r"na|nv|nd|n\\a|ref!?|x{2,}", re.IGNORECASE)
"""Texts that stand for nothing, but may also be a prefix."""
_FAILED = re.compile(r"#[a-z/]+[!?]|#n/?[ad]\b|#nv\b|[{}<>%$=]", re.IGNORECASE)
_EXPONENT = re.compile(r"(?<![^\W_])[0-9]+(?:[.,][0-9]+e[+-]?|e[+])[0-9]+", re.IGNORECASE)
"""A number that a program has shortened before it put it behind a prefix. In ``7173e-1`` it is a hexadecimal number."""
_MONTH = (
    "(?:jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|"
    "ago|dic|gen|mag|giu|lug|set|ott)"
)
_DATED = re.compile(
    rf"(?:.*[^0-9])?[0-9]{{1,2}}[-./ ]{_MONTH}(?:[-./ ](?:[0-9]{{2}}|[0-9]{{4}}))?|"
    rf".*[-./_ #:](?!(?-i:[A-Z]{{3}})){_MONTH}[-./ ][0-9]{{2}}",
    re.IGNORECASE,
)
_STATES = words(
    """
    void voided cancelled canceled cancel cancellation storno storniert stornierung annulled annulliert annulé anulado
    anulada annullato deleted gelöscht ungültig invalid draft entwurf brouillon borrador bozza hold gesperrt cont
    contd continued continuation fortsetzung forts page pg seite see siehe voir copy kopie copie copia duplicate
    duplikat corrected correction corr korrigiert korrektur berichtigt rectified replaced replaces ersetzt ersetzen
    superseded obsolete amended revised rev total totals summe gesamt subtotal quote quotation offer angebot devis
    estimate proforma credit gutschrift avoir refund return paid bezahlt unpaid open offen reversed rejected wrong
    falsch error fehler ignore above below
    """
)
"""Words of states and references; with any separator beside them."""
_LABELS = words(
    """
    invoice invoices inv.no rechnung rechnungs beleg bill facture factura fattura no nr num number nummer numero
    número numéro n for to zu of per von pour para id ref
    """
)
"""Words in front of a number that are none of it."""

_ANY, _NONE = "any", ""  # as `csv_identifiers` has them


@lru_cache(maxsize=4096)  # the rows of an invoice have the same one
def objection(text: str) -> tuple[str, str] | None:
    """Why a text is no invoice number, and what it may have been, as `csv_identifiers` says it; None if it may be one.

    Args:
        text: The number, of which `csv_identifiers.destruction` knows nothing.
    """
    if not text:
        return None
    parts = _PART.findall(text)[:_MAX_PARTS]
    if reason := _lost_part(text, parts):
        return reason, _ANY
    digits = [each for each in text if each.isdecimal()]
    if word := _strange_word(text, parts):
        kind = _NONE if digits else _ANY
        return f"has the word {word!r}, which is none of a number: write the number alone, or remove the row", kind
    if not digits:
        return "has no digit, and is probably no number: write the number, or remove the row", _ANY
    return ("has no digit but 0: write the whole number", _ANY) if set(digits) == {"0"} else None


def _lost_part(text: str, parts: list[str]) -> str:
    """Why a part of a number is lost; empty if none is."""
    if _FAILED.search(text) or _EXPONENT.search(text):
        return "has a part that a spreadsheet or a program could not write; format the column as text"
    if _DATED.fullmatch(text):
        return "has a part of which a spreadsheet has probably made a date; format the column as text"
    if _has_nothing(parts):
        return "has a part that stands for nothing: write the whole number"
    if _ENDS_OPEN.fullmatch(text) and not any(part.casefold() in _STATES for part in parts):
        return "ends with a separator: probably a part of it is missing; write the whole number"
    return ""


def _has_nothing(parts: list[str]) -> bool:
    return any(map(_NOTHING.fullmatch, parts)) or any(map(_NOTHING_BEHIND.fullmatch, parts[1:]))


def _strange_word(text: str, parts: list[str]) -> str:
    """A word that shows that a text is more than a number, or a sign that does; empty if there is none."""
    if state := next((part for part in parts if part.casefold() in _STATES), ""):
        return state
    if "?" in text:
        return "?"
    if ("(" in text or "[" in text) and (word := _WORD.search(re.split(r"[(\[]", text, maxsplit=1)[1])):
        return word[0]
    first, *others = text.split() or [""]
    label = first.rstrip(".:#°º")
    if others and _WORD.fullmatch(label):
        is_prefix = len(label) <= MAX_PREFIX and label[0].isupper() and label.casefold() not in _LABELS
        if not is_prefix or any(_WORD.search(each) and any(map(str.isdecimal, each)) for each in others):
            return label
    return next((each for each in others if _WORD.fullmatch(each.strip(".,;:")) and len(each) > MAX_SUFFIX), "")


def spoken_of(text: str) -> list[str]:
    """The numbers of which a text may speak that is none itself."""
    bare = text.strip()
    if objection(bare) is None:
        return []
    words = [each.strip("()[]?.,;:*") for each in bare.split()[:_MAX_PARTS]]
    numbers = [each for each in words if any(map(str.isdecimal, each))]
    signs = [part for part in _PART.findall(bare)[:_MAX_PARTS] if part.casefold() in _STATES | _LABELS]
    numbers += [bare.replace(part, "").strip(" -/_.#:()[]?") for part in signs]
    found = dict.fromkeys([*numbers, bare.strip(" ?()[]")])
    return [number for number in found if any(map(str.isdecimal, number))]
