"""Hebrew and Arabic text, which runs from right to left, in the visual order of its glyphs on paper.

reportlab prints characters from left to right, in the order of the text. So a right-to-left row is prepared first:

1. Arabic letters are joined: replaced by their presentation forms (Unicode chapter 9.2).
2. The row is cut into printed lines.
3. Each line is put into visual order by the Unicode Bidirectional Algorithm (UAX #9). Direction marks replace the
   influence of the neighbouring lines. Only brackets that a line break separates are no longer a pair.

Vowel marks then come before their letters. This puts the font's glyphs, which have no positioning tables, in the right
place.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import cast
from unicodedata import bidirectional

from arabic_reshaper import ArabicReshaper
from bidi import get_base_level, get_display
from bidi.mirror import MIRRORED

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")


_LEFT, _RIGHT, _ARABIC = "\u200e", "\u200f", "\u061c"
_MARKS = {"L": _LEFT, "R": _RIGHT, "AL": _ARABIC}
"""For each class of letters, the mark that has the same influence on its neighbours."""
_MIRRORED = "".join(map(re.escape, MIRRORED))
_FOLLOWER = "\ufe00"  # a mark of class NSM: it takes the level of what it follows, and is removed before printing
_FOLLOWED = re.compile(f"(?P<right>[{_MIRRORED}]){_FOLLOWER}|{_FOLLOWER}(?P<left>[{_MIRRORED}])")
_DIRECTION_MARKS = frozenset("\u200e\u200f")
"""Not printed; they decide the direction of neutral characters. Embeddings and isolates are ignored."""


def has_right_to_left(text: str) -> bool:
    """Whether a part of the text runs from right to left, or is marked to."""
    return bool(_RIGHT_TO_LEFT.search(text))


def to_visual_order(text: str, *, width: float, measure: Callable[[str], float], form_of: Callable[[str], str]) -> str:
    r"""The text in the order of printing: right-to-left rows as lines in visual order, other rows unchanged.

    Args:
        text: Anything; rows end with ``\n``, and each has the direction of its first letter.
        width: The maximum width of a line, in points.
        measure: Returns the width of a text, in points.
        form_of: Returns what is printed for a character: itself, another one or nothing. It is applied first
            because only characters that Unicode assigns have a direction.
    """
    if not has_right_to_left(text):
        return text
    rows = []
    for row in text.split("\n"):
        if not _RIGHT_TO_LEFT.search(row):
            rows.append(row)
            continue
        joined = _join_letters(unicodedata.normalize("NFC", row), form_of)
        lines = list(_lines(joined, width, measure)) or [" "]  # the row may have nothing printable
        rows += _order_lines(lines, "R" if get_base_level(joined or " ") else "L")
    return "\n".join(rows)


@lru_cache(maxsize=1)
def _reshaper() -> ArabicReshaper:
    """Joins letters, including lam-alef, a mandatory ligature; keeps vowel marks and words as they are written."""
    return ArabicReshaper(configuration={"delete_harakat": False, "ARABIC LIGATURE ALLAH": False})


def _join_letters(text: str, form_of: Callable[[str], str]) -> str:
    return "".join(
        character if character in _DIRECTION_MARKS else form_of(character) for character in _reshaper().reshape(text)
    )


def _order_lines(lines: list[str], direction: str) -> Iterator[str]:
    """Each line of a row in visual order, as if the row were one line."""
    before = _MARKS[direction]
    for number, line in enumerate(lines):
        latest = next((_MARKS[kind] for kind in map(bidirectional, reversed(line)) if kind in _MARKS), before)
        marked = re.sub(f"[{_MIRRORED}]", rf"\g<0>{_FOLLOWER}", line.replace(_FOLLOWER, ""))
        ordered = get_display(before + marked + _mark_of("".join(lines[number + 1 :]), latest), base_dir=direction)
        yield _FOLLOWED.sub(_glyph, cast("str", ordered)).translate(dict.fromkeys(map(ord, _MARKS.values())))
        before = latest


def _mark_of(following: str, latest: str) -> str:
    """The mark for the text after a line. Numbers count as Latin after Latin letters, otherwise as Hebrew."""
    for kind in map(bidirectional, following):
        if kind in _MARKS:
            return _MARKS[kind]
        if kind in {"EN", "AN"}:  # rules W7, N1
            return _LEFT if kind == "EN" and latest == _LEFT else _RIGHT
    return ""


def _glyph(match: re.Match[str]) -> str:
    """The bracket to print. In text that runs to the left, its follower comes first and the mirrored one is printed."""
    return match["right"] or cast("str", MIRRORED[match["left"]])


def _lines(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    """Lines with as many words as fit. A word that is wider than a line is cut at the end of the line."""
    line = ""
    for word in text.split():
        rest = word
        if line and measure(f"{line} {rest}") > width:
            yield line
            line = ""
        while not line and measure(rest) > width and len(rest) > 1:
            fitting = _fitting(rest, width, measure)
            yield rest[:fitting]
            rest = rest[fitting:]
        line = f"{line} {rest}" if line else rest
    if line:
        yield line


def _fitting(word: str, width: float, measure: Callable[[str], float]) -> int:
    """How many characters of the word fit on a line, at least one."""
    least, most = 1, len(word)
    while least < most:
        middle = (least + most + 1) // 2
        if measure(word[:middle]) <= width:
            least = middle
        else:
            most = middle - 1
    return least
