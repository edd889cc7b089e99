"""Identifiers in cells: which of them are the same, and what programs have made of them (pure)."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from invoicing.domain.identifiers import is_invisible, look, mixture, normal_form, numeral
from invoicing.uploads import csv_number_words
from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_sum_words import is_total

MAX_KEPT = 15
"""Digits that a spreadsheet keeps of a number; the others become 0.

See https://learn.microsoft.com/en-us/office/troubleshoot/excel/last-digits-changed-to-zeros.
"""
ANY, SAME, DATE, DIGITS, SHORT, LIST, NONE = "any", "same", "date", "digits", "short", "list", ""
"""What a destroyed number may have been: any number; that of the row above; one of which a program makes a date; the
digits that are left; a longer number; several; or none, or nothing but itself."""
_FORMATS = frozenset({DATE, DIGITS, LIST})
"""How numbers for tax are written, too: with dots, blanks and slashes."""


class _Ruin(NamedTuple):
    """What shows that an identifier is not what somebody wrote.

    Attributes:
        pattern: The whole cell.
        reason: Of its rejection.
        kind: What it may have been, if it is a number.
    """

    pattern: re.Pattern[str]
    reason: str
    kind: str


_LONG_DIGITS = re.compile(r"[1-9][0-9]{15,}")
_MONTH = (
    "(?:jan|feb|mar|mär|mrz|mrt|mär|apr|may|mai|maj|mei|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez|janv|févr|mars|avr|juin|"
    r"juil|août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|out|fev|stycz|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|ian|"
    r"des|янв|фев|мар|апр|май|мая|июн|июл|авг|сен|окт|ноя|дек|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara)\.?"
)
_WITHDRAWN = (
    "void|voided|cancel+ed|storno|storniert|annul[ée]{0,2}|annull(?:ed|ato)|anulad[oa]|anulowan[aoy]|deleted|gelöscht|ungültig|"
    "draft|entwurf|duplicate|copy|kopi[ae]|do not (?:invoice|send|use)|ignore"
)
_MARKED = re.compile(
    rf"(?:\#[# ]|//|--|>|[*!~;%\u2022]|/\*|<!--|rem )[ #]*(?P<below>.*\w.*?)(?:\*/|-->)?|"
    rf"(?P<before>.*\w.*?)[ _(\[-]+(?:{_WITHDRAWN})[)\]]?|(?P<starred>.*\w.*?) ?[*\u2020]+",
    re.IGNORECASE,
)
"""A number that was commented out, or withdrawn."""
_RUINS = tuple(
    _Ruin(re.compile(pattern, re.IGNORECASE), reason, kind)
    for pattern, kind, reason in (
        (
            r"[+-]?[0-9]+(?:(?:[.,][0-9]+)?e[+-]|[.,][0-9]+e)[0-9]{1,3}",
            SHORT,
            "a spreadsheet has shortened it, and other numbers look the same now; format the column as text",
        ),
        (
            (
                rf"[0-9]{{1,2}}[-./ ]+{_MONTH}(?:[-./ ]+(?:[0-9]{{2}}|[0-9]{{4}}))?|{_MONTH}[-./ ]+[0-9]{{4}}|"
                rf"(?!(?-i:[A-Z]{{3}})){_MONTH}[- ]+[0-9]{{1,2}}|"
                r"[0-9]{1,2}(?:/[0-9]{1,2}/|\.[0-9]{1,2}\.)[0-9]{4}|[0-9]{1,2}[月월] ?[0-9]{1,2}[日일]|"
                r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ t])?[0-9]{1,2}:[0-9]{2}(?::[0-9.]+)?(?: ?[ap]\.?m\.?)?"
            ),
            DATE,
            "a spreadsheet has probably made a date of it; format the column as text",
        ),
        (
            r"[0-9.,]+ ?(?:e ?[+-] ?|[x×] ?10\^?)[0-9]+",
            SHORT,
            "a program has shortened it, and other numbers look the same now; export the column as text",
        ),
        (
            r"[0-9]+[.,]0+|[0-9]+\.|0[.,][0-9]{1,2}",
            DIGITS,
            "a program has probably made a decimal number of it; export the column as text",
        ),
        (
            (
                "[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+(?:[.]00)?|(?:[.][0-9]{3})+(?:,00)?|"
                "(?:['\u2019\u00a0\u202f ][0-9]{3})+)|"
                "[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
            ),
            DIGITS,
            "a spreadsheet has probably separated its thousands; format the column as text",
        ),
        (r"(?s:.*[\r\n].*)", NONE, "contains a line break; write it in one line"),
        (
            "[0-9.,' ]+%|[$€£¥] ?[0-9].*|[0-9][0-9.,' ]*[$€£¥]|[(][0-9.,' ]+[)]|[+][0-9.,' ]+",
            DIGITS,
            "a spreadsheet has formatted it; format the column as text",
        ),
        (
            "true|false|wahr|falsch|vrai|faux|vero|falso|verdadero|prawda|fałsz|истина|ложь",
            ANY,
            "a spreadsheet has made a truth value of it; format the column as text",
        ),
        (
            (
                r"['\u2018\u2019`\u00b4\"]{1,2}|[\u3003\u2033\u05f4\u201c-\u201e^\u2191]+|"
                r"[- ]+[\"\u3003\u201c-\u201e][- ]+|,,"
            ),
            SAME,
            "is a ditto mark, and has no letter or digit: write the number in each row",
        ),
        ("['\u2019].*", NONE, "begins with an apostrophe, by which a spreadsheet marks a text; remove it"),
        (
            r'(?!="[^"]*"$).*".*',
            NONE,
            "contains a quotation mark: probably another one is missing in this row",
        ),
        (r'=(?!"[^"]*"$).*', ANY, "is a formula, and not its result"),
        (
            r"#[a-z/_]+[!?]?|#[^\W\d]+[!?]|err:[0-9]+|loading\.*",
            ANY,
            "is what a spreadsheet shows for a formula without a result",
        ),
        (
            (
                r".*(?:\{\{|[$#]\{).*|\[.*\]|<.*>|%s|\$[a-z_]\w*|__\w+__|.*[-_/ ](?:null|undefined|x{3,})|x{3,}|"
                r"(?:e\.g\.|z\. ?b\.|p\. ?ex\.) .*"
            ),
            ANY,
            "is a placeholder, or an example, and no number",
        ),
        (r"[\W_]+", SAME, "has no letter or digit"),
        (
            _MARKED.pattern,
            NONE,
            "begins or ends like a comment, or is withdrawn: remove the row, or write the number alone",
        ),
        (".*[,;] .*", LIST, "contains a list; one row has one number and one customer"),
        ("0|-1|(?:0[ -]?){6,}", ANY, "is zero; leave it empty if there is none"),
        (
            (
                r"dto\.?|ditt?o|do\.|idem|id\.|ibid\.?|w\. ?o\.|s\. ?o\.|same|(?:see|as) above|"
                r"siehe oben|wie oben|同上|gleich|comme ci-dessus|ídem"
            ),
            SAME,
            "is a word for the number above: write the number in each row",
        ),
        (
            r"(?:rechnung|invoice) ?(?:nr|no)?\.?|nr\.?|page [0-9]+ (?:of|/) [0-9]+|eof|trailer|average|count",
            NONE,
            "is a word for what is not known; write the number",
        ),
        (
            (
                r"tb[acd]|t\.b\.d\.|to follow|pending|unknown|unbekannt|inconnu|missing|invalid|not assigned|"
                r"undefined|none|nil|na|n\.a\.|n/v|n\.n\.|k\.a\.|s/n|sin número|ohne|keine|"
                r"\(?(?:blank|leer|empty|vide|auto)\)?|new|neu|draft|entwurf|void|storniert"
            ),
            ANY,
            "is a word for what is not known; write the number",
        ),
    )
)
"""What programs make of identifiers, in the order in which it is looked for.

``2026-11-02`` is no such date: invoices are numbered so, the second one of a November. Nor is ``#1001`` a comment.
"""
_BLANKS = "\t\n\r\x0b\x0c\x85"  # control characters that count as blanks in the normal form
_NEEDLESS_BLANK = re.compile(r" (?![0-9])|(?<![0-9]) ")
_OF_MONTH = re.compile(r"[0-9]{1,2}/(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4})")
_MONTH_OF = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-[0-9]{2}.*|[0-9]{1,2}\.(?P<then>[0-9]{1,2})\.(?P<in_year>[0-9]{4})"
)


def identity(text: str) -> str:
    """What rows of one invoice have in common: what people read in a number, or take for the same.

    That leaves out what programs and people change: invisible and control characters, quotation marks, a spreadsheet's
    apostrophe, ``#`` before and a dot behind the number, leading zeros, blanks that are not between digits, the case of
    letters, and their alphabet. Rows that differ in `spelling` are no invoice: but none is created without them.
    """
    text = look(spelling(text)).lstrip("#").rstrip(".,;:").casefold()
    if " " in text:
        text = _NEEDLESS_BLANK.sub("", text)
    return text.lstrip("0") or "0" if text.isdigit() else text


def spelling(text: str) -> str:
    """The normal form of a number without its invisible characters; look-alike letters stay what they are."""
    if not text.isascii() or not text.isprintable():
        text = normal_form("".join(character for character in text if not hidden(character)))
    return " ".join(text.replace('"', "").lstrip("'\u2019").split())


def hidden(text: str) -> str:
    """The first character that nobody sees: an invisible or a control character. An empty text if there is none."""
    return next((one for one in text if is_invisible(one) or _is_control(one)), "")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} and character not in _BLANKS


def destruction(cell: str, column: str = "invoice_number") -> str | None:
    """What a spreadsheet or another program has made of an identifier, or why it can be taken for another one.

    None if nothing shows. See https://support.microsoft.com/en-us/office/stop-automatically-changing-numbers-to-dates
    -452bd2db-cc96-47d1-81e4-72cec11c4ed8 for the dates.
    """
    reason, kind = _judged(cell)
    if column == "customer_vat_id" and kind in _FORMATS:
        return None
    if column == "customer_id" and kind == LIST and not any(map(str.isdigit, cell)):
        return None  # Smith, John
    if reason is None and column == "invoice_number" and (said := csv_number_words.objection(content(cell))):
        return said[0]
    return reason


def kind_of_ruin(cell: str) -> str:
    """What a destroyed identifier may have been, as `ANY` and the others say; `NONE` if it is sound."""
    return _judged(cell)[1]


def kind_of_number(cell: str) -> str:
    """The same of an invoice number, which has a digit and no words."""
    reason, kind = _judged(cell)
    if reason is None and (said := csv_number_words.objection(content(cell))):
        return said[1]
    return kind


@lru_cache(maxsize=4096)  # the rows of an invoice have the same ones
def _judged(cell: str) -> tuple[str | None, str]:
    text = cell.strip()
    if sign := numeral(text):
        return f"contains {sign}, which would be compared as digits; write digits", NONE
    if letter := mixture(text):
        return f"mixes alphabets: {letter} is {unicodedata.name(letter)}; write all letters in one of them", NONE
    if is_total(text):
        return "is the name of a sum: remove the row of totals", NONE
    ruin = next((ruin for ruin in _RUINS if ruin.pattern.fullmatch(text)), None)
    return (ruin.reason, ruin.kind) if ruin else (None, NONE)


def unmarked(cell: str) -> str:
    """The number that is commented out, or withdrawn, in a cell; empty if none is."""
    match = _MARKED.fullmatch(cell.strip())
    return "".join(match.groups("")) if match else ""


def is_of_month(number: str, issue_date: str) -> bool:
    """Whether a number such as ``1/11/2026`` is the first one of the month of its issue date, as they count in Poland.

    Otherwise it may be what a spreadsheet has made of ``1/11``.
    """
    own, issued = _OF_MONTH.fullmatch(number.strip()), _MONTH_OF.fullmatch(issue_date.strip())
    if not own or not issued:
        return False
    month, year = issued["month"] or issued["then"], issued["year"] or issued["in_year"]
    return (int(own["month"]), own["year"]) == (int(month), year)


def long_digits(cell: str) -> str | None:
    """The digits that a spreadsheet would cut from a number of more than 15 digits; None if the cell is no such number.

    What begins with 0 is not: a spreadsheet that takes it for a number drops that 0. Nor is ``="12…"``, which is text.
    """
    text = cell.strip()
    return text[MAX_KEPT:] if _LONG_DIGITS.fullmatch(text) else None
