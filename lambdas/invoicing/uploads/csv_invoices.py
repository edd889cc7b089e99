"""From rows to invoices: one row is one line, and the rows of one number are one invoice, wherever they are.

A wrong row rejects its whole invoice and never stops the file. Nothing is guessed: a cell that could mean two things is
rejected with the reason, unless the file as a whole or its uploader settles it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from invoicing.domain.door import MAX_TERMS_DAYS, TOO_LATE, rate_objection
from invoicing.domain.identifiers import is_invisible, look, mixture
from invoicing.domain.models import MAX_LINES, CreateInvoice, LineRequest
from invoicing.uploads import csv_dates, csv_misplaced, csv_percentages
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_cells import plain
from invoicing.uploads.csv_header import REQUIRED
from invoicing.uploads.csv_identifiers import hidden, identity, spelling
from invoicing.uploads.csv_numbers import MarkEvidence, read_number
from invoicing.uploads.csv_percentages import PERCENTAGES
from invoicing.uploads.csv_rows import NUMBERS, Place, Problem, Row, Runs
from invoicing.uploads.csv_shifts import Rates
from invoicing.uploads.csv_strays import STRAY, stray_row
from invoicing.uploads.csv_sums import objection
from invoicing.uploads.csv_text import MAX_BLANK_ROWS
from invoicing.uploads.seen_numbers import digest

_HEADER_FIELDS = (
    "issue_date",
    "due_date",
    "currency",
    "customer_name",
    "customer_email",
    "customer_address",
    "customer_vat_id",
)
MAX_INVOICE_BYTES = 400 * 1024
"""Bytes of one invoice in the table, as many as a DynamoDB item holds. `invoicing.table.store` measures exactly."""
_LINE_BYTES = 64  # what one line takes there at the least besides its description, names of attributes included
_MAX_PASSED = 1000  # rows that are passed at once
_MAX_PROBLEMS = 20  # of one invoice: enough to fix it, and a bound on memory
MAX_INVOICE_ROWS = 20 * MAX_LINES
"""Rows of one invoice after which the file is given up. An invocation can only go on where an invoice begins. So all
rows from one beginning to the next must fit into one invocation."""

TOO_FAR_APART = (
    "rows of this invoice stand apart, and the file is too large to put them together; sort it by invoice_number"
)

SWAPPED = "its day and month may be swapped: row {row} has a date that is written in another order"


@dataclass(frozen=True)
class Rules:
    """How the cells of a file are read.

    Attributes:
        marks: What is known of its decimal mark.
        date_format: As `invoicing.uploads.csv_dates.iso_date` takes it.
        uncut: As `invoicing.uploads.survey.Evidence` has it.
        percent_rows: The same.
        narrow_row: The same.
        date_rows: The same.
        plain_row: The same.
        padded: The same.
        padded_customer: The same.
        tax_rates: The same.
        strays: The same.
    """

    marks: MarkEvidence = field(default_factory=MarkEvidence)
    date_format: str = ""
    uncut: frozenset[str] = frozenset()
    percent_rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    narrow_row: int = 0
    date_rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    plain_row: int = 0
    padded: Sequence[int] = ()
    padded_customer: Sequence[int] = ()
    tax_rates: Rates = field(default_factory=Rates)
    strays: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Apart:
    """The invoices of which the rows stand apart.

    Attributes:
        numbers: Digests of their numbers.
        are_collected: Whether `invoicing.uploads.apart_invoices` reads them, and they are left out here. Else they are
            rejected.
    """

    numbers: Collection[int] = frozenset()
    are_collected: bool = False


@dataclass(frozen=True)
class RejectedCell:
    """One line of the reject report."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Candidate:
    """An invoice to create, from the rows ``first`` to ``last``. The next one, if any, begins at ``following``.

    Attributes:
        dates: By column, a date as the file has it, and its row.
    """

    first: int
    last: int
    request: CreateInvoice
    rows: int
    following: Place | None = None
    dates: Mapping[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class RejectedInvoice:
    """An invoice that cannot be created, with the reasons."""

    first: int
    last: int
    invoice_number: str
    problems: list[RejectedCell]
    rows: int
    following: Place | None = None
    customer_id: str = ""


@dataclass(frozen=True)
class Passed:
    """No invoice: rows that were passed, because their invoices come later. An invocation can go on behind them."""

    following: Place
    rows: int = 0


CsvInvoice = Candidate | RejectedInvoice


@dataclass
class InvoiceRows:
    """The rows of one invoice so far."""

    rules: Rules
    number: str
    first: int
    customer: str = ""
    last: int = 0
    rows: int = 0
    bytes_: int = 0
    full: bool = False
    header: dict[str, tuple[str, int]] = field(default_factory=dict)
    lines: list[LineRequest] = field(default_factory=list)
    line_rows: list[int] = field(default_factory=list)
    """The row of each line."""
    line_unread: list[int] = field(default_factory=list)
    """What nothing reads in these rows, as `Row` has it."""
    problems: list[RejectedCell] = field(default_factory=list)

    def note(self, row: int, column: str, value: str, reason: str) -> None:
        """Note why the invoice is rejected."""
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(RejectedCell(row, column, value[:200], reason))

    def close(self, row: int, reason: str) -> None:
        """Take no more lines and drop those so far: memory must not grow with an invoice that never ends."""
        self.full = True
        self.lines.clear()
        self.note(row, "", "", reason)

    def add(self, row: int, cells: dict[str, str], problems: list[Problem], *, is_torn: bool, unread: int = 0) -> None:
        """Add a row.

        Args:
            row: Its number, as a spreadsheet counts.
            cells: Its texts by the names of their columns.
            problems: What is wrong with it as such.
            is_torn: Whether cells are missing because of its quotation marks.
            unread: As `Row` has it.
        """
        self.last, self.rows = row, self.rows + 1
        self.customer = self.customer or cells.get("customer_id", "")
        for problem in problems:
            self.note(row, *problem)
        if is_torn or any(not problem.column for problem in problems):
            return
        self._add_identity(row, cells)
        self._add_header(row, cells)
        for misplaced in csv_misplaced.problems(cells):
            self.note(row, *misplaced)
        if self.full:
            return
        if self.rows > MAX_LINES:
            self.close(row, f"the invoice has more than {MAX_LINES} lines")
            return
        self.bytes_ += _LINE_BYTES + len(cells.get("description", ""))  # characters: there are at least as many bytes
        if self.bytes_ > MAX_INVOICE_BYTES:
            self.close(row, f"the invoice takes more than {MAX_INVOICE_BYTES >> 10} KB; split it in two")
            return
        line = self._line(row, cells)
        if line is not None:
            self.lines.append(line)
            self.line_rows.append(row)
            self.line_unread.append(unread)

    def _add_identity(self, row: int, cells: dict[str, str]) -> None:
        for name, first in (("invoice_number", self.number), ("customer_id", self.customer)):
            text = cells.get(name)
            if not text:
                self.note(row, name, "", "is required")
            elif text != first and (unseen := hidden(text)):
                kind = "invisible" if is_invisible(unseen) else "control"
                self.note(row, name, text, f"contains the {kind} character U+{ord(unseen):04X}")
            elif text != first and identity(text) != identity(first):
                reason = f"differs from another row of the same invoice, which has {first[:60]!r}"
                self.note(row, name, text, reason)
            elif text != first and not mixture(text) and spelling(text) != spelling(first):
                is_look = look(spelling(text)) == look(spelling(first))
                how = "has letters of another alphabet" if is_look else "is written in another way: write both alike"
                self.note(row, name, text, f"looks like {first[:60]!r} of another row, but {how}")

    def _add_header(self, row: int, cells: dict[str, str]) -> None:
        for name in _HEADER_FIELDS:
            value = cells.get(name)
            if not value:
                continue
            if name == "currency" and value.isascii() and value.upper() != value != value.lower():
                self.note(row, name, value, "has letters of both cases, as GBp for pence has; write it in capitals")
            first, first_row = self.header.setdefault(name, (value, row))
            if value != first and not self._is_same(name, value, first):
                reason = f"differs from row {first_row} of the same invoice, which has {first[:60]!r}"
                self.note(row, name, value, reason)

    def _is_same(self, name: str, one: str, other: str) -> bool:
        """Whether two texts mean the same: other blanks, letters of an e-mail address or a currency, or midnight."""
        if name in {"currency", "customer_email"}:
            return plain(one) == plain(other)
        if name in csv_dates.COLUMNS:
            one, other = (csv_dates.iso_date(each, self.rules.date_format) for each in (one, other))
        return one.split() == other.split()

    def _line(self, row: int, cells: dict[str, str]) -> LineRequest | None:
        numbers = self._numbers(row, cells)
        if not cells.get("description"):
            self.note(row, "description", "", "is required")
            return None
        if numbers is None:
            return None
        if reason := rate_objection(numbers["tax_rate"]):
            self.note(row, "tax_rate", cells["tax_rate"], reason)
            return None
        try:
            return LineRequest.model_validate({"description": cells["description"], **numbers})
        except ValidationError as error:
            for details in error.errors():
                name = str(details["loc"][0])
                self.note(row, name, cells[name], _reason(details["msg"]))
            return None

    def _numbers(self, row: int, cells: dict[str, str]) -> dict[str, Decimal] | None:
        """The numbers of a line; None if one of them cannot be read, or is missing."""
        numbers: dict[str, Decimal] = {}
        valid = True
        for name in NUMBERS:
            text = cells.get(name)
            if not text:
                if name in REQUIRED:
                    self.note(row, name, "", "is required")
                    valid = False
                continue
            number = read_number(text.removesuffix("%") if name in PERCENTAGES else text, self.rules.marks)
            if not isinstance(number, str) and name in PERCENTAGES and not text.endswith("%"):
                number = csv_percentages.objection(name, number, self.rules.percent_rows.get(name, {})) or number
            if isinstance(number, str):
                self.note(row, name, text, number)
                valid = False
            else:
                numbers[name] = number
        return numbers if valid else None

    def invoice(self, following: Place | None) -> CsvInvoice:
        """The invoice of these rows, or its rejection."""
        if not self.problems and (row := stray_row(identity(self.number), identity(self.customer), self.rules.strays)):
            self.note(self.first, "", "", STRAY.format(row=row))
        request = None if self.problems else self._request()
        if request is None:
            return RejectedInvoice(
                self.first, self.last, self.number, self.problems, self.rows, following, self.customer
            )
        dates = {name: written for name, written in self.header.items() if name in csv_dates.COLUMNS}
        return Candidate(self.first, self.last, request, self.rows, following, dates)

    def _request(self) -> CreateInvoice | None:
        identities = {"invoice_number": (self.number, self.first), "customer_id": (self.customer, self.first)}
        head = {**identities, **self.header}
        for name in ("issue_date", "currency"):
            if name not in head:
                self.note(self.first, name, "", "is required")
        written, head = head, self._with_dates(head)
        if self.problems:
            return None
        values: dict[str, Any] = {name: value for name, (value, _) in head.items()}
        customer = {name.removeprefix("customer_"): values.pop(name) for name in _HEADER_FIELDS[3:] if name in values}
        if values["currency"].isascii():  # a dotless i is no letter of a code
            values["currency"] = values["currency"].upper()
        try:
            request = CreateInvoice.model_validate({**values, "customer": customer, "lines": self.lines})
        except ValidationError as error:
            for details in error.errors():
                name = "_".join(map(str, details["loc"]))  # as the column is called: customer_email
                value, row = written[name]
                self.note(row, name, value, _reason(details["msg"]))
            return None
        if request.due_date and (request.due_date - request.issue_date).days > MAX_TERMS_DAYS:
            self.note(head["due_date"][1], "due_date", written["due_date"][0], TOO_LATE)
            return None
        self._judge_lines(request.currency)
        return None if self.problems else request

    def _judge_lines(self, currency: str) -> None:
        if found := objection(self.lines, self.line_unread, currency):
            index, column, reason, other = found
            value = self.lines[index].description if column else ""
            self.note(self.line_rows[index], column, value, reason.format(row=self.line_rows[other]))

    def _with_dates(self, head: dict[str, tuple[str, int]]) -> dict[str, tuple[str, int]]:
        """The texts with dates in ISO 8601, as far as they can be read."""
        head = {**head}
        for name in csv_dates.COLUMNS:
            if name in head:
                text, row = head[name]
                if proof := csv_dates.contradiction(text, self.rules.date_format, self.rules.date_rows.get(name, {})):
                    self.note(row, name, text, SWAPPED.format(row=proof))
                head[name] = csv_dates.iso_date(text, self.rules.date_format), row
                if reason := csv_dates.objection(head[name][0], self.rules.date_format):
                    self.note(row, name, text, reason)
        return head


def read_invoices(
    rows: Iterator[Row], rules: Rules, apart: Apart, end: Place | None = None
) -> Iterator[CsvInvoice | Passed]:
    """The invoices of a file, in its order, one at a time.

    Args:
        rows: The rows from the beginning of an invoice on.
        rules: How their cells are read.
        apart: The invoices of which the rows stand apart.
        end: What follows the last invoice.

    Raises:
        UnreadableFileError: the file is damaged, or has an invoice that does not end.
    """
    runs, passed = Runs(), 0
    group: InvoiceRows | None = None
    for row in rows:
        if runs.begins(row):
            if group is not None:
                yield group.invoice(row.place)
                passed = 0
            elif passed >= _MAX_PASSED:
                yield Passed(row.place)
                passed = 0
            group = _begin(runs, row, rules, apart)
        if group is None:
            passed += 1
            continue
        number = row.record.row
        if group.rows >= MAX_INVOICE_ROWS or number - group.first > MAX_BLANK_ROWS:
            reason = f"the invoice that begins at row {group.first} does not end by row {number}"
            raise UnreadableFileError(reason, number)
        group.add(number, row.cells(), row.problems(rules), is_torn=row.torn is not None, unread=row.unread)
    if group is not None:
        yield group.invoice(end)


def _begin(runs: Runs, row: Row, rules: Rules, apart: Apart) -> InvoiceRows | None:
    """The invoice that begins at a row; None if its rows are collected from the whole file."""
    is_apart = bool(apart.numbers) and bool(runs.key) and digest(runs.key) in apart.numbers
    if is_apart and apart.are_collected:
        return None
    group = InvoiceRows(rules, runs.number, row.record.row)
    if is_apart:
        group.close(row.record.row, TOO_FAR_APART)
    return group


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")
