"""From CSV records to invoices: one row is one line, and adjacent rows with the same identity are one invoice.

A wrong row rejects its whole invoice and never stops the file. Nothing is guessed: a cell that could mean two things is
rejected with the reason.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from invoicing.domain.door import rate_objection
from invoicing.domain.models import MAX_LINES, CreateInvoice, LineRequest
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_text import MAX_BLANK_ROWS, Record, Sheet, normalized

REQUIRED = (
    "invoice_number",
    "customer_id",
    "issue_date",
    "currency",
    "description",
    "quantity",
    "unit_price",
    "tax_rate",
)
OPTIONAL = ("customer_name", "customer_email", "customer_address", "customer_vat_id", "due_date", "discount")
COLUMNS = {normalized(name): name for name in (*REQUIRED, *OPTIONAL)}
"""From the normalized name of each known column to the name that reports use."""

KNOWN = frozenset(COLUMNS)
NEEDED = frozenset(map(normalized, REQUIRED))

_HEADER_FIELDS = (
    "issue_date",
    "due_date",
    "currency",
    "customer_name",
    "customer_email",
    "customer_address",
    "customer_vat_id",
)
_NUMBERS = ("quantity", "unit_price", "discount", "tax_rate")
_FORMULA_TEXT = re.compile('="([^"]*)"')
_PERCENTAGES = frozenset({"discount", "tax_rate"})
_BLANKS = str.maketrans(dict.fromkeys("\t\u00a0\u2007\u2009\u202f", " ") | {"\u2212": "-", "\u2019": "'"})
MAX_INVOICE_BYTES = 400 * 1024
"""Bytes of one invoice in the table, as many as a DynamoDB item holds. `invoicing.table.store` measures exactly."""
_LINE_BYTES = 64  # what one line takes there at the least besides its description, names of attributes included
_MAX_PROBLEMS = 20  # of one invoice: enough to fix it, and a bound on memory
MAX_INVOICE_ROWS = 20 * MAX_LINES
"""Rows of one invoice after which the file is given up. An invocation can only go on where an invoice begins. So all
rows from one beginning to the next must fit into one invocation."""


class Place(NamedTuple):
    """Where an invoice begins: bytes of the unpacked file before it, and its row as a spreadsheet counts."""

    position: int
    row: int


@dataclass(frozen=True)
class RejectedCell:
    """One line of the reject report."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Candidate:
    """An invoice to create, from the rows ``first`` to ``last``. The next one, if any, begins at ``following``."""

    first: int
    last: int
    request: CreateInvoice
    rows: int
    following: Place | None = None


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


CsvInvoice = Candidate | RejectedInvoice


@dataclass
class _Group:
    number: str
    customer: str
    first: int
    last: int = 0
    rows: int = 0
    bytes_: int = 0
    full: bool = False
    header: dict[str, tuple[str, int]] = field(default_factory=dict)
    lines: list[LineRequest] = field(default_factory=list)
    problems: list[RejectedCell] = field(default_factory=list)

    def note(self, row: int, column: str, value: str, reason: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(RejectedCell(row, column, value[:200], reason))

    def close(self, row: int, reason: str) -> None:
        """Take no more lines and drop those so far: memory must not grow with an invoice that never ends."""
        self.full = True
        self.lines.clear()
        self.note(row, "", "", reason)


def read_invoices(sheet: Sheet) -> Iterator[CsvInvoice]:
    """The invoices of a file, in its order, one at a time.

    Raises:
        UnreadableFileError: the header lacks required columns, or has one twice.
    """
    _check(sheet.header)
    columns = [COLUMNS.get(name) for name in sheet.header]
    group: _Group | None = None
    for record in sheet.records:
        cells = _cells_by_name(record, columns)
        number, customer = cells.get("invoice_number", ""), cells.get("customer_id", "")
        if group is None or not _belongs(group, number, customer):
            if group is not None:
                yield _invoice(group, Place(record.start, record.row))
            group = _Group(number, customer, record.row)
        _add(group, record, cells, len(columns), decimal_comma=sheet.delimiter == ";")
    if group is not None:
        yield _invoice(group, None)


def _check(header: list[str]) -> None:
    missing = [name for name in REQUIRED if normalized(name) not in header]
    if missing:
        raise UnreadableFileError(f"the header lacks these columns: {', '.join(missing)}")
    repeated = sorted({COLUMNS[name] for name in header if name in COLUMNS and header.count(name) > 1})
    if repeated:
        raise UnreadableFileError(f"the header has these columns more than once: {', '.join(repeated)}")


def _cells_by_name(record: Record, columns: list[str | None]) -> dict[str, str]:
    return {name: _content(cell) for name, cell in zip(columns, record.cells, strict=False) if name}


def _content(cell: str) -> str:
    """The text of a cell. Programs write ``="0042"`` to keep a spreadsheet from dropping leading zeros."""
    text = cell.strip()
    match = _FORMULA_TEXT.fullmatch(text)
    return match[1].strip() if match else text


def _belongs(group: _Group, number: str, customer: str) -> bool:
    """Whether a row belongs to the group.

    A row without its whole identity counts to the invoice above unless it contradicts it. It may be part of that
    invoice, which must not be created without it.
    """
    return number in {"", group.number} and customer in {"", group.customer}


def _add(group: _Group, record: Record, cells: dict[str, str], width: int, *, decimal_comma: bool) -> None:
    group.last, group.rows = record.row, group.rows + 1
    if group.rows > MAX_INVOICE_ROWS or record.row - group.first > MAX_BLANK_ROWS:
        reason = f"the invoice that begins at row {group.first} does not end by row {record.row}"
        raise UnreadableFileError(reason, record.row)
    if record.problem:
        group.note(record.row, "", "", record.problem)
        return
    if any(cell.strip() for cell in record.cells[width:]):
        group.note(record.row, "", "", f"the row has more cells than the header, which has {width}")
        return
    for name in ("invoice_number", "customer_id"):
        if not cells.get(name):
            group.note(record.row, name, "", "is required")
    _add_header(group, record.row, cells)
    if group.full:
        return
    if group.rows > MAX_LINES:
        group.close(record.row, f"the invoice has more than {MAX_LINES} lines")
        return
    group.bytes_ += _LINE_BYTES + len(cells.get("description", ""))  # characters: there are at least as many bytes
    if group.bytes_ > MAX_INVOICE_BYTES:
        group.close(record.row, f"the invoice takes more than {MAX_INVOICE_BYTES >> 10} KB; split it in two")
        return
    line = _line(group, record.row, cells, decimal_comma=decimal_comma)
    if line is not None:
        group.lines.append(line)


def _add_header(group: _Group, row: int, cells: dict[str, str]) -> None:
    for name in _HEADER_FIELDS:
        value = cells.get(name)
        if not value:
            continue
        first, first_row = group.header.setdefault(name, (value, row))
        if value != first and not (name == "currency" and value.upper() == first.upper()):
            group.note(row, name, value, f"differs from row {first_row} of the same invoice, which has {first[:60]!r}")


def _line(group: _Group, row: int, cells: dict[str, str], *, decimal_comma: bool) -> LineRequest | None:
    values: dict[str, Any] = {"description": cells.get("description")}
    valid = True
    for name in _NUMBERS:
        text = cells.get(name)
        if not text:
            if name in REQUIRED:
                group.note(row, name, "", "is required")
                valid = False
            continue
        number = _number(text.removesuffix("%") if name in _PERCENTAGES else text, decimal_comma=decimal_comma)
        if number is None:
            group.note(row, name, text, f"is not a number with a decimal {'comma' if decimal_comma else 'point'}")
            valid = False
        else:
            values[name] = number
    if not values["description"]:
        group.note(row, "description", "", "is required")
        valid = False
    if not valid:
        return None
    if reason := rate_objection(values["tax_rate"]):
        group.note(row, "tax_rate", cells["tax_rate"], reason)
        return None
    try:
        return LineRequest.model_validate(values)
    except ValidationError as error:
        for details in error.errors():
            name = str(details["loc"][0])
            group.note(row, name, cells[name], _reason(details["msg"]))
        return None


def _number_pattern(mark: str, thousands: str) -> re.Pattern[str]:
    group = rf"(?P<group>[{re.escape(thousands)} '])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*"
    return re.compile(
        rf"(?P<sign>[+-]?)(?P<whole>[0-9]+|[1-9][0-9]{{0,2}}{group})(?:{re.escape(mark)}(?P<part>[0-9]+))?"
    )


_NUMBER = {True: _number_pattern(",", "."), False: _number_pattern(".", ",")}
"""How numbers are written if the decimal mark is a comma, and if it is a point."""


def _number(text: str, *, decimal_comma: bool) -> Decimal | None:
    """The number, or None if the text could mean something else.

    Thousands may be separated into groups of exactly three digits: with ``.`` if the comma is the decimal mark, else
    with ``,``, and always with blanks or an apostrophe. A number that begins with 0 has no thousands: whoever writes
    ``0,125`` means an eighth.
    """
    match = _NUMBER[decimal_comma].fullmatch(text.translate(_BLANKS).strip())
    if match is None:
        return None
    digits = match["whole"] if match["group"] is None else match["whole"].replace(match["group"], "")
    return Decimal(f"{match['sign']}{digits}.{match['part'] or '0'}")


def _invoice(group: _Group, following: Place | None) -> CsvInvoice:
    request = None if group.problems else _request(group)
    if request is None:
        return RejectedInvoice(
            group.first, group.last, group.number, group.problems, group.rows, following, group.customer
        )
    return Candidate(group.first, group.last, request, group.rows, following)


def _request(group: _Group) -> CreateInvoice | None:
    head = {"invoice_number": (group.number, group.first), "customer_id": (group.customer, group.first), **group.header}
    for name in ("issue_date", "currency"):
        if name not in head:
            group.note(group.first, name, "", "is required")
    if group.problems:
        return None
    values = {name: value for name, (value, _) in head.items()}
    customer = {name.removeprefix("customer_"): values.pop(name) for name in _HEADER_FIELDS[3:] if name in values}
    values["currency"] = values["currency"].upper()
    try:
        return CreateInvoice.model_validate({**values, "customer": customer, "lines": group.lines})
    except ValidationError as error:
        for details in error.errors():
            name = "_".join(map(str, details["loc"]))  # as the column is called: customer_email is the customer's email
            value, row = head[name]
            group.note(row, name, value, _reason(details["msg"]))
        return None


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")
