"""Files of a few rows, written as one reads them: a header, rows of two invoices, and what such lines make."""

from collections.abc import Iterator

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_header import Header, Sheet
from invoicing.uploads.csv_invoices import Candidate
from invoicing.uploads.csv_rows import Headers, Row, read_rows
from invoicing.uploads.csv_text import split_records
from tests.data.csv_reading import read

H = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"
R = "I-1,C-1,2026-11-01,EUR,Rope,2,10.50,20"
CUP = "I-2,C-1,2026-11-01,EUR,Cup,2,10.50,20"
MORE = "I-2,C-1,2026-11-01,EUR,More,2,10.50,20"
LAST = "I-9,C-1,2026-11-01,EUR,Last,2,10.50,20"


def created(*lines: str) -> dict[str, list[str]]:
    """The descriptions of each invoice that a file makes."""
    try:
        invoices = list(read("\n".join([*lines, ""])))
    except UnreadableFileError:
        return {}
    requests = [invoice.request for invoice in invoices if isinstance(invoice, Candidate)]
    return {request.invoice_number or "": [line.description for line in request.lines] for request in requests}


def rows(*lines: str) -> Iterator[Row]:
    """The rows of a file of which the first line is the header, whatever is wrong with them."""
    text = "".join(f"{line}\n" for line in lines).splitlines(keepends=True)
    records = split_records([(line, 0) for line in text], ",")
    header = Header.of(next(records).cells)
    return read_rows(Sheet(",", header, records), Headers([header]))
