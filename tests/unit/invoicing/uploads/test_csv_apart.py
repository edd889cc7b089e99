"""Rows that stand apart wait in temporary files: nothing of them is lost there, and the files never fill the folder."""

from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.uploads import apart
from invoicing.uploads.apart import ROW_BYTES, ApartRow, ApartRows, Collector, Fragment
from invoicing.uploads.apart_invoices import NOT_TO_THE_END
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_header import Header
from invoicing.uploads.csv_rows import Row
from invoicing.uploads.csv_text import Record
from invoicing.uploads.seen_numbers import digest
from invoicing.uploads.survey import Evidence
from tests.data.csv_reading import Kept, read, stream

NAMES = (
    "invoicenumber", "customerid", "issuedate", "currency", "description", "quantity", "unitprice", "taxrate",
    "customername", "customeremail", "customeraddress", "customervatid", "duedate", "discount",
)  # fmt: skip
HEADER = Header(NAMES)
TEXTS = st.lists(st.characters() | st.sampled_from('\ud800\udc80\n\x00"\\'), max_size=20).map(
    "".join
)  # lone surrogates too


def a_row(number: str, description: str, row: int = 2, header: Header = HEADER, cells: int = 14) -> Row:
    texts = [number, "C-1", "2026-11-01", "EUR", description, *["9"] * 9]
    return Row(Record(row, 0, texts[:cells], None, 0), header, int(header is not HEADER))


def collected(*rows: Row) -> tuple[Kept, Fragment]:
    """The rows of the number I-1 in one fragment."""
    kept = Kept()
    with closing(Collector({digest("i-1")}, Evidence())) as collector:
        collector.collect(iter(rows))
        return kept, collector.keep(kept, "one")


def stored(*rows: Row) -> list[ApartRow]:
    """What comes out of it."""
    kept, fragment = collected(*rows)
    apart_rows = ApartRows(kept, [fragment], [*dict.fromkeys([HEADER, *(row.header for row in rows)])])
    kept_rows: list[ApartRow] = []
    for partition in range(64):
        with apart_rows.invoices(partition) as invoices:
            kept_rows += [each for read_rows in invoices for each in read_rows()]
    return kept_rows


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_no_letter_is_lost(texts: list[str]) -> None:
    rows = [a_row("I-1", text, number) for number, text in enumerate(texts)]

    kept = stored(*rows)

    assert [each.cells for each in kept] == [row.cells() for row in rows]
    assert [each.row for each in kept] == [*range(len(texts))]


def test_rows_with_other_columns_keep_their_own() -> None:
    swapped = Header((*reversed(NAMES[:4]), "", *NAMES[4:]))
    rows = [a_row("I-1", "a"), a_row("EUR", "x", 3, swapped), a_row("I-1", "b", 4, cells=9), a_row("I-1", "c", 5)]
    rows[1].record.cells[3] = "I-1"

    kept = stored(*rows)

    assert [each.cells for each in kept] == [row.cells() for row in rows]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=20))
def test_a_row_takes_no_more_room_than_the_survey_reckons(text: str) -> None:
    row = a_row("I-1", text, 10_000_000)
    in_the_file = len(",".join(row.record.cells)) + 1

    _, fragment = collected(row)
    taken = fragment.offsets[-1]

    assert in_the_file < taken <= in_the_file + ROW_BYTES


def test_files_that_would_fill_the_folder_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert apart.MAX_STORED == 384 << 20
    assert apart.MAX_COLLECTED + 128 * (1 << 20) < 512 << 20
    rows = [a_row("I-1", "a" * 1000, number) for number in range(2, 5)]
    monkeypatch.setattr(apart, "MAX_STORED", 2500)
    assert len(stored(*rows[:2])) == 2

    with pytest.raises(UnreadableFileError, match="too much room to be put together; sort the file") as failure:
        stored(*rows)

    assert failure.value.row == 4


def test_an_import_whose_rows_take_too_much_room_makes_no_invoice_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"I-{number % 2 + 1},C-1,2026-11-01,EUR,{'a' * 1000},{number},2,19" for number in range(1, 9)]
    text = "\n".join(
        ["invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate", *lines]
    )
    assert len(read(text)) == 2
    monkeypatch.setattr(apart, "MAX_STORED", 2500)
    invoices: list[Any] = []

    with pytest.raises(UnreadableFileError, match="too much room"):
        invoices.extend(stream(text))

    assert [invoice.problems[0].reason for invoice in invoices] == [NOT_TO_THE_END] * 2


def test_rows_are_kept_in_fragments_wherever_the_collecting_is_interrupted() -> None:
    """GIVEN any row at which the time runs out THEN its run is left to the next invocation, and no row comes twice."""
    rows = [a_row(f"I-{number % 2}", f"Thing {number}", number) for number in (2, 4, 5, 6, 8, 10, 11, 12)]
    rows = [row._replace(record=row.record._replace(start=100 * row.record.row)) for row in rows]
    numbers = {digest("i-0"), digest("i-1")}

    for stop in range(1, len(rows)):
        kept, fragments = Kept(), []
        with closing(Collector(numbers, Evidence())) as first:
            first.collect(iter(rows[: stop + 1]))
            assert first.place
            begun = first.place
            first.drop_run()
            fragments.append(first.keep(kept, "first"))
        with closing(Collector(numbers, Evidence())) as second:
            second.collect(row for row in rows if row.record.start >= begun.position)
            fragments.append(second.keep(kept, "second"))

        apart_rows = ApartRows(kept, fragments, [HEADER])
        found = []
        for partition in apart_rows.partitions(0):
            with apart_rows.invoices(partition) as invoices:
                found += [[(each.row, each.run) for each in read_rows()] for read_rows in invoices]
        assert sorted(found) == [
            [(2, 200), (4, 200), (6, 600), (8, 600), (10, 600), (12, 1200)],
            [(5, 500), (11, 1100)],
        ]


def test_partitions_without_rows_are_left_out() -> None:
    kept, fragment = collected(a_row("I-1", "a"))
    apart_rows = ApartRows(kept, [fragment, Fragment("none", (0,) * 65)], [HEADER])
    (partition,) = apart_rows.partitions(0)

    assert partition == digest("i-1") % 64
    assert apart_rows.partitions(partition) == [partition]
    assert apart_rows.partitions(partition + 1) == []
    assert fragment.offsets == (*[0] * (partition + 1), *[fragment.offsets[-1]] * (64 - partition))


def test_rows_of_other_invoices_are_not_collected() -> None:
    assert [each.row for each in stored(a_row("I-1", "a", 2), a_row("I-2", "b", 3), a_row("I-1", "c", 4))] == [2, 4]


def test_a_torn_row_is_kept_as_one() -> None:
    torn = Row(Record(3, 50, ["I-1", "C-1"], "torn"), HEADER, 0)

    sound, broken = stored(a_row("I-1", "a"), torn)

    assert (sound.is_torn, sound.problems) == (False, [])
    assert (broken.is_torn, broken.problems) == (True, [("", "", "torn")])
    assert broken.cells == {"invoice_number": "I-1", "customer_id": "C-1"}
    assert (broken.row, broken.run) == (3, 0)
