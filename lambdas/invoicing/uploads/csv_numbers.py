"""Numbers as people and programs write them, and what they prove about the decimal mark of their file (pure).

Each text is read twice: as if the comma were the decimal mark, and as if the point were. If only one reading is a
number, the text proves that mark: ``10,50``, ``1.234,5``, ``0.125``. If both are and differ, it proves nothing: a group
of three digits behind a single mark, such as ``1.000``, is a thousand or one.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

COMMA, POINT = ",", "."
_DECLARE = "upload the file again with the metadata decimal-mark: comma or decimal-mark: point"
MARKS = {COMMA: "comma", POINT: "point"}
_BLANKS = str.maketrans(dict.fromkeys("\t\u00a0\u2007\u2009\u202f", " ") | {"\u2212": "-", "\u2019": "'"})


_NUMBER = {
    mark: re.compile(
        r"(?P<sign>[+-]?)(?:"
        rf"(?P<whole>[0-9]+|[1-9][0-9]{{0,2}}(?P<group>[{re.escape(thousands)} '])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*)"
        rf"(?:{re.escape(mark)}(?P<part>[0-9]+))?|{re.escape(mark)}(?P<only>[0-9]+))(?P<after>-?)"
    )
    for mark, thousands in ((COMMA, POINT), (POINT, COMMA))
}
"""How numbers are written with each decimal mark: whole groups of three, or none, and digits behind the mark."""


_DIGITS_AND_MARKS = re.compile("[-+]?(?=.*[0-9])[0-9.,'\u2019\u00a0\u202f ]+-?")
_LAKHS = re.compile(r"[-+]?[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?")


@dataclass(frozen=True)
class MarkEvidence:
    """Which decimal marks the numbers of a file prove.

    Attributes:
        comma_row: The first row with a number that proves the comma; 0 if there is none.
        point_row: The same of the point.
        declared: The mark that the uploader has declared, or an empty string. It overrides the evidence.
        malformed_row: The first row with digits and marks that are no number: nobody can tell which mark it has, and
            whether it is that of the others; 0 if there is none.
    """

    comma_row: int = 0
    point_row: int = 0
    declared: str = ""
    malformed_row: int = 0

    @property
    def mark(self) -> str:
        """The file's decimal mark; an empty string if nothing proves one, or rows contradict each other."""
        if self.declared or bool(self.comma_row) == bool(self.point_row) or self.malformed_row:
            return self.declared
        return COMMA if self.comma_row else POINT


def readings(text: str) -> dict[str, Decimal]:
    """What a text means with each decimal mark; without the marks with which it is not a number.

    Thousands may be separated into groups of exactly three digits: with the other mark, a blank of any kind or an
    apostrophe. A number that begins with 0 has no thousands: whoever writes ``0,125`` means an eighth. The sign may be
    at the end, as SAP writes it, but not at both ends.
    """
    plain = text.translate(_BLANKS).strip()
    numbers = {}
    for mark, pattern in _NUMBER.items():
        match = pattern.fullmatch(plain)
        if match is None or (match["sign"] and match["after"]):
            continue
        whole = (match["whole"] or "0") if match["group"] is None else match["whole"].replace(match["group"], "")
        numbers[mark] = Decimal(f"{match['sign'] or match['after']}{whole}.{match['part'] or match['only'] or '0'}")
    return numbers


def is_malformed(text: str) -> bool:
    """Whether a text has nothing but digits, marks and blanks, and is no number in any reading, such as ``1.2.3``."""
    if text.isalnum() or not _DIGITS_AND_MARKS.fullmatch(text):
        return False
    return not readings(text) and not _LAKHS.fullmatch(text)


def proven_mark(text: str) -> str:
    """The decimal mark that a number proves; an empty string if it proves none."""
    if text.isdigit():  # most numbers
        return ""
    numbers = readings(text)
    return next(iter(numbers)) if len(numbers) == 1 else ""


def read_number(text: str, evidence: MarkEvidence) -> Decimal | str:
    """The number, or the reason why the text is none, for the person who wrote it."""
    if text.isascii() and text.isdigit():
        return Decimal(text)
    numbers = readings(text)
    if evidence.declared:
        kind = f"is not a number with a decimal {MARKS[evidence.declared]}, as the upload's metadata decimal-mark says"
        return numbers.get(evidence.declared, kind)
    if not numbers and _LAKHS.fullmatch(text.strip()):
        return "has groups of two digits, as lakhs and crores have: write 100000.00 for 1,00,000.00"
    if not numbers:
        return "is not a number such as 1234.50 or 1234,50"
    if len({*numbers.values()}) == 1:
        return next(iter(numbers.values()))
    return numbers[evidence.mark] if evidence.mark else _ambiguity(numbers, evidence)


def _ambiguity(numbers: dict[str, Decimal], evidence: MarkEvidence) -> str:
    meanings = " or ".join(f"{number.normalize():f}" for number in numbers.values())
    why = "no other number of the file shows which"
    if evidence.comma_row and evidence.point_row:
        why = f"row {evidence.comma_row} has a decimal comma, but row {evidence.point_row} a decimal point"
    elif evidence.malformed_row:
        why = f"row {evidence.malformed_row} has digits and marks that are no number"
    return f"can mean {meanings}, and {why}; {_DECLARE}"
