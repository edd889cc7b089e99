"""Invoices of which the rows stand apart: whether they make one invoice, several equal ones, or none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, zip_longest

from invoicing.domain.models import MAX_LINES
from invoicing.uploads.apart import ApartRow, ApartRows, ReadRows
from invoicing.uploads.csv_invoices import CsvInvoice, InvoiceRows, Rules
from invoicing.uploads.csv_rows import NUMBERS, Place

NOT_TO_THE_END = "rows of this invoice stand apart, and the file cannot be read to its end: there may be more of them"
_LINE_FIELDS = ("description", *NUMBERS)


@dataclass
class _Repetition:
    """Whether rows of an invoice repeat others that stand apart from them.

    Attributes:
        runs: The runs, if all of them are equal: the invoice comes several times.
        row: The first row that repeats one of another run, if some runs differ.
        earlier: The row that it repeats.
    """

    runs: list[int] = field(default_factory=list)
    row: int = 0
    earlier: int = 0


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
        repetition = _repetition(read_rows())
        if repetition.runs:
            yield from (partial(_build, read_rows, rules, run=run) for run in repetition.runs)
        elif repetition.row:
            reason = (
                f"repeats row {repetition.earlier} of the same invoice, and stands apart from it: nobody can tell "
                "whether it is meant twice; put all rows of the invoice together"
            )
            yield partial(_build, read_rows, rules, row=repetition.row, reason=reason)
        else:
            yield partial(_build, read_rows, rules)


def _build(read_rows: ReadRows, rules: Rules, *, run: int = 0, row: int = 0, reason: str = "") -> InvoiceRows:
    """The rows of an invoice, of one run if it is given.

    If there is a reason, it is rejected for that, at the row that it concerns, unless there are other reasons.
    """
    rows = (each for each in read_rows() if run in {0, each.run})
    first = next(rows)
    group = InvoiceRows(rules, first.cells.get("invoice_number", ""), first.row)
    for each in chain([first], rows):
        group.add(each.row, each.cells, each.problems, is_torn=each.is_torn)
    if reason and not group.problems:
        group.note(row or first.row, "", "", reason)
    return group


def _repetition(rows: Iterator[ApartRow]) -> _Repetition:
    """Compare the runs of an invoice. One with too many lines is not compared: it is rejected for that."""
    runs: dict[int, list[dict[str, str]]] = {}
    lines: dict[tuple[str, ...], tuple[int, int]] = {}  # of each line the first run and row with it
    repeated = _Repetition()
    for number, each in enumerate(rows):
        if number >= MAX_LINES:
            return _Repetition()
        runs.setdefault(each.run, []).append({name: text for name, text in each.cells.items() if text})
        line = tuple(each.cells.get(name, "") for name in _LINE_FIELDS)
        first_run, first_row = lines.setdefault(line, (each.run, each.row))
        if first_run != each.run and not repeated.row:
            repeated.row, repeated.earlier = each.row, first_row
    contents = [*runs.values()]
    if len(contents) > 1 and all(content == contents[0] for content in contents[1:]):
        return _Repetition(runs=[*runs])
    return repeated
