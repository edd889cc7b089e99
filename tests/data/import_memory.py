"""The memory that an import takes: reads a generated stream as create-invoice does, and prints the peak.

    PYTHONPATH=lambdas python tests/data/import_memory.py 200
    PYTHONPATH=lambdas python tests/data/import_memory.py 120 --apart

Everything is real but the table, which takes each batch and forgets it. The peak is the process's own, from the start
of the interpreter on: what a function's memory setting has to cover. With ``--apart`` the rows of every invoice stand
apart: first comes the first row of each, then the second row of each, and so on, as far as they can be put together.
"""

import io
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from invoicing.domain.repository import CreateResult
from invoicing.uploads.csv_file import CsvFile
from invoicing.uploads.deadline import Deadline
from invoicing.uploads.part_import import PartImport
from invoicing.uploads.reports import Figures, RejectReport
from invoicing.uploads.survey import Findings
from tests.data.csv_reading import Kept

HEADER = b"invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate\n"
LINES = 20
WIDTH = 900


class Forgetful:
    """Stands in for `invoicing.table.batches.InvoiceLoader`."""

    def judge(self, *_: object) -> None: ...

    def create_many(self, invoices: Sequence[Any], upload: str) -> list[CreateResult]:
        """Take the invoices and keep none."""
        assert upload
        return [CreateResult(invoice, created=True) for invoice in invoices]


class Generated(io.RawIOBase):
    """A CSV of a given size, generated while it is read; every tenth invoice has an error."""

    def __init__(self, size: int, *, apart: bool) -> None:
        super().__init__()
        self._blocks, self._left, self._rest = self._rows(size) if apart else self._invoices(), size, HEADER

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; 0 at the end, which is the end of an invoice."""
        if not self._rest and self._left > 0:
            self._rest = next(self._blocks)
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    @staticmethod
    def _invoices() -> Iterator[bytes]:
        number = 0
        while True:
            number += 1
            yield b"".join(_row(number, line) for line in range(LINES))

    @staticmethod
    def _rows(size: int) -> Iterator[bytes]:
        invoices = max(1, size // (LINES * WIDTH))
        for line in range(LINES):
            for number in range(1, invoices + 1):
                yield _row(number, line)


def _file(body: IO[bytes]) -> IO[bytes]:
    copy = tempfile.TemporaryFile()  # noqa: SIM115 -- as long as this process
    shutil.copyfileobj(body, copy)
    return copy


def _row(number: int, line: int) -> bytes:
    quantity = "none" if number % 10 == 0 else "2"
    text = f"{number:0{WIDTH}d}-{line}"
    return f"{number:08d},C-{number % 97},2026-11-01,EUR,{text},{quantity},10.50,19\n".encode()


def peak_kilobytes() -> int:
    """The peak memory of this process. Linux's own figure is preferred: `resource` also counts the parent process."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.partition(":")[::2] for line in status.read_text(encoding="ascii").splitlines())
        return int(fields["VmHWM"].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # bytes on macOS


def main(megabytes: int, *, apart: bool = False) -> None:
    """Import the stream, and print the figures."""
    started = time.monotonic()
    figures, rejects = Figures("generated"), RejectReport()
    part = PartImport(Forgetful(), "digest", figures, rejects, lambda: 1e9)  # type: ignore[arg-type]
    size = megabytes * 1_000_000
    file = CsvFile(
        lambda _: io.BufferedReader(Generated(size, apart=apart)), size, {}, Deadline(lambda: 1e9), Kept(_file)
    )
    findings, memory = file.survey(Findings())
    surveyed = time.monotonic()
    place = part.run(file.invoices(findings, memory, None))
    rejects.close()
    assert place is None
    print(  # noqa: T201 -- its output is its purpose
        json.dumps(
            {
                "megabytes": megabytes,
                "rows": figures.rows,
                "created": figures.created,
                "rejected": figures.rejected,
                "peak_kilobytes": peak_kilobytes(),
                "survey_seconds": round(surveyed - started, 1),
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), apart=sys.argv[2:] == ["--apart"])
