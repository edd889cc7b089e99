"""Create the fonts that generate-pdf embeds: subsets for the scripts in which invoices are written.

DejaVu Sans has Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic and symbols; Droid Sans Fallback Chinese,
Japanese and Korean, with TrueType outlines (reportlab embeds no others). Of the latter all is kept that it has: company
and family names use characters outside of the national standards (an enclosed "stock company", variants of ideographs).
Nothing beyond U+FFFF: reportlab writes no text for such characters that readers accept.

Run on Debian after ``apt-get install fonts-dejavu-core fonts-droid-fallback``, with the developer environment
(fonttools)::

    python tests/data/subset_fonts.py --out lambdas/generate_pdf/fonts

The output depends on the source files and on fonttools' version alone.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

SOURCES = Path("/usr/share")
DEJAVU = ("fonts/truetype/dejavu/DejaVuSans.ttf", "fonts/truetype/dejavu/DejaVuSans-Bold.ttf")
DROID = "fonts-droid-fallback/truetype/DroidSansFallback.ttf"

RANGES = (
    (0x0020, 0x007E),  # Basic Latin
    (0x00A0, 0x024F),  # Latin-1, Latin Extended-A and -B
    (0x0250, 0x02AF),  # phonetic letters, of which schwa is also Azerbaijani
    (0x02B0, 0x02DD),  # modifier letters
    (0x0300, 0x0331),  # combining accents
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x052F),  # Cyrillic
    (0x0530, 0x058F),  # Armenian
    (0x0590, 0x05FF),  # Hebrew
    (0x0600, 0x06FF),  # Arabic (with Persian and Urdu)
    (0x10A0, 0x10FF),  # Georgian
    (0x1E00, 0x1EFF),  # Latin Extended Additional (Vietnamese, Welsh)
    (0x1F00, 0x1FFF),  # Greek Extended
    (0x2000, 0x206F),  # punctuation
    (0x2070, 0x209F),  # superscripts and subscripts
    (0x20A0, 0x20CF),  # currency signs
    (0x2100, 0x214F),  # letterlike symbols: numero, trade mark, estimated
    (0x2150, 0x218F),  # fractions and Roman numerals
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # mathematics
    (0x2460, 0x24FF),  # enclosed numbers and letters
    (0x25A0, 0x25FF),  # shapes; a square is printed for a character that no font has
    (0x2600, 0x27BF),  # symbols: stars, ticks, telephones
    (0x2C60, 0x2C7F),  # Latin Extended-C
    (0xA640, 0xA69F),  # Cyrillic Extended-B
    (0xA720, 0xA7FF),  # Latin Extended-D
    (0xFB00, 0xFB06),  # ligatures
    (0xFB1D, 0xFB4F),  # Hebrew letters with points
    (0xFB50, 0xFDFF),  # Arabic letters, joined
    (0xFE70, 0xFEFE),
    (0xFFFD, 0xFFFD),  # replacement character
)


EAST_ASIAN = (
    (0x2E80, 0xDFFF),  # radicals, kana, hangul, ideographs
    (0xF900, 0xFFFC),  # compatibility forms, half and full width
)


def subset(source: Path, target: Path, codes: Iterable[int]) -> int:
    """Write the subset of a font with these code points; returns its size in bytes."""
    options = Options()
    options.layout_features = []  # reportlab places glyphs by their width alone
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = ["*"]  # names and licence stay with the font
    options.recalc_timestamp = False
    options.glyph_names = False
    font = load_font(source, options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    save_font(font, target, options)
    return target.stat().st_size


def main() -> None:
    """Subset every face."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=SOURCES, help="folder of Debian's font packages")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    for face, ranges in (*((face, RANGES) for face in DEJAVU), (DROID, EAST_ASIAN)):
        source = arguments.source / face
        codes = [code for first, last in ranges for code in range(first, last + 1)]
        size = subset(source, arguments.out / source.name, codes)
        print(f"{source.name}: {size:,} bytes")  # noqa: T201 -- a command's output


if __name__ == "__main__":
    main()
