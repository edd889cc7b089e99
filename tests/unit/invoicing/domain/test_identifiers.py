"""Identifiers that look the same are the same; those that only seem the same to a machine stay different."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.domain.identifiers import is_invisible, look, mixture, normal_form, numeral


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("INV-901", "INV-901"),
        ("  INV-901\t", "INV-901"),
        ("C\u00a01001", "C 1001"),
        ("C\u2009\u202f 1001", "C 1001"),
        ("INV\u2013901", "INV-901"),
        ("INV\u2011901", "INV-901"),
        ("INV\u2212901", "INV-901"),
        ("INV\ufe63901", "INV-901"),
        ("\uff29\uff2e\uff36\uff0d\uff19\uff10\uff11", "INV-901"),
        ("Re\u0301f 1", "R\u00e9f 1"),
        ("\u33271", "\u30c8\u30f31"),
        ("inv-901", "inv-901"),
        ("INV--901", "INV--901"),
        ("1\u301c2", "1\u301c2"),
        ("007", "007"),
    ],
)
def test_one_form(written: str, normal: str) -> None:
    assert normal_form(written) == normal


@pytest.mark.parametrize(
    "written",
    ["A\u200b1", "\ufeffA-1", "A\u00ad1", "A\u20601", "A-1\ufe0f", "A\u034f1", "A\u31641", "\u202e1"],
)
def test_invisible_characters_are_rejected(written: str) -> None:
    with pytest.raises(ValueError, match=r"contains the invisible character U\+[0-9A-F]{4}"):
        normal_form(written)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12))
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    if any(is_invisible(character) for character in text):
        return
    normal = normal_form(text)
    assert normal_form(normal) == normal
    assert not any(unicodedata.category(character) == "Zs" and character != " " for character in normal)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("INV-A1", ""),
        ("\u0418\u041d\u0412-1", ""),
        ("INV-\u04101", "\u0410"),
        ("\u0410-B", "B"),
        ("\u03a9-\u0411", "\u0411"),
        ("\u6771\u4eac-A", ""),
        ("1-\u00e9", ""),
        ("\uff21-\u0410", "\u0410"),
    ],
)
def test_letters_of_two_alphabets(text: str, letter: str) -> None:
    assert mixture(text) == letter


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("INV\u30fc1", "INV-1"),
        ("26\u20441", "26/1"),
        ("L\u201926", "L'26"),
        ("INV-\u0661", "INV-1"),
        ("INV-\u06f1", "INV-1"),
    ],
)
def test_signs_and_digits_that_look_the_same(text: str, seen: str) -> None:
    assert look(text) == seen


@given(st.text("ABCabc\u0410\u0412\u0421\u0430\u0441\u0391\u0392\u03b1-1", max_size=6))
def test_what_looks_latin_reads_as_latin(text: str) -> None:
    assert look(text).isascii()
    assert len(look(text)) == len(text)
    assert look(look(text)) == look(text)


def test_other_letters_keep_their_look() -> None:
    assert look("\u0418\u0416-\u03a9\u00e9") == "\u0418\u0416-\u03a9\u00e9"


@pytest.mark.parametrize(
    ("text", "found"), [("⑫5", "⑫"), ("A²", "²"), ("½", "½"), ("Ⅻ", "Ⅻ"), ("１2", ""), ("四", ""), ("é", "")]
)
def test_numbers_that_are_no_digits_are_found(text: str, found: str) -> None:
    assert numeral(text) == found
