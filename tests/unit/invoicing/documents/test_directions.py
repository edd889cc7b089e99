"""Right-to-left text as it is printed: lines first, then each in visual order. One character is one point wide here."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.documents.directions import to_visual_order

ALEF, BET, GIMEL = "\u05d0\u05d1\u05d2"


def printed(text: str, width: float = 100, instead: Mapping[str, str] = MappingProxyType({})) -> str:
    return to_visual_order(text, width=width, measure=len, form_of=lambda character: instead.get(character, character))


@pytest.mark.parametrize("text", ["", "plain  text,\nas it is ", "Łódź 株式会社 (1)"])
def test_left_to_right_text_is_unchanged(text: str) -> None:
    assert printed(text, width=3) == text


@pytest.mark.parametrize(
    ("written", "on_paper"),
    [
        (f"{ALEF}{BET}{GIMEL}", f"{GIMEL}{BET}{ALEF}"),
        (f"{ALEF}{BET} 42.50", f"42.50 {BET}{ALEF}"),
        (f"{ALEF} ({BET})", f"({BET}) {ALEF}"),
        (f"Item {ALEF}{BET} (new)", f"Item {BET}{ALEF} (new)"),
        (f"{ALEF}{BET} Project X", f"Project X {BET}{ALEF}"),
        (f"{ALEF} Dell (XPS) {BET}", f"{BET} Dell (XPS) {ALEF}"),
        (f"{ALEF} v1.2 (beta)", f"v1.2 (beta) {ALEF}"),
        (f"Dell ({ALEF}{BET}) {GIMEL}", f"Dell ({BET}{ALEF}) {GIMEL}"),
        (f"{ALEF} <1 [{BET}] ({GIMEL}(", f"){GIMEL}) [{BET}] 1> {ALEF}"),
    ],
    ids=[
        "letters",
        "numbers",
        "brackets",
        "within Latin",
        "Latin within",
        "Latin brackets",
        "at the end",
        "brackets in Latin",
        "mirrored",
    ],
)
def test_a_row_has_the_direction_of_its_first_letter(written: str, on_paper: str) -> None:
    assert printed(written) == on_paper


def test_each_row_has_its_own_direction() -> None:
    assert printed(f"{ALEF}{BET}\nTel (1)\n{BET}{ALEF}") == f"{BET}{ALEF}\nTel (1)\n{ALEF}{BET}"


def test_the_beginning_of_a_row_is_on_the_first_line() -> None:
    assert printed(f"{ALEF}{BET} {GIMEL} 1", width=4) == f"{GIMEL} {BET}{ALEF}\n1"


def test_a_line_that_was_cut_keeps_the_direction_of_its_row() -> None:
    assert printed(f"{ALEF}{BET} in {GIMEL}", width=4) == f"{BET}{ALEF}\n{GIMEL} in"


@pytest.mark.parametrize("width", [13, 18, 100])
def test_a_number_is_ordered_alike_wherever_a_line_breaks(width: int) -> None:
    contract = "\u062a\u0627\u0631\u064a\u062e 2026-11-01 \u0631\u0642\u0645 12-34"  # numbers behind Arabic letters
    shown = printed(contract, width)
    assert "01-11-2026" in shown
    assert "34-12" in shown


def test_signs_at_the_end_of_a_line_belong_to_their_neighbours() -> None:
    assert printed(f"{ALEF} a -- b", width=6) == f"a -- {ALEF}\nb"
    assert printed(f"{ALEF} a -- 5", width=6) == f"a -- {ALEF}\n5"
    assert printed(f"{ALEF} a -- {BET}", width=6) == f"-- a {ALEF}\n{BET}"


def test_a_word_wider_than_a_line_is_cut_where_the_line_ends() -> None:
    assert printed(ALEF + BET * 3 + GIMEL, width=3) == f"{BET * 2}{ALEF}\n{GIMEL}{BET}"


def test_the_rest_of_a_cut_word_shares_its_line_with_the_next() -> None:
    assert printed(f"{ALEF * 4} {BET}", width=3) == f"{ALEF * 3}\n{BET} {ALEF}"


def test_arabic_letters_are_joined() -> None:
    beh, lam, alef = "\u0628\u0644\u0627"
    assert printed(beh * 3) == "\ufe90\ufe92\ufe91"  # final, medial, initial; the first one stands on the right
    assert printed(lam + alef) == "\ufefb"


def test_the_printed_form_of_a_character_takes_its_place() -> None:
    beh = "\u0628"
    assert printed(beh * 3, instead={"\ufe92": beh}) == f"\ufe90{beh}\ufe91"
    assert printed(f"{ALEF}\u0378{BET}\u2067", instead={"\u0378": "?", "\u2067": ""}) == f"{BET}?{ALEF}"


def test_a_row_without_printable_characters_is_kept() -> None:
    assert printed(f"a\n{ALEF}\nb", instead={ALEF: ""}).split() == ["a", "b"]
    assert printed(f"a\n{ALEF}\nb", instead={ALEF: ""}).count("\n") == 2


def test_a_direction_mark_decides_where_a_sign_belongs() -> None:
    assert printed(f"{ALEF} C++") == f"++C {ALEF}"
    assert printed(f"{ALEF} C++\u200e") == f"C++ {ALEF}"


def test_vowel_marks_stay_with_their_letters() -> None:
    assert printed(f"{ALEF}\u05b8{BET}") == f"{BET}\u05b8{ALEF}"
    assert printed("\u0645\u064f\u062d") == "\ufea2\u064f\ufee3"


@given(st.text(st.sampled_from(f"{ALEF}{BET}\u05b8 ab1(.,"), max_size=60), st.integers(1, 30))
def test_nothing_is_lost_and_no_line_is_too_wide(written: str, width: int) -> None:
    lines = printed(ALEF + written, width).split("\n")
    assert max(map(len, lines)) <= width
    visible = Counter(ALEF + written)
    shown = Counter("".join(lines).replace(")", "("))  # brackets are mirrored
    del visible[" "], shown[" "]
    assert shown == visible
