"""Hebrew and Arabic, which run from right to left, in the order in which their glyphs stand on paper.

reportlab sets characters from left to right, as they come. Here a text is cut into printed lines first; then Arabic
letters are joined (their presentation forms, Unicode chapter 9.2), and each line is put into visual order by the
Unicode Bidirectional Algorithm (UAX #9). Vowel marks stand before their letters then, which is where the font's glyphs,
without positioning tables, fall into place.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import cast

from arabic_reshaper import ArabicReshaper
from bidi.algorithm import get_base_level, get_display

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")


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
        direction = "R" if get_base_level(joined) else "L"
        rows += [cast("str", get_display(line, base_dir=direction)) for line in _lines(joined, width, measure)]
    return "\n".join(rows)


@lru_cache(maxsize=1)
def _reshaper() -> ArabicReshaper:
    """Joins letters, and the two of lam-alef, which is no matter of taste; leaves vowel marks and words as written."""
    return ArabicReshaper(configuration={"delete_harakat": False, "ARABIC LIGATURE ALLAH": False})


def _joined(text: str, shown: Callable[[str], str]) -> str:
    return "".join(one if one in _DIRECTION_MARKS else shown(one) for one in _reshaper().reshape(text))


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
