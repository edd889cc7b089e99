"""Rows whose number is lost: what it may have been, and which invoices may lack such a row."""

import pytest

from invoicing.uploads.csv_identifiers import ANY, DATE, SAME
from invoicing.uploads.csv_strays import Strays, has_quantity, lost_forms, stray_row
from tests.data.csv_small_files import H, rows

END = "2026-11-01,EUR,Cup,2,10.50,20"
LONG = "C" * 70


def strays(*lines: str) -> dict[str, int]:
    found: dict[str, int] = {}
    search = Strays(found)
    for row in rows(H, *(line if line.count(",") > 1 else f"{line},{END}" for line in lines)):
        search.take(row)
    return found


@pytest.mark.parametrize(
    ("cell", "forms"),
    [
        ("I-1", []),
        ("a, b", []),
        ("TBD", [ANY]),
        ("ditto", [SAME]),
        ("2-Nov", [DATE]),
        (" 1001.0 ", ["=1001"]),
        ("1001.", ["=1001"]),
        ("1001.00", ["=1001"]),
        ("0.10", ["=10"]),
        ("1,001", ["=1001"]),
        ("1.001,00", ["=1001"]),
        ("$1,001.00", ["=1001"]),
        ("1,001,000 €", ["=1001", "=1001000"]),
        ("(1001)", ["=1001"]),
        ("1.000", ["=1", "=1000"]),
        ("0.01", ["=1"]),
        ("2.02611E+11", ["2.02611E+11"]),
        ("2,0261e+11", ["2.0261E+11"]),
        ("2.02600 x 10^11", ["2.026E+11"]),
        ("20E+10", ["2E+11"]),
        ("1.2.3E+11", [ANY]),
    ],
)
def test_what_a_lost_number_may_have_been(cell: str, forms: list[str]) -> None:
    assert lost_forms(cell) == forms


@pytest.mark.parametrize(
    ("number", "forms"),
    [
        ("202611000203", ("2.02611E+11", "2E+11", "2.02611000203E+11")),
        ("2025", ("2.03E+03", "2.02E+03", "2025.0", "2.025", "2.025E+03")),
        ("1234567890123456", ("1.23456789012346E+15", "1.23456789012345E+15")),
        ("12e7", ("1.2E+08", "1E+08")),
        ("2-11", ("2-Nov", "11-Feb")),
        ("nov-26", ("26-Nov",)),
        ("2nov", ("2-Nov",)),
        ("i-2", ("TBD", "=A2", "#REF!", "")),
    ],
)
def test_an_invoice_may_lack_a_row_whose_number_was_its_own(number: str, forms: tuple[str, ...]) -> None:
    for form in forms:
        found = strays("X-7,C-9", f"{form},C-1")

        assert stray_row(number, "c-1", found) == 3
        assert stray_row(number, "c-9", found) == 0


@pytest.mark.parametrize(
    ("number", "form"),
    [("202611000203", "2.0262E+11"), ("1001", "1002.0"), ("i-2", "2-Nov"), ("i-2", "2.0"), ("2026", "2.026E+4")],
)
def test_an_invoice_does_not_lack_a_row_whose_number_was_another_one(number: str, form: str) -> None:
    assert stray_row(number, "c-1", strays("X-7,C-9", f"{form},C-1")) == 0


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        (("I-2,C-1",), 0),
        (("I-2,C-1", ",C-1"), 3),
        (("I-2,C-1", "NULL,C-1"), 3),
        (("I-2,C-1", "TBD,C-2", "TBD,C-1", "=A2,C-1"), 4),
        (("I-2,C-1", ",C-2", "TBD,"), 0),
        (("I-2,C-1", "TBD,#REF!"), 0),
        (("I-2,C-1", "1001.0,"), 0),
        (("I-2,C-1", "ditto,C-1"), 0),
        (("I-2,C-1", "I-3,C-2", "ditto,C-1"), 4),
        (("I-2,C-1", "I-3,=A2", "ditto,C-1"), 4),
        (("I-2,C-1", "I-3,C-2", "TBD,C-2", "ditto,C-1"), 5),
        (("I-2,C-1", "I-3,C-2", "ditto,C-1,2026-11-01,EUR,Cup,---,10.50,20"), 0),
        (("I-2,C-1", "1/11/2026,C-1"), 0),
        (("I-2,C-1", "1/11/2026,C-2", "ditto,C-1"), 4),
        (("I-2,C-1", "C-1,C-1,2026-11-01,EUR,Cup"), 3),
        (("I-2,C-1", "C-1,2026-11-01,EUR,Cup,2,10.50,20"), 3),
        (("I-2,C-1", "C-1,2026-11-01,EUR,Cup,2,10.50,20,"), 3),
        (("I-2,C-1", 'TBD,C-1,"Rope" x'), 0),
    ],
)
def test_which_row_an_invoice_of_that_customer_may_lack(lines: tuple[str, ...], row: int) -> None:
    assert stray_row("i-2", "c-1", strays(*lines)) == row


def test_a_lost_number_without_a_customer_may_be_one_of_any() -> None:
    assert stray_row("1001", "c-1", strays("I-2,C-1", "1001.0,")) == 3
    assert stray_row("1001", "c-1", strays("I-2,C-1", "1001.0,#REF!")) == 3


def test_a_number_in_the_wrong_column_hides_no_customer() -> None:
    """GIVEN a header with the number further right, and a row that lacks a cell THEN its cells mean nothing."""
    moved = "description,invoice_number,customer_id,issue_date,currency,quantity,unit_price,tax_rate"
    found: dict[str, int] = {}

    for row in rows(moved, "TBD,C-1,2026-11-01,EUR,2,10.50,20", "Cup,TBD,C-1,2026-11-01,EUR,2,10.50,20"):
        Strays(found).take(row)

    assert found == {"any\tc-1": 3}


def test_long_customers_are_compared_by_their_beginnings() -> None:
    assert stray_row("i-2", LONG.casefold(), strays(f"TBD,{LONG}")) == 2
    assert stray_row("i-2", LONG.casefold(), strays(f"TBD,{LONG[:64]}")) == 2
    assert stray_row("i-2", LONG.casefold(), strays(f"TBD,{LONG[:63]}")) == 0


def test_no_more_lost_numbers_are_remembered_than_a_checkpoint_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invoicing.uploads.csv_strays.MAX_STRAYS", 2)
    lines = [f"{number}.0,C-{number}" for number in range(1, 7)]

    assert strays(*lines[:2]) == {"=1\tc-1": 2, "=2\tc-2": 3}
    assert strays(*lines[:4]) == {"=1\tc-1": 2, "=2\tc-2": 3, "=3\t": 4, "=4\t": 5}
    assert strays(*lines) == strays(*lines[:4]) | {"any\t": 6}


def test_a_line_of_dashes_has_no_quantity() -> None:
    assert [has_quantity(row) for row in rows(H, f"I-1,C-1,{END}", "---,---,---,---,---,---,---,---", "I-1")] == [
        True,
        False,
        False,
    ]
