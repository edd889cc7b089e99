"""Every dialect that spreadsheets write reads back as it was written: a matrix, and the examples of hypothesis."""

import itertools
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from invoicing.domain.models import CreateInvoice
from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_cells import content, plain
from invoicing.uploads.csv_identifiers import destruction, identity
from invoicing.uploads.csv_invoices import Candidate, RejectedInvoice
from invoicing.uploads.csv_misplaced import problems
from invoicing.uploads.csv_sum_words import names_sum
from invoicing.uploads.survey import Findings
from tests.data.csv_reading import csv_file, read

COLUMNS = (
    "invoice_number", "customer_id", "customer_name", "customer_email", "customer_address", "customer_vat_id",
    "issue_date", "due_date", "currency", "description", "quantity", "unit_price", "discount", "tax_rate",
)  # fmt: skip
NUMBERS = frozenset({"quantity", "unit_price", "discount", "tax_rate"})

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252")
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # printable, and nobody sees them
NEWLINES = ("\n", "\r\n", "\r")
BANNERS = ("", "Quarterly export|Final||", "||", "sep={delimiter}|")
"""Text above the header; ``|`` ends a line."""
SPELLINGS = (str, str.upper, lambda name: name.replace("_", " ").title() + " *", lambda name: name.replace("_", "-"))
THOUSANDS = {",": ("", ",", "'", " "), "\t": ("", ",", "\u2019", "\u00a0"), ";": ("", ".", "'", "\u202f")}


@dataclass(frozen=True)
class Dialect:
    """One way to write a CSV."""

    encoding: str
    delimiter: str
    newline: str
    banner: str = ""
    spelling: int = 0
    thousands: str = ""
    quote_all: bool = False
    percent: bool = False

    def number(self, value: Decimal) -> str:
        """As a spreadsheet of this dialect shows it."""
        whole, _, part = f"{abs(value):f}".partition(".")
        groups = f"{int(whole):,}".replace(",", self.thousands)
        mark = "," if self.delimiter == ";" else "."
        return ("-" if value < 0 else "") + groups + (mark + part if part else "")

    def write(self, rows: list[dict[str, Any]]) -> str:
        """The file's text."""
        records = [[SPELLINGS[self.spelling](name) for name in COLUMNS]]
        records += [[self._cell(name, row.get(name)) for name in COLUMNS] for row in rows]
        above = self.banner.format(delimiter=self.delimiter).replace("|", self.newline)
        return above + "".join(self.delimiter.join(map(self._quoted, cells)) + self.newline for cells in records)

    def _quoted(self, cell: str) -> str:
        """By hand: Python's writer leaves a line feed unquoted where lines end in carriage returns."""
        if self.quote_all or any(character in cell for character in (self.delimiter, '"', "\r", "\n")):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    def _cell(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        percent = " %" if self.percent and name in {"discount", "tax_rate"} else ""
        return self.number(value) + percent if name in NUMBERS else str(value)

    def encode(self, text: str) -> bytes:
        """The file's bytes; UTF-16 gets its mark."""
        mark = "\ufeff" if self.encoding.startswith("utf-16") else ""
        return (mark + text).encode(self.encoding)


def expected(rows: list[dict[str, Any]]) -> list[CreateInvoice]:
    """What the rows mean, as API requests."""
    invoices = []
    for _, group in itertools.groupby(rows, key=lambda row: (row["invoice_number"], row["customer_id"])):
        lines = list(group)
        head = {
            name: lines[0][name] for name in ("invoice_number", "customer_id", "issue_date", "due_date", "currency")
        }
        customer = {name.removeprefix("customer_"): lines[0][name] for name in COLUMNS[2:6] if lines[0].get(name)}
        names = ("description", *sorted(NUMBERS))
        body = [{name: row[name] for name in names if row.get(name) is not None} for row in lines]
        invoices.append(CreateInvoice.model_validate({**head, "customer": customer, "lines": body}))
    return invoices


def row(number: str, description: str, quantity: str = "2", price: str = "1234567.5") -> dict[str, Any]:
    return {
        "invoice_number": number,
        "customer_id": "C-1",
        "customer_name": "Größe & Söhne",
        "customer_email": "a@b.example",
        "customer_address": "1 Street\n10115 Berlin",
        "customer_vat_id": "DE1",
        "issue_date": "2026-11-01",
        "due_date": "2026-12-01",
        "currency": "EUR",
        "description": description,
        "quantity": Decimal(quantity),
        "unit_price": Decimal(price),
        "discount": Decimal("12.5"),
        "tax_rate": Decimal(19),
    }


ROWS = [
    row("0001", 'A "quoted", cell; with\tall\nof them é', "-1000.25"),
    row("0001", "naïve – 2 × 3 €", price="0.000001"),
    row("0002", "SUM(A1) = 3"),
]


@pytest.mark.parametrize("newline", NEWLINES, ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_dialect_reads_back_as_it_was_written(encoding: str, delimiter: str, newline: str) -> None:
    blanks = [
        mark for mark in THOUSANDS[delimiter] if encoding != "cp1252" or mark != "\u202f"
    ]  # that encoding has no such blank
    rest = itertools.product(BANNERS, blanks, (False, True), (False, True))
    rows = [row | {"description": row["description"].replace("×", "x")} for row in ROWS]
    requests = expected(rows)
    for number, (banner, thousands, quote_all, percent) in enumerate(rest):
        spelling = (number + number // 4) % len(SPELLINGS)  # each spelling with each value of everything else, in pairs
        dialect = Dialect(encoding, delimiter, newline, banner, spelling, thousands, quote_all, percent)
        invoices = read(dialect.encode(dialect.write(rows)))
        above = banner.replace("sep={delimiter}|", "").count("|")  # Excel does not show the "sep" line
        assert [invoice.request if isinstance(invoice, Candidate) else invoice for invoice in invoices] == requests, (
            dialect
        )
        assert [(invoice.first, invoice.last) for invoice in invoices] == [
            (above + 2, above + 3),
            (above + 4, above + 4),
        ], dialect


def _text(most: int, *, lines: bool = False, invisible: bool = True) -> st.SearchStrategy[str]:
    categories: list[Any] = ["Cc", "Cs", *([] if lines else ["Zl", "Zp"]), *([] if invisible else ["Cf"])]
    characters = st.characters(exclude_categories=categories, exclude_characters="\ufffd")
    breaks = [st.sampled_from("\n\t")] if lines else []
    return (
        st.text(st.one_of(characters, st.sampled_from("\"',;=+-@ äé€"), *breaks), min_size=1, max_size=most)
        .map(str.strip)
        .filter(lambda text: any(one.isprintable() and not one.isspace() and one not in FILLERS for one in text))
        .filter(lambda text: content(text) == text)  # which texts stand for nothing is tested elsewhere
        .filter(
            lambda text: invisible or not destruction(text, "customer_id")
        )  # so are identifiers that programs have destroyed
    )


def _is_text(text: str) -> bool:
    """Whether a text is no formula, and no cell of another column."""
    return not [*problems({"customer_name": text, "currency": "EUR"})]


def _decimals(least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(least, most, places=6, allow_nan=False).map(lambda value: value.normalize() + 0)


PERCENTAGES = _decimals(0, 100).map(lambda percent: percent + 2 if 0 < percent < 2 else percent)
"""None between 0 and 1, which is probably a ratio."""
LINE = st.fixed_dictionaries(
    {
        "description": _text(60, lines=True).filter(
            lambda text: _is_text(text) and not names_sum(text) and '""' not in text
        ),
        "quantity": _decimals(-(10**9), 10**9).filter(bool),
        "unit_price": _decimals(0, 10**9),
        "discount": st.none() | PERCENTAGES,
        "tax_rate": PERCENTAGES,
    }
)
DAYS = st.dates(date(2020, 1, 1), date(2029, 12, 31)).map(str)
HEAD = st.fixed_dictionaries(
    {
        "customer_id": _text(20, invisible=False).filter(lambda text: text[0] != "0"),
        "customer_name": st.none() | _text(60).filter(_is_text),
        "customer_address": st.none() | _text(60, lines=True).filter(_is_text),
        "customer_email": st.sampled_from([None, "a@b.example"]),
        "customer_vat_id": st.none() | _text(12, invisible=False),
        "issue_date": DAYS,
        "due_date": st.none() | DAYS,
        "currency": st.sampled_from(["EUR", "JPY", "KWD", "usd"]),
    }
)
INVOICES = st.lists(
    st.tuples(
        _text(18, invisible=False)
        .filter(lambda text: text[0] not in "#0")
        .map(lambda text: f"{text.split()[0]}71")
        .filter(lambda text: not destruction(text)),
        HEAD,
        st.lists(LINE, min_size=1, max_size=4, unique_by=lambda line: plain(str(line["description"]))),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda invoice: identity(invoice[0]),
)


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    delimiter = draw(st.sampled_from(",;\t"))
    return Dialect(
        draw(st.sampled_from(ENCODINGS)),
        delimiter,
        draw(st.sampled_from(NEWLINES)),
        draw(st.sampled_from(BANNERS)),
        draw(st.integers(0, len(SPELLINGS) - 1)),
        draw(st.sampled_from(THOUSANDS[delimiter])),
        draw(st.booleans()),
        draw(st.booleans()),
    )


def _rows(invoices: list[Any]) -> list[dict[str, Any]]:
    return [{"invoice_number": number, **head, **line} for number, head, lines in invoices for line in lines]


def _encoded(dialect: Dialect, text: str) -> bytes:
    """The file's bytes, unless the encoding cannot express the text, or only as bytes that read as another text."""
    try:
        data = dialect.encode(text)
    except UnicodeEncodeError:
        assume(False)  # noqa: FBT003 -- hypothesis's own way
        raise
    if dialect.encoding == "cp1252":  # "Ã©" in Windows-1252 is "é" in UTF-8: nobody can know which was meant
        assume(data.decode("utf-8", "invoicing.windows-1252") == text)
    return data


@given(INVOICES, dialects())
def test_any_invoices_in_any_dialect_read_back_equal(invoices: list[Any], dialect: Dialect) -> None:
    rows = _rows(invoices)
    data = _encoded(dialect, dialect.write(rows))

    requests = expected([row | {"currency": row["currency"].upper()} for row in rows])
    invoices = read(data, decimal_mark="," if dialect.delimiter == ";" else ".")

    assert [invoice.request if isinstance(invoice, Candidate) else invoice for invoice in invoices] == requests


@given(INVOICES, dialects())
def test_reading_on_from_any_invoice_gives_the_rest(invoices: list[Any], dialect: Dialect) -> None:
    data = _encoded(dialect, dialect.write(_rows(invoices)))
    file = csv_file(data)
    findings, memory = file.survey(Findings())
    invoices = [*file.invoices(findings, memory, None)]
    for index, invoice in enumerate(invoices):
        if invoice.following is None:
            assert index == len(invoices) - 1
            continue
        assert [*file.invoices(findings, memory, invoice.following)] == invoices[index + 1 :]


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_rejected_with_a_reason(data: bytes) -> None:
    header = ",".join(COLUMNS).encode() + b"\n"
    reasons = []

    for file in (data, header + data):
        try:
            invoices = read(file)
        except UnreadableFileError as error:
            invoices = []
            reasons.append(str(error))
        reasons += [
            "".join(problem.reason for problem in invoice.problems)
            for invoice in invoices
            if isinstance(invoice, RejectedInvoice)
        ]

    assert all(reasons)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04" + bytes(100), "an Excel workbook or another ZIP file, not a CSV"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), r"an Excel workbook \(\.xls\)"),
        (b"%PDF-1.7\n", "a PDF"),
        (",".join(COLUMNS).encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"a\x00b,c\n", "NUL bytes"),
    ],
    ids=["xlsx", "xls", "pdf", "utf-16", "nul"],
)
def test_a_file_that_is_not_csv_is_named_in_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read(data)
