"""Texts beside the table: what they say of all rows is not ignored."""

import pytest

from invoicing.uploads.csv_banners import meaning, rejection
from invoicing.uploads.csv_bytes import UnreadableFileError
from tests.data.csv_reading import read
from tests.data.csv_small_files import CUP, H, R

BANNERS = {
    "thousands": ["Amounts in thousands", "in Tsd. EUR", "TEUR", "(in T\u20ac)", "USD x 1,000", "in 000s"],
    "hundredths": ["All amounts in cents", "in Rappen", "Price in minor units"],
    "include tax": ["Prices incl. VAT", "Preise inkl. 19 % MwSt", "Prix TTC", "gross prices", "IVA incluido"],
    "nothing of it": ["DRAFT", "Entwurf vom 1.11.", "Pro forma", "do not invoice", "Test data", "Specimen"],
    "credit notes": ["Credit notes November", "Gutschriften"],
    "no invoices": ["Angebote", "Purchase orders 2026"],
}
HARMLESS = [
    "Invoices November 2026", "Amounts in EUR", "Rechnungen", "Prices excl. VAT", "Preise netto", "Page 1 of 2",
    "Exported 2026-11-01 10:00", "Sample Trading Ltd", "VAT id DE123456789", "1,000 rows", "Total 42.00", "in 2026",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in BANNERS.items() for text in texts])
def test_a_banner_that_changes_the_meaning_rejects_the_file(kind: str, text: str) -> None:
    quoted = f'"{text}"'
    for lines in ((quoted, H, R, CUP), (H, quoted, R, CUP), (H, R, quoted, CUP), (H, R, CUP, f"{quoted},,,,,,,")):
        with pytest.raises(UnreadableFileError, match=r"row \d says .*; then remove that row") as error:
            read("\n".join([*lines, ""]))

        assert kind in str(error.value)


def test_a_rejection_names_the_row_and_quotes_the_beginning_of_its_text() -> None:
    error = rejection(f" Draft of {'x' * 51}y ", 7, "nobody can tell")

    assert str(error) == (
        f"row 7 says 'Draft of {'x' * 51}': nobody can tell; then remove that row, or, if it says nothing of the "
        "invoices, upload the file again with the metadata ignore-text: yes"
    )
    assert error.row == 7


@pytest.mark.parametrize("text", HARMLESS)
def test_other_banners_are_passed(text: str) -> None:
    assert meaning(text) == ""
    assert len(read(f'"{text}"\n{H}\n{R}\n')) == 1


def test_descriptions_are_no_banners() -> None:
    assert len(read(f"{H}\n{R.replace('Rope', 'Prices incl. VAT')}\n{CUP.replace('Cup', 'Draft beer')}\n")) == 2
