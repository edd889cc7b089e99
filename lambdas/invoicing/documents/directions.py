"""Hebrew and Arabic, which run from right to left, in the order in which their glyphs stand on paper.

reportlab sets characters from left to right, as they come. Here a text is cut into printed lines first; then Arabic
letters are joined (their presentation forms, Unicode chapter 9.2), and each line is put into visual order by the
Unicode Bidirectional Algorithm (UAX #9). Direction marks stand for what a line's neighbours say to it; only brackets
that a line break parts are no longer a pair. Vowel marks stand before their letters then, which is where the font's
glyphs, without positioning tables, fall into place.
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
"""By a letter's class, the mark that says the same to its neighbours."""
_MIRRORED = "".join(map(re.escape, MIRRORED))
_FOLLOWER = "\ufe00"  # a mark of class NSM: it takes the level of what it follows, and is printed nowhere
_FOLLOWED = re.compile(f"(?P<right>[{_MIRRORED}]){_FOLLOWER}|{_FOLLOWER}(?P<left>[{_MIRRORED}])")
_DIRECTION_MARKS = frozenset("\u200e\u200f")
"""Print nothing, and tell the algorithm what a neutral character belongs to; embeddings and isolates are not heeded."""


def turned(text: str, *, width: float, measure: Callable[[str], float], shown: Callable[[str], str]) -> str:
    r"""The text as it is to be printed: rows of right-to-left text as lines in visual order, other rows as they are.

    Args:
        text: Anything; rows end with ``\n``, and each has the direction of its first letter.
        width: What a line may take, in points.
        measure: The width of a text, in points.
        shown: What is printed for a character, itself or another or nothing: assigned ones alone have a direction.
    """
    if not _RIGHT_TO_LEFT.search(text):
        return text
    rows = []
    for row in text.split("\n"):
        if not _RIGHT_TO_LEFT.search(row):
            rows.append(row)
            continue
        joined = _joined(unicodedata.normalize("NFC", row), shown)
        lines = list(_lines(joined, width, measure)) or [" "]  # nothing of the row may be printable
        rows += _visual(lines, "R" if get_base_level(joined or " ") else "L")
    return "\n".join(rows)


@lru_cache(maxsize=1)
def _reshaper() -> ArabicReshaper:
    """Joins letters, and the two of lam-alef, which is no matter of taste; leaves vowel marks and words as written."""
    return ArabicReshaper(configuration={"delete_harakat": False, "ARABIC LIGATURE ALLAH": False})


def _joined(text: str, shown: Callable[[str], str]) -> str:
    return "".join(one if one in _DIRECTION_MARKS else shown(one) for one in _reshaper().reshape(text))


def _visual(lines: list[str], direction: str) -> Iterator[str]:
    """Each line of a row in visual order, as if the row were one line."""
    before = _MARKS[direction]
    for number, line in enumerate(lines):
        latest = next((_MARKS[kind] for kind in map(bidirectional, reversed(line)) if kind in _MARKS), before)
        marked = re.sub(f"[{_MIRRORED}]", rf"\g<0>{_FOLLOWER}", line.replace(_FOLLOWER, ""))
        ordered = get_display(before + marked + _mark_of("".join(lines[number + 1 :]), latest), base_dir=direction)
        yield _FOLLOWED.sub(_glyph, cast("str", ordered)).translate(dict.fromkeys(map(ord, _MARKS.values())))
        before = latest


def _mark_of(following: str, latest: str) -> str:
    """What stands for the text behind a line: numbers speak like the Latin letters before them, else like Hebrew."""
    for kind in map(bidirectional, following):
        if kind in _MARKS:
            return _MARKS[kind]
        if kind in {"EN", "AN"}:  # rules W7, N1
            return _LEFT if kind == "EN" and latest == _LEFT else _RIGHT
    return ""


def _glyph(found: re.Match[str]) -> str:
    """A bracket as it is printed: the mirrored one where text runs to the left, for its follower stands before it."""
    return found["right"] or cast("str", MIRRORED[found["left"]])


def _lines(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    """Words, as many on a line as fit; a word that alone is wider than a line is cut where the line ends."""
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
    """How many characters of the word fit, at least one."""
    least, most = 1, len(word)
    while least < most:
        middle = (least + most + 1) // 2
        if measure(word[:middle]) <= width:
            least = middle
        else:
            most = middle - 1
    return least
