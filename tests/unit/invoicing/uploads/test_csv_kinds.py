"""Files as the world sends them, one or more of each kind: the invoices that they make, and what is rejected.

A row that is rejected is forgiven. An invoice that is wrong is not: each total here is calculated by hand.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pytest

from invoicing.domain.door import Door
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.uploads.csv_invoices import Candidate
from tests.data.csv_reading import read

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"
SEMICOLONS = HEADER.replace(",", ";")
TODAY = date(2026, 11, 29)


@dataclass(frozen=True)
class Kind:
    """A file and its outcome.

    Attributes:
        name: What is special about it.
        text: The file.
        created: The total of each invoice that it makes, by number.
        rejected: Row and column of each objection, and a part of its reason.
        metadata: The metadata of the upload.
        encoding: Of the file.
    """

    name: str
    text: str
    created: dict[str, str] = field(default_factory=dict)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


def row(
    number: str = "I-1", description: str = "Thing", quantity: str = "2", price: str = "10.50", **cells: str
) -> str:
    """A row below `HEADER`; 2 x 10.50 + 20 % = 25.20."""
    values = {"customer": "C-1", "date": "2026-11-01", "currency": "EUR", "rate": "20"} | cells
    return ",".join(
        [number, values["customer"], values["date"], values["currency"], description, quantity, price, values["rate"]]
    )


def file(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows, ""])


def german(*rows: str) -> str:
    return file(*(each.replace(",", ";") for each in rows), header=SEMICOLONS).replace("|", ",")


KINDS = [
    # The decimal mark: what the file's numbers prove, not what its delimiter suggests.
    Kind("point behind semicolons", german(row(quantity="2.500", rate="8.1")), {"I-1": "28.38"}),
    Kind("comma behind semicolons", german(row(quantity="2.500", price="10|50")), {"I-1": "31500.00"}),
    Kind("comma behind commas", file(row(quantity='"2,5"', price='"10,50"')), {"I-1": "31.50"}),
    Kind("apostrophe proves the point", german(row(quantity="1.000", price="1'249.50")), {"I-1": "1499.40"}),
    Kind("eighth proves the point", german(row(quantity="0.125", price="8.000")), {"I-1": "1.20"}),
    Kind("thousand cannot be told from one", german(row(quantity="1.000", price="95")),
         rejected=[(2, "quantity", "can mean 1000 or 1, and no other number of the file shows which")]),
    Kind("contradiction far below", file(
        row(quantity="1.000", price="95"), *(row(f"A-{n}") for n in range(1, 61)), row("Z-1", price='"9,50"')),
        {f"A-{n}": "25.20" for n in range(1, 61)} | {"Z-1": "22.80"},
        [(2, "quantity", "row 63 has a decimal comma, but row 3 a decimal point")]),
    Kind("decimal mark declared as point", german(row(quantity="1.000", price="95")), {"I-1": "114.00"},
         metadata={"decimal-mark": "."}),
    Kind("decimal mark declared as comma", german(row(quantity="1.000", price="95")), {"I-1": "114000.00"},
         metadata={"decimal-mark": ","}),
    Kind("number against the declared mark", file(row()), metadata={"decimal-mark": ","},
         rejected=[(2, "unit_price", "is not a number with a decimal comma, as the upload's metadata")]),
    Kind("minus at the end", file(row(quantity="2-")), {"I-1": "-25.20"}),
    Kind("enclosed digits are no digits", file(row(quantity="⑫5")), rejected=[(2, "quantity", "is not a number")]),
    Kind("indian groups", file(row(price='"1,23,456.00"')), rejected=[(2, "unit_price", "has groups of two digits")]),
    # Identifiers that a spreadsheet has destroyed.
    Kind("exponent", file(row("2.02611E+11"), row("2.02611E+11", "Other"), row("202611000203"),
         row("I-1")), {"I-1": "25.20"}, [(2, "invoice_number", "shortened it"), (3, "invoice_number", "shortened it"),
         (4, "", "row 2 has lost its number, or has none, and may be one of this invoice")]),
    Kind("german exponent of a customer", german(row(customer="1|23E+11")), rejected=[(2, "customer_id", "shortened")]),
    Kind("digits cut after the fifteenth", file(row("1234567890123450"), row("12345678901234500", "Other")),
         rejected=[(2, "invoice_number", "probably cut it"), (3, "invoice_number", "probably cut it")]),
    Kind("long digits of which one ends in zero", file(row("1234567890123450"), row("1234567890123457", "Other")),
         {"1234567890123450": "25.20", "1234567890123457": "25.20"}),
    Kind("long digits written as text", file(row('"=""1234567890123450"""')), {"1234567890123450": "25.20"}),
    Kind("long digits with a leading zero", file(row("0234567890123450")), {"0234567890123450": "25.20"}),
    Kind("number that became a date", file(row("2-Nov"), row("Nov 26"), row("I-2")), {"I-2": "25.20"},
         [(2, "invoice_number", "made a date of it"), (3, "invoice_number", "made a date of it")]),
    Kind("numbers that became decimal numbers", file(row("1001.0", customer="7.0"), row("1002")), {"1002": "25.20"},
         [(2, "invoice_number", "made a decimal number"), (2, "customer_id", "made a decimal number")]),
    Kind("number with separated thousands", file(row('"1,001"')), rejected=[(2, "invoice_number", "its thousands")]),
    Kind("apostrophe of a spreadsheet", file(row("'0042")), rejected=[(2, "invoice_number", "apostrophe")]),
    # Texts that stand for nothing.
    Kind("null in a required column", file(row(customer="NULL")), rejected=[(2, "customer_id", "is required")]),
    Kind("null in other columns", file(row() + ",\\N,N/A,NULL", header=f"{HEADER},customer_name,due_date,discount"),
         {"I-1": "25.20"}),
    Kind("lost discount", file(row() + ",#REF!", header=f"{HEADER},discount"),
         rejected=[(2, "discount", "is not a number")]),
    Kind("discount that a lookup did not find", file(row() + ",#N/A", header=f"{HEADER},discount"),
         rejected=[(2, "discount", "is not a number")]),
    Kind("lost due date", file(row() + ",#VALUE!", header=f"{HEADER},due_date"),
         rejected=[(2, "due_date", "must be an ISO 8601 date")]),
    Kind("a name that looks like nothing", file(row(description="Null")), {"I-1": "25.20"}),
    Kind("dash for a number", file(row(quantity="-")), rejected=[(2, "quantity", "is required")]),
    # Percentages.
    Kind("one among ratios", file(
        row(rate="0.2"), row("I-2", rate="1"), row("I-3", rate="20"), row("I-4", rate="1 %"), row("I-5", rate="0")),
        {"I-3": "25.20", "I-4": "21.21", "I-5": "21.00"},
        [(2, "tax_rate", "probably a ratio"), (3, "tax_rate", "is 1 % or 100 %: row 2 has a ratio")]),
    Kind("one percent beside a ratio with its sign", file(row(rate="1"), row("I-2", rate="0.2 %")), {"I-1": "21.21"},
         [(3, "tax_rate", "is 0.2 %, and probably a ratio: write 20")]),
    Kind("one among discounts that are ratios", file(
        row() + ",0.1", row("I-2") + ",1.0", header=f"{HEADER},discount"),
        rejected=[(2, "discount", "probably a ratio"), (3, "discount", "is 1 % or 100 %")]),
    Kind("factor of a tax", file(row(rate="1.19"), row("I-2", rate="2.6"), row("I-3", rate="1.5 %")),
        {"I-2": "21.55", "I-3": "21.32"}, [(2, "tax_rate", "is probably a factor: write 19, or 1.19 %")]),
    # Invisible differences.
    Kind("no-break space in a customer", file(row(customer="C 1"), row(customer="C\u00a01", description="More")),
         {"I-1": "50.40"}),
    Kind("no-break space hides another currency", file(row(customer="C 1"), row(customer="C\u00a01", currency="USD")),
         rejected=[(3, "currency", "differs from row 2")]),
    Kind("hyphens of two kinds", file(row("I-1"), row("X-1"),
         row("I\u20111", "More")), {"X-1": "25.20", "I-1": "50.40"}),
    Kind("zero-width space", file(row("I-1"), row("X-1"), row("I-1\u200b", "More")), {"X-1": "25.20"},
         [(4, "invoice_number", "contains the invisible character U+200B")]),
    Kind("control character", file(row("I-1"), row("X-1"), row("I-\x071", "More")), {"X-1": "25.20"},
         [(4, "invoice_number", "contains the control character U+0007")]),
    Kind("byte order mark in the middle", file(row("I-1")) + "\ufeff" + row("I-1", "More"),
         rejected=[(3, "invoice_number", "contains the invisible character U+FEFF")]),
    Kind("a circled twelve before a five", file(row("125"), row("⑫5", "More")),
         rejected=[(3, "invoice_number", "contains ⑫, which would be compared as digits")]),
    Kind("a Cyrillic letter among Latin ones", file(row("INV-A1"), row("X-1"), row("INV-\u04101", "More")),
         {"X-1": "25.20"},
         [(4, "invoice_number", "mixes alphabets: \u0410 is CYRILLIC CAPITAL LETTER A")]),
    Kind("a whole number in look-alike letters", file(row("AB-1"), row("X-1"), row("\u0410\u0412-1", "More")),
         {"X-1": "25.20"},
         [(4, "invoice_number", "looks like 'AB-1' of another row, but has letters of another alphabet")]),
    Kind("a customer in look-alike letters", file(row(), row(customer="\u0421-1", description="More")),
         rejected=[(3, "customer_id", "looks like 'C-1' of another row")]),
    Kind("a number in another alphabet", file(row("\u0410\u0412-1")), {"\u0410\u0412-1": "25.20"}),
    # Quotation marks.
    Kind("blanks around quotes", HEADER.replace(",", ", ")
         + '\n"I-1", "C-1", "2026-11-01" ,"EUR", "Rope, 12 mm" , "2", "10.50", "20"\n', {"I-1": "25.20"}),
    Kind("quoted cell after a blank in a later line", file(row(description='"two\nlines"', quantity=' "2"')),
         {"I-1": "25.20"}),
    Kind("comma in an unquoted description", file(row(description="Rope, 12 mm")), rejected=[(2, "", "more cells")]),
    Kind("text after a quoted cell", file(row(description=' "Rope" 12 mm')), rejected=[(2, "", "quotation marks")]),
    Kind("quotation mark missing, and no other", file(row(description='"Rope'), row("I-2"), row("I-3")),
         {"I-2": "25.20", "I-3": "25.20"}, [(2, "", "the file ends inside a quoted cell")]),
    Kind("quotation mark missing before a quoted cell", file(
        row(description='"Rope'), row("I-2"), row("I-2", '"Rope, 12 mm"'), row("I-3")),
        {"I-2": "50.40", "I-3": "25.20"}, [(2, "", "the quotation marks of this row do not match")]),
    Kind("quotation mark missing, and another one too many", file(
        row(description='"Rope'), row("I-2"), row("I-3", quantity="7"), row("I-3", 'Cup"'), row("I-4")),
        {"I-2": "25.20", "I-3": "113.40", "I-4": "25.20"}, [(2, "", "the beginning of another")]),
    Kind("text of several lines with many commas", file(row(description='"a, b, c\nd, e, f, g"')), {"I-1": "25.20"}),
    Kind("quotation mark at the end of a number", file(row('I-1"'), row("I-2")), {"I-2": "25.20"},
         [(2, "invoice_number", "contains a quotation mark")]),
    Kind("comma in a text, and an empty last cell", file(
        row(description="Rope, 12", quantity="2", rate="5,19") + ",", row("I-2", rate="5,20") + ",Somebody",
        header=HEADER.replace("tax_rate", "discount,tax_rate,customer_name")), {"I-2": "23.94"},
        [(2, "", "the row has more cells than the header, which has 10")]),
    Kind("comma in a text, and the last cell left out", file(
        row(description="Rope, 12", rate="5,19"), row("I-2", rate="5,20"), row("I-3", quantity=" 2", price=" 10.50"),
        header=HEADER.replace("tax_rate", "discount,tax_rate,customer_name")), {"I-2": "23.94"},
        [(2, "quantity", "begins with a blank: probably the text before it"),
        (2, "customer_name", "is probably a cell of another column: it is a number"), (4, "tax_rate", "is required")]),
    Kind("empty cells behind the last required column", file(row() + ",,"), {"I-1": "25.20"}),
    Kind("number behind a text with a comma", file(
        "Rope,I-1,C-1,2026-11-01,EUR,2,10.50,20", "Rope, 12 mm,I-1,C-1,2026-11-01,EUR,2,10.50,20",
        "Cup,I-2,C-1,2026-11-01,EUR,2,10.50,20", "Cup,I-3,C-1,2026-11-01,EUR,2,10.50,20",
        header="description,invoice_number,customer_id,issue_date,currency,quantity,unit_price,tax_rate"),
        {"I-3": "25.20"}, [(3, "", "more cells than the header"), (4, "", "row 3 above is damaged")]),
    Kind("number behind a missing cell", file(
        "Rope,I-1,C-1,2026-11-01,EUR,2,10.50,20", "I-1,C-1,2026-11-01,EUR,2,10.50,20",
        "Cup,I-2,C-1,2026-11-01,EUR,2,10.50,20", "Cup,I-3,C-1,2026-11-01,EUR,2,10.50,20",
        header="description,invoice_number,customer_id,issue_date,currency,quantity,unit_price,tax_rate"),
        {"I-3": "25.20"}, [(3, "", "the row has 7 cells, and the header 8"), (4, "", "row 3 above is damaged")]),
    Kind("line break in a text without quotation marks", file(
        "I-1,Rope,2026-11-01,EUR,C-1,2,10.50,20", "I-2,Cup, blue", "large, round,2026-11-01,EUR,C-1,2,10.50,20",
        "I-3,Rope,2026-11-01,EUR,C-1,2,10.50,20",
        header="invoice_number,description,issue_date,currency,customer_id,quantity,unit_price,tax_rate"),
        {"I-1": "25.20"}, [(3, "customer_id", "is required"), (3, "quantity", "is required"),
        (3, "unit_price", "is required"), (3, "tax_rate", "is required"),
        (5, "", "row 3 above is damaged"), (4, "", "row 3 above is damaged")]),
    Kind("row that is quoted as a whole", file(row(), f'"{row(description="More")}"', row("I-2"), row("I-3")),
         {"I-3": "25.20"}, [(3, "", "the row has 1 cells, and the header 8"), (4, "", "row 3 above is damaged")]),
    # Rows of totals.
    Kind("total as a line", file(row(), row(description="More"), row(description="TOTAL:", quantity="1", price="42")),
         rejected=[(4, "description", "is probably a row of totals")]),
    Kind("total of one line", file(row(), row(description="Total", quantity="1", price="21")),
         rejected=[(3, "description", "is probably a row of totals, and no line; leave it out or rename it")]),
    Kind("an only line of that name", file(row(description="Summe")), {"I-1": "25.20"}),
    # Headers further down.
    Kind("header repeated", file(row(), HEADER, row("I-2")), {"I-1": "25.20", "I-2": "25.20"}),
    Kind("header repeated inside an invoice", file(row(), HEADER, row(description="More")), {"I-1": "50.40"}),
    Kind("columns swapped below", file(row(price="25.00", quantity="4") + ",0", header=f"{HEADER},discount")
         + file(row("I-2", quantity="3", price="120.00").removesuffix(",20") + ",5,20",
                header=HEADER.replace("tax_rate", "discount,tax_rate")), {"I-1": "120.00", "I-2": "410.40"}),
    Kind("other columns below, in unknown words", file(row(), "Nr,Kunde,Datum,Waehrung,Text,Preis,Menge,Steuer",
         row("I-2", quantity="10.50", price="2"), HEADER, row("I-3")), {"I-1": "25.20", "I-3": "25.20"},
         [(4, "", "the header lacks these columns: invoice_number")]),
    Kind("a line of dashes below the header", file(",".join(["-----"] * 8), row()), {"I-1": "25.20"},
         [(2, "invoice_number", "has no letter or digit"), (2, "customer_id", "has no letter or digit"),
         (2, "quantity", "is not a number"), (2, "unit_price", "is not a number"), (2, "tax_rate", "is not a number")]),
    Kind("another table below", file(row(), "customer_id,customer_name,currency", "C-1,Somebody,EUR"), {"I-1": "25.20"},
         [(4, "", "the header lacks these columns: invoice_number")]),
    # Rows that stand apart.
    Kind("interleaved", file(row(), row("I-2"), row(description="More")), {"I-1": "50.40", "I-2": "25.20"}),
    Kind("far apart", file(row(), *(row(f"A-{n}") for n in range(1, 2001)), row(description="More")),
         {f"A-{n}": "25.20" for n in range(1, 2001)} | {"I-1": "50.40"}),
    Kind("apart and wrong", file(row(), row("I-2"), row(quantity="two")), {"I-2": "25.20"},
         [(4, "quantity", "is not a number")]),
    Kind("the same file twice", file(row(), row("I-2"), row(), row("I-2")), {"I-1": "25.20", "I-2": "25.20"}),
    Kind("one of two rows repeated far below", file(row(), row(description="More"), row("I-2"), row()),
         {"I-2": "25.20"}, [(5, "", "repeats row 2 of the same invoice, and stands apart from it")]),
    Kind("one number for two customers", file(row(), row(customer="C-2")),
         rejected=[(3, "customer_id", "differs from another row of the same invoice, which has 'C-1'")]),
    # What stands in the cells besides the numbers.
    Kind("signs of currencies", german(row(price="10|50 €"), row("I-2", price="EUR 10|50"), row("I-3")),
         {"I-3": "25.20"}, [(2, "unit_price", "is not a number"), (3, "unit_price", "is not a number")]),
    Kind("negative in parentheses", file(row(quantity="(2)")), rejected=[(2, "quantity", "is not a number")]),
    Kind("thin spaces and apostrophes", file(row(price="1\u202f249.50"), row("I-2", price="1\u2019249.50")),
         {"I-1": "2998.80", "I-2": "2998.80"}),
    Kind("mixed decimal marks", german(row(price="10|50"), row("I-2", price="10.50"), row("I-3", price="1.500")),
         {"I-1": "25.20", "I-2": "25.20"}, [(4, "unit_price", "can mean 1500 or 1.5")]),
    Kind("two long customers", file(row(customer="C" * 70), row(customer="D" * 70)), rejected=[
        (3, "customer_id", "differs from another row of the same invoice, which has '" + "C" * 60 + "'")]),
    # Dates and rates that cannot be meant.
    Kind("year 26", file(row(date="0026-11-05"), row("I-2")), {"I-2": "25.20"},
         [(2, "issue_date", "0026-11-05 is before 2000")]),
    Kind("due in a hundred years", file(row() + ",2126-11-01", header=f"{HEADER},due_date"),
         rejected=[(2, "due_date", "more than ten years after the issue date")]),
    Kind("ratio for a percentage", file(row(rate="0.2")),
         rejected=[(2, "tax_rate", "is 0.2 %, and probably a ratio: write 20")]),
    Kind("one percent", file(row(rate="1")), {"I-1": "21.21"}),
    Kind("small rate with its sign", file(row(rate="0.5 %")), rejected=[(2, "tax_rate", "probably a ratio")]),
    # Dates of a country.
    Kind("german date", german(row(date="05.11.2026")), rejected=[(2, "issue_date", "date-format: dd.mm.yyyy")]),
    Kind("german date declared", german(row(date="5.11.2026")), {"I-1": "25.20"},
         metadata={"date-format": "dd.mm.yyyy"}),
    Kind("year of two digits, though declared", german(row(date="05.11.26")), metadata={"date-format": "dd.mm.yyyy"},
         rejected=[(2, "issue_date", "is neither a date such as 2026-11-22 nor one in the format dd.mm.yyyy")]),
    Kind("due in exactly ten years", file(row() + ",2036-11-08", header=f"{HEADER},due_date"), {"I-1": "25.20"}),
    Kind("american date declared", file(row(date="11/22/2026")), {"I-1": "25.20"},
         metadata={"date-format": "MM/DD/YYYY"}),
    Kind("american date declared as british", file(row(date="11/22/2026")), metadata={"date-format": "dd/mm/yyyy"},
         rejected=[(2, "issue_date", "is not a day of the calendar")]),
    Kind("serial number of a day", file(row(date="46327")),
         rejected=[(2, "issue_date", "format the column as yyyy-mm-dd")]),
    Kind("midnight of a database", file(row(date="2026-11-01 00:00:00.000")), {"I-1": "25.20"}),
    Kind("midnight of another zone", file(row(date="2026-11-01T00:00:00Z")),
         rejected=[(2, "issue_date", "is not a date such as 2026-11-22")]),
    # Code pages.
    Kind("code page declared", file(row(description="Wałbrzych")), {"I-1": "25.20"},
         metadata={"encoding": "windows-1250"}, encoding="cp1250"),
    Kind("utf-8 declared and not kept", file(row(customer="Größe")), metadata={"encoding": "utf-8"}, encoding="cp1252",
         rejected=[(2, "customer_id", "could not be read")]),
]  # fmt: skip


def outcome(kind: Kind) -> tuple[dict[str, str], list[tuple[int, str, str]]]:
    """What an import makes of a file: the totals of its invoices, and the objections."""
    created: dict[str, str] = {}
    rejected: list[tuple[int, str, str]] = []
    names = {name.replace("-", "_"): value for name, value in kind.metadata.items()}
    for invoice in read(kind.text.encode(kind.encoding), **names):
        if not isinstance(invoice, Candidate):
            rejected += [(problem.row, problem.column, problem.reason) for problem in invoice.problems]
        elif objections := Door().objections(invoice.request, TODAY):
            rejected += [(invoice.first, "issue_date", objection["detail"]) for objection in objections]
        else:
            number = invoice.request.invoice_number or ""
            origin = Origin(datetime(2026, 11, 29, tzinfo=UTC), "test", "test")
            created[number] = str(issue(invoice.request, number=number, origin=origin).total)
    return created, rejected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
def test_no_file_makes_a_wrong_invoice(kind: Kind) -> None:
    created, rejected = outcome(kind)

    assert created == kind.created
    assert [(row, column) for row, column, _ in rejected] == [(row, column) for row, column, _ in kind.rejected]
    for (_, _, reason), (_, _, part) in zip(rejected, kind.rejected, strict=True):
        assert part in reason
        assert reason.startswith(part) or not part.startswith("is ")


def test_a_declared_code_page_is_read() -> None:
    data = file(row(description="Wałbrzych")).encode("cp1250")

    (right,), (wrong,) = read(data, encoding="cp1250"), read(data)

    assert isinstance(right, Candidate)
    assert isinstance(wrong, Candidate)
    assert (right.request.lines[0].description, wrong.request.lines[0].description) == ("Wałbrzych", "Wa³brzych")
