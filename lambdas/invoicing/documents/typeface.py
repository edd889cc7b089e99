"""Fonts for the PDF, all embedded: DejaVu Sans, and Droid Sans Fallback for Chinese, Japanese and Korean.

Text is cut into runs that one font can print. What no font has, such as the scripts of India, is printed as a white
square, never as a black box and never left out.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from invoicing.documents.directions import turned

REGULAR = "Invoice"
BOLD = "Invoice-Bold"
EAST_ASIAN = "Invoice-East-Asian"
MISSING = "\u25a1"
LEADING = 1.32
"""Distance of two lines of text, by their size."""
MOST_LINES_OF_TEXT = 16
"""Line breaks kept within one text; one with more of them flows on."""

Coverage = Mapping[str, frozenset[int]]
"""The code points that each font can print, by the font's name; where several can, the first does."""

_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_INVISIBLE = {"Cf", "Cc", "Mn", "Me"}  # joiners, direction marks, variation selectors: nothing to print by themselves
_NOT_PRINTED = {"Cf", "Cc", "Cn"}  # fonts list some of them, and U+FFFF, which is no character


@lru_cache(maxsize=1)
def register(folder: Path) -> Coverage:
    """Make the fonts known to reportlab; returns what each can print.

    Args:
        folder: Holds DejaVuSans.ttf, DejaVuSans-Bold.ttf and DroidSansFallback.ttf.

    Raises:
        reportlab.pdfbase.ttfonts.TTFError: when a font is missing or broken.
    """
    coverage = {}
    for name, file in ((REGULAR, "DejaVuSans"), (BOLD, "DejaVuSans-Bold"), (EAST_ASIAN, "DroidSansFallback")):
        font = TTFont(name, str(folder / f"{file}.ttf"))
        pdfmetrics.registerFont(font)
        if name != BOLD:  # it covers what the regular one does
            codes = font.face.charToGlyph
            coverage[name] = frozenset(code for code in codes if unicodedata.category(chr(code)) not in _NOT_PRINTED)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return MappingProxyType(coverage)


def markup(text: str, coverage: Coverage) -> str:
    """The text as reportlab's paragraph markup: escaped, and each run in a font that has it.

    Args:
        text: Anything; it is data, so ``<b>`` is printed as it stands. Line breaks stay.
        coverage: What `register` returned.
    """
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    parts = []
    for font, run in groupby(composed, key=lambda character: _font(character, coverage)):
        written = "".join(run)
        if font is None:
            parts.append(MISSING * sum(unicodedata.category(character) not in _INVISIBLE for character in written))
        elif font == REGULAR:
            parts.append(escape(written).replace("\n", "<br/>"))
        else:
            parts.append(f'<font name="{font}">{escape(written)}</font>')
    return "".join(parts)


def bounded(written: str, style: ParagraphStyle, coverage: Coverage, *, width: float, height: float) -> Paragraph:
    """The text in a column ``width`` wide, never taller than ``height`` (points): what is too long is set smaller.

    What reportlab cannot place on a page it refuses, and the invoice would have no PDF. A text that is too long even at
    half the size, as none within the limits of `invoicing.domain.fields` is, ends with an ellipsis.
    """
    rows = _BREAKS.sub("\n", written).strip().split("\n")
    flowing = "\n".join(rows) if len(rows) <= MOST_LINES_OF_TEXT else " ".join(rows)
    smaller = style
    while True:
        paragraph = Paragraph(markup(_in_order(flowing, smaller, coverage, width), coverage), smaller)
        # a character takes a row at the most
        if len(flowing) * smaller.leading <= height or paragraph.wrap(width, height)[1] <= height:
            return paragraph
        if smaller.fontSize > style.fontSize / 2:
            size = smaller.fontSize * 0.9
            smaller = ParagraphStyle(style.name, parent=style, fontSize=size, leading=size * LEADING)
        else:
            flowing = flowing[: len(flowing) * 4 // 5].rstrip("\u2026") + "\u2026"


def _in_order(text: str, style: ParagraphStyle, coverage: Coverage, width: float) -> str:
    """The text with its right-to-left rows as printed lines, a point narrower than the column: none is broken again."""

    def measure(line: str) -> float:
        width = 0.0
        for font, run in groupby(line, key=lambda character: _font(character, coverage)):
            name = style.fontName if font in {None, REGULAR} else font
            width += pdfmetrics.stringWidth("".join(run), name, style.fontSize)
        return width

    return turned(text, width=width - 1, measure=measure, shown=lambda one: _shown(one, coverage))


def _shown(character: str, coverage: Coverage) -> str:
    """What is printed for a character: itself, the letters that a joined form stands for, a square, or nothing."""
    for written in (character, unicodedata.normalize("NFKC", character)):
        if all(_font(one, coverage) for one in written):
            return written
    return "" if unicodedata.category(character) in _INVISIBLE else MISSING


def _font(character: str, coverage: Coverage) -> str | None:
    if character == "\n":
        return REGULAR
    return next((font for font, printable in coverage.items() if ord(character) in printable), None)
