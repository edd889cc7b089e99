"""Rows as long as they should be, whose numbers are in wrong columns: the tax rates of the file show it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.csv_small_files import H, created

WITH_DISCOUNT = f"{H},discount"
SOUND = [f"I-{number},C-1,2026-11-01,EUR,Rope,{number + 2},{number}4.35,20," for number in range(3, 6)]


def row(numbers: str, number: str = "I-1") -> str:
    return f"{number},C-1,2026-11-01,EUR,Rope,{numbers}"


MOVED = {
    "to the left": "10.50,20,5,",
    "to the right, by a text with a comma": "12,2,10.50,20",
    "quantity and tax rate swapped": "20,10.50,2,",
    "price and tax rate swapped": "2,20,10.50,",
    "thousands of the quantity": "1,250,10.50,20",
    "thousands of the price": "2,1,250,20",
    "thousands of an unusual rate": "1,250.00,33.15,20",
}


@pytest.mark.parametrize("numbers", MOVED.values(), ids=list(MOVED))
def test_a_row_whose_numbers_may_have_moved_is_rejected(numbers: str) -> None:
    assert created(WITH_DISCOUNT, row(numbers), *SOUND).keys() == {"I-3", "I-4", "I-5"}
    assert created(WITH_DISCOUNT, *SOUND, row(numbers)).keys() == {"I-3", "I-4", "I-5"}


@pytest.mark.parametrize("numbers", ["1,250,10.50,20", "1,250,19,5", "7,300,20.5,19"])
def test_thousands_without_quotation_marks_are_not_read_if_nothing_shows_that_they_are_none(numbers: str) -> None:
    assert created(WITH_DISCOUNT, row(numbers)) == {}
    assert created(WITH_DISCOUNT, row(numbers), *SOUND).keys() == {"I-3", "I-4", "I-5"}


SIGNED = ["2,10.50,20 %,5", "1,250,19 %,5", "20,10.50,2 %,", "1,250,20,5", "1,250,0,", "20,10.50,7,", "20,7,19,"]


@pytest.mark.parametrize("numbers", SIGNED)
def test_a_rate_with_a_sign_or_of_other_rows_is_certain(numbers: str) -> None:
    assert created(WITH_DISCOUNT, row(numbers), *SOUND).keys() == {"I-1", "I-3", "I-4", "I-5"}


def test_a_rate_that_is_rare_is_doubted_if_another_number_of_its_row_is_the_common_one() -> None:
    others = [row(f"3,{number}.35,20,", f"I-{number + 10}") for number in range(10)]

    assert "I-1" in created(WITH_DISCOUNT, row("20,7.45,7,"), *others[:7])
    assert "I-1" not in created(WITH_DISCOUNT, row("20,7.45,7,"), *others)
    assert "I-1" in created(WITH_DISCOUNT, row("20,7.45,7,"), row("2,7.45,7,", "I-2"), *others)


def test_two_rows_that_contradict_each_other_are_both_rejected() -> None:
    assert created(WITH_DISCOUNT, row("10.50,20,5,"), row("2,10.50,20,5", "I-2")) == {}


@given(st.integers(0, 10**6), st.integers(0, 1), st.sampled_from(["19", "20", "8.1", "25.5"]))
def test_no_move_within_the_numbers_makes_another_invoice(seed: int, at: int, rate: str) -> None:
    """A cell is lost or is too many somewhere, and the row has its length again."""
    dice = random.Random(seed)  # noqa: S311 -- test data, no secret

    def sound() -> list[str]:
        return [f"{dice.randint(30, 900)}", f"{dice.randint(100, 9999)}.{dice.randint(11, 99)}", rate]

    numbers, discount = sound(), dice.choice(["", "33.33", "12.345"])
    moved = [*numbers, discount]
    if dice.random() < 0.5:
        moved = [*moved[:at], *moved[at + 1 :], ""]
    elif not discount:
        moved = [*moved[:at], dice.choice(["", "7", "1234"]), *moved[at:]][:4]
    lines = created(WITH_DISCOUNT, *(row(",".join([*sound(), ""]), f"I-{each}") for each in range(2, 6)))
    assert lines.keys() == {"I-2", "I-3", "I-4", "I-5"}
    if moved != [*numbers, discount] and (moved[:3] != numbers):
        others = (row(",".join([*sound(), ""]), f"I-{each}") for each in range(2, 6))
        assert "I-1" not in created(WITH_DISCOUNT, row(",".join(moved)), *others), moved
