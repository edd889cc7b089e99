"""What a file proves as a whole, found out before its first invoice is created (pure).

Some cells can only be understood by looking at the others: ``1.000`` is a thousand or one, ``1234567890123450`` is a
number or what a spreadsheet has left of it, and an invoice may go on anywhere further down. So the file is read before.
The first time, evidence is collected, and numbers are found of which the rows seem to stand apart. These suspects, if
there are any, are counted in another reading. The rows of those that really do are collected in a third one.

A survey that takes longer than one invocation goes on in the next, from the beginning of the run that was not finished.
"""

from collections.abc import Iterator, Set
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from invoicing.uploads import csv_banners, csv_columns, csv_dates, csv_shifts
from invoicing.uploads.apart import IN_DOUBT, ROW_BYTES, Fragment
from invoicing.uploads.csv_bytes import Lines, UnreadableFileError
from invoicing.uploads.csv_cells import content
from invoicing.uploads.csv_doubts import Doubts
from invoicing.uploads.csv_header import Header
from invoicing.uploads.csv_identifiers import MAX_KEPT, destruction, long_digits
from invoicing.uploads.csv_numbers import COMMA, POINT, MarkEvidence, is_malformed, proven_mark
from invoicing.uploads.csv_percentages import PERCENTAGES, proof
from invoicing.uploads.csv_rows import IDENTIFIERS, NUMBERS, Headers, Place, Row, Runs
from invoicing.uploads.csv_strays import Strays
from invoicing.uploads.seen_numbers import MAX_SUSPECTS, Recount, SeenNumbers, TooManyError

_LABEL = 60  # characters of a text that the report shows
_MAX_UNREAD = 100
"""Names of columns that a report lists; a file of another kind may have a thousand."""

_CODE, _MAX_CURRENCIES = 3, 10  # letters of a currency; different ones that are remembered

MAX_DIGITS = 64
"""Digits of a number; no valid one has more."""
LOOK, RECOUNT, COLLECT, DONE = "look", "recount", "collect", "done"
"""The stages of a survey."""


@dataclass
class Evidence:
    """What the rows of a file prove together.

    Attributes:
        comma_row: The first row with a number that proves a decimal comma; 0 if there is none.
        point_row: The same of the point.
        uncut: Columns of identifiers, each with the digits of a number of more than 15 that no spreadsheet has cut.
        percent_rows: By column of percentages, the first row with each `csv_percentages.proof`.
        narrow_row: The first row that leaves out cells of optional columns at its end; 0 if there is none.
        foreign_row: The first row with bytes that are not UTF-8, and were read as Windows-1252; 0 if there is none.
        foreign_text: The cell there.
        headers: The names of each different header.
        unread: The names of columns that nothing reads, as the file has them.
        date_rows: By column of dates, the first row with each order that a date proves.
        plain_row: The first row with a number that does not begin with ``#``; 0 if there is none.
        padded: The most digits of a number that begins with 0, and its row; empty if there is none.
        padded_customer: The same of the customers.
        malformed_row: The first row with digits and marks that are no number in any reading; 0 if there is none.
        strays: What `csv_strays.Strays` has found.
        rates: By tax rate, the first rows with it, as `csv_shifts.take` remembers them.
        doubtful: The columns that nothing reads and that may change an invoice, each with its first row with a content.
        banner: A text beside the table that is not known to be harmless.
        banner_row: Its row.
        banner_reason: What it may say of all rows.
        torn_row: The last damaged row, or what may be the rest of it.
        claims: The currencies that such texts say all amounts have, each with the row of the text.
        currencies: Those of the rows, each with its first row; a few are enough.
        is_utf_8: Whether a line is UTF-8 beyond ASCII, though another encoding is declared.
        is_other: Whether a line is not UTF-8 then.
    """

    comma_row: int = 0
    point_row: int = 0
    uncut: list[str] = field(default_factory=list)
    percent_rows: dict[str, dict[str, int]] = field(default_factory=dict)
    narrow_row: int = 0
    foreign_row: int = 0
    foreign_text: str = ""
    headers: list[list[str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    date_rows: dict[str, dict[str, int]] = field(default_factory=dict)
    plain_row: int = 0
    padded: list[int] = field(default_factory=list)
    padded_customer: list[int] = field(default_factory=list)
    malformed_row: int = 0
    strays: dict[str, int] = field(default_factory=dict)
    rates: dict[str, list[int]] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)
    banner: str = ""
    banner_row: int = 0
    banner_reason: str = ""
    torn_row: int = 0
    claims: dict[str, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)
    is_utf_8: bool = False
    is_other: bool = False

    def marks(self, declared: str) -> MarkEvidence:
        """The evidence for the decimal mark, and what the uploader has declared."""
        return MarkEvidence(self.comma_row, self.point_row, declared, self.malformed_row)

    @cached_property
    def tax_rates(self) -> csv_shifts.Rates:
        """The tax rates of the file, once all rows were looked at."""
        return csv_shifts.Rates.of(self.rates)

    def known_headers(self) -> Headers:
        """The headers that were found so far."""
        return Headers([Header(tuple(names)) for names in self.headers])

    def take_header(self, header: Header) -> None:
        """Note the columns of a header that nothing reads."""
        new = [name for name in dict.fromkeys(header.unread) if name not in self.unread]
        self.unread += new[: _MAX_UNREAD - len(self.unread)]

    def take(self, row: Row) -> None:
        """Look at a row. What its quotation marks or surplus cells may have shifted proves nothing."""
        if row.torn or row.header.problem:
            return
        self._take_doubtful(row)
        if len(row.record.cells) > len(row.header.names):
            return
        if not self.narrow_row and row.header.last_required < len(row.record.cells) < len(row.header.names):
            self.narrow_row = row.record.row
        for name in NUMBERS:
            self._take_number(row.raw(name), row.record.row, is_percentage=name in PERCENTAGES)
        for name in PERCENTAGES:
            if (kind := proof(row.raw(name))) and kind not in self.percent_rows.setdefault(name, {}):
                self.percent_rows[name][kind] = row.record.row
        csv_shifts.take(self.rates, row.numbers, row.record.row)
        for name in csv_dates.COLUMNS:
            order = csv_dates.proven_order(row.raw(name))
            if order and order not in self.date_rows.setdefault(name, {}):
                self.date_rows[name][order] = row.record.row
        self._take_currency(row.raw("currency").strip().upper(), row.record.row)
        self._take_identifiers(row)

    def _take_currency(self, code: str, row: int) -> None:
        if code not in self.currencies and len(code) == _CODE and len(self.currencies) < _MAX_CURRENCIES:
            self.currencies[code] = row

    def _take_doubtful(self, row: Row) -> None:
        """Look at the cells of unread columns. One for a due date says nothing more in a row that has one."""
        if not row.header.doubtful or row.is_wide:  # most rows
            return
        for index, label in row.header.doubtful:
            if label in self.doubtful or len(self.doubtful) >= csv_columns.MAX_DOUBTFUL:
                continue
            if index >= len(row.record.cells) or not row.record.cells[index].strip():
                continue
            if not content(row.raw("due_date")) or not csv_columns.is_of_due_date(label):
                self.doubtful[label] = row.record.row

    def _take_identifiers(self, row: Row) -> None:
        for name in IDENTIFIERS:
            raw = row.raw(name).strip()
            is_uncut = MAX_KEPT < len(raw) <= MAX_DIGITS and (long_digits(raw) or "").strip("0")
            if is_uncut and (digits := f"{name} {len(raw)}") not in self.uncut:
                self.uncut.append(digits)
        number = content(row.raw("invoice_number"))
        if not self.plain_row and number and not number.startswith("#") and not destruction(number):
            self.plain_row = row.record.row
        customer = content(row.raw("customer_id"))
        self.padded = _padding(number, self.padded, row.record.row)
        self.padded_customer = _padding(customer, self.padded_customer, row.record.row)

    def _take_number(self, raw: str, row: int, *, is_percentage: bool) -> None:
        commas, points = raw.count(COMMA), raw.count(POINT)
        if not self.malformed_row and is_malformed(raw.strip()):
            self.malformed_row = row
        if not commas and (not points or (points == 1 and self.point_row)):  # it cannot prove anything new
            return
        if not points and commas == 1 and self.comma_row:
            return
        text = content(raw)
        mark = proven_mark(text.removesuffix("%") if is_percentage else text)
        if mark == COMMA:
            self.comma_row = self.comma_row or row
        elif mark == POINT:
            self.point_row = self.point_row or row

    def take_banner(self, row: Row) -> None:
        """Look at a row that may be a text beside the table.

        What is damaged, or may be the rest of a damaged row, rejects the file only if it is known to change something.
        """
        if row.raw("quantity")[:1].isdigit() and row.raw("unit_price")[:1].isdigit():  # most rows
            return
        is_damaged = bool(row.torn or row.doubt or row.header.problem or row.record.row == self.torn_row + 1)
        if is_damaged and not row.header.problem:
            self.torn_row = row.record.row
        if not _is_row(row) and not csv_banners.is_part(row.record.cells, row.raw("invoice_number")):
            self.take_text(row.record.row, row.record.text, is_damaged=is_damaged)

    def take_text(self, row: int, text: str, *, is_damaged: bool = False) -> None:
        """Look at a text beside the table, or above it."""
        reason, currency = (csv_banners.meaning(text), "") if is_damaged else csv_banners.judgement(text)
        if currency:
            self.claims.setdefault(currency, row)
        if reason and not self.banner:
            self.banner, self.banner_row, self.banner_reason = text[:_LABEL], row, reason

    def _check_texts(self) -> None:
        if self.banner:
            raise csv_banners.rejection(self.banner, self.banner_row, self.banner_reason)
        for claimed, row in self.claims.items():
            if other := next((code for code in self.currencies if code != claimed), ""):
                reason = f"but row {self.currencies[other]} has {other}"
                raise csv_banners.rejection(f"amounts are in {claimed}", row, reason)

    def check(self, encoding: str, ignored: Set[str] = frozenset(), *, ignores_text: bool = False) -> None:
        """Reject a file that is not what it seems to be.

        Args:
            encoding: The one that the uploader has declared.
            ignored: The columns that they permit to ignore, as `csv_columns.ignored_names` returns them.
            ignores_text: Whether they permit to ignore texts beside the table.

        Raises:
            UnreadableFileError: with the reason.
        """
        csv_columns.check(self.doubtful, ignored)
        if not ignores_text:
            self._check_texts()
        if self.is_utf_8 and not self.is_other:
            raise UnreadableFileError(
                f"the upload's metadata encoding is {encoding!r}, but the file is UTF-8: upload it again without that"
            )

    def take_foreign(self, row: Row) -> None:
        """Look for the bytes that are not UTF-8."""
        for cell in row.record.cells:
            if not cell.isascii():
                self.foreign_row, self.foreign_text = row.record.row, cell[:_LABEL]
                return


def _padding(text: str, padded: list[int], row: int) -> list[int]:
    """The most digits of a number that begins with 0, and its row, after another number."""
    is_longer = text[:1] == "0" and text.isdecimal() and [len(text)] > padded[:1] and text.strip("0")
    return [len(text), row] if is_longer else padded


@dataclass(frozen=True)
class Findings:
    """How far a survey has come, and its result at the end.

    Attributes:
        stage: `LOOK`, `RECOUNT`, `COLLECT` or `DONE`.
        place: Where it goes on in this stage; None at the beginning of the file.
        evidence: What the rows prove.
        has_apart: Whether the rows of some invoices stand apart.
        are_collected: Whether these rows are put together; else these invoices are rejected.
        fragments: The rows that were collected so far.
        damage: Why the file cannot be read to its end, if it cannot and rows were collected.
        damage_row: The first row that could not be read then.
    """

    stage: str = LOOK
    place: Place | None = None
    evidence: Evidence = field(default_factory=Evidence)
    has_apart: bool = False
    are_collected: bool = False
    fragments: tuple[Fragment, ...] = ()
    damage: str = ""
    damage_row: int | None = None

    @property
    def complete(self) -> bool:
        """Whether the survey is finished."""
        return self.stage == DONE

    def state(self) -> dict[str, Any]:
        """The findings in JSON types."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Read `state` back."""
        place = Place(*state["place"]) if state["place"] else None
        fragments = tuple(Fragment(key, tuple(offsets)) for key, offsets in state["fragments"])
        return cls(**state | {"place": place, "evidence": Evidence(**state["evidence"]), "fragments": fragments})


class RunWalk:
    """The runs of a file, one after the other.

    Attributes:
        place: Where the current run begins: an earlier one need not be read again. None before the first one.
    """

    def __init__(self) -> None:
        self.place: Place | None = None

    def runs(self, rows: Iterator[Row]) -> Iterator[tuple[str, int]]:
        """The number of each run, at its end, and the room that its rows take in `ApartRows`; none without a number.

        A number of which a row is in `Doubts` comes with the room `IN_DOUBT`.
        """
        runs, doubts, size, key = Runs(), Doubts(), 0, ""
        for row in rows:
            if runs.begins(row):
                if key:
                    yield key, size
                self.place, key, size = row.place, runs.key, 0
            for doubtful, _ in doubts.of(row, runs):
                yield doubtful, IN_DOUBT
            size += row.record.end - row.record.start + ROW_BYTES
        if key:
            yield key, size


def _is_row(row: Row) -> bool:
    """Whether a row is one, and no text beside the table: below an unreadable header, it has several cells."""
    if row.header.problem:
        return sum(map(bool, map(str.strip, row.record.cells))) != 1
    numbers = [row.raw(name) for name in ("quantity", "unit_price", "tax_rate")]
    return csv_banners.is_row(row.raw("issue_date"), row.raw("currency"), numbers)


def look(rows: Iterator[Row], lines: Lines, evidence: Evidence, seen: SeenNumbers, walk: RunWalk) -> None:
    """Collect evidence from rows, and find the numbers that come more than once.

    A damaged file ends before the damage.

    Args:
        rows: The rows from the place where the survey goes on.
        lines: Where they come from.
        evidence: Takes the evidence.
        seen: Takes the numbers.
        walk: Shows how far it came when the time runs out.

    Raises:
        UnreadableFileError: too many numbers come more than once.
    """

    def noticed() -> Iterator[Row]:
        header, strays = None, Strays(evidence.strays)
        for row in rows:
            if row.header is not header:
                header = row.header
                evidence.take_header(header)
            evidence.take(row)
            strays.take(row)
            evidence.take_banner(row)
            evidence.is_utf_8 |= lines.is_utf_8
            evidence.is_other |= lines.is_other
            if lines.not_utf_8 and not evidence.foreign_row:
                evidence.take_foreign(row)
            yield row

    try:
        for key, _ in walk.runs(_until_damage(noticed())):
            seen.add(key)
    except TooManyError:
        reason = f"the rows of more than {MAX_SUSPECTS} invoices stand apart; sort the file by invoice_number"
        raise UnreadableFileError(reason) from None


def recount(rows: Iterator[Row], counts: Recount, walk: RunWalk) -> None:
    """Count how often each suspect really comes; the arguments are those of `look`."""
    for key, size in walk.runs(_until_damage(rows)):
        if size == IN_DOUBT:
            counts.doubt(key)
        else:
            counts.add(key, size)


def _until_damage(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows before the damage, if there is any: whoever reads the invoices will find it again."""
    try:
        yield from rows
    except UnreadableFileError:
        return
