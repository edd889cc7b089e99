"""Generate the sample CSV that `nox -s up` uploads: a quarter's invoices of an invented trading company.

    python tests/data/sample_invoices.py --out docs/sample/invoices.csv

It is seeded, so the same code writes the same file on every machine. Its output is committed as
`docs/sample/invoices.csv`, and a unit test compares the two. Every company, address, VAT id and domain (``.example``,
RFC 2606) is invented (`customers.json`).

It contains 220 valid invoices of 28 customers in 14 currencies (JPY and ISK without decimals, KWD and BHD with
three), tax rates from 0 to 25 %, discounts, fractional quantities and prices, returns, two credit notes, one invoice of
300 lines, and rows that the import rejects, each for another reason; one invoice is due before it was issued.
"""

import argparse
import csv
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SEED = 20261122
INVOICES = 217
"""Ordinary invoices; three special ones follow."""
FIRST_DAY = date(2026, 8, 24)

COLUMNS = (
    "invoice_number",
    "customer_id",
    "customer_name",
    "customer_email",
    "customer_address",
    "customer_vat_id",
    "issue_date",
    "due_date",
    "currency",
    "description",
    "quantity",
    "unit_price",
    "discount",
    "tax_rate",
)


@dataclass(frozen=True)
class Customer:
    """An invented customer. Its country decides its currency, its tax rates and the level of its prices."""

    identity: str
    name: str
    email: str
    address: str
    vat_id: str
    currency: str
    rates: tuple[str, ...]
    level: float
    decimals: int


CUSTOMERS = tuple(
    Customer(**entry | {"rates": tuple(entry["rates"])})
    for entry in json.loads((Path(__file__).parent / "customers.json").read_text(encoding="utf-8"))
)

PRODUCTS = (
    ("Copper cable NYM-J 3×1.5 mm², per metre", "1.0375", "fraction"),
    ("Oak board, planed, 27 mm, m²", "64.90", "fraction"),
    ("Roasted coffee beans, house blend, kg", "18.4", "fraction"),
    ("Consulting, senior engineer, hours", "142.00", "hours"),
    ("Remote support, hours", "96.50", "hours"),
    ("Electricity, peak tariff, kWh", "0.3127", "bulk"),
    ("Parcel shipping, zone 2", "7.49", "whole"),
    ("Pallet shipping", "89.00", "whole"),
    ("Notebook A5, dotted, 120 g/m²", "4.95", "whole"),
    ("Ballpoint pen, blue, box of 50", "12.30", "whole"),
    ("Beeswax candle, 20 cm", "6.80", "whole"),
    ("LED lamp E27, 8 W, warm white", "5.49", "whole"),
    ("Hand-bound sketch book <A4>", "23.75", "whole"),
    ("Software licence, annual, per seat", "119.00", "whole"),
    ("Hosting, virtual server M, month", "24.90", "whole"),
    ('Workshop "Measuring & mending", participant', "310.00", "whole"),
    ("Translation, per 1,000 words", "78.25", "fraction"),
    ("Ceramic tiles, glazed, m²", "31.99", "fraction"),
    ("Cleaning, weekly flat rate", "185.00", "whole"),
    ('Gift basket "Harvest"', "49.90", "whole"),
)  # fmt: skip

Row = dict[str, str]


class Dice:
    """Random numbers from `random.random` alone, the only sequence that Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- sample data, no secret

    def below(self, number: int) -> int:
        """A whole number from 0 to ``number`` − 1."""
        return int(self._random.random() * number)

    def one_of(self, things: tuple[Any, ...]) -> Any:
        """One of the items."""
        return things[self.below(len(things))]


def rows() -> Iterator[Row]:
    """Every row of the file, valid and invalid."""
    dice = Dice(SEED)
    faulty = dict(zip(range(11, INVOICES, 24), _faults(), strict=False))
    for number in range(1, INVOICES + 1):
        customer = CUSTOMERS[(number * 5 + dice.below(3)) % len(CUSTOMERS)]
        yield from _invoice(dice, f"{number:05d}", customer, 1 + dice.below(6))
        if number in faulty:
            yield from faulty[number]
    yield from _invoice(dice, "90001", CUSTOMERS[0], 300)
    yield from _credit_note(dice, "CN-0001", CUSTOMERS[7])
    yield from _credit_note(dice, "CN-0002", CUSTOMERS[20])
    yield from _changed(_invoice(dice, "90002", CUSTOMERS[14], 2), due_date="2026-01-15")  # due before it was issued


def _invoice(dice: Dice, number: str, customer: Customer, count: int) -> Iterator[Row]:
    issued = FIRST_DAY + timedelta(days=dice.below(90))
    terms = dice.one_of((14, 30, 30, 45, 60))
    header = {
        "invoice_number": number,
        "customer_id": customer.identity,
        "customer_name": customer.name,
        "customer_email": customer.email,
        "customer_address": customer.address,
        "customer_vat_id": customer.vat_id,
        "issue_date": issued.isoformat(),
        "due_date": (issued + timedelta(days=terms)).isoformat() if dice.below(5) else "",
        "currency": customer.currency,
    }
    lines: list[Row] = []
    while len(lines) < count:
        line = _line(dice, customer)
        if line not in lines:  # a row that comes again would reject the invoice
            lines.append(line)
    yield from (header | line for line in lines)


def _line(dice: Dice, customer: Customer) -> Row:
    description, base, kind = dice.one_of(PRODUCTS)
    quantity = {
        "whole": str(1 + dice.below(24)),
        "hours": f"{1 + dice.below(40)}{dice.one_of(('', '.25', '.5', '.75'))}",
        "fraction": f"{1 + dice.below(60)}.{dice.below(1000):03d}",
        "bulk": str(200 + dice.below(9000)),
    }[kind]
    if not dice.below(30):
        description, quantity = f"Returned: {description}", "-1"
    places = max(customer.decimals, len(base.partition(".")[2]) if customer.decimals else 0)
    return {
        "description": description,
        "quantity": quantity,
        "unit_price": f"{float(base) * customer.level:.{places}f}",
        "discount": dice.one_of(("", "", "", "5", "7.5", "10", "33.33")),
        "tax_rate": dice.one_of(customer.rates),
    }


def _credit_note(dice: Dice, number: str, customer: Customer) -> Iterator[Row]:
    for row in _invoice(dice, number, customer, 2):
        yield row | {"description": f"Credit: {row['description']}", "quantity": f"-{row['quantity'].lstrip('-')}"}


def _changed(source: Iterator[Row], **cells: str) -> Iterator[Row]:
    for row in source:
        yield row | cells


def _faults() -> Iterator[list[Row]]:
    """Invoices that the import rejects, each for another reason."""
    dice = Dice(SEED + 1)

    def fresh(number: str, count: int = 1) -> list[Row]:
        return list(_invoice(dice, number, CUSTOMERS[dice.below(18)], count))

    yield list(_changed(iter(fresh("80001")), issue_date="31.10.2026"))  # not ISO 8601: the day or the month?
    yield list(_changed(iter(fresh("80002")), currency="EURO"))
    broken = fresh("80003", 3)
    yield [broken[0], broken[1] | {"quantity": "two"}, broken[2]]  # one bad row rejects all three
    yield list(_changed(iter(fresh("80004")), unit_price="-12.00"))
    yield list(_changed(iter(fresh("80005")), tax_rate="119"))
    torn = fresh("80006", 2)
    yield [torn[0], torn[1] | {"currency": "CHF"}]  # two currencies in one invoice
    yield list(_changed(iter(fresh("80007")), quantity="0"))
    yield list(_changed(iter(fresh("80008")), description="", unit_price='=HYPERLINK("http://evil.example")'))
    yield list(_changed(iter(fresh("80009")), customer_id="", customer_email="not an address"))


def content() -> str:
    """The file's text: UTF-8, CRLF as spreadsheets write it."""
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows())
    return target.getvalue()


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    out: Path = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(content(), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
