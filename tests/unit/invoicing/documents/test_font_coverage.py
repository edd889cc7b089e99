"""The fonts print what docs/fonts.md says, and no white square in the blocks that it lists as complete."""

import pytest

from invoicing.documents.typeface import printed_form, register
from tests.data import font_coverage
from tests.data.font_coverage import CLAIMED, FONTS, PAGE, PARTIAL, squares


@pytest.mark.parametrize("block", CLAIMED)
def test_a_block_that_is_listed_as_complete_has_no_white_squares(block: str) -> None:
    assert squares(CLAIMED[block]) == []


@pytest.mark.parametrize("block", PARTIAL)
def test_a_block_that_is_listed_as_partial_has_some(block: str) -> None:
    assert squares(PARTIAL[block])


def test_the_page_is_what_the_fonts_print() -> None:
    assert PAGE.read_text(encoding="utf-8") == font_coverage.page(), "run python -m tests.data.font_coverage"


@pytest.mark.parametrize(
    ("character", "printed"),
    [("\u3231", "(\u682a)"), ("\u20bc", "AZN"), ("\u20c1", "SAR"), ("\u20b6", "livre tournois"), ("\u24eb", "(11)")],
)
def test_a_character_without_a_glyph_has_a_printed_form(character: str, printed: str) -> None:
    coverage = register(FONTS)
    assert printed_form(character, coverage) in {printed, character}
