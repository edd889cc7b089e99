"""Invoices of which the rows stand apart: whether they make one invoice, several equal ones, or none."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, zip_longest
from typing import Any

from invoicing.domain.models import MAX_LINES
from invoicing.uploads.apart import IN_DOUBT, ApartRow, ApartRows, ReadRows
from invoicing.uploads.csv_cells import plain
from invoicing.uploads.csv_invoices import CsvInvoice, InvoiceRows, Rules
from invoicing.uploads.csv_numbers import read_number
from invoicing.uploads.csv_percentages import PERCENTAGES
from invoicing.uploads.csv_rows import NUMBERS, Place

NOT_TO_THE_END = "rows of this invoice stand apart, and the file cannot be read to its end: there may be more of them"
IN_DOUBT_OF = "row {row} is damaged, and may be one of this invoice"
BELOW = (
    "the invoice goes on below another header, behind other invoices: nobody can tell whether these rows are more of "
    "it, or a correction; put all its rows together"
)
_REPEATS = (
    "repeats row {row} of the same invoice, and stands apart from it: nobody can tell whether it is meant twice; "
    "put all rows of the invoice together"
)
_OTHERS = (
    "repeats row {row} of the same invoice, and differs from it in a column that is not read: nobody can tell whether "
    "it is meant twice; put all rows of the invoice together"
)
_CORRECTS = (
    "has the text of row {row} of the same invoice with other numbers, and stands apart from it: it may be a "
    "correction; put all rows of the invoice together, or leave out the wrong one"
)
_LINE_FIELDS = ("description", *NUMBERS)


@dataclass
class _Repetition:
    """Whether rows of an invoice repeat others that stand apart from them.

    Attributes:
        runs: The runs, if all of them are equal: the invoice comes several times.
        row: The first row that repeats one of another run, if some runs differ, or may correct it.
        reason: Why nobody can tell what is meant.
    """

    runs: list[int] = field(default_factory=list)
    row: int = 0
    reason: str = ""


def read_apart_invoices(apart: ApartRows, rules: Rules, start: Place, *, is_damaged: bool) -> Iterator[CsvInvoice]:
    """The invoices of which the rows stand apart, each as a whole.

    Args:
        apart: Their rows.
        rules: How their cells are read.
        start: The first of them.
        is_damaged: Whether the file could not be read to its end: then there may be more rows of each.
    """
    partitions = apart.partitions(start.position)
    for partition, following in zip_longest(partitions, partitions[1:]):
        handled = start.apart if partition == start.position else 0
        before: Callable[[], InvoiceRows] | None = None
        with apart.invoices(partition) as invoices:
            for number, build in enumerate(_builds(invoices, rules, is_damaged=is_damaged)):
                if before is not None:
                    yield before().invoice(Place(partition, 0, 0, number))
                before = build if number >= handled else None
            if before is not None:
                yield before().invoice(None if following is None else Place(following, 0, 0, 0))


def _builds(invoices: Iterator[ReadRows], rules: Rules, *, is_damaged: bool) -> Iterator[Callable[[], InvoiceRows]]:
    """A function that builds each invoice: those that were handled before need not be built again."""
    for read_rows in invoices:
        if is_damaged:
            yield partial(_build, read_rows, rules, reason=NOT_TO_THE_END)
            continue
        repetition = _repetition(read_rows(), rules)
        if repetition.runs:
            yield from (partial(_build, read_rows, rules, run=run) for run in repetition.runs)
        elif repetition.row:
            yield partial(_build, read_rows, rules, row=repetition.row, reason=repetition.reason)
        else:
            yield partial(_build, read_rows, rules)


def _build(read_rows: ReadRows, rules: Rules, *, run: int = 0, row: int = 0, reason: str = "") -> InvoiceRows:
    """The rows of an invoice, of one run if it is given.

    If there is a reason, it is rejected for that, at the row that it concerns, unless there are other reasons.
    """
    rows = (each for each in read_rows() if each.run != IN_DOUBT and run in {0, each.run})
    first = next(rows)
    group = InvoiceRows(rules, first.cells.get("invoice_number", ""), first.row)
    for each in chain([first], rows):
        group.add(each.row, each.cells, each.problems, is_torn=each.is_torn, unread=each.unread)
    if not group.problems and (doubtful := next((each.row for each in read_rows() if each.run == IN_DOUBT), 0)):
        group.note(first.row, "", "", IN_DOUBT_OF.format(row=doubtful))
    if reason and not group.problems:
        group.note(row or first.row, "", "", reason)
    return group


def _repetition(rows: Iterator[ApartRow], rules: Rules) -> _Repetition:
    """Compare the runs of an invoice. One with too many lines is not compared: it is rejected for that."""
    runs: dict[int, list[tuple[int, dict[str, Any]]]] = {}  # the unread cells and the others of each row
    lines: dict[tuple[Any, ...], ApartRow] = {}  # the first row with each line
    texts: dict[Any, ApartRow] = {}  # the first row with each description
    repeated, below = _Repetition(), _Repetition()
    tables: set[int] = set()
    for number, each in enumerate(rows):
        if number >= MAX_LINES or each.run == IN_DOUBT:
            return _Repetition()
        values = _values(each.cells, rules)
        runs.setdefault(each.run, []).append((each.unread, values))
        line = tuple(values.get(name) for name in _LINE_FIELDS)
        first = lines.setdefault(line, each)
        if first.run != each.run and not repeated.row:
            reason = _REPEATS if first.unread == each.unread else _OTHERS
            repeated = _Repetition(row=each.row, reason=reason.format(row=first.row))
        text = texts.setdefault(values.get("description"), each)
        if text.run != each.run and first is each and not repeated.row:
            repeated = _Repetition(row=each.row, reason=_CORRECTS.format(row=text.row))
        if tables and each.table not in tables and not each.continues and not below.row:
            below = _Repetition(row=each.row, reason=BELOW)
        tables.add(each.table)
    contents = [*runs.values()]
    if len(contents) > 1 and all(content == contents[0] for content in contents[1:]):
        return _Repetition(runs=[*runs])
    return repeated if repeated.row else below


def _values(cells: Mapping[str, str], rules: Rules) -> dict[str, Any]:
    """What the cells of a row mean, so that other spellings of a number or a text are the same."""
    values: dict[str, Any] = {}
    for name, text in cells.items():
        if name in NUMBERS:
            number = read_number(text.removesuffix("%").rstrip() if name in PERCENTAGES else text, rules.marks)
            values[name] = text if isinstance(number, str) else number
        elif text:
            values[name] = plain(text)
    return {name: value for name, value in values.items() if value not in {"", 0} or name != "discount"}
