"""The normal form of identifiers that people write: texts that look the same are the same identifier.

Spreadsheets, e-mails and scanners exchange characters that nobody can tell apart: a no-break space for a blank, a dash
for a hyphen, full-width digits for plain ones. Identifiers are compared in this form, and shown as they were written.
"""

import unicodedata

_HYPHENS = frozenset("\u02d7\u2043\u2212")  # modifier minus, hyphen bullet, minus sign: not in the category Pd
_WAVES = frozenset("\u301c\u3030\u30a0")  # in the category Pd, but nobody reads them as a hyphen
_BLANKS = frozenset("\t\n\r\x0b\x0c\x85\u2800\u2028\u2029")  # besides the category Zs; U+2800 is Braille without dots
_IGNORABLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_ALPHABETS = ("LATIN ", "GREEK ", "CYRILLIC ")  # how Unicode's names of their letters begin
_LATIN_LOOKS = str.maketrans(
    "АВЕЗЅІЈКМНОРСТУХԚԜаезѕіјорсухһԁԛԝ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγινορυ" + "ー⁄∕’Օ",  # noqa: RUF001 - this table is of such letters
    "ABE3SIJKMHOPCTYXQWae3sijopcyxhdqw" + "ABEZHIKMNOPTYXayivopu" + "-//'O",
)
"""Cyrillic and Greek letters and some signs, and the ones for which anybody would take them.

See https://www.unicode.org/Public/security/latest/confusables.txt.
"""


def is_invisible(character: str) -> bool:
    """Whether the character takes no room: Unicode's format characters and its other default-ignorable ones.

    See https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point.
    """
    if character.isascii():
        return False
    ignorable = character in _IGNORABLE or any(ord(character) in selectors for selectors in _SELECTORS)
    return ignorable or unicodedata.category(character) == "Cf"


def mixture(text: str) -> str:
    """The first letter that is of another alphabet than the letters before it, among Latin, Greek and Cyrillic.

    An empty text if there is none. ``INV-A1`` with a Cyrillic letter looks like another number and is not the same; see
    "single script" in https://www.unicode.org/reports/tr39/#Restriction_Level_Detection.
    """
    first = ""
    for letter in "" if text.isascii() else unicodedata.normalize("NFKC", text):
        name = unicodedata.name(letter, "") if letter.isalpha() else ""
        alphabet = next((one for one in _ALPHABETS if name.startswith(one)), "")
        first = first or alphabet
        if alphabet != first and alphabet:
            return letter
    return ""


def look(text: str) -> str:
    """What people read in a text in normal form.

    Cyrillic and Greek letters that look like Latin ones become these, and the digits of any script become 0 to 9.
    """
    if text.isascii():
        return text
    digits = (str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)
    return "".join(digits).translate(_LATIN_LOOKS)


def numeral(text: str) -> str:
    """The first character that is a number and no digit, such as ``⑫``; an empty text if there is none.

    In the normal form it would be digits, and ``⑫5`` the same number as ``125``.
    """
    return next((one for one in text if one.isnumeric() and not one.isdecimal() and not one.isalpha()), "")


def normal_form(text: str) -> str:
    """The form in which an identifier is compared.

    Compatibility forms become plain (NFKC, https://www.unicode.org/reports/tr15/), a run of blanks of any kind becomes
    one blank, and every hyphen, dash or minus sign becomes ``-``. Upper and lower case stay different. Surrounding
    blanks are dropped.

    Raises:
        ValueError: the text has an invisible character, so two texts that look the same would differ.
    """
    if text.isascii() and text.isprintable():  # most are
        return " ".join(text.split())
    for character in text:
        if is_invisible(character):
            raise ValueError(f"contains the invisible character U+{ord(character):04X}")
    plain = "".join(_plain(character) for character in unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", " ".join(part for part in plain.split(" ") if part))


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs" or character in _BLANKS:
        return " "
    if (category == "Pd" and character not in _WAVES) or character in _HYPHENS:
        return "-"
    return character
