"""Invoices of which the rows stand apart, put together: their rows are kept in temporary files meanwhile.

Each file has the rows of some of the numbers, so that the places of its rows fit into memory. The order of the invoices
does not depend on which invocation does this work.
"""

import json
import tempfile
from array import array
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from typing import IO, NamedTuple

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_rows import Problem, Row, Runs
from invoicing.uploads.seen_numbers import digest

MAX_STORED = 384 << 20
"""Bytes of all temporary files: a function's temporary folder holds 512 MB, and the reject report takes 128 of them."""
MAX_COLLECTED = 300 << 20
"""Bytes of rows that are put together, each with `ROW_BYTES` more: leaves room for letters that take more there."""
ROW_BYTES = 100
"""Bytes that a row takes in a temporary file, at the most, besides its texts."""
TOO_MUCH = "the rows that stand apart take too much room to be put together; sort the file by invoice_number"
_PARTITIONS = 64
_KEY = 16


class ApartRow(NamedTuple):
    """A row as the temporary files have it.

    Attributes:
        run: The run that it belongs to, as a number that grows.
        row: The row, as a spreadsheet counts.
        cells: Its texts by the names of their columns.
        problems: What is wrong with it.
        is_torn: Whether its quotation marks are wrong.
    """

    run: int
    row: int
    cells: dict[str, str]
    problems: list[Problem]
    is_torn: bool


class ApartRows:
    """The rows of the invoices that stand apart, from the whole file.

    Args:
        rows: The file's rows.
        numbers: Digests of the numbers.
        uncut: As `invoicing.uploads.survey.Evidence` has it.

    Attributes:
        damage: Where the file could not be read on, if it could not.
    """

    def __init__(self, rows: Iterator[Row], numbers: Collection[int], uncut: frozenset[str]) -> None:
        self._files = ExitStack()
        self._partitions: list[IO[bytes]] = []
        self._columns: dict[tuple[str, ...], int] = {}  # the names of a row's cells, which are stored once
        for _ in range(_PARTITIONS):
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by close()
            self._partitions.append(self._files.enter_context(file))
        self.damage: UnreadableFileError | None = None
        try:
            self._collect(rows, numbers, uncut)
        except UnreadableFileError as damage:
            self.damage = damage
        except BaseException:
            self.close()
            raise

    def _collect(self, rows: Iterator[Row], numbers: Collection[int], uncut: frozenset[str]) -> None:
        runs, run, number, stored = Runs(), 0, 0, 0
        for row in rows:
            if runs.begins(row):
                number, run = digest(runs.key), run + 1
            if number not in numbers:
                continue
            line = f"{number:0{_KEY}x}{self._text(row, run, uncut)}\n".encode(errors="surrogatepass")
            stored += len(line)
            if stored > MAX_STORED:
                raise UnreadableFileError(TOO_MUCH, row.record.row)
            self._partitions[number % len(self._partitions)].write(line)

    def _text(self, row: Row, run: int, uncut: frozenset[str]) -> str:
        """A row as `_rows` reads it. No letter is lost: what UTF-8 cannot hold, a lone surrogate, passes."""
        cells = row.cells()
        columns = self._columns.setdefault(tuple(cells), len(self._columns))
        content = [run, row.record.row, columns, [*cells.values()], row.problems(uncut), row.torn is not None]
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    def invoices(self) -> Iterator[Callable[[], Iterator[ApartRow]]]:
        """The rows of each invoice, as a function that reads them again from their file."""
        columns = [*self._columns]
        for file in self._partitions:
            file.seek(0)
            offsets: dict[bytes, array[int]] = {}
            position = 0
            for line in file:
                offsets.setdefault(line[:_KEY], array("Q")).append(position)
                position += len(line)
            for places in offsets.values():
                yield lambda file=file, places=places: _rows(file, places, columns)  # type: ignore[misc]

    def close(self) -> None:
        """Delete the temporary files."""
        self._files.close()


def _rows(file: IO[bytes], places: "array[int]", columns: list[tuple[str, ...]]) -> Iterator[ApartRow]:
    for place in places:
        file.seek(place)
        line = file.readline()[_KEY:].decode(errors="surrogatepass")
        run, row, names, texts, problems, is_torn = json.loads(line)
        cells = dict(zip(columns[names], texts, strict=True))
        yield ApartRow(run, row, cells, [Problem(*problem) for problem in problems], is_torn)
