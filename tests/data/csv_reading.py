"""The one way in which tests read CSV files: surveyed first, as an import does, then invoice by invoice.

read(data)                              all invoices
read(data, decimal_mark=",")            with metadata of the upload
"""

import io
from collections.abc import Callable, Iterator
from typing import IO

from invoicing.uploads.csv_file import CsvFile
from invoicing.uploads.csv_invoices import Candidate, CsvInvoice, Passed, RejectedCell, RejectedInvoice
from invoicing.uploads.deadline import Deadline
from invoicing.uploads.survey import Findings


def byte_stream(data: bytes) -> io.BufferedReader:
    """Bytes as a file is read."""
    return io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


class Kept:
    """Keeps rows that stand apart, as `invoicing.uploads.buckets.KeptParts` does in a bucket.

    Args:
        copy: Makes a file that can be read again of one that cannot.
    """

    def __init__(self, copy: Callable[[IO[bytes]], IO[bytes]] = lambda body: io.BytesIO(body.read())) -> None:
        self._copy = copy
        self.files: dict[str, IO[bytes]] = {}

    def keep(self, name: str, body: IO[bytes]) -> str:
        """Keep a copy."""
        assert name not in self.files
        self.files[name] = self._copy(body)
        return name

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Read some bytes, in small blocks."""
        self.files[key].seek(start)
        while start < end:
            block = self.files[key].read(min(end - start, 1000))
            start += len(block)
            yield block


def csv_file(data: bytes | str, **metadata: str) -> CsvFile:
    """A file; names of metadata are written with ``_`` here."""
    raw = data.encode() if isinstance(data, str) else data
    names = {name.replace("_", "-"): value for name, value in metadata.items()}
    return CsvFile(lambda position: byte_stream(raw[position:]), len(raw), names, Deadline(lambda: 1e9), Kept())


def stream(data: bytes | str, **metadata: str) -> Iterator[CsvInvoice]:
    """The invoices of a file, one at a time."""
    file = csv_file(data, **metadata)
    findings, memory = file.survey(Findings())
    assert findings.complete
    yield from (invoice for invoice in file.invoices(findings, memory, None) if not isinstance(invoice, Passed))


def read(data: bytes | str, **metadata: str) -> list[CsvInvoice]:
    """All invoices of a file."""
    return [*stream(data, **metadata)]


def accepted(data: bytes | str, **metadata: str) -> Candidate:
    """The only invoice of a file, which can be created."""
    (invoice,) = read(data, **metadata)
    assert isinstance(invoice, Candidate), invoice
    return invoice


def problems(data: bytes | str, **metadata: str) -> list[RejectedCell]:
    """Why the only invoice of a file is rejected."""
    (invoice,) = read(data, **metadata)
    assert isinstance(invoice, RejectedInvoice), invoice
    return invoice.problems
