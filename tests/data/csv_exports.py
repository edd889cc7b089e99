"""The same two hundred invoices as nineteen programs write them, with the marks, dates and quotation marks of each.

What is said of a program is what its documentation says, where `Program.source` names a page. Where it names none, no
public page describes the file, and it is written as its users show it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

COLUMNS = (
    "invoice_number", "customer_id", "customer_name", "customer_vat_id", "issue_date", "due_date", "currency",
    "description", "quantity", "unit_price", "discount", "tax_rate",
)  # fmt: skip
COUNT = 200

Value = str | date | Decimal | None


def invoices(seed: int = 20261129) -> list[list[dict[str, Value]]]:
    """The rows of each invoice. Numbers have up to three places, and texts the letters that Windows-1252 has."""
    dice = random.Random(seed)  # noqa: S311 -- test data, no secret
    names = ["Größe & Söhne GmbH", 'Café "Chez Renée"', "Smith, Jones; Partners", "Alpina AG", "O'Neill Ltd"]
    things = ["Rope 12 mm", 'Screen 24"', "Cups, blue; large", "Beratung", "Déplacement"]
    made = []
    for number in range(COUNT):
        issued = date(2026, 1, 1) + timedelta(days=dice.randrange(330))
        head: dict[str, Value] = {
            "invoice_number": f"{number:05d}/26",
            "customer_id": f"K-{dice.randrange(90):04d}",
            "customer_name": dice.choice(names),
            "customer_vat_id": dice.choice(["DE123456789", None]),
            "issue_date": issued,
            "due_date": dice.choice([issued + timedelta(days=14), None]),
            "currency": dice.choice(["EUR", "USD", "CHF"]),
        }
        lines: list[dict[str, Value]] = [
            {
                "description": f"{dice.choice(things)} {line}",
                "quantity": Decimal(dice.choice([1, 2, 40, 1000])) if dice.random() < 0.5 else _number(dice, 50, 3),
                "unit_price": _number(dice, 5000, 2),
                "discount": dice.choice([None, Decimal(5), Decimal("12.5")]),
                "tax_rate": dice.choice([Decimal(0), Decimal(7), Decimal(19), Decimal("8.1")]),
            }
            for line in range(dice.randint(1, 4))
        ]
        if number % 20 == 7:
            lines[0]["quantity"] = -dice.randint(1, 3) * Decimal(1)
        made.append([head | line for line in lines])
    return made


def _number(dice: random.Random, most: int, places: int) -> Decimal:
    return Decimal(dice.randint(1, most * 10**places)).scaleb(-places)


def needed(cell: str, delimiter: str) -> bool:
    """RFC 4180: a cell is quoted if it must be (https://www.rfc-editor.org/rfc/rfc4180)."""
    return any(character in cell for character in f'{delimiter}"\r\n')


@dataclass(frozen=True)
class Program:
    """How a program writes a CSV file.

    Attributes:
        name: Of the program, with what its computer is set to.
        source: The page that describes it; empty if there is none.
        delimiter: Between cells.
        mark: The decimal mark.
        thousands: Between groups of three digits; empty if they are not separated.
        day: A date, as ``strftime`` writes it.
        encoding: Of the file; ``-sig`` is a byte order mark.
        end: Of a line.
        nothing: What an empty cell is.
        quotes: Which texts are quoted: as needed, or all texts (True).
        places: Digits after the decimal mark; None for as many as the number has.
        minus_after: Whether the minus is after the number.
        leading_zero: Whether a half is ``0.5``, not ``.5``.
        above: Lines above the header.
        header: How the name of a column is written.
        metadata: What the uploader must declare.
    """

    name: str
    source: str = ""
    delimiter: str = ","
    mark: str = "."
    thousands: str = ""
    day: str = "%Y-%m-%d"
    encoding: str = "utf-8"
    end: str = "\r\n"
    nothing: str = ""
    quotes: bool = False
    places: int | None = None
    minus_after: bool = False
    leading_zero: bool = True
    above: tuple[str, ...] = ()
    header: Callable[[str], str] = str
    metadata: dict[str, str] = field(default_factory=dict)

    def write(self) -> bytes:
        """The invoices as the program's file."""
        lines = [*self.above, self.delimiter.join(self._quoted(self.header(name)) for name in COLUMNS)]
        lines += [self.delimiter.join(self._cell(row[name]) for name in COLUMNS) for rows in invoices() for row in rows]
        return "".join(line + self.end for line in lines).encode(self.encoding)

    def _cell(self, value: Value) -> str:
        if value is None:
            return self.nothing
        if isinstance(value, date):
            return value.strftime(self.day)
        return self._number(value) if isinstance(value, Decimal) else self._quoted(value)

    def _number(self, value: Decimal) -> str:
        number = abs(value) if self.places is None else abs(value).quantize(Decimal(1).scaleb(-self.places))
        whole, _, part = f"{number:f}".partition(".")
        groups = f"{int(whole):,}".replace(",", self.thousands)
        text = ("" if groups == "0" and part and not self.leading_zero else groups) + (self.mark + part if part else "")
        text = (text if value >= 0 else f"{text}-") if self.minus_after else ("-" if value < 0 else "") + text
        return self._quoted(text) if needed(text, self.delimiter) else text

    def _quoted(self, text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if self.quotes or needed(text, self.delimiter) else text


_EXCEL = "https://support.microsoft.com/en-us/office/import-or-export-text-txt-or-csv-files-5250ac4c-663c-47ce-937b-339e391393ba"
_DATEV = "https://developer.datev.de/datev/platform/en/dtvf"
_SAP = "https://help.sap.com/saphelp_sm71_sp13/helpdata/en/43/d41cc1be060236e10000000a11466f/content.htm"

PROGRAMS = [
    Program("Excel, English (US), CSV", _EXCEL, thousands=",", day="%m/%d/%Y", encoding="cp1252",
            metadata={"date_format": "mm/dd/yyyy"}),
    Program("Excel, CSV UTF-8, ISO dates", _EXCEL, encoding="utf-8-sig"),
    Program("Excel, German", _EXCEL, ";", ",", ".", "%d.%m.%Y", "cp1252", metadata={"date_format": "dd.mm.yyyy"}),
    Program("Excel, Swiss", _EXCEL, ";", ".", "\u2019", "%d.%m.%Y", "cp1252", places=3,
            metadata={"date_format": "dd.mm.yyyy"}),
    Program("Excel, French", _EXCEL, ";", ",", "\u00a0", "%d/%m/%Y", "cp1252", metadata={"date_format": "dd/mm/yyyy"}),
    Program("Excel, Unicode text", _EXCEL, "\t", ",", encoding="utf-16"),
    Program("LibreOffice, all texts quoted", "https://help.libreoffice.org/latest/en-US/text/shared/00/00000207.html",
            end="\n", quotes=True),
    Program("LibreOffice, German", "https://help.libreoffice.org/latest/en-US/text/shared/00/00000207.html", ";", ",",
            end="\n", day="%d.%m.%Y", metadata={"date_format": "dd.mm.yyyy"}),
    Program("Google Sheets", thousands=","),
    Program("Numbers, German", delimiter=";", mark=",", end="\n"),
    Program("DATEV", _DATEV, ";", ",", encoding="cp1252", quotes=True, nothing='""', day="%d.%m.%Y",
            above=('"EXTF";700;21;"Buchungsstapel";13;20261130140440439;;"RE";"";"";29098;55003;20260101',),
            metadata={"date_format": "dd.mm.yyyy"}),
    Program("QuickBooks", thousands=",", places=3, day="%m/%d/%Y", above=("Harbour Supplies Ltd", "Invoices", ""),
            header=lambda name: name.replace("_", " ").title(), metadata={"date_format": "mm/dd/yyyy"}),
    Program("Xero", "https://docs.moment.team/help/moment-by-topic/integrations/file-exports/file-export-accounting-system/xero/xero-templates",
            day="%d/%m/%Y", places=4, header=lambda name: "*" + name.title().replace("_", ""),
            metadata={"date_format": "dd/mm/yyyy"}),
    Program("SAP", _SAP, "\t", ",", ".", "%d.%m.%Y", "utf-16", places=3, minus_after=True,
            header=lambda name: name.replace("_", " ").upper(), metadata={"date_format": "dd.mm.yyyy"}),
    Program("PostgreSQL, COPY", "https://www.postgresql.org/docs/current/sql-copy.html", end="\n", places=4),
    Program("MySQL, INTO OUTFILE", "https://dev.mysql.com/doc/refman/8.4/en/load-data.html", "\t", end="\n", places=3,
            nothing="\\N"),
    Program("SQL Server, Management Studio", encoding="utf-8-sig", nothing="NULL", places=4,
            day="%Y-%m-%d 00:00:00.000"),
    Program("Oracle, SQL Developer", end="\n", quotes=True, leading_zero=False, header=str.upper),
    Program("pandas, to_csv", "https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_csv.html", end="\n"),
]  # fmt: skip
