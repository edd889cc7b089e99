"""The reject report, as a spreadsheet opens it."""

import tempfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from invoicing.uploads import reports
from invoicing.uploads.csv_invoices import RejectedCell, RejectedInvoice
from invoicing.uploads.reports import RejectReport, join_rejects, safe_cell


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1+1", "＋1", "－1", "＠x"])
def test_formulas_are_made_safe_in_reports(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"
    assert safe_cell(f"x{cell}") == f"x{cell}"


@pytest.mark.parametrize(
    ("cell", "safe"),
    [("x;=1+1", "x;'=1+1"), ('x; "=A1"', 'x; "\'=A1"'), ("x\t@y;+1", "x\t'@y;'+1"), ("=a;b-c", "'=a;b-c")],
)
def test_formulas_after_another_list_separator_are_made_safe_too(cell: str, safe: str) -> None:
    assert safe_cell(cell) == safe


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\x85", "\u2028", '\n"', "\n ;\t"])
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@x", "＝1+1"])
def test_formulas_after_a_line_break_are_made_safe_too(end: str, formula: str) -> None:
    """Programs that split lines before they look for quotes take what follows for the first cell of a row."""
    assert safe_cell(f"x{end}{formula}") == f"x{end}'{formula}"
    assert safe_cell(f"two{end}lines") == f"two{end}lines"


def test_a_cell_of_blanks_is_made_safe_in_a_moment() -> None:
    cell = "x" + "\n" * 200_000

    started = time.process_time()

    assert safe_cell(cell) == cell
    assert time.process_time() - started < 1  # for each of them to the end would take a minute


def test_the_reject_report_names_what_was_not_imported() -> None:
    reason = "is not a number with a decimal point"
    report = RejectReport()
    report.add(RejectedInvoice(2, 3, "0001", [RejectedCell(3, "quantity", "=2", reason)], 2))
    with join_rejects([[report.content().read()]]) as body:
        text = body.read().decode()
    assert text.startswith("\ufeff")  # otherwise Excel does not read it as UTF-8
    lines = text.removeprefix("\ufeff").splitlines()

    report.close()

    assert lines == [
        "row,column,value,reason",
        "3,quantity,'=2,is not a number with a decimal point; invoice 0001 (rows 2 to 3) was not imported",
    ]


def test_a_reject_report_ends_before_the_disk_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_REPORT", 1000)
    report = RejectReport()
    number = "9" * 100_000
    for row in range(2, 200):
        report.add(RejectedInvoice(row, row + 1, number, [RejectedCell(row, "quantity", "x", "is wrong")], 2))
    lines = report.content().read().decode().splitlines()

    report.close()

    assert len(lines) < 10
    assert "the report ends here, at row" in lines[-1]
    assert max(map(len, lines)) < 400


def test_a_report_whose_parts_cannot_be_read_leaves_no_open_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an error of S3 in the middle THEN the next attempt finds the temporary folder as it was."""
    files = []
    spooled = tempfile.SpooledTemporaryFile

    def noted(**options: Any) -> Any:
        files.append(spooled(**options))
        return files[-1]

    def lost() -> Iterator[bytes]:
        yield b"row"
        raise ConnectionError

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", noted)

    with pytest.raises(ConnectionError):
        join_rejects([lost()])

    assert [file.closed for file in files] == [True]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        pytest.param("\x1b[31mred", r"\x1b[31mred", id="a colour"),
        pytest.param("a\x07\x00\x9b2J", r"a\x07\x00\x9b2J", id="a bell, a zero, a sequence of eight bits"),
        pytest.param("a\u202egnp.exe", r"a\u202egnp.exe", id="text that runs backwards"),
        pytest.param("\x1b=1+1", r"\x1b=1+1", id="before a formula"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(cell: str, shown: str) -> None:
    """``cat`` of a report changes nothing on the screen."""
    assert safe_cell(cell) == shown
