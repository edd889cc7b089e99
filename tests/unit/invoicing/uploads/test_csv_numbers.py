"""Numbers: what a text can mean, which decimal mark it proves, and when nobody can tell."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads.csv_numbers import COMMA, POINT, MarkEvidence, is_malformed, proven_mark, read_number, readings
from tests.data.csv_reading import problems
from tests.data.csv_small_files import H, R, created

NONE = MarkEvidence()
BOTH = MarkEvidence(comma_row=3, point_row=5)
AGAIN = "upload the file again with the metadata decimal-mark: comma or decimal-mark: point"


@pytest.mark.parametrize(
    ("text", "comma", "point"),
    [
        ("7", "7", "7"),
        ("007", "7", "7"),
        ("+7", "7", "7"),
        ("-7", "-7", "-7"),
        ("7-", "-7", "-7"),
        ("1 000", "1000", "1000"),
        ("1'000'000", "1000000", "1000000"),
        ("1.000", "1000", "1.000"),
        ("1,000", "1.000", "1000"),
        ("10,50", "10.50", None),
        ("10.5", None, "10.5"),
        ("0.125", None, "0.125"),
        ("1234.500", None, "1234.500"),
        ("1.234,5", "1234.5", None),
        ("1,234.5", None, "1234.5"),
        ("1.234.567", "1234567", None),
        ("1 234,5", "1234.5", None),
        ("1’234.5", None, "1234.5"),
        ("\u22121\u202f000,5", "-1000.5", None),
        (" 2 ", "2", "2"),
        (",5", "0.5", None),
        (".5", None, "0.5"),
        ("-.5", None, "-0.5"),
        ("1.234,50-", "-1234.50", None),
        ("12.345.678,9", "12345678.9", None),
        ("-7-", None, None),
        ("--7", None, None),
        ("", None, None),
        ("-", None, None),
        ("7.", None, None),
        ("1.2.3", None, None),
        ("1,23,456", None, None),
        ("1.234 567", None, None),
        ("1234.567.890", None, None),
        ("0.123.456", None, None),
        ("€7", None, None),
        ("1e3", None, None),
        ("٣", None, None),
        ("⑫5", None, None),
        ("½", None, None),
        ("0x1", None, None),
        ("1_000", None, None),
    ],
)
def test_what_a_text_means_with_each_mark(text: str, comma: str | None, point: str | None) -> None:
    expected = {mark: Decimal(number) for mark, number in ((COMMA, comma), (POINT, point)) if number is not None}

    assert readings(text) == expected
    assert proven_mark(text) == ("" if len(expected) != 1 else next(iter(expected)))


@pytest.mark.parametrize(
    ("evidence", "mark"),
    [
        (NONE, ""),
        (BOTH, ""),
        (MarkEvidence(comma_row=2), COMMA),
        (MarkEvidence(point_row=2), POINT),
        (MarkEvidence(declared=COMMA), COMMA),
        (MarkEvidence(comma_row=2, declared=POINT), POINT),
        (MarkEvidence(comma_row=2, point_row=3, declared=POINT), POINT),
    ],
)
def test_the_mark_is_the_declared_or_the_proven_one(evidence: MarkEvidence, mark: str) -> None:
    assert evidence.mark == mark


@pytest.mark.parametrize(
    ("text", "evidence", "number"),
    [
        ("12", NONE, "12"),
        ("12", MarkEvidence(declared=COMMA), "12"),
        ("1.000", MarkEvidence(point_row=9), "1"),
        ("1.000", MarkEvidence(comma_row=9), "1000"),
        ("1,000", MarkEvidence(comma_row=9), "1"),
        ("10,50", BOTH, "10.5"),
        ("1.000", MarkEvidence(declared=POINT), "1"),
        ("1.000", MarkEvidence(point_row=9, declared=COMMA), "1000"),
        ("0.000", NONE, "0"),
        ("1 000", NONE, "1000"),
    ],
)
def test_a_number_is_read_by_the_evidence(text: str, evidence: MarkEvidence, number: str) -> None:
    assert read_number(text, evidence) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "evidence", "reason"),
    [
        ("x", NONE, "is not a number such as 1234.50 or 1234,50"),
        ("٣", NONE, "is not a number such as 1234.50 or 1234,50"),
        (
            "10.50",
            MarkEvidence(declared=COMMA),
            "is not a number with a decimal comma, as the upload's metadata decimal-mark says",
        ),
        (
            "1,5",
            MarkEvidence(declared=POINT),
            "is not a number with a decimal point, as the upload's metadata decimal-mark says",
        ),
        (
            "1.250",
            NONE,
            f"can mean 1250 or 1.25, and no other number of the file shows which; {AGAIN}",
        ),
        (
            "1,250",
            BOTH,
            f"can mean 1.25 or 1250, and row 3 has a decimal comma, but row 5 a decimal point; {AGAIN}",
        ),
    ],
    ids=["text", "arabic", "not-comma", "not-point", "ambiguous", "contradiction"],
)
def test_a_text_that_is_no_number_has_its_reason(text: str, evidence: MarkEvidence, reason: str) -> None:
    assert read_number(text, evidence) == reason


@given(
    number=st.decimals(-(10**9), 10**9, places=4, allow_nan=False),
    style=st.sampled_from([(COMMA, "."), (COMMA, " "), (COMMA, ""), (POINT, ","), (POINT, "'"), (POINT, "")]),
    minus_after=st.booleans(),
)
def test_any_number_reads_back_by_its_mark(number: Decimal, style: tuple[str, str], *, minus_after: bool) -> None:
    mark, thousands = style
    text = f"{abs(number):,.4f}".replace(",", "T").replace(".", mark).replace("T", thousands)
    text = text if number >= 0 else f"{text}-" if minus_after else f"-{text}"

    assert readings(text)[mark] == number
    assert read_number(text, MarkEvidence(declared=mark)) == number
    assert proven_mark(text) == mark  # four places are no group of three


@given(st.text(st.sampled_from("0123456789., '-+"), max_size=12))
def test_what_proves_a_mark_means_one_thing(text: str) -> None:
    numbers = readings(text)

    assert proven_mark(text) in {"", *numbers}
    if proven_mark(text):
        assert read_number(text, BOTH) == numbers[proven_mark(text)]


MALFORMED = [
    "1.2.3",
    "12,34,5",
    "1 2",
    "1..2",
    "1,2.3,4",
    "12.34.567",
    "1,23,4.5",
    "1' 2",
    "00.1.",
    "+1.2.3",
    "1.000,00.0-",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_digits_and_marks_that_are_no_number_put_the_marks_of_all_in_doubt(text: str) -> None:
    assert is_malformed(text)
    rows = (
        f"I-{at},C-1,2026-11-01,EUR,Rope,2,{price},20" for at, price in enumerate((f'"{text}"', "1.000", "9.50"), 1)
    )
    assert created(H, *rows) == {"I-3": ["Rope"]}
    assert created(H, *[*rows][::-1]).keys() <= {"I-3"}


@pytest.mark.parametrize("text", ["1.2", "12", "1,234.5", "x", "1.2.3x", "", ".", "-", "1,00,000.00", "2 000"])
def test_other_texts_are_not_malformed(text: str) -> None:
    assert not is_malformed(text)


def test_groups_of_two_digits_are_told() -> None:
    (problem,) = problems("\n".join([H, R.replace("10.50", '"12,34,567.50"')]))

    assert problem.reason == "has groups of two digits, as lakhs and crores have: write 100000.00 for 1,00,000.00"
