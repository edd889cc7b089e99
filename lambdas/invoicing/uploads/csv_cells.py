"""The texts of cells: what stands for nothing, and what a spreadsheet has done to an identifier (pure)."""

import re
import unicodedata
from functools import lru_cache

from invoicing.domain.identifiers import is_invisible, look, mixture, normal_form, numeral

ERRORS = frozenset(
    {"#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!", "#BEZUG!", "#WERT!", "#ZAHL!"}
    | {"#VALEUR!", "#NOM?", "#NOMBRE!", "#ERROR!", "#¡REF!", "#¡VALOR!", "#¿NOMBRE?", "Err:502", "Err:522"}
)
"""What a spreadsheet writes for a formula that failed, in English, German, French and Spanish."""
_NOT_FOUND = frozenset({"#N/A", "#NV", "#N/D", "#ND", "#NULL!"})
"""What it writes for a lookup that found nothing: the value may exist, and is not here."""
NOTHING = ERRORS | frozenset(
    {"NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "\\N", "nil", "None", "nan", "NaN", "NAN"}
    | {"NaT", "N/A", "n/a", "NA", "#N/A", "#N/A N/A", "#NA", "<NA>", "#NV", "#NULL!", "-", "--", "\u2013", "\u2014"}
    | {"#N/D", "#ND"}
)
"""Texts that stand for nothing, as databases, spreadsheets and programs write them; so ``Null``, a name, is a text.

See https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html (``na_values``), and
https://dev.mysql.com/doc/refman/8.4/en/load-data.html (``\\N``).
"""
_TOO_NARROW = re.compile("#{2,}")
_FORMULA_TEXT = re.compile('="([^"]*)"')
_LONG_DIGITS = re.compile(r"[1-9][0-9]{15,}")
_MONTH = (
    "(?:jan|feb|mar|mär|mrz|mrt|mär|apr|may|mai|maj|mei|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez|janv|févr|mars|avr|juin|"
    r"juil|août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|out|fev|stycz|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|ian|"
    r"des|янв|фев|мар|апр|май|мая|июн|июл|авг|сен|окт|ноя|дек|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara)\.?"
)
_DESTROYED = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (
            r"[+-]?[0-9]+(?:(?:[.,][0-9]+)?e[+-]|[.,][0-9]+e)[0-9]{1,3}",
            "a spreadsheet has shortened it, and other numbers look the same now; format the column as text",
        ),
        (
            (
                rf"[0-9]{{1,2}}[-./ ]+{_MONTH}(?:[-./ ]+(?:[0-9]{{2}}|[0-9]{{4}}))?|{_MONTH}[-./ ]+[0-9]{{4}}|"
                rf"(?!(?-i:[A-Z]{{3}})){_MONTH}[- ]+[0-9]{{2}}|"
                r"[0-9]{1,2}(?:/[0-9]{1,2}/|\.[0-9]{1,2}\.)[0-9]{4}|[0-9]{1,2}[月월] ?[0-9]{1,2}[日일]|"
                r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ t])?[0-9]{1,2}:[0-9]{2}(?::[0-9.]+)?(?: ?[ap]\.?m\.?)?"
            ),
            "a spreadsheet has probably made a date of it; format the column as text",
        ),
        (
            r"[0-9.,]+ ?(?:e ?[+-] ?|[x×] ?10\^?)[0-9]+",
            "a program has shortened it, and other numbers look the same now; export the column as text",
        ),
        (r"[0-9]+[.,]0+|[0-9]+\.", "a program has probably made a decimal number of it; export the column as text"),
        (
            (
                "[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+(?:[.]00)?|(?:[.][0-9]{3})+(?:,00)?|"
                "(?:['\u2019\u00a0\u202f ][0-9]{3})+)|"
                "[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
            ),
            "a spreadsheet has probably separated its thousands; format the column as text",
        ),
        (r"(?s:.*[\r\n].*)", "contains a line break; write it in one line"),
        (
            "[0-9.,' ]+%|[$€£¥] ?[0-9].*|[0-9][0-9.,' ]*[$€£¥]|[(][0-9.,' ]+[)]|[+][0-9.,' ]+",
            "a spreadsheet has formatted it; format the column as text",
        ),
        (
            "true|false|wahr|falsch|vrai|faux|vero|falso|verdadero|prawda|fałsz|истина|ложь",
            "a spreadsheet has made a truth value of it; format the column as text",
        ),
        ("['\u2019].*", "begins with an apostrophe, by which a spreadsheet marks a text; remove it"),
        (r'(?!="[^"]*"$).*".*', "contains a quotation mark: probably another one is missing in this row"),
        (r'=(?!"[^"]*"$).*', "is a formula, and not its result"),
        (r"#[a-z/_]+[!?]?|err:[0-9]+|loading\.*", "is what a spreadsheet shows for a formula without a result"),
        (
            (
                r".*(?:\{\{|[$#]\{).*|\[.*\]|<.*>|%s|\$[a-z_]\w*|__\w+__|.*[-_/ ](?:null|undefined|x{3,})|x{3,}|"
                r"(?:e\.g\.|z\. ?b\.|p\. ?ex\.) .*"
            ),
            "is a placeholder, or an example, and no number",
        ),
        (r"[\W_]+", "has no letter or digit"),
        ("(?:#[ #]|//|--|>).*", "begins like a comment, or a quotation; remove the row, or write the number alone"),
        (".*[,;] .*", "contains a list; one row has one number and one customer"),
        ("0|-1|(?:0[ -]?){6,}", "is zero; leave it empty if there is none"),
        (
            (
                r"dto\.?|ditt?o|do\.|idem|id\.|ibid\.?|w\.o\.|s\.o\.|same|(?:see|as) above|siehe oben|wie oben|同上|"
                r"tb[acd]|t\.b\.d\.|to follow|pending|unknown|unbekannt|inconnu|missing|invalid|not assigned|"
                r"undefined|none|nil|na|n\.a\.|n/v|n\.n\.|k\.a\.|s/n|sin número|ohne|keine|"
                r"\(?(?:blank|leer|empty|vide|auto)\)?|new|neu|draft|entwurf|void|storniert|"
                r"(?:rechnung|invoice) ?(?:nr|no)?\.?|nr\.?|page [0-9]+ (?:of|/) [0-9]+|eof|trailer|average|count"
            ),
            "is a word for what is not known; write the number",
        ),
    )
)
"""What shows that an identifier is not what somebody wrote, and the reason for its rejection.

``2026-11-02`` is no such date: invoices are numbered so, the second one of a November. Nor is ``#1001`` a comment.
"""
_BLANKS = "\t\n\r\x0b\x0c\x85"  # control characters that count as blanks in the normal form
_TOTALS = frozenset(
    {"total", "totals", "subtotal", "sub-total", "sub total", "grand total", "net total", "invoice total", "sum"}
    | {"summe", "zwischensumme", "gesamt", "gesamtsumme", "gesamtbetrag", "nettosumme", "rechnungsbetrag", "endbetrag"}
    | {"sous-total", "total général", "total ht", "total ttc", "totale", "subtotale", "suma", "importe total"}
)
"""What rows of totals are called in English, German, French, Italian and Spanish."""
_SUM_WORDS = re.compile(
    r"total|summe?\b|saldo|balance|amount due|betrag|gesamt|übertrag|carried|brought forward|somme|montant|importe|"
    r"summa\b|suma|totaal|razem|itogo|итого|всего|合計|小計|总计|合计|합계|รวม|toplam|المجموع|कुल|σύνολο|∑|mwst|steuer|"
    r"celkem|spolu|összesen|yhteensä|skupaj|ukupno|kokku|jumlah|att betala|zu zahlen|à payer|à reporter|carry over|"
    r"payable|netto|brutto|=sum\(|transport|payment|bezahlt|zahlung|acompte|"
    r"\b(?:vat|tva|iva|gst|moms|tax|i alt|net|gross|sum|tot|ttl|c/f|b/f|to pay|paid|payé|pago|pagado|pagato|\u03c3)\b"
)
"""Words for sums, taxes and payments in many languages, in the form of `str.casefold`."""
_CURRENCY = re.compile(r"\b[A-Z]{3}\b")
_ONLY_SUM_WORD = re.compile(
    r"[\W\d]*(?:(?:sub|grand|zwischen|gesamt|end|netto|brutto)?-?(?:total|summe|betrag)|totals|sum|summa|suma|totale|"
    r"gesamt|netto|brutto|net|gross)?[\W\d]*",
    re.IGNORECASE,
)
"""A word of a name of a sum, or none."""
MAX_KEPT = 15
"""Digits that a spreadsheet keeps of a number; the others become 0.

See https://learn.microsoft.com/en-us/office/troubleshoot/excel/last-digits-changed-to-zeros.
"""


def content(cell: str) -> str:
    """The text of a cell, empty if it stands for nothing.

    Programs write ``="0042"`` to keep a spreadsheet from dropping leading zeros. ``####`` is a column too narrow.
    """
    text = cell.strip()
    if text in NOTHING:
        return ""
    if text.startswith(("=", "#")):
        if match := _FORMULA_TEXT.fullmatch(text):
            return match[1].strip()
        if _TOO_NARROW.fullmatch(text):
            return ""
    return text


def plain(text: str) -> str:
    """A text as it is compared with those of equal rows: other blanks, forms and cases of letters are the same."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def is_total(text: str) -> bool:
    """Whether a description is nothing but the name of a sum, as a row of totals has it."""
    return text.casefold().strip(" :=*.-") in _TOTALS


def names_sum(text: str) -> bool:
    """Whether a description names a sum among other words; many lines do that are none, such as ``Total care``."""
    return _SUM_WORDS.search(text.casefold()) is not None


def only_names_sum(text: str) -> bool:
    """Whether a description names a sum, and nothing but a currency or a number besides."""
    return is_total(text) or (names_sum(text) and all(map(_ONLY_SUM_WORD.fullmatch, _CURRENCY.sub(" ", text).split())))


def is_lost(cell: str) -> bool:
    """Whether the cell had a value that a spreadsheet could not find, calculate or show."""
    text = cell.strip()
    return text in ERRORS or text in _NOT_FOUND or _TOO_NARROW.fullmatch(text) is not None


def identity(text: str) -> str:
    """What rows of one invoice have in common: what people read in a number.

    An identifier with an invisible or a control character, a quotation mark, the apostrophe of a spreadsheet, or
    letters of two alphabets is rejected. But it counts to the invoice that it looks like, because that must not be
    created without its row.
    """
    return look(spelling(text))


def spelling(text: str) -> str:
    """The normal form of a number without its invisible characters; look-alike letters stay what they are."""
    if not text.isascii() or not text.isprintable():
        text = normal_form("".join(character for character in text if not hidden(character)))
    return " ".join(text.replace('"', "").lstrip("'\u2019#").split())


def hidden(text: str) -> str:
    """The first character that nobody sees: an invisible or a control character. An empty text if there is none."""
    return next((one for one in text if is_invisible(one) or _is_control(one)), "")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} and character not in _BLANKS


@lru_cache(maxsize=4096)  # the rows of an invoice have the same ones
def destruction(cell: str) -> str | None:
    """What a spreadsheet or another program has made of an identifier, or why it can be taken for another one.

    None if nothing shows. See https://support.microsoft.com/en-us/office/stop-automatically-changing-numbers-to-dates
    -452bd2db-cc96-47d1-81e4-72cec11c4ed8 for the dates.
    """
    text = cell.strip()
    if sign := numeral(text):
        return f"contains {sign}, which would be compared as digits; write digits"
    if letter := mixture(text):
        return f"mixes alphabets: {letter} is {unicodedata.name(letter)}; write all letters in one of them"
    if is_total(text):
        return "is the name of a sum: remove the row of totals"
    return next((reason for pattern, reason in _DESTROYED if pattern.fullmatch(text)), None)


def long_digits(cell: str) -> str | None:
    """The digits that a spreadsheet would cut from a number of more than 15 digits; None if the cell is no such number.

    What begins with 0 is not: a spreadsheet that takes it for a number drops that 0. Nor is ``="12…"``, which is text.
    """
    text = cell.strip()
    return text[MAX_KEPT:] if _LONG_DIGITS.fullmatch(text) else None
