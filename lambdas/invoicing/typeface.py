"""Fonts for the PDF: embedded DejaVu Sans, and for Chinese, Japanese and Korean the CID fonts that PDF readers bring.

Text is cut into runs that one font can print. What no font has is printed as a white square, never as a black box and
never left out.
"""

import unicodedata
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

REGULAR = "Invoice"
BOLD = "Invoice-Bold"
JAPANESE = "HeiseiKakuGo-W5"
CHINESE = "STSong-Light"
KOREAN = "HYGothic-Medium"
MISSING = "\u25a1"

_INVISIBLE = {"Cf", "Cc", "Mn", "Me"}  # joiners, direction marks, variation selectors: nothing to print by themselves
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))
_KANA = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
_HAN = ((0x2E80, 0x2FDF), (0x3000, 0x303F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFF65))


@lru_cache(maxsize=1)
def register(folder: Path) -> frozenset[int]:
    """Make the fonts known to reportlab; returns the code points that the embedded ones can print.

    Args:
        folder: Holds DejaVuSans.ttf and DejaVuSans-Bold.ttf.

    Raises:
        reportlab.pdfbase.ttfonts.TTFError: when a font is missing or broken.
    """
    regular = TTFont(REGULAR, str(folder / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(regular)
    pdfmetrics.registerFont(TTFont(BOLD, str(folder / "DejaVuSans-Bold.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    for name in (JAPANESE, CHINESE, KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return frozenset(regular.face.charToGlyph)


def markup(text: str, printable: frozenset[int]) -> str:
    """The text as reportlab's paragraph markup: escaped, and each run in a font that has it.

    Args:
        text: Anything; it is data, so ``<b>`` is printed as it stands. Line breaks stay.
        printable: What `register` returned.
    """
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    east_asian = JAPANESE if any(_within(character, _KANA) for character in composed) else CHINESE
    parts = []
    for font, run in groupby(composed, key=lambda character: _font(character, printable, east_asian)):
        written = "".join(run)
        if font is None:
            parts.append(MISSING * sum(unicodedata.category(character) not in _INVISIBLE for character in written))
        elif font == REGULAR:
            parts.append(escape(written).replace("\n", "<br/>"))
        else:
            parts.append(f'<font name="{font}">{escape(written)}</font>')
    return "".join(parts)


def _font(character: str, printable: frozenset[int], east_asian: str) -> str | None:
    if character == "\n" or (ord(character) in printable and unicodedata.category(character) not in {"Cf", "Cc"}):
        return REGULAR
    if _within(character, _HANGUL):
        return KOREAN
    if _within(character, _KANA) or _within(character, _HAN):
        return east_asian
    return None


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(character) <= last for first, last in ranges)
