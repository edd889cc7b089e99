"""Columns that nothing reads: harmless ones pass, and the others reject the file as soon as they have a content."""

import pytest

from invoicing.uploads.csv_bytes import UnreadableFileError
from tests.data.csv_reading import read
from tests.data.csv_small_files import CUP, H, R, created

CHANGING = """\
vat_incl|incl_vat|brutto|ttc|is_gross|price_type|tax_mode|tax mode|inklMwSt|price_base_quantity|base_quantity|PEINH|per|
uom|unit|multiplier|scale|type|kind|Belegtyp|record_type|is_credit|S/H|payment_status|state|is_void|deleted_at|
do_not_invoice|test|already_invoiced|reverse_charge|tax_exempt|pst|qst|hst|cess|surcharge|shipping|fee|amount_paid|
returned_quantity|discount_2|rabatt|skonto|discount_percent|line_discount|payment_terms_days|Einheit|Status|tax_code|
Menge 2|Preis|Gesamtbetrag
""".replace("\n", "").split("|")
UNKNOWN = ["terminal_id", "residue_code", "statusbar_color", "category", "date", "name", "no", "Lieferung", "x", "数量"]
HARMLESS = """\
note|Notes|comment|Comments|memo|Internal reference|internal_reference|Order|order no|Order-Number|orderNumber|PO|
PO number|po_number|purchase order|purchaseOrderNo|project|Projects|Project code|cost centre|Cost Center|costcenter|
salesperson|Sales rep|sku|SKU 2|item code|Item-No.|product_id|phone|Telephone|created by|created_at|updatedAt|
line_no|Line|Pos.|Bemerkung|Bestellnummer|Ihr Zeichen|Unsere Referenz|Auftragsnr.|Projektnummer|Kostenstelle|
Artikelnummer|Artikel-Nr.|Sachbearbeiter|Verkäufer|Telefon|erstellt von|Commentaire|Numéro de commande|bon de commande|
référence|projet|vendeur|code article|téléphone|créé par|Comentarios|número de pedido|referencia|proyecto|
centro de coste|vendedor|artículo|teléfono|creado por|Osservazioni|numero ordine|riferimento|progetto|commessa|
centro di costo|venditore|codice articolo|telefono|creato da|warehouse|Customer order no
""".replace("\n", "").split("|")
DUE = f"{H},due_date,payment_terms_days"


def rejection(header: str, *rows: str, **metadata: str) -> str:
    with pytest.raises(UnreadableFileError) as error:
        read("\n".join([header, *rows, ""]), **metadata)
    return str(error.value)


@pytest.mark.parametrize("name", [*CHANGING, *UNKNOWN])
def test_a_column_that_is_not_known_to_be_harmless_is_not_left_unread(name: str) -> None:
    reason = rejection(f"{H},discount,{name}", f"{R},,", f"{CUP},,yes")

    assert f"column {name!r}" in reason
    assert "row 3 has something in it" in reason
    assert "ignore-columns" in reason


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_column_is_left_unread(name: str) -> None:
    assert len(read(f"{H},{name}\n{R},yes\n")) == 1


@pytest.mark.parametrize("name", [*CHANGING, *UNKNOWN, ""])
def test_an_empty_column_may_have_any_name(name: str) -> None:
    assert len(read(f"{H},{name},\n{R},,\n{CUP}, ,\n")) == 2


@pytest.mark.parametrize("name", [*CHANGING, *UNKNOWN])
def test_an_uploader_may_permit_to_ignore_a_column_by_its_name(name: str) -> None:
    permitted = read(f"{H},note,{name}\n{R},,1\n", ignore_columns=f"other, {name.upper()} ")

    assert len(permitted) == 1


@pytest.mark.parametrize("name", [*UNKNOWN, ""])
def test_a_general_permission_covers_columns_of_which_nothing_is_known(name: str) -> None:
    assert len(read(f"{H},{name}\n{R},1\n", ignore_columns="*")) == 1


@pytest.mark.parametrize("name", CHANGING)
def test_a_general_permission_does_not_cover_columns_that_change_invoices(name: str) -> None:
    assert f"{name!r}" in rejection(f"{H},foo,{name}", f"{R},1,1", ignore_columns="*, foo")


def test_a_column_without_a_name_is_not_left_unread() -> None:
    assert "a column has no name" in rejection(f",{H}", f"0,{R}", f"1,{CUP}")
    assert "column '#'" in rejection(f"#,{H}", f"0,{R}")
    assert created(f"{H},,", f"{R},,", f"{CUP},,").keys() == {"I-1", "I-2"}


def test_one_rejection_names_all_such_columns() -> None:
    reason = rejection(f"{H},foo,unit,bar,empty", f"{R},1,,,", f"{CUP},,box,2,")

    assert "the header has the column 'unit', which says that a price or quantity may be one of several units" in reason
    assert "(so it is with 'foo', 'bar')" in reason
    assert "ignore-columns: foo,unit,bar (row 3 has" in reason
    assert "empty" not in reason


def test_a_header_further_down_is_held_to_the_same() -> None:
    assert "'fee'" in rejection(H, R, f"{H},fee", f"{CUP},5")
    assert "'fee'" in rejection(f"{H},fee", f"{R},", f"fee,{H}", f"5,{CUP}")
    assert len(read(f"{H},fee\n{R},\n{H},note\n{CUP},5\n")) == 2


def test_terms_of_payment_say_nothing_beside_a_due_date() -> None:
    assert "payment_terms_days" in rejection(DUE, f"{R},2026-11-15,14", f"{CUP},,14")
    assert len(read(f"{DUE}\n{R},2026-11-15,14\n{CUP},2026-11-15,\n")) == 2


def test_what_a_row_of_moved_cells_has_there_proves_nothing() -> None:
    assert created(f"{H},fee", f"{R},", f"{CUP},,5", R.replace("I-1", "I-3")) == {"I-1": ["Rope"], "I-3": ["Rope"]}
