"""Invoice numbers that are none, and the invoices of which they speak: neither is created."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.csv_small_files import CUP, LAST, MORE, H, created

OTHER = LAST.replace("C-1", "C-9")
NO_NUMBERS = """\
RE-2026-|INV/|RE_2026_|RE:|ABC|RE-NaN|INV-None|RE-null|INV-#N/A|RE-#REF!|RE-TBD|INV-new|
2026-TRUE|RE-NA|NaN-1|RE-2.02611E+11|RE-1e+16|RE-2.03e5|
INV 2E+05|RE-2-Nov|RE-2.Nov|RE-02-Nov-26|RE-Nov-26|INV-000|RE-0|
0-0|INV 0000|{n}-1|RE-%s-1|<no>-1|RE-{{1}}|INV-undefined-2|RE-?|2026-XX
""".replace("\n", "").split("|")
SPEAKING = """\
I-2?|I-2 (?)|I-2 (see note)|I-2 (part two)|I-2 [old]|I-2 void|I-2-void|I-2_VOID|VOID I-2|I-2 cancelled|I-2 storno|
STORNO-I-2|draft I-2|I-2 on hold|I-2 cont.|I-2 contd|I-2 page 2|Page 2 I-2|see I-2|copy of I-2|I-2 copy|I-2/copy|
I-2 corrected|corrected: I-2|total I-2|I-2 total|Quote I-2|Invoice I-2|INVOICE I-2|Invoice: I-2|Rechnung I-2|No. I-2|
Nr. I-2|Nr I-2|for I-2|amends I-2|belongs to I-2|INV I-2|I-2 second part|zu I-2|I-2 revised|I-2 paid
""".replace("\n", "").split("|")
SOUND = """\
INV-1|INV 1001|INV1001|RE 2026-17|RE-2026-0017|R 1|F12|FA 12/2026|SI-000123|2026/17|2026-11-02|1001|2026 17|
ABCDEF 1001|Inv 7|INV-2026-ABC-17|2026-NOV-001|NOV-2026-17|INV-NOV-26|1001 A|NA-2026-1|SMOKE-0a1b2c3d-1|
CANARY-0a1b2c3d-12|SMOKE-36f7173e-1|CANARY-1234567e-12|RE-7E-1|RE-12e17|
Re. 17|RE-10-0|NO-1001|12E7|1/11/2026|I - 1014|00001|00007/26|I-1014a|INV(17)
""".replace("\n", "").split("|")


def number(text: str, row: str) -> str:
    return row.replace("I-2", text)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_text_that_is_no_number_makes_no_invoice(text: str) -> None:
    assert created(H, number(text, MORE), OTHER) == {"I-9": ["Last"]}


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_text_that_is_no_number_may_be_one_of_any_invoice_of_its_customer(text: str) -> None:
    assert created(H, CUP, OTHER, number(text, MORE)) == {"I-9": ["Last"]}


@pytest.mark.parametrize("text", SPEAKING)
def test_a_text_that_speaks_of_a_number_rejects_that_invoice_too(text: str) -> None:
    for rows in ((CUP, OTHER, number(text, MORE)), (number(text, MORE), OTHER, CUP), (CUP, number(text, MORE), OTHER)):
        assert created(H, *rows) == {"I-9": ["Last"]}


@pytest.mark.parametrize("text", SOUND)
def test_a_number_may_have_a_short_prefix(text: str) -> None:
    assert created(H, number(text, CUP), OTHER).keys() == {text, "I-9"}


@given(part=st.text("0123456789abcdef", min_size=8, max_size=8), number=st.integers(1, 999))
def test_a_number_may_have_a_hexadecimal_part(part: str, number: int) -> None:
    """As ids that programs make have: those of the smoke test, and commits."""
    assert created(H, CUP.replace("I-2", f"SMOKE-{part}-{number}")).keys() == {f"SMOKE-{part}-{number}"}


@pytest.mark.parametrize("customer", ["Smith", "New Customer", "Total Care Ltd", "Page & Sons", "C-", "No. 7"])
def test_a_customer_may_have_words(customer: str) -> None:
    assert created(H, CUP.replace("C-1", customer)) == {"I-2": ["Cup"]}
