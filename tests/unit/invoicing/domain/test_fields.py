"""Texts: the characters that they may contain, at any position."""

import sys
import unicodedata
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from invoicing.domain.fields import Address, Description, Identifier, Name, NewIdentifier


def test_no_rejected_character_is_printable() -> None:
    """Printable texts are not checked character by character."""
    rejected = {"Cc", "Cs", "Cf", "Zl", "Zp"}
    printable = filter(str.isprintable, map(chr, range(sys.maxunicode + 1)))
    assert [hex(ord(character)) for character in printable if unicodedata.category(character) in rejected] == []


@pytest.mark.parametrize("around", ["x{}x", "株{}" + "é" * 50], ids=["ascii", "long"])
@pytest.mark.parametrize(
    ("kind", "character", "reason"),
    [
        (Description, "\x07", r"control character U\+0007"),
        (Description, "\x85", r"control character U\+0085"),
        (Description, "\ufffd", "could not be read"),
        (Name, "\x07", r"control character U\+0007"),
        (Name, "\u2028", "must be one line"),
        (Name, "\u2029", "must be one line"),
        (Identifier, "\u202e", r"invisible character U\+202E"),
        (Identifier, "\u200b", r"invisible character U\+200B"),
        (Identifier, "\ufffd", "could not be read"),
    ],
)
def test_a_bad_character_is_found_at_any_position(kind: Any, character: str, reason: str, around: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        TypeAdapter(kind).validate_python(around.format(character))


def test_only_descriptions_may_have_line_breaks() -> None:
    assert TypeAdapter(Description).validate_python("a\nb\tc\u200b") == "a\nb\tc\u200b"
    for character in "\n\r\t":
        with pytest.raises(ValidationError, match="must be one line"):
            TypeAdapter(Name).validate_python(f"a{character}b")


@pytest.mark.parametrize("kind", [Description, Name, Address, Identifier])
@pytest.mark.parametrize("blank", ["\u2800", "\u3164", "\u2800 \u3164"])
def test_a_text_without_visible_characters_is_rejected(kind: Any, blank: str) -> None:
    with pytest.raises(ValidationError, match="has no visible characters"):
        TypeAdapter(kind).validate_python(blank)
    assert TypeAdapter(kind).validate_python(f"{blank}x") == f"{blank}x"


def test_a_new_id_has_letters_of_one_alphabet() -> None:
    """An id that is stored already, or that came with money, is taken as it is."""
    with pytest.raises(ValidationError, match="mixes alphabets: \u0410 is CYRILLIC CAPITAL LETTER A"):
        TypeAdapter(NewIdentifier).validate_python("INV-\u04101")
    assert TypeAdapter(NewIdentifier).validate_python("\u0418\u041d\u0412-1") == "\u0418\u041d\u0412-1"
    assert TypeAdapter(Identifier).validate_python("INV-\u04101") == "INV-\u04101"


def test_format_characters_alone_are_rejected() -> None:
    for character in "\u200b\u2060\ufeff\u202e":
        with pytest.raises(ValidationError, match="has no visible characters"):
            TypeAdapter(Description).validate_python(character)


def test_an_id_is_the_same_however_its_accents_are_written() -> None:
    assert TypeAdapter(Identifier).validate_python("e\u0301-1") == "\u00e9-1"
