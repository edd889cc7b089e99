"""To which other invoices a row may belong: the key of each, and the row in doubt."""

import pytest

from invoicing.uploads import csv_doubts
from invoicing.uploads.csv_doubts import Doubts
from invoicing.uploads.csv_identifiers import NONE
from invoicing.uploads.csv_rows import Runs
from tests.data.csv_small_files import H, rows

END = "2026-11-01,EUR,Cup,2,10.50,20"
WITH_NUMBER_SECOND = "description,invoice_number,customer_id,issue_date,currency,quantity,unit_price,tax_rate"
TAIL = "C-1,2026-11-01,EUR,2,10.50,20"
CELLS = "2026-11-01 eur cup 2 10.50 20"


def doubts(*lines: str, header: str = H) -> list[tuple[str, int]]:
    """What is in doubt; rows are written as their number and customer, or whole."""
    runs, search = Runs(), Doubts()
    found = []
    for row in rows(header, *(f"{line},{END}" if header == H and line.count(",") == 1 else line for line in lines)):
        runs.begins(row)
        found += search.of(row, runs)
    return found


def each(keys: str, row: int) -> set[tuple[str, int]]:
    return {(key, row) for key in keys.split()}


@pytest.mark.parametrize(
    "lines",
    [
        ("I-1,C-1", "I-1,C-1", "I-2,C-1", "I-2,C-2", "I-3,C-1"),
        ("1001,1000", "1002,1001"),
        ("1001,1001", "1001,1002"),
        ("TBD,C-1", "I-2,C-1"),
        ("I-1,C-1", "TBD,C-1", "I-2,C-1"),
        ("I-1,C-1", ",C-1", "I-2,C-1"),
        ("I-1,C-1", "1001.0,C-1", "I-2,C-1"),
        ("I-1,C-1", "---,---,---,---,---,---,---,---", "I-2,C-1"),
        ("I-1", H, "I-2,C-1"),
        ("I-1,C-1", "I-2", H),
        ("=A1,=B1", H, "I-2,C-1"),
    ],
)
def test_most_rows_are_of_one_invoice_or_of_none(lines: tuple[str, ...]) -> None:
    assert doubts(*lines) == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("I-1,C-1", "ditto,C-1", "I-2,C-1"), [("i-1", 3)]),
        (("I-1,C-1", "ditto,C-1", "ditto,C-1", "I-2,C-1"), [("i-1", 3), ("i-1", 4)]),
        (("I-1,C-1", "---,---", "---,---"), [("i-1", 3), ("i-1", 4)]),
        (("I-1,C-1", H, "ditto,C-1"), [("i-1", 4)]),
        (("I-1,C-1", "I-2,C-1", "TBD,C-2", "ditto,C-1"), [("i-2", 5)]),
        (("I-1,C-1", "TBD,", "I-2,C-1"), [("i-1", 3), ("i-2", 3)]),
        (("I-1,C-1", "TBD,NULL", "I-2,C-1", "I-3,C-1"), [("i-1", 3), ("i-2", 3)]),
        (("I-1,C-1", "=A2,=B2", "=A2,=B2", "I-2,C-1"), [("i-1", 3), ("i-1", 4), ("i-2", 4)]),
        (("=A3,=B3", "I-2,C-1"), [("i-2", 2)]),
        (("I-1,C-1", H, "=A2,=B2", "I-2,C-1"), [("i-1", 4), ("i-2", 4)]),
        (("I-1,C-1", "=A2,=B2", "1001.0,C-1", "I-2,C-1"), [("i-1", 3)]),
        (("#REF!,#REF!", "I-2,C-1"), [("i-2", 2)]),
        (("I-1,C-1", "####,", "I-2,C-1"), [("i-2", 3)]),
        (("I-1,C-1", ",", "I-2,C-1"), []),
        (("I-1,C-1", "NULL,NULL", "None,None", "I-2,C-1"), []),
        (("I-1,C-1", "// I-2,C-1"), [("i-2", 3)]),
        (("I-1,C-1", f'"I-3, I-2; I-1",C-1,{END}'), [("i-3", 3), ("i-2", 3), ("i-1", 3)]),
    ],
)
def test_a_row_that_has_lost_its_number_may_be_of_the_invoice_beside_it(
    lines: tuple[str, ...], found: list[tuple[str, int]]
) -> None:
    assert doubts(*lines) == found


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("C-1,I-1", "I-1,C-1", "I-2,C-1"), [("i-1", 2), ("c-1", 3)]),
        (("I-1,C-1", "C-1,I-1", "I-2,C-1"), [("c-1", 2), ("i-1", 3)]),
        (("I-1,C-1", "I-1,", "C-1,I-1"), [("c-1", 3), ("i-1", 4)]),
        (("I-1,C-1", "I-2,", "C-1,I-2"), [("c-1", 3), ("i-2", 4)]),
        (("I-1,C-1", "TBD,C-1", "C-1,I-1"), [("c-1", 3), ("i-1", 4)]),
        (("I-1,C-1", H, "C-1,I-1"), []),
    ],
)
def test_of_two_rows_one_may_have_number_and_customer_swapped(
    lines: tuple[str, ...], found: list[tuple[str, int]]
) -> None:
    assert doubts(*lines) == found


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("I-1007,C-1", "I-10"), {("i-1007", 3)}),
        (("I-1007,C-1", "I-2"), set()),
        (("I-1,C-1", "I-2", "I-3,C-1"), each("i-2i-3 i-2,i-3 i-2;i-3", 4) | {("i-3", 3)}),
        (("I-1,C-1", "I-", "1,C-1"), each("i-1 i-,1 i-;1", 4) | {("i-1", 3), ("1", 3)}),
        (("1", "002,C-1"), {("1002", 3), ("1 002", 3), ("1,002", 3), ("1;002", 3), ("2", 2)}),
        (("I-1,C-1", "I-2", "I-3", "I-4,C-1"), each("i-2i-3 i-2,i-3 i-2;i-3", 4) | {("i-3", 3), ("i-4", 4)}
         | each("i-3i-4 i-3,i-4 i-3;i-4", 5)),
        (("I-2", "I-2", "I-3,C-1"), each("i-2i-2 i-2,i-2 i-2;i-2", 3) | {("i-2", 2), ("i-3", 3)}
         | each("i-2i-3 i-2,i-3 i-2;i-3", 4)),
        (("I-2", "I-3", H, "I-4,C-1"), each("i-2i-3 i-2,i-3 i-2;i-3", 3) | {("i-3", 2)}),
        (("I-2", "I-3,C-1", "I-4,C-1"), each("i-2i-3 i-2,i-3 i-2;i-3", 3) | {("i-3", 2)}),
    ],
)  # fmt: skip
def test_a_row_that_ends_early_may_be_a_part_of_the_row_beside_it(
    lines: tuple[str, ...], found: set[tuple[str, int]]
) -> None:
    assert set(doubts(*lines)) == found


def test_the_rest_of_a_text_at_the_end_is_of_the_invoice_above() -> None:
    header = H.replace("description,", "") + ",description"
    row = "{},C-1,2026-11-01,EUR,2,10.50,20,{}"

    assert doubts(row.format("I-1", "Rope"), "blue", header=header) == [("i-1", 3)]
    assert doubts(row.format("I-1", "Rope"), "x,y,2026-11-01", header=header) == [("y", 3), ("2026-11-01", 3)]


@pytest.mark.parametrize(
    ("lines", "keys"),
    [
        (("Cup,I-", f"1,{TAIL}"), each("cup i-", 2) | each("i-1 i-,1 i-;1 1 c-1 2026-11-01 eur 2 10.50 20", 3)),
        ((f"Cup,1,00,{TAIL}",), each("cup1 cup,1 cup;1 100 1,00 1;00 cup 1 0 c-1 2026-11-01 eur 2 10.50 20", 2)
         | {("1 00", 2)}),
    ],
)  # fmt: skip
def test_a_number_behind_another_column_may_be_cut_in_two(lines: tuple[str, ...], keys: set[tuple[str, int]]) -> None:
    assert set(doubts(*lines, header=WITH_NUMBER_SECOND)) == keys


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        (f"1,00,C-1,{END}", each(f"100 1,00 1;00 0 c-1 {CELLS}", 2) | {("1 00", 2)}),
        (f'"10\n14",C-1,{END}', {("1014", 2)}),
        (f'"10\r14",C-1,{END}', {("1014", 2)}),
        (f'"I-\n1",C-1,{END}', set()),
        ('I-1,C-1,"Rope" x,2', each("c-1 rope x 2", 2)),
        ("I-1,C-1,2026-11-01,EUR,I-2,2,10.50,ten", each("c-1 2026-11-01 eur i-2 ten", 2)),
        ("I-1,C-1,2026-11-01,EUR,I-2,2,ten,I-3", each("c-1 2026-11-01 eur i-2 ten i-3", 2)),
    ],
)
def test_a_damaged_row_may_be_one_of_any_invoice_whose_number_is_in_it(line: str, keys: set[tuple[str, int]]) -> None:
    assert set(doubts(line)) == keys


def test_a_row_that_is_twice_as_long_may_have_the_row_below_in_it() -> None:
    first, last = "I-2,C-1,2026-11-01,EUR,Cup,2,10.50,20", "I-3,C-1"

    assert ("i-3", 2) in doubts(f"{first}{first}", last)
    assert ("i-3", 2) not in doubts(f"{first},x", last)


def test_a_row_of_which_several_cells_are_moved_may_be_of_the_invoices_beside_it() -> None:
    moved = "I-2,C-1,Cup,2026-11-01,EUR,two,10.50,20"

    def may_be_of(row: str) -> set[str]:
        return {key for key, _ in doubts("I-1,C-1", row, "I-3,C-1")} & {"i-1", "i-3"}

    assert may_be_of(moved) == {"i-1", "i-3"}
    assert may_be_of(moved.removeprefix("I-2")) == set()
    assert may_be_of(moved.replace("2026-11-01,EUR", "EUR,2026-11-01")) == set()


def test_a_row_like_a_sound_one_above_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most rows are like that, and a file may have a million of them."""
    judged: list[str] = []
    monkeypatch.setattr(csv_doubts, "kind_of_number", lambda cell: judged.append(cell) or NONE)

    doubts("I-1,C-1", "I-1,C-1", "I-2,C-1", "I-2,C-1")

    assert judged == ["I-1", "I-1", "I-2", "I-2"]  # twice each


def test_a_row_like_the_one_above_is_looked_at_if_something_else_is_wrong_with_it() -> None:
    sound = f"I-1,C-1,{END}"

    assert ("i-2", 3) in doubts(sound, f'{sound},"x" I-2')
    assert ("i-2", 3) in doubts(sound, sound.replace("Cup", "I-2").replace("10.50", "ten"))


def test_a_row_like_the_one_above_another_header_may_be_cut_below_it() -> None:
    wide = H.replace(",tax_rate", ",discount,tax_rate")

    found = doubts(f"I-1,C-1,{END}", wide, f"I-1,C-1,{END}", f"I-2,C-1,{END},20", header=f"{H},discount")

    assert ("i-2", 4) in found
