"""Names of columns that would make another invoice of the file: it is rejected, with the name and the reason."""

import pytest

from invoicing.uploads.csv_bytes import UnreadableFileError
from tests.data.csv_reading import read

H = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"
R = "I-1,C-1,2026-11-01,EUR,Rope,2,10.50,20"

DISCOUNTS = """\
rebate rabat Disc_% disc. dto Dto. reduction réduction sleva zľava popust indirim скидка 割引 折扣 alennus avslag
ribasso abatimento abzug allowance deduction ristourne escompte kedvezmény %_off Reduktion Ermäßigung
bonificación خصم 할인 Rebaja Minderung Promo_% price_reduction discount_percent Rabatt Skonto Line_discount
"""
DUE_DATES = """\
due Date_due payment_due Due_by pay_by payable_by terms Net_days zahlbar_bis Zahlungsfrist förfallodatum
forfaldsdato eräpäivä splatnost termin_płatności date_limite 支払期限 到期日 срок_оплаты Vade_tarihi maturity_date
data_vencto Netto_Tage fecha_vto betalingsfrist deadline due_on payment_terms_days Fälligkeit
"""
BESIDE = """\
document_type Invoice-Type Belegart Soll/Haben D/C Cr/Dr sign status Storno void is_deleted draft price_unit
Preiseinheit tax_rate_2 LineAmountTypes tax_included discount_type discount_amount
"""
HARMLESS = """\
line_no note sku warehouse cost_centre order_number project
"""


def objection(*names: str) -> str:
    with pytest.raises(UnreadableFileError) as error:
        read(f"{H},{','.join(names)}\n{R}{',1' * len(names)}\n")
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [(name, "discount") for name in DISCOUNTS.split()] + [(name, "due_date") for name in DUE_DATES.split()],
)
def test_another_name_of_a_column_that_is_missing_is_not_left_unread(name: str, meant: str) -> None:
    assert f"which may be meant for {meant}: name it so, or remove it" in objection(name.replace("_", " "))


@pytest.mark.parametrize("name", BESIDE.split())
def test_a_column_that_says_how_another_one_is_meant_is_not_left_unread(name: str) -> None:
    reason = objection("discount", name)

    assert reason.startswith("the header has the column")
    assert "; then remove the column" in reason


@pytest.mark.parametrize(
    "name",
    ["Unit Price (¢)", "unit_price €", "Unit Price (%)", "unit_price ‰", "tax_rate (€)", "tax_rate $", "Quantity (%)"],
)
def test_a_unit_in_the_name_of_a_required_column_is_not_thrown_away(name: str) -> None:
    plain = next(column for column in H.split(",") if column in name.casefold().replace(" ", "_"))

    with pytest.raises(UnreadableFileError) as error:
        read(f"{H.replace(plain, name)}\n{R}\n")

    assert f"the header has the column {name!r}: write the name without a unit" in str(error.value)


@pytest.mark.parametrize("name", ["Discount ($)", "Discount (€)", "discount£", "Discount ‰", "Discount (%/€)"])
def test_a_discount_of_money_is_no_percentage(name: str) -> None:
    assert objection(name) == (
        f"the header has the column {name!r}: write the name without a unit, amounts in the invoice's currency, and "
        "discounts and tax rates in percent (row 1)"
    )


def test_a_header_further_down_is_judged_as_well() -> None:
    rejected = read(f"{H},discount\n{R},5\n{H},Discount (€)\n{R.replace('I-1', 'I-2')},5\n")[1]

    assert "write the name without a unit" in rejected.problems[0].reason  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["Discount (%)", "tax_rate %"])
def test_percentages_may_say_so(name: str) -> None:
    column = "tax_rate" if "tax" in name else "discount"
    header = H.replace("tax_rate", name) if column == "tax_rate" else f"{H},{name}"

    (invoice,) = read(f"{header}\n{R}{',5' if column == 'discount' else ''}\n")

    assert getattr(invoice.request.lines[0], column) == (20 if column == "tax_rate" else 5)  # type: ignore[union-attr]


def test_names_may_be_written_in_capitals() -> None:
    assert len(read(f"{H.upper()},DUE DATE,TERMS\n{R},2026-12-01,30 days\n")) == 1


@pytest.mark.parametrize("name", HARMLESS.split())
def test_other_columns_are_left_unread(name: str) -> None:
    assert len(read(f"{H},{name}\n{R},1\n")) == 1
