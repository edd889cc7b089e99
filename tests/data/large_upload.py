"""A seeded CSV of any size, and its expected sums: for the `scale` session.

The sums are calculated here, from the very text that is written and with nothing of the platform's own: cents per line
rounded half up, one tax per rate and invoice. Two calculations that agree to the cent on 100,000 rows are no accident.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

HEADER = (
    "invoice_number,customer_id,customer_name,issue_date,due_date,currency,description,quantity,unit_price,"
    "discount,tax_rate\n"
)
CURRENCIES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
"""Currencies with their decimal places; a customer has one of them."""
MOST_LINES = 40


@dataclass
class Expected:
    """The content of the file: rows, invoices, and the sum of the totals of each currency."""

    rows: int = 0
    invoices: int = 0
    totals: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def invoices(rows: int, seed: int, expected: Expected) -> Iterator[str]:
    """The file's invoices as text, rows below the header; ``expected`` is complete at the end."""
    dice = random.Random(seed)  # noqa: S311 -- test data, no secret
    while expected.rows < rows:
        expected.invoices += 1
        count = min(dice.randint(1, MOST_LINES), rows - expected.rows)
        customer = dice.randint(1, 500)
        currency, places = list(CURRENCIES.items())[customer % len(CURRENCIES)]
        name, day = f"C-{customer:04d},Customer {customer}", f"2026-11-{dice.randint(1, 28):02d}"
        head = f"S-{expected.invoices:07d},{name},{day},,{currency}"
        bases: dict[Decimal, Decimal] = defaultdict(Decimal)
        text = []
        for line in range(count):
            quantity = Decimal(dice.randint(1, 50_000)) / 1000 * dice.choice((1, 1, 1, 1, 1, 1, 1, 1, 1, -1))
            price = Decimal(dice.randint(1, 2_000_000)) / 10_000
            discount = dice.choice(("", "", "5", "12.5"))
            rate = dice.choice(("0", "7", "19", "25.5"))
            text.append(f'{head},"Thing {line}, no. {dice.randint(1, 10**9)}",{quantity},{price},{discount},{rate}\n')
            net = _rounded(quantity * price * (100 - Decimal(discount or 0)) / 100, places)
            bases[Decimal(rate)] += net
        expected.rows += count
        expected.totals[currency] += sum(base + _rounded(base * rate / 100, places) for rate, base in bases.items())
        yield "".join(text)


def write(path: Path, rows: int, seed: int, *, interleaved: bool = False) -> Expected:
    """Write a file with this number of rows.

    Args:
        path: The file.
        rows: Its rows below the header.
        seed: Of the random numbers.
        interleaved: Whether the rows of an invoice stand as far apart as they can: first the first row of every
            invoice, then the second row of each, and so on.
    """
    expected = Expected()
    texts = invoices(rows, seed, expected)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        file.writelines(_interleaved(texts) if interleaved else texts)
    return expected


def _interleaved(texts: Iterable[str]) -> Iterator[str]:
    listed = [text.splitlines(keepends=True) for text in texts]
    for line in range(MOST_LINES):
        yield from (lines[line] for lines in listed if line < len(lines))


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
