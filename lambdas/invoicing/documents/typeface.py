"""Fonts of the PDF, all embedded: DejaVu Sans, and Droid Sans Fallback for Chinese, Japanese and Korean.

Text is cut into runs that one font can print. Characters that no font has, such as those of the scripts of India, are
printed as white squares: they are never left out, and never printed as black boxes.
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

from invoicing.documents.directions import to_visual_order

REGULAR = "Invoice"
BOLD = "Invoice-Bold"
EAST_ASIAN = "Invoice-East-Asian"
MISSING = "\u25a1"
LEADING = 1.32
"""Distance between two lines of text, relative to the font size."""
MAX_TEXT_ROWS = 16
"""Rows of a text whose line breaks are kept; in a text with more rows they become blanks."""

Coverage = Mapping[str, frozenset[int]]
"""The code points that each font can print, by the name of the font. If several can, the first one is used."""

_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_INVISIBLE = {"Cf", "Cc", "Mn", "Me"}  # joiners, direction marks, variation selectors: not printed alone
_NOT_PRINTED = {"Cf", "Cc", "Cn"}  # fonts list some of them, and U+FFFF, which is not a character


@lru_cache(maxsize=1)
def register(folder: Path) -> Coverage:
    """Register the fonts with reportlab, and return what each can print.

    Args:
        folder: The folder with DejaVuSans.ttf, DejaVuSans-Bold.ttf and DroidSansFallback.ttf.

    Raises:
        reportlab.pdfbase.ttfonts.TTFError: a font is missing or broken.
    """
    coverage = {}
    for name, file in ((REGULAR, "DejaVuSans"), (BOLD, "DejaVuSans-Bold"), (EAST_ASIAN, "DroidSansFallback")):
        font = TTFont(name, str(folder / f"{file}.ttf"))
        pdfmetrics.registerFont(font)
        if name != BOLD:  # it has the same characters as the regular one
            codes = font.face.charToGlyph
            coverage[name] = frozenset(code for code in codes if unicodedata.category(chr(code)) not in _NOT_PRINTED)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return MappingProxyType(coverage)


def markup(text: str, coverage: Coverage) -> str:
    """The text as reportlab's paragraph markup: escaped, and each run in a font that has it.

    Args:
        text: Any text. It is data, so ``<b>`` is printed as it is. Line breaks are kept.
        coverage: What `register` returned.
    """
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    parts = []
    for font, run in groupby(composed, key=lambda character: _font(character, coverage)):
        characters = "".join(run)
        if font is None:
            parts.append(MISSING * sum(unicodedata.category(character) not in _INVISIBLE for character in characters))
        elif font == REGULAR:
            parts.append(escape(characters).replace("\n", "<br/>"))
        else:
            parts.append(f'<font name="{font}">{escape(characters)}</font>')
    return "".join(parts)


def fit_paragraph(text: str, style: ParagraphStyle, coverage: Coverage, *, width: float, height: float) -> Paragraph:
    """The text in a column ``width`` wide, never taller than ``height`` (points): a long text gets a smaller font.

    reportlab fails on text that does not fit on a page, and the invoice would have no PDF. A text that is too long even
    at half the size ends with an ellipsis; texts within the limits of `invoicing.domain.fields` are never that long.
    """
    rows = _BREAKS.sub("\n", text).strip().split("\n")
    content = "\n".join(rows) if len(rows) <= MAX_TEXT_ROWS else " ".join(rows)
    smaller = style
    while True:
        paragraph = Paragraph(markup(_visual_order(content, smaller, coverage, width), coverage), smaller)
        # a character takes at most one row
        if len(content) * smaller.leading <= height or paragraph.wrap(width, height)[1] <= height:
            return paragraph
        if smaller.fontSize > style.fontSize / 2:
            size = smaller.fontSize * 0.9
            smaller = ParagraphStyle(style.name, parent=style, fontSize=size, leading=size * LEADING)
        else:
            content = content[: len(content) * 4 // 5].rstrip("\u2026") + "\u2026"


def _visual_order(text: str, style: ParagraphStyle, coverage: Coverage, width: float) -> str:
    """The text with right-to-left rows as printed lines, a point narrower than the column, so none is broken again."""

    def measure(line: str) -> float:
        width = 0.0
        for font, run in groupby(line, key=lambda character: _font(character, coverage)):
            name = style.fontName if font in {None, REGULAR} else font
            width += pdfmetrics.stringWidth("".join(run), name, style.fontSize)
        return width

    def form_of(character: str) -> str:
        return _printed_form(character, coverage)

    return to_visual_order(text, width=width - 1, measure=measure, form_of=form_of)


def _printed_form(character: str, coverage: Coverage) -> str:
    """What is printed for a character: itself, the letters that a joined form is made of, a square, or nothing."""
    for form in (character, unicodedata.normalize("NFKC", character)):
        if all(_font(part, coverage) for part in form):
            return form
    return "" if unicodedata.category(character) in _INVISIBLE else MISSING


def _font(character: str, coverage: Coverage) -> str | None:
    if character == "\n":
        return REGULAR
    return next((font for font, printable in coverage.items() if ord(character) in printable), None)
