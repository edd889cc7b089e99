"""Two thousand hostile files: what is created from each is part of what was meant, whatever is rejected."""

import random
from collections.abc import Callable

import pytest

from invoicing.uploads.csv_bytes import UnreadableFileError
from invoicing.uploads.csv_identifiers import identity
from invoicing.uploads.csv_invoices import Candidate
from tests.data.csv_hostile_files import CHANGING, DAMAGES, Dice, Sound, sound
from tests.data.csv_reading import read

FILES = 160
"""Of each damage."""
Invoices = dict[str, list[tuple[object, ...]]]


def created(text: str) -> Invoices:
    """The lines of each invoice that a file makes, in any order, with its customer and date.

    Blanks are left out: a line break in a quoted text does not show that it is a damage.
    """
    try:
        requests = [invoice.request for invoice in read(text) if isinstance(invoice, Candidate)]
    except UnreadableFileError:
        return {}
    invoices: Invoices = {}
    for request in requests:
        customer, date = identity(request.customer_id), request.issue_date
        lines = [
            (
                "".join(line.description.split()),
                line.quantity,
                line.unit_price,
                line.discount,
                line.tax_rate,
                customer,
                date,
            )
            for line in request.lines
        ]
        assert request.invoice_number
        invoices.setdefault(identity(request.invoice_number), sorted(lines, key=str))
    return invoices


@pytest.mark.volume
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_no_damage_makes_a_wrong_invoice(damage: Callable[[Sound, Dice], str]) -> None:
    for seed in range(FILES):
        dice = random.Random(f"{damage.__name__} {seed}")  # noqa: S311 -- test data, no secret
        file = sound(dice)
        meant = {} if damage in CHANGING else created(file.text())

        text = damage(file, dice)

        wrong = {number: lines for number, lines in created(text).items() if meant.get(number) != lines}
        assert not wrong, (seed, text)


def test_sound_files_are_created_whole() -> None:
    for seed in range(FILES):
        file = sound(random.Random(seed))  # noqa: S311
        numbers = {row[file.at("invoice_number")] for row in file.rows}

        assert created(file.text()).keys() == set(map(identity, numbers))
