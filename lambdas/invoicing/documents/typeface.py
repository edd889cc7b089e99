"""Fonts of the PDF, all embedded: DejaVu Sans, and Droid Sans Fallback for Chinese, Japanese and Korean.

Text is cut into runs that one font can print. A character that no font has is replaced by what it stands for
(`invoicing.documents.substitutes`), or else printed as a white square: it is never left out, and never printed as a
black box. docs/fonts.md lists what is printed, block by block.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from invoicing.documents.directions import has_right_to_left, to_visual_order
from invoicing.documents.substitutes import substitute

REGULAR = "Invoice"
BOLD = "Invoice-Bold"
EAST_ASIAN = "Invoice-East-Asian"
MISSING = "\u25a1"
LEADING = 1.32
"""Distance between two lines of text, relative to the font size."""
Coverage = Mapping[str, frozenset[int]]
"""The code points that each font can print, by the name of the font. If several can, the first one is used."""

_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_INVISIBLE = {"Cf", "Cc", "Mn", "Me"}  # joiners, direction marks, variation selectors: not printed alone
_NOT_PRINTED = {"Cf", "Cc", "Cn"}  # fonts list some of them, and U+FFFF, which is not a character


_FILES = {REGULAR: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf", EAST_ASIAN: "DroidSansFallback.ttf"}


class _Fonts(Coverage):
    """What the fonts can print. The East Asian one, which takes longest to read, is read when a text needs it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._printable: dict[str, frozenset[int]] = {REGULAR: self._register(REGULAR)}
        self._register(BOLD)  # it has the same characters as the regular one
        pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)

    def _register(self, name: str) -> frozenset[int]:
        font = TTFont(name, str(self._folder / _FILES[name]))
        pdfmetrics.registerFont(font)
        codes = font.face.charToGlyph
        return frozenset(code for code in codes if unicodedata.category(chr(code)) not in _NOT_PRINTED)

    def __getitem__(self, name: str) -> frozenset[int]:
        if name not in self:
            raise KeyError(name)
        if name not in self._printable:
            self._printable[name] = self._register(name)
        return self._printable[name]

    def __contains__(self, name: object) -> bool:
        return name in (REGULAR, EAST_ASIAN)

    def __iter__(self) -> Iterator[str]:
        return iter((REGULAR, EAST_ASIAN))

    def __len__(self) -> int:
        return 2


@lru_cache(maxsize=1)
def register(folder: Path) -> Coverage:
    """Register the fonts with reportlab, and return what each can print.

    Args:
        folder: The folder with DejaVuSans.ttf, DejaVuSans-Bold.ttf and DroidSansFallback.ttf.

    Raises:
        reportlab.pdfbase.ttfonts.TTFError: a font is missing or broken; for the last one when it is first needed.
    """
    return _Fonts(folder)


def markup(text: str, coverage: Coverage) -> str:
    """The text as reportlab's paragraph markup: escaped, and each run in a font that has it.

    Args:
        text: Any text. It is data, so ``<b>`` is printed as it is. Line breaks are kept.
        coverage: What `register` returned.
    """
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    if all(character == "\n" or ord(character) in coverage[REGULAR] for character in composed):
        return _escaped(composed)
    parts = []
    printed = "".join(printed_form(character, coverage) for character in composed)
    for font, run in groupby(printed, key=lambda character: font_of(character, coverage)):
        characters = "".join(run)
        parts.append(_escaped(characters) if font == REGULAR else f'<font name="{font}">{escape(characters)}</font>')
    return "".join(parts)


def _escaped(text: str) -> str:
    return escape(text).replace("\n", "<br/>")


def is_plain_line(text: str, style: ParagraphStyle, coverage: Coverage, *, width: float) -> bool:
    """Whether a text is printed as it is written, in one line ``width`` wide (points) and in the style's own font.

    Such a text needs no paragraph, which takes most of the time of a line to lay out.
    """
    return (
        " ".join(text.split()) == text
        and unicodedata.is_normalized("NFC", text)
        and all(ord(character) in coverage[REGULAR] for character in text)
        and not has_right_to_left(text)
        and bool(pdfmetrics.stringWidth(text, style.fontName, style.fontSize) <= width)
    )


def paragraph(text: str, style: ParagraphStyle, coverage: Coverage, *, width: float) -> Paragraph:
    """The text in a column ``width`` wide (points), as tall as it needs; its own line breaks are kept."""
    return Paragraph(markup(_visual_order(_rows(text), style, coverage, width), coverage), style)


def fit_paragraph(text: str, style: ParagraphStyle, coverage: Coverage, *, width: float, height: float) -> Paragraph:
    """The text in a column ``width`` wide, never taller than ``height`` (points): a long text gets a smaller font.

    For the head of the document, which cannot be split: reportlab fails on what does not fit on a page, and the invoice
    would have no PDF. A text that is too tall even at half the size is printed without its line breaks, and one that is
    still too long ends with an ellipsis; texts within the limits of `invoicing.domain.fields` are never that long.
    """
    content = _rows(text)
    smaller = style
    while True:
        fitted = paragraph(content, smaller, coverage, width=width)
        if fitted.wrap(width, height)[1] <= height:
            return fitted
        if smaller.fontSize > style.fontSize / 2:
            size = smaller.fontSize * 0.9
            smaller = ParagraphStyle(style.name, parent=style, fontSize=size, leading=size * LEADING)
        elif "\n" in content:
            content, smaller = content.replace("\n", " "), style
        else:
            content = content[: len(content) * 4 // 5].rstrip("\u2026") + "\u2026"


def _rows(text: str) -> str:
    return _BREAKS.sub("\n", text).strip()


def _visual_order(text: str, style: ParagraphStyle, coverage: Coverage, width: float) -> str:
    """The text with right-to-left rows as printed lines, a point narrower than the column, so none is broken again."""

    def measure(line: str) -> float:
        width = 0.0
        for font, run in groupby(line, key=lambda character: font_of(character, coverage)):
            name = style.fontName if font in {None, REGULAR} else font
            width += pdfmetrics.stringWidth("".join(run), name, style.fontSize)
        return width

    def form_of(character: str) -> str:
        return printed_form(character, coverage)

    return to_visual_order(text, width=width - 1, measure=measure, form_of=form_of)


def printed_form(character: str, coverage: Coverage) -> str:
    """What is printed for a character: itself, what it stands for, a white square, or nothing if it is invisible."""
    if font_of(character, coverage):
        return character
    for form in (unicodedata.normalize("NFKC", character), substitute(character)):
        if form and all(font_of(part, coverage) for part in form):
            # Brackets, or a circled 12 before a 5 would be printed as 125.
            return f"({form})" if form[0].isdigit() and not character.isdecimal() else form
    return "" if unicodedata.category(character) in _INVISIBLE else MISSING


def font_of(character: str, coverage: Coverage) -> str | None:
    """The name of the first font that has the character; None if none has it."""
    if character == "\n":
        return REGULAR
    return next((font for font, printable in coverage.items() if ord(character) in printable), None)
