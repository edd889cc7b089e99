"""What the rows of a file prove together, one kind of evidence at a time."""

from typing import Any

import pytest

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_header import Header
from invoicing.uploads.survey import Evidence
from tests.data.csv_small_files import H, R, rows

WIDE = f"{H},discount,due_date"


def evidence(*lines: str, header: str = WIDE) -> Evidence:
    found = Evidence()
    for row in rows(header, *lines):
        found.take(row)
    return found


def numbered(*numbers: str) -> list[str]:
    return [R.replace("I-1", number) + ",," for number in numbers]


def rates(*cells: str) -> list[str]:
    return [f'{R.removesuffix("20")}"{cell}",,' for cell in cells]


@pytest.mark.parametrize(
    ("lines", "name", "proven"),
    [
        ([R], "narrow_row", 2),
        ([f"{R},,", f"{R},5", R], "narrow_row", 3),
        ([f"{R},,"], "narrow_row", 0),
        ([R.removesuffix(",20")], "narrow_row", 0),
        ([f"{R},,,x"], "narrow_row", 0),
        (numbered("#1", "NULL", "1001.0", "I-2", "I-3"), "plain_row", 5),
        (numbered("#1", "#2"), "plain_row", 0),
        (numbered("12", "007", "0008", "0009", "06"), "padded", [4, 4]),
        (numbered("0000", "00A", "12", "0.5"), "padded", []),
        (numbered("1234567890123450", "1234567890123456", "9234567890123456"), "uncut", ["invoice_number 16"]),
        (numbered("123456789012345", "9" * 64, "9" * 65), "uncut", ["invoice_number 64"]),
        ([f"{line},2026-01-22" for line in (f"{R},10.5", f"{R},10", f"{R},0.5")], "percent_rows",
         {"tax_rate": {"percent": 2}, "discount": {"percent": 2, "ratio": 4}}),
        ([f"{R},,2026-01-22", f"{R},,22.1.2026", f"{R},,2026-01-23"], "date_rows",
         {"issue_date": {"?ymd-": 2}, "due_date": {"ymd-": 2, "dmy.": 3}}),
        (rates("7", "1,000", "7,5", "8,5", "1.5"), "comma_row", 4),
        (rates("7", "1.000", "7.5 %", "8.5"), "point_row", 2),
        (rates("7", "7,5 %", "8,5"), "comma_row", 3),
        (rates("1,000", "NULL"), "comma_row", 0),
    ],
)  # fmt: skip
def test_what_a_column_proves_has_the_first_row_that_proves_it(lines: list[str], name: str, proven: Any) -> None:
    assert getattr(evidence(*lines), name) == proven


@pytest.mark.parametrize(
    ("points", "commas", "found"),
    [
        (("10.50", "1.234"), (), (0, 2)),
        (("1.234.567",), ("10,50",), (2, 0)),
        (("10.50",), ("1,234.5",), (0, 2)),
        ((), ("10,50", "1,234", "1,234,567"), (2, 4)),
        (("10.50",), ("10,50",), (3, 2)),
    ],
)
def test_evidence_for_both_decimal_marks_is_found(
    points: tuple[str, ...], commas: tuple[str, ...], found: tuple[int, int]
) -> None:
    lines = [R.replace("10.50", f'"{price}"') for price in (*points, *commas)]

    proven = evidence(*lines, header=H)

    assert (proven.comma_row, proven.point_row) == found


@pytest.mark.parametrize("line", [f"{R.replace('Rope', chr(34) + 'a' + chr(34) + ' b')},5,", f"{R},5,,x"])
def test_a_row_whose_cells_may_be_moved_proves_nothing(line: str) -> None:
    assert evidence(line) == Evidence()


def test_below_a_header_that_lacks_columns_nothing_is_proven() -> None:
    assert evidence(R, header=H.replace("currency", "money")) == Evidence()


@pytest.mark.parametrize(
    ("lines", "banner"),
    [
        (['"DRAFT"', '"in thousands"'], ("DRAFT", 2)),
        ([R, f"Draft of {'x' * 60},,,,,,,"], (f"Draft of {'x' * 51}", 3)),
        (["I-1,,,,Draft,,,"], ("", 0)),
        ([R.replace("Rope", "Draft")], ("", 0)),
        (["Page 1"], ("", 0)),
        ([",,,,, ,,draft"], ("draft", 2)),
    ],
)
def test_a_text_that_is_alone_in_its_row_may_be_a_banner(lines: list[str], banner: tuple[str, int]) -> None:
    found = Evidence()
    for row in rows(H, *lines):
        found.take_banner(row)

    assert (found.banner, found.banner_row) == banner


def test_a_banner_rejects_the_file_with_its_row() -> None:
    with pytest.raises(UnreadableFileError, match="row 7 says 'draft': nothing of it may be meant") as rejection:
        Evidence(banner="draft", banner_row=7, banner_reason="nothing of it may be meant").check("")
    assert rejection.value.row == 7


def test_a_declared_encoding_does_not_fit_a_file_that_is_utf_8() -> None:
    for fitting in (Evidence(is_utf_8=True, is_other=True), Evidence(is_other=True), Evidence()):
        fitting.check("cp1252")

    with pytest.raises(UnreadableFileError) as rejection:
        Evidence(is_utf_8=True).check("cp1252")

    assert str(rejection.value) == (
        "the upload's metadata encoding is 'cp1252', but the file is UTF-8: upload it again without that"
    )


def test_the_columns_that_nothing_reads_are_listed_once_and_not_without_end() -> None:
    found, cells = Evidence(), H.split(",")

    found.take_header(Header.of([*cells, "sku", "Note", "sku"]))
    found.take_header(Header.of([*cells, "Note", *(f"x{each}" for each in range(200))]))
    found.take_header(Header.of([*cells, "more"]))

    assert found.unread == ["sku", "Note", *(f"x{each}" for each in range(98))]
