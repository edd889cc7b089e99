"""The rows of invoices that stand apart: collected once, and kept until their invoices are created.

They are written into partitions, each with the rows of some of the numbers, so that the places of its rows fit into
memory. An invocation keeps what it has collected as one fragment of each partition; the next one goes on from there. So
no row is collected twice, and the order of the invoices does not depend on which invocation did what.
"""

import json
import tempfile
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, Any, NamedTuple, Protocol

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_doubts import Doubts
from invoicing.uploads.csv_header import Header
from invoicing.uploads.csv_rows import Place, Problem, Row, RowEvidence, Runs
from invoicing.uploads.seen_numbers import digest

MAX_STORED = 384 << 20
"""Bytes of all temporary files: a function's temporary folder holds 512 MB, and the reject report takes 128 of them."""
MAX_COLLECTED = 300 << 20
"""Bytes of rows that are put together, each with `ROW_BYTES` more: leaves room for letters that take more there."""
ROW_BYTES = 100
"""Bytes that a row takes in a temporary file, at the most, besides its texts."""
TOO_MUCH = "the rows that stand apart take too much room to be put together; sort the file by invoice_number"
PARTITIONS = 64
IN_DOUBT = -1
"""Instead of a run, or of its size: a row of another run, which may be one of the invoice."""
_KEY = 16


class KeptRows(Protocol):
    """Where collected rows wait for later invocations."""

    def keep(self, name: str, body: IO[bytes]) -> str:
        """Keep a file under a name that no other one of the upload has; returns its key."""

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Read a part of a file, block by block."""


class Fragment(NamedTuple):
    """What one invocation has collected, as one file.

    Attributes:
        key: Its key.
        offsets: Where the rows of each partition begin, and where the last ones end.
    """

    key: str
    offsets: tuple[int, ...]


class ApartRow(NamedTuple):
    """A row as the temporary files have it.

    Attributes:
        run: The run that it belongs to, as a number that grows: where it begins in the file. `IN_DOUBT` for a row of
            another run, of which nobody can tell whether it is one of this invoice.
        row: The row, as a spreadsheet counts.
        cells: Its texts by the names of their columns.
        problems: What is wrong with it.
        is_torn: Whether its quotation marks are wrong.
        table: As `invoicing.uploads.csv_rows.Row` has it, of its run.
        continues: Whether only a header is between its run and an earlier one of the invoice.
        unread: A digest of the cells of unknown columns; 0 if they are empty.
    """

    run: int
    row: int
    cells: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    problems: list[Problem] = []  # noqa: RUF012
    is_torn: bool = False
    table: int = 0
    continues: bool = False
    unread: int = 0


ReadRows = Callable[[], Iterator[ApartRow]]
"""Reads the rows of one invoice."""


class Collector:
    """Collects the rows of invoices that stand apart, in temporary files.

    Args:
        numbers: Digests of the numbers.
        evidence: What the file proves.

    Attributes:
        place: Where the current run begins; None before the first one.
    """

    def __init__(self, numbers: Collection[int], evidence: RowEvidence) -> None:
        self._numbers, self._evidence = numbers, evidence
        self._files = ExitStack()
        self._partitions: list[IO[bytes]] = []
        for _ in range(PARTITIONS):
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by close()
            self._partitions.append(self._files.enter_context(file))
        self._partition, self._before_run, self._stored = self._partitions[0], 0, 0
        self.place: Place | None = None

    def collect(self, rows: Iterator[Row]) -> None:
        """Take rows, as long as there are some.

        Raises:
            UnreadableFileError: the rows take more room than there is, or the file is damaged.
        """
        runs, doubts, number = Runs(), Doubts(), 0
        for row in rows:
            if runs.begins(row):
                number, self.place = digest(runs.key), row.place
                self._partition = self._partitions[number % PARTITIONS]
                self._before_run = self._partition.tell()
            if number in self._numbers and self.place:
                self._write_row(number, self.place, row, continues=runs.continues)
            for key, doubtful in doubts.of(row, runs):
                if (other := digest(key)) in self._numbers:
                    self._write(other, [IN_DOUBT, doubtful])

    def _write_row(self, number: int, run: Place, row: Row, *, continues: bool) -> None:
        """Write a row as `_rows` reads it."""
        texts = [*row.cells().values()]
        width = min(len(row.record.cells), len(row.header.names))
        content = [run.position, row.record.row, row.header_number, width, texts]
        self._write(
            number,
            [
                *content,
                row.problems(self._evidence),
                row.torn is not None,
                run.table,
                continues,
                row.unread,
            ],
        )

    def _write(self, number: int, content: list[Any]) -> None:
        """Write a line of an invoice. No letter is lost: what UTF-8 cannot hold, a lone surrogate, passes."""
        partition = self._partitions[number % PARTITIONS]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        line = f"{number:0{_KEY}x}{text}\n".encode(errors="surrogatepass")
        self._stored += len(line)
        if self._stored > MAX_STORED:
            raise UnreadableFileError(TOO_MUCH, content[1])
        partition.write(line)

    def drop_run(self) -> None:
        """Forget the current run: it has not been read to its end."""
        self._partition.truncate(self._before_run)
        self._partition.seek(self._before_run)

    def keep(self, kept: KeptRows, name: str) -> Fragment:
        """Keep everything that was collected, as one file of this name."""
        offsets = [0]
        with tempfile.TemporaryFile() as whole:
            for file in self._partitions:
                file.seek(0)
                while block := file.read(1 << 20):
                    whole.write(block)
                file.truncate(0)  # there is not room for both
                offsets.append(whole.tell())
            whole.seek(0)
            return Fragment(kept.keep(name, whole), tuple(offsets))

    def close(self) -> None:
        """Delete the temporary files."""
        self._files.close()


class ApartRows:
    """The collected rows, invoice by invoice.

    Args:
        kept: Where they are.
        fragments: What each invocation has collected.
        headers: The headers of the file.
    """

    def __init__(self, kept: KeptRows, fragments: Sequence[Fragment], headers: Sequence[Header]) -> None:
        self._kept, self._fragments, self._headers = kept, fragments, headers

    def partitions(self, start: int) -> list[int]:
        """The partitions that have rows, from one on."""
        return [
            partition
            for partition in range(start, PARTITIONS)
            if any(each.offsets[partition] < each.offsets[partition + 1] for each in self._fragments)
        ]

    @contextmanager
    def invoices(self, partition: int) -> Iterator[Iterator[ReadRows]]:
        """The rows of each invoice of a partition, as functions that read them as long as the context is open."""
        with tempfile.TemporaryFile() as file:
            for fragment in self._fragments:
                start, end = fragment.offsets[partition : partition + 2]
                if start < end:
                    file.writelines(self._kept.read(fragment.key, start, end))
            yield self._invoices(file)

    def _invoices(self, file: IO[bytes]) -> Iterator[ReadRows]:
        file.seek(0)
        offsets: dict[bytes, array[int]] = {}
        position = 0
        for line in file:
            offsets.setdefault(line[:_KEY], array("Q")).append(position)
            position += len(line)
        for places in offsets.values():
            yield partial(self._rows, file, places)

    def _rows(self, file: IO[bytes], places: "array[int]") -> Iterator[ApartRow]:
        for place in places:
            file.seek(place)
            line = file.readline()[_KEY:].decode(errors="surrogatepass")
            run, row, *rest = json.loads(line)
            if run == IN_DOUBT:
                yield ApartRow(run, row)
                continue
            header, width, texts, problems, is_torn, *run_place = rest
            names = [name for name, index in self._headers[header].index.items() if index < width]
            cells = dict(zip(names, texts, strict=True))
            yield ApartRow(run, row, cells, [Problem(*problem) for problem in problems], is_torn, *run_place)
