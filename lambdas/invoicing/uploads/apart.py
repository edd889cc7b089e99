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

MAX_COLLECTED = 200 << 20
"""Bytes of rows that are put together: a function's temporary folder holds 512 MB, and the reject report's 128."""
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
        runs, run, number = Runs(), 0, 0
        for row in rows:
            if runs.begins(row):
                number, run = digest(runs.key), run + 1
            if number not in numbers:
                continue
            content = [run, row.record.row, row.cells(), row.problems(uncut), row.torn is not None]
            line = f"{number:0{_KEY}x}{json.dumps(content, ensure_ascii=False)}\n"
            self._partitions[number % len(self._partitions)].write(line.encode(errors="replace"))

    def invoices(self) -> Iterator[Callable[[], Iterator[ApartRow]]]:
        """The rows of each invoice, as a function that reads them again from their file."""
        for file in self._partitions:
            file.seek(0)
            offsets: dict[bytes, array[int]] = {}
            position = 0
            for line in file:
                offsets.setdefault(line[:_KEY], array("Q")).append(position)
                position += len(line)
            for places in offsets.values():
                yield lambda file=file, places=places: _rows(file, places)  # type: ignore[misc]

    def close(self) -> None:
        """Delete the temporary files."""
        self._files.close()


def _rows(file: IO[bytes], places: "array[int]") -> Iterator[ApartRow]:
    for place in places:
        file.seek(place)
        run, row, cells, problems, is_torn = json.loads(file.readline()[_KEY:])
        yield ApartRow(run, row, cells, [Problem(*problem) for problem in problems], is_torn)
