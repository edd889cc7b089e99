"""The survey: what a file proves, wherever it is interrupted, and which numbers come more than once."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from invoicing.uploads import apart, csv_bytes, csv_file, csv_invoices, csv_rows, seen_numbers
from invoicing.uploads.apart import Fragment
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_file import CsvFile, Declared
from invoicing.uploads.csv_invoices import TOO_FAR_APART, Candidate, Passed, RejectedInvoice
from invoicing.uploads.csv_rows import Place
from invoicing.uploads.deadline import Deadline, OutOfTimeError
from invoicing.uploads.seen_numbers import Recount, SeenNumbers, digest, pack, unpack
from invoicing.uploads.survey import COLLECT, DONE, LOOK, Evidence, Findings
from tests.data.csv_reading import Kept, byte_stream, read
from tests.data.csv_reading import csv_file as file_of

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"


def row(number: str, description: str = "Thing", quantity: str = "2", **cells: str) -> str:
    return f"{number},{cells.get('customer', 'C-1')},2026-11-01,EUR,{description},{quantity},10.50,19"


def text(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


def survey(data: str, **metadata: str) -> Findings:
    findings, _ = file_of(data, **metadata).survey(Findings())
    return findings


ENCODINGS = "use one such as utf-8, cp1250 or iso-8859-2"


class Stopping(Deadline):
    """A deadline that passes after a number of blocks."""

    def __init__(self, blocks: int, used: float = 0.0) -> None:
        super().__init__(lambda: 1e9)
        self.blocks, self._used, self._left = blocks, used, 90.0

    def check(self) -> None:
        """Count a block."""
        if self.blocks <= 0:
            raise OutOfTimeError
        self.blocks -= 1

    def seconds_left(self) -> float:
        """Less with every look at the clock."""
        self._left -= self._used
        return self._left


def opened(data: bytes, deadline: Deadline) -> CsvFile:
    return CsvFile(lambda position: byte_stream(data[position:]), len(data), {}, deadline, Kept())


def test_evidence_is_what_the_rows_prove_together() -> None:
    findings = survey(text(row("1"), row("2", quantity='"1,5"'), row("1234567890123456", customer="1234567890123450")))

    assert findings.evidence == Evidence(
        comma_row=3,
        point_row=2,
        uncut=["invoice_number 16"],
        headers=[[name.replace("_", "") for name in HEADER.split(",")]],
        percent_rows={"tax_rate": {"percent": 2}},
        plain_row=2,
        rates={"19": [2, 3, 4]},
        date_rows={"issue_date": {"?ymd-": 2}},
        currencies={"EUR": 2},
    )
    assert (findings.stage, findings.place, findings.has_apart, findings.are_collected) == (DONE, None, False, False)


@pytest.mark.parametrize(
    "shifted",
    [
        row("9", "Rope, 1,5 m"),
        row("9", '"a" b', quantity='"1,5"'),
        f"customer_id,currency,quantity\nC,EUR,'1,5'\n{HEADER}",
    ],
    ids=["surplus-cell", "torn", "other-table"],
)
def test_cells_that_may_be_shifted_prove_nothing(shifted: str) -> None:
    assert survey(text(row("1"), shifted)).evidence.comma_row == 0


@pytest.mark.parametrize(
    ("cell", "proves"), [('"7,5 %"', True), ('"1,000"', False), ("7", False), ('="7,5"', False), ("1 000", False)]
)
def test_percentages_prove_a_mark_too(cell: str, *, proves: bool) -> None:
    rows = text(row("1").replace(",19", f",{cell}").replace("10.50", "10"))
    assert survey(rows).evidence.comma_row == (2 if proves else 0)


@pytest.mark.parametrize(
    ("first", "second", "rows"),
    [
        ("10.50", "1.234.567", (3, 2)),
        ("10.50", "1.234,5", (3, 2)),
        ("10.50", "1.234", (0, 2)),
        ("10,50", "1,234,567", (2, 3)),
        ("10,50", "1,234.5", (2, 3)),
        ("10,50", "1,234", (2, 0)),
    ],
)
def test_evidence_against_a_mark_is_found_after_evidence_for_it(first: str, second: str, rows: tuple[int, int]) -> None:
    lines = [f'{number},C-1,2026-11-01,EUR,Thing,2,"{price}",19' for number, price in enumerate((first, second))]

    evidence = survey(text(*lines)).evidence

    assert (evidence.comma_row, evidence.point_row) == rows


def test_the_first_cell_that_is_not_utf_8_is_remembered() -> None:
    data = text(row("1"), row("2", "Größe"), row("3", "Süß")).encode("cp1252")

    findings, _ = opened(data, Deadline(lambda: 1e9)).survey(Findings())

    assert (findings.evidence.foreign_row, findings.evidence.foreign_text) == (3, "Größe")
    long, _ = opened(text(row("1", "ß" * 70)).encode("cp1252"), Deadline(lambda: 1e9)).survey(Findings())
    assert long.evidence.foreign_text == "ß" * 60
    assert survey(text(row("2", "Größe"))).evidence.foreign_row == 0


def shuffled(count: int) -> str:
    """Rows of several invoices in any order, and one of another invoice after each."""
    dice = random.Random(7)  # noqa: S311 -- test data, no secret
    rows = [row(f"I-{number}", f"Thing {line}") for number in range(count) for line in range(3)]
    dice.shuffle(rows)
    return text(*(each for number, own in enumerate(rows) for each in (own, row(f"O-{number}"))))


@pytest.mark.parametrize("blocks", [8, 11, 14, 60])
def test_a_survey_finds_the_same_wherever_it_is_interrupted(monkeypatch: pytest.MonkeyPatch, blocks: int) -> None:
    monkeypatch.setattr(csv_bytes, "_BLOCK", 512)
    data = shuffled(30).encode()
    whole, whole_memory = opened(data, Deadline(lambda: 1e9)).survey(Findings())
    findings, memory, parts = Findings(), b"", 0
    file = opened(data, Stopping(blocks))
    while not findings.complete:
        file.deadline = Stopping(blocks)
        findings, memory = file.survey(Findings.from_state(json.loads(json.dumps(findings.state()))), memory)
        parts += 1
    file.deadline = Deadline(lambda: 1e9)

    assert findings.evidence == whole.evidence
    assert findings.has_apart == whole.has_apart is True
    assert sorted(unpack(memory)[0]) == sorted(unpack(whole_memory)[0])
    assert (parts > 1) == (blocks < 60)
    assert findings.are_collected
    assert len(findings.fragments) == len(whole.fragments) or parts > 1
    whole_file = opened(data, Deadline(lambda: 1e9))
    assert [*file.invoices(findings, memory, None)] == [*whole_file.invoices(*whole_file.survey(Findings()), None)]


def test_a_survey_that_does_not_get_any_further_fails() -> None:
    data = text(row("1")).encode()

    with pytest.raises(OutOfTimeError, match="did not get any further"):
        opened(data, Stopping(0)).survey(Findings())


def test_rows_that_take_too_much_room_together_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_COLLECTED", 0)
    file = file_of(text(row("1"), row("2"), row("1", "More")))

    findings, numbers = file.survey(Findings())

    assert (findings.stage, findings.has_apart, findings.are_collected) == (DONE, True, False)
    invoices = [*file.invoices(findings, numbers, None)]
    assert [type(invoice) for invoice in invoices] == [RejectedInvoice, Candidate, RejectedInvoice]
    assert isinstance(invoices[0], RejectedInvoice)
    assert (invoices[0].first, invoices[0].last, invoices[0].following) == (2, 2, Place(len(text(row("1"))), 3))
    assert [problem.reason for problem in invoices[0].problems] == [TOO_FAR_APART]


def test_too_many_bytes_of_rows_apart_are_not_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = text(row("1"), row("2"), row("1", "More"))
    size = len(row("1")) + len(row("1", "More")) + 2 + 2 * apart.ROW_BYTES
    assert apart.MAX_COLLECTED == 300 << 20
    monkeypatch.setattr(csv_file, "MAX_COLLECTED", size)
    assert survey(rows).are_collected
    monkeypatch.setattr(csv_file, "MAX_COLLECTED", size - 1)

    assert not survey(rows).are_collected


def test_too_many_numbers_apart_reject_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen_numbers.MAX_SUSPECTS == 250_000
    rows = [row(f"{number}") for number in range(1, 5)]
    monkeypatch.setattr(seen_numbers, "MAX_SUSPECTS", 4)
    assert len(read(text(*rows, *rows))) == 8
    monkeypatch.setattr(seen_numbers, "MAX_SUSPECTS", 3)

    with pytest.raises(UnreadableFileError, match="invoices stand apart; sort the file by invoice_number"):
        read(text(*rows, *rows))


def test_too_many_different_headers_reject_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert csv_rows.MAX_HEADERS == 50
    monkeypatch.setattr(csv_rows, "MAX_HEADERS", 2)
    other, third = f"{HEADER},discount", f"{HEADER},due_date"
    assert len(read(text(row("1"), other, row("2"), HEADER, row("3")))) == 3

    with pytest.raises(UnreadableFileError, match="more than 2 different headers") as failure:
        read(text(row("1"), other, row("2"), third, row("3")))

    assert failure.value.row == 5


def test_invoices_go_on_below_any_header() -> None:
    swapped = "customer_id,invoice_number,issue_date,currency,description,quantity,unit_price,tax_rate"
    file = file_of(
        text(row("1"), swapped, row("C-1", customer="2"), row("C-1", customer="3"), HEADER, row("4"), row("5"))
    )
    findings, memory = file.survey(Findings())

    invoices = [*file.invoices(findings, memory, None)]

    assert [invoice.request.invoice_number for invoice in invoices if isinstance(invoice, Candidate)] == [*"12345"]
    assert [invoice.following and invoice.following.header for invoice in invoices] == [1, 1, 0, 0, None]
    for index, invoice in enumerate(invoices[:-1]):
        assert [*file.invoices(findings, memory, invoice.following)] == invoices[index + 1 :]


def test_invoices_apart_go_on_after_any_of_them() -> None:
    file = file_of(shuffled(20))
    findings, memory = file.survey(Findings())
    invoices = [*file.invoices(findings, memory, None)]
    apart_ones = [invoice.following for invoice in invoices if invoice.following and invoice.following.apart >= 0]

    assert len(apart_ones) == 20
    assert apart_ones[0] == Place(0, 0, 0, 0)
    for index, invoice in enumerate(invoices):
        rest = [*file.invoices(findings, memory, invoice.following)] if invoice.following else []
        assert rest == invoices[index + 1 :]


def test_one_can_go_on_behind_rows_that_are_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_invoices, "_MAX_PASSED", 2)
    once = [row(f"I-{number}") for number in range(5)]
    file = file_of(text(*once, row("X"), *(row(f"I-{number}", "More") for number in range(5))))
    findings, memory = file.survey(Findings())

    invoices = [*file.invoices(findings, memory, None)]

    steps = [invoice.following for invoice in invoices if isinstance(invoice, Passed)]
    assert [(place.row, place.apart) for place in steps] == [(4, -1), (6, -1), (10, -1), (12, -1)]
    for index, invoice in enumerate(invoices[:-1]):
        assert [*file.invoices(findings, memory, invoice.following)] == invoices[index + 1 :]


def test_invoices_apart_are_rejected_if_the_file_cannot_be_read_to_its_end() -> None:
    damaged = text(row("1"), row("2"), row("1", "More"), row("3")) + "x" * 2_000_000
    invoices: list[Any] = []
    with pytest.raises(UnreadableFileError, match="a line of more than a million characters"):
        invoices.extend(_each(damaged))

    assert [(type(invoice), invoice.first) for invoice in invoices] == [(Candidate, 3), (RejectedInvoice, 2)]
    assert "there may be more of them" in invoices[1].problems[0].reason


def test_damage_is_remembered_with_the_rows_above_it() -> None:
    kept = Kept()
    data = (text(row("1"), row("2"), row("1", "More"), row("3")) + "x" * 2_000_000).encode()
    file = CsvFile(lambda position: byte_stream(data[position:]), len(data), {}, Deadline(lambda: 1e9), kept)

    findings, memory = file.survey(Findings())

    assert findings.damage == "this is not a CSV file: it has a line of more than a million characters"
    assert (findings.stage, findings.damage_row, findings.are_collected) == (DONE, 6, True)
    assert [*kept.files] == ["apart-0-end"]
    with pytest.raises(UnreadableFileError) as failure:
        assert [*file.invoices(findings, memory, Place(0, 0, 0, 0))]
    assert (str(failure.value), failure.value.row) == (findings.damage, 6)


def test_collecting_goes_on_where_it_was_and_fails_if_it_does_not_get_any_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_bytes, "_BLOCK", 512)
    data, kept = shuffled(30).encode(), Kept()
    file = CsvFile(lambda position: byte_stream(data[position:]), len(data), {}, Deadline(lambda: 1e9), kept)
    whole, memory = file.survey(Findings())
    kept.files.clear()
    before = replace(whole, stage=COLLECT, are_collected=False, fragments=())

    file.deadline = Stopping(10)
    first, _ = file.survey(before, memory)
    assert (first.stage, first.complete, first.are_collected) == (COLLECT, False, False)
    assert first.place
    assert 0 < first.place.position < len(data)
    file.deadline = Stopping(0)
    with pytest.raises(OutOfTimeError, match="did not get any further"):
        file.survey(first, memory)
    file.deadline = Deadline(lambda: 1e9)
    last, _ = file.survey(first, memory)

    assert (last.stage, last.place, last.are_collected, last.damage) == (DONE, None, True, "")
    assert [*kept.files] == [f"apart-0-{first.place.position}", f"apart-{first.place.position}-end"]
    assert [*file.invoices(last, memory, None)] == [*read_whole(data)]


def read_whole(data: bytes) -> list[Any]:
    file = opened(data, Deadline(lambda: 1e9))
    return [*file.invoices(*file.survey(Findings()), None)]


def _each(data: str) -> Any:
    file = file_of(data)
    findings, memory = file.survey(Findings())
    yield from file.invoices(findings, memory, None)


@pytest.mark.parametrize(
    ("metadata", "declared"),
    [
        ({}, Declared()),
        ({"date-format": " DD.MM.YYYY ", "decimal-mark": ",", "other": "x"}, Declared("dd.mm.yyyy", ",")),
        ({"decimal-mark": "Comma"}, Declared(decimal_mark=",")),
        ({"decimal-mark": "point"}, Declared(decimal_mark=".")),
        ({"encoding": "Windows-1250"}, Declared(encoding="cp1250")),
        ({"encoding": "UTF-8"}, Declared(encoding="utf-8-sig")),
    ],
)  # fmt: skip
def test_the_uploader_declares_by_metadata(metadata: dict[str, str], declared: Declared) -> None:
    assert Declared.of(metadata) == declared


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("date-format", "yyyy/mm/dd", "use dd.mm.yyyy, dd/mm/yyyy, mm/dd/yyyy"),
        ("decimal-mark", ";", "use comma or point"),
        *(("encoding", name, ENCODINGS) for name in ("klingon", "utf-7", "utf-16", "idna", "cp037", "iso2022_jp")),
    ],
)
def test_an_unknown_value_rejects_the_file(name: str, value: str, remedy: str) -> None:
    with pytest.raises(UnreadableFileError) as failure:
        Declared.of({name: value})

    assert str(failure.value).startswith(f"the upload's metadata {name} is '{value}', which is unknown; {remedy}")


def test_a_file_is_as_large_as_its_content_not_as_its_packed_bytes() -> None:
    """GIVEN as many numbers as 27 bytes a row allow THEN few of them are taken for numbers that come again."""
    seen = SeenNumbers.for_content(27 * 100_000)
    for number in range(100_000):
        seen.add(f"{number}")

    assert len(seen.suspects) < 10_000
    assert len(seen.to_bytes()) < 27 * 100_000 // 16


@pytest.mark.parametrize(("size", "bits"), [(0, 1 << 13), (1 << 20, 1 << 18), (5 << 30, 1 << 28)])
def test_the_filter_has_a_bit_for_four_bytes_within_bounds(size: int, bits: int) -> None:
    assert len(SeenNumbers.for_content(size).to_bytes()) == 8 + bits // 8


def test_no_number_that_comes_again_is_missed() -> None:
    seen = SeenNumbers.for_content(1000)
    for number in [*range(3000), *range(3000)]:
        seen.add(f"{number}")
        if number == 1500:
            seen = SeenNumbers.from_bytes(seen.to_bytes())

    assert {digest(f"{number}") for number in range(3000)} <= seen.suspects


def test_suspects_are_counted_with_the_bytes_of_their_rows() -> None:
    counts = Recount([digest("a"), digest("b"), digest("c")])
    for key in "axbabxa":
        counts = Recount.from_bytes(counts.to_bytes())
        counts.add(key, 10)

    assert counts.apart == {digest("a"), digest("b")}
    assert counts.size == 50


@pytest.mark.parametrize("numbers", [[], [0], [1, 2**64 - 1]])
def test_numbers_are_packed_and_unpacked(numbers: list[int]) -> None:
    assert unpack(pack(numbers) + b"rest") == (numbers, b"rest")


def test_findings_read_back_as_they_were_written() -> None:
    evidence = Evidence(1, 2, ["customer_id"], {"discount": {"ratio": 6}}, 7, 3, "é", [["a", ""]])
    collected = (Fragment("a", (0, 5)), Fragment("b", (0, 7)))
    for findings in (
        Findings(),
        Findings(LOOK, Place(1, 2, 3, 4, 5), evidence, has_apart=True, are_collected=True),
        Findings(DONE, None, evidence, fragments=collected, damage="cut off", damage_row=7),
    ):
        assert Findings.from_state(json.loads(json.dumps(findings.state()))) == findings
