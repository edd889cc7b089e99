"""More files in which rows are cut, moved, doubled or summed up: no invoice may be created with a wrong amount.

Only what is created is compared, as in `test_csv_hostile`.
"""

import pytest

from invoicing.uploads.csv_invoices import Candidate
from tests.data.csv_reading import read
from tests.data.csv_small_files import CUP, LAST, MORE, H, R, created

OTHER = LAST.replace("C-1", "C-9")
B = "description,invoice_number,customer_id,issue_date,currency,quantity,unit_price,tax_rate"


@pytest.mark.parametrize("joint", ["", " ", '" '])
def test_two_rows_joined_behind_a_quoted_cell_are_both_of_no_invoice(joint: str) -> None:
    joined = f'{R[:-2]}"20"{joint}{CUP}'

    assert created(H, joined, MORE, OTHER) == {"I-9": ["Last"]}
    assert created(H, CUP, joined, OTHER) == {"I-9": ["Last"]}
    assert created(H, MORE, OTHER, joined) == {"I-9": ["Last"]}


TAIL = "C-1,2026-11-01,EUR,2,10.50,20"

CUT = {
    "the file is cut off": (H, CUP.replace("I-2", "2026-0815"), "2026-08"),
    "behind another column": (B, "Cup,I-1007,C-1,2026-11-01,EUR,2,10.50,20", "More,I-10"),
    "within the file": (H, CUP.replace("I-2", "I-1001"), "I-10", OTHER),
    "by a line break": (H, "I-", CUP.replace("I-2", "1014"), OTHER, MORE.replace("I-2", "I-1014")),
    "by a line break at the blank": (H, MORE.replace("I-2", "R 1"), "R", CUP.replace("I-2", " 1")),
    "by a line break instead of the blank": (H, MORE.replace("I-2", "R 1"), "R", CUP.replace("I-2", "1")),
    "by a line break behind another column": (B, "Cup,I-", f"1,{TAIL}", f"A,I-1,{TAIL}"),
    "by a quoted line break": (H, CUP.replace("I-2", '"I-\n1014"'), MORE.replace("I-2", "I-1014")),
    "by a quoted line break, digits": (H, CUP.replace("I-2", '"10\n14"'), OTHER, MORE.replace("I-2", "1014")),
    "by a delimiter": (H, CUP.replace("I-2", "1,00"), OTHER, MORE.replace("I-2", "100")),
    "by a delimiter that belongs to it": (H, CUP.replace("I-2", "1,00"), OTHER, MORE.replace("I-2", '"1,00"')),
    "by a delimiter behind another column": (B, f"Cup,1,00,{TAIL}", f"A,100,{TAIL}"),
}  # fmt: skip


@pytest.mark.parametrize("rows", CUT.values(), ids=list(CUT))
def test_no_invoice_is_created_without_a_row_of_which_the_number_is_cut(rows: tuple[str, ...]) -> None:
    assert created(*rows).keys() <= {"I-9"}


def test_a_row_that_is_cut_has_no_effect_on_other_numbers() -> None:
    assert created(H, CUP, OTHER, R, "I-9") == {"I-1": ["Rope"], "I-2": ["Cup"]}
    assert created(H, CUP, OTHER, "I-1") == {"I-2": ["Cup"], "I-9": ["Last"]}


NUMBERLESS = ["", "-", "NULL", "#REF!"]


@pytest.mark.parametrize("number", NUMBERLESS)
def test_a_row_without_a_number_may_be_of_the_invoice_below(number: str) -> None:
    row, below = (each.replace("C-1", "C-2") for each in (CUP.replace("I-2", number), MORE))

    assert created(H, R, row, below, OTHER) == {"I-9": ["Last"]}
    assert created(H, R, row, row, below, OTHER) == {"I-9": ["Last"]}
    assert created(H, row, below, OTHER) == {"I-9": ["Last"]}
    assert created(H, R.replace("C-1", "C-2"), row, below, OTHER).keys() == {"I-9"}


SHIFTED = {
    "short": "C-1,2026-11-01,EUR,More,2,10.50,20",
    "padded": "C-1,2026-11-01,EUR,More,2,10.50,20,",
    "swapped": "C-1,I-2,2026-11-01,EUR,More,2,10.50,20",
}


@pytest.mark.parametrize("row", SHIFTED.values(), ids=list(SHIFTED))
def test_a_row_with_its_customer_for_a_number_may_be_of_the_invoice_beside_it(row: str) -> None:
    assert created(H, CUP, row, OTHER).keys() <= {"I-9"}
    assert created(H, OTHER, row, CUP) == {"I-9": ["Last"]}


def test_a_number_may_be_another_ones_customer() -> None:
    rows = (f"{number},{customer},2026-11-01,EUR,A,2,10.50,20" for number, customer in ((1001, 1000), (1002, 1001)))

    assert created(H, *rows) == {"1001": ["A"], "1002": ["A"]}


SUMS = {
    "another language": "Celkem,1,42.00,20",
    "with its currency": "Total EUR,4,42.00,20",
    "amount as the quantity": "Total net,42.00,1,20",
    "two halves": "Sum EUR,2,21.00,20",
    "tax": "VAT 20 %,1,8.40,0",
    "tax in another language": "moms,1,8.40,0",
    "gross": "To pay,1,50.40,0",
    "payment": "Payment received,1,50.40,0",
    "payment in another language": "Bereits bezahlt,1,50.40,0",
    "formula": "=SUM(G2:G3),1,42.00,20",
}


@pytest.mark.parametrize("line", SUMS.values(), ids=list(SUMS))
def test_a_line_that_is_the_sum_or_the_tax_of_the_others_is_none(line: str) -> None:
    row = f"I-2,C-1,2026-11-01,EUR,{line}"

    assert created(H, CUP, MORE, row, OTHER) == {"I-9": ["Last"]}
    assert created(H, row, CUP, MORE, OTHER) == {"I-9": ["Last"]}


def test_a_sum_may_be_one_of_rounded_amounts() -> None:
    yen = [f"I-2,C-1,2026-11-01,JPY,{line}" for line in ("A,3,33.5,10", "B,1,99,10", "\u5408\u8a08,1,219,0")]
    cents = [f"I-1,C-1,2026-11-01,EUR,L{each},3,0.335,20" for each in range(20)]

    assert created(H, *yen, *cents, "I-1,C-1,2026-11-01,EUR,Total EUR,1,20.20,20") == {}


@pytest.mark.parametrize(
    "names",
    [("Deposit 50 %", "Balance 50 %"), ("Anzahlung", "Restbetrag"), ("Gesamtpaket A", "Gesamtpaket B"),
     ("VAT advice", "VAT advice 2")],
)  # fmt: skip
def test_two_lines_of_one_amount_are_no_sums(names: tuple[str, str]) -> None:
    rows = [f"I-2,C-1,2026-11-01,EUR,{name},1,100.00,20" for name in names]

    assert created(H, *rows) == {"I-2": [*names]}
    assert created(H, rows[0], "I-2,C-1,2026-11-01,EUR,Total EUR,1,100.00,20") == {}


TWICE = {
    "one after the other": (CUP, MORE, CUP, MORE),
    "with a blank row": (CUP, MORE, "", CUP, MORE, ""),
    "each row": (CUP, CUP, MORE, MORE),
}


@pytest.mark.parametrize("rows", TWICE.values(), ids=list(TWICE))
def test_an_invoice_with_all_lines_twice_is_rejected(rows: tuple[str, ...]) -> None:
    assert created(H, *rows, OTHER) == {"I-9": ["Last"]}


def test_equal_lines_are_two_if_anything_in_their_rows_differs() -> None:
    assert created(H, CUP, MORE, CUP.replace(",2,", ",3,")) == {"I-2": ["Cup", "More", "Cup"]}
    assert created(f"{H},pos", f"{CUP},1", f"{CUP},2", f"{CUP},3") == {"I-2": ["Cup"] * 3}


REPEATED = {
    "the only row": (CUP, CUP),
    "the only row, often": (CUP, CUP, CUP),
    "one of two": (CUP, MORE, CUP),
    "with other spellings": (CUP, MORE, CUP.replace("10.50", "10.5").replace("Cup", " CUP")),
    "with a blank row": (CUP, "", CUP),
    "below the header": (CUP, H, CUP, MORE),
    "with the number of another row": (CUP, CUP.replace("I-2", "i-2")),
}


@pytest.mark.parametrize("rows", REPEATED.values(), ids=list(REPEATED))
def test_an_invoice_with_a_row_that_comes_again_is_rejected(rows: tuple[str, ...]) -> None:
    assert created(H, *rows, OTHER) == {"I-9": ["Last"]}


SWAPPED = {
    "year, day, month": ("", "2026-05-11", "2026-22-11"),
    "swapped by a spreadsheet": ("", "2026-05-11", "22/11/2026"),
    "declared day first": ("dd/mm/yyyy", "03/04/2026", "03/14/2026"),
    "declared month first": ("mm/dd/yyyy", "03/04/2026", "14/03/2026"),
}


@pytest.mark.parametrize(("declared", "date", "proof"), SWAPPED.values(), ids=list(SWAPPED))
def test_a_date_may_be_swapped_if_another_one_proves_another_order(declared: str, date: str, proof: str) -> None:
    rows = (CUP.replace("2026-11-01", date), R.replace("2026-11-01", proof))
    metadata = {"date_format": declared} if declared else {}

    assert not [each for each in read("\n".join([H, *rows]), **metadata) if isinstance(each, Candidate)]
    assert len([each for each in read("\n".join([H, rows[0]]), **metadata) if isinstance(each, Candidate)]) == 1


def test_dates_that_prove_their_own_order_are_read() -> None:
    local = R.replace("2026-11-01", "22/11/2026")

    assert created(H, CUP, local, OTHER.replace("2026-11-01", "2026-11-22")) == {"I-2": ["Cup"], "I-9": ["Last"]}
