"""The one way in which tests read CSV files: surveyed first, as an import does, then invoice by invoice.

read(data)                              all invoices
read(data, decimal_mark=",")            with metadata of the upload
"""

import io
from collections.abc import Iterator

from invoicing.uploads.csv_file import CsvFile
from invoicing.uploads.csv_invoices import Candidate, CsvInvoice, RejectedCell, RejectedInvoice
from invoicing.uploads.deadline import Deadline
from invoicing.uploads.survey import Findings


def byte_stream(data: bytes) -> io.BufferedReader:
    """Bytes as a file is read."""
    return io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


def csv_file(data: bytes | str, **metadata: str) -> CsvFile:
    """A file; names of metadata are written with ``_`` here."""
    raw = data.encode() if isinstance(data, str) else data
    names = {name.replace("_", "-"): value for name, value in metadata.items()}
    return CsvFile(lambda position: byte_stream(raw[position:]), len(raw), names, Deadline(lambda: 1e9))


def stream(data: bytes | str, **metadata: str) -> Iterator[CsvInvoice]:
    """The invoices of a file, one at a time."""
    file = csv_file(data, **metadata)
    findings, memory = file.survey(Findings())
    assert findings.complete
    yield from file.invoices(findings, memory, None)


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
