"""The PDF: every figure in its text, whatever the text; the same bytes for the same invoice."""

import functools
import io
import random
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.lib.styles import ParagraphStyle

from invoicing.documents.pdf import Renderer
from invoicing.documents.typeface import EAST_ASIAN, MISSING, REGULAR, is_plain_line, markup, register
from invoicing.domain.money import grouped, number_text, price_text, text
from invoicing.runtime.settings import BrandSettings
from tests.data import invoices

FONTS = Path(__file__).resolve().parents[4] / "lambdas" / "generate_pdf" / "fonts"
BRAND = BrandSettings(
    brand_name="Sample Trading GmbH",
    brand_address="Musterweg 1|10000 Musterstadt",
    brand_vat_id="DE000000000",
    brand_email="billing@sample.example",
    brand_iban="XX00 0000 0000",
)
HEBREW = "\u05d9\u05e2\u05d5\u05e5"
LINE = {"description": "Thing", "quantity": "2.5", "unitPrice": "1234.0375", "taxRate": "19"}

an_invoice = functools.partial(invoices.an_invoice, number="0042", lines=[LINE])


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(BRAND, FONTS)


@contextmanager
def unmeasured() -> Iterator[None]:
    """Take no coverage meanwhile, if it is taken: large documents run no line that small ones do not, and tracing them
    takes longer than making them."""
    library = sys.modules.get("coverage")  # which not every environment of these tests has
    measuring = library.Coverage.current() if library else None
    if measuring:
        measuring.stop()
    try:
        yield
    finally:
        if measuring:
            measuring.start()


def all_fonts_are_embedded(pdf: bytes) -> bool:
    """Whether every font that a page uses brings its glyphs: nothing depends on what the reader's machine has."""
    used = [font.get_object() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages for font in fonts_of(page)]
    return all("/FontFile2" in font["/FontDescriptor"] for font in used if font["/BaseFont"] != "/Helvetica")


def fonts_of(page: Any) -> list[Any]:
    return list(page["/Resources"]["/Font"].values())


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_every_figure_is_in_the_text(renderer: Renderer, currency: str) -> None:
    lines = [LINE, LINE | {"taxRate": "7", "discount": "12.5", "quantity": "-1"}, LINE | {"taxRate": "0"}]
    invoice = an_invoice(currency=currency, lines=lines)
    (page,) = pages(renderer.render(invoice))
    printed = page.split()
    for line in invoice.lines:
        for figure in (number_text(line.quantity), price_text(line.unit_price, currency), text(line.net, currency)):
            assert grouped(figure) in printed
    for tax in invoice.taxes:
        assert {number_text(tax.rate), grouped(text(tax.base, currency)), grouped(text(tax.amount, currency))} <= {
            *printed
        }
    for amount in (invoice.subtotal, invoice.tax_total, invoice.total):
        assert grouped(text(amount, currency)) in printed
    for words in (
        "INVOICE",
        "0042",
        "2026-11-01",
        "2026-12-01",
        "Sample Trading GmbH",
        "Page 1 of 1",
        "XX00 0000 0000",
    ):
        assert words in page


def test_the_same_invoice_is_the_same_file_whatever_happened_since(renderer: Renderer) -> None:
    invoice = an_invoice()
    later = invoice.model_copy(update={"version": 3, "updated_at": "2027-01-01T00:00:00.000000Z"})
    assert renderer.render(invoice) == renderer.render(later) == Renderer(BRAND, FONTS).render(invoice)


def test_metadata_names_the_document(renderer: Renderer) -> None:
    reader = pypdf.PdfReader(io.BytesIO(renderer.render(an_invoice(customer={"name": "Łódź"}))))
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == ("Invoice 0042", "Sample Trading GmbH")
    assert reader.metadata.subject == "Invoice 0042 for Łódź"


def test_a_credit_note_is_titled_as_one(renderer: Renderer) -> None:
    (page,) = pages(renderer.render(an_invoice(lines=[LINE | {"quantity": "-1"}])))
    assert "CREDIT NOTE" in page
    assert "EUR 1,468.51 will be credited to you" in page
    (page,) = pages(renderer.render(an_invoice(lines=[LINE | {"discount": "100"}])))
    assert "Nothing is to be paid." in page


def test_twelve_hundred_lines_are_complete_with_headings_on_every_page(renderer: Renderer) -> None:
    dice = random.Random(20261122)  # noqa: S311 -- figures of a test, the same every time
    lines = [
        {
            "description": f"Item no. {number:04d}!",
            "quantity": f"{dice.choice([-1, 1]) * dice.randint(1, 99999) / 100:.2f}",
            "unitPrice": f"{dice.randint(0, 9999999) / 1000:.3f}",
            "discount": dice.choice(["0", "2.5", "10"]),
            "taxRate": dice.choice(["0", "7", "19"]),
        }
        for number in range(1, 1201)
    ]
    invoice = an_invoice(lines=lines)
    with unmeasured():
        printed = pages(renderer.render(invoice))
    assert len(printed) > 20
    whole = " ".join("\n".join(printed).split())
    for number, line in enumerate(invoice.lines, 1):
        row = (
            str(number),
            line.description,
            grouped(number_text(line.quantity)),
            grouped(price_text(line.unit_price, "EUR")),
            *([number_text(line.discount)] if line.discount else []),
            number_text(line.tax_rate),
            grouped(text(line.net, "EUR")),
        )
        assert f" {' '.join(row)} " in whole
    for amount in (invoice.subtotal, invoice.tax_total, invoice.total, *(tax.amount for tax in invoice.taxes)):
        assert grouped(text(amount, "EUR")) in printed[-1] + printed[-2]
    for number, page in enumerate(printed, 1):
        assert f"Page {number} of {len(printed)}" in page
        assert "Item no." not in page or ("Description" in page and "Unit price" in page)
        assert number == 1 or "Invoice 0042" in page


@pytest.mark.volume
def test_more_than_a_hundred_pages_keep_their_heads(renderer: Renderer) -> None:
    lines = [LINE | {"description": f"Item no. {number:04d}!" + "\nx" * 15} for number in range(1, 411)]
    with unmeasured():
        printed = pages(renderer.render(an_invoice(lines=lines)))
    assert len(printed) > 100  # and so the numbers of pages have three digits
    assert [number for number, page in enumerate(printed[1:], 2) if "Invoice 0042" not in page] == []
    assert all("Unit price" in page for page in printed if "Item no." in page)
    assert f"Page {len(printed)} of {len(printed)}" in printed[-1]


@pytest.mark.parametrize(
    "written",
    [
        'Łódź & Söhne <b>bold?</b> &amp; "quoted"',
        "Βιβλιοπωλείο Αμαλθεία",
        "Издательство «Образец» ТОВ Зразкова Криниця їєґ",
        "Işıltı Çiçekçilik Ğğ Şş",
        "Phở Việt Nam",
        "Հայերեն ქართული ✓ ★ ☎ ≤",
        "€ £ ¥ ₺ ₴ ₹ ₽ № ™",
    ],
)  # fmt: skip
def test_scripts_of_the_embedded_fonts_are_extracted_as_written(renderer: Renderer, written: str) -> None:
    (page,) = pages(renderer.render(an_invoice(customer={"name": written}, lines=[LINE | {"description": written}])))
    assert " ".join(page.split()).count(written) == 2
    assert MISSING not in page


@pytest.mark.parametrize("written", ["株式会社さくら見本", "中文发票", "한국어송장"])
def test_chinese_japanese_and_korean_are_extracted_as_written(renderer: Renderer, written: str) -> None:
    (page,) = pages(renderer.render(an_invoice(customer={"name": written})))
    assert written in page
    assert MISSING not in page
    assert all_fonts_are_embedded(renderer.render(an_invoice(customer={"name": written})))


def test_hebrew_and_arabic_are_in_visual_order_and_extracted_in_reading_order(renderer: Renderer) -> None:
    lines = [LINE | {"description": f"{HEBREW} (2026)"}, LINE | {"description": "\u0628\u0628\u0628"}]
    document = renderer.render(an_invoice(customer={"name": f"{HEBREW} Ltd"}, lines=lines))
    (page,) = pages(document)
    assert page.count(HEBREW) == 2  # pypdf turns right-to-left runs round: what stood in reading order would be wrong
    assert "\ufe91\ufe92\ufe90" in page  # joined
    assert MISSING not in page
    assert all_fonts_are_embedded(document)


@pytest.mark.parametrize(
    "hostile",
    [
        "x" * 1000,
        "<para><font color='red'>" * 20,
        "</b></i>&#0;&nosuch;",
        "שלום עולם مرحبا",
        "\u05d0\u2067\u0378\U000e0001\u202e(\u05b8 a\u2029",
        "👩‍👩‍👧 family \u202eevil\u202c",
        "a\n" * 400,
        "a\rb\tc" * 100,
        "W" * 9 + "\u2028" + "W" * 30 + " W" * 400,
        "WWWWWWWW\r\n" * 100,
        "株" * 1000,
        "é" * 100,
        "%s {0} \\n",
    ],
    ids=[
        "long",
        "markup",
        "entities",
        "rtl",
        "rtl with what has no direction",
        "emoji",
        "breaks",
        "returns",
        "separators",
        "words",
        "wide",
        "combining",
        "formats",
    ],
)
def test_hostile_text_never_breaks_the_document(renderer: Renderer, hostile: str) -> None:
    customer = {"name": " ".join(hostile[:200].split()), "address": hostile[:500]}
    lines = [LINE | {"description": hostile[:1000]}] * 3
    whole = "\n".join(pages(renderer.render(an_invoice(customer=customer, lines=lines))))
    assert "Total EUR" in whole


def test_amounts_of_fifteen_digits_still_fit(renderer: Renderer) -> None:
    lines = [LINE | {"quantity": "999999999.123456", "unitPrice": "99999.123456", "discount": "12.345678"}]
    invoice = an_invoice(lines=lines)
    assert grouped(text(invoice.total, "EUR")) in pages(renderer.render(invoice))[0]


def test_a_bare_brand_and_a_bare_customer_are_enough() -> None:
    (page,) = pages(Renderer(BrandSettings(brand_name="B"), FONTS).render(an_invoice()))
    assert "VAT ID" not in page
    assert "to account" not in page


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("\u3231\u9ad9\u5cf6", "(株)\u9ad9\u5cf6"),
        ("\u246e \u2162", "(15) \u2162"),
        ("\u246b5\u500b", "(12)5\u500b"),
        ("\u20be 5", "GEL 5"),
        ("\u20c1 5", "SAR 5"),
    ],
    ids=["company", "numbers", "number-before-a-digit", "lari", "riyal"],
)
def test_what_no_font_has_is_printed_as_what_it_stands_for(renderer: Renderer, written: str, printed: str) -> None:
    (page,) = pages(renderer.render(an_invoice(lines=[LINE | {"description": written}])))
    assert printed in page or written in page  # a font may come to have it
    assert MISSING not in page


@pytest.mark.parametrize("rows", [2, 18, 120, 500])
def test_a_line_keeps_its_line_breaks_whatever_their_number(renderer: Renderer, rows: int) -> None:
    letters = [chr(ord("a") + row % 26) for row in range(rows)]
    invoice = an_invoice(lines=[LINE, LINE | {"description": "\n".join(letters)}, LINE])
    printed = "\n".join(pages(renderer.render(invoice)))
    assert re.findall(r"^(?:2 )?([a-z])\b", printed, re.MULTILINE) == letters
    assert "\u2026" not in printed


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        pytest.param("Übergröße <b> & 5 €", True, id="characters of the font"),
        pytest.param("two  blanks", False, id="blanks that a paragraph prints as one"),
        pytest.param("one\u00a0blank", False, id="another blank"),
        pytest.param("one\ntwo", False, id="two rows"),
        pytest.param("e\u0301", False, id="a letter in two parts"),
        pytest.param("部品", False, id="another font"),
        pytest.param("שלום", False, id="right to left"),
        pytest.param("W" * 40, False, id="too wide"),
    ],
)
def test_a_line_without_a_paragraph_is_printed_as_it_is_written(written: str, *, plain: bool) -> None:
    style = ParagraphStyle("line", fontName=REGULAR, fontSize=9)

    assert is_plain_line(written, style, register(FONTS), width=200) is plain


def test_unprintable_characters_become_squares_and_invisible_ones_nothing() -> None:
    assert markup("a<\u202e👍b", {REGULAR: frozenset(map(ord, "ab<\u25a1"))}) == "a&lt;□b"
    assert markup("x\r\na\tb", {REGULAR: frozenset(map(ord, "xab "))}) == "x<br/>a b"


def test_a_run_is_printed_in_the_first_font_that_has_it() -> None:
    coverage = {REGULAR: frozenset(map(ord, "ab ")), EAST_ASIAN: frozenset(map(ord, "a株&"))}
    assert markup("ab 株&株 b", coverage) == f'ab <font name="{EAST_ASIAN}">株&amp;株</font> b'


def test_every_character_of_the_fonts_has_a_direction() -> None:
    classes = {unicodedata.bidirectional(chr(code)) for codes in register(FONTS).values() for code in codes}
    assert classes <= {"L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "ON", "WS", "B"}  # what the algorithm knows


@pytest.mark.parametrize("number", [2, 20, 21, 50, 400])
def test_every_tax_rate_is_listed_however_many_there_are(renderer: Renderer, number: int) -> None:
    invoice = an_invoice(lines=[LINE | {"taxRate": f"{rate / 4:.2f}"} for rate in range(number)])
    whole = "\n".join(pages(renderer.render(invoice)))
    assert [tax for tax in invoice.taxes if f"{number_text(tax.rate)} %" not in whole] == []
    assert grouped(text(invoice.total, "EUR")) in whole


def test_tax_amounts_too_wide_for_half_a_page_do_not_run_into_the_totals(renderer: Renderer) -> None:
    line = LINE | {"quantity": "899999999999999", "unitPrice": "1", "taxRate": "10.123456"}
    invoice = an_invoice(currency="CLF", lines=[line])
    printed = pages(renderer.render(invoice))[0].split()
    for amount in (invoice.subtotal, invoice.tax_total, invoice.total, invoice.taxes[0].base):
        assert grouped(text(amount, "CLF")) in printed


def test_a_head_of_the_longest_texts_stays_on_the_first_page() -> None:
    brand = {name: f"{'W' * 25} " * 200 for name in BrandSettings.model_fields if name.startswith("brand_")}
    customer = {
        "name": "W" * 200,
        "address": "W|" * 250,
        "email": "a" * 240 + "@b.example",
        "vatId": "W" * 32,
    }
    invoice = an_invoice(customer=customer, customerId="W" * 64).model_copy(update={"invoice_number": "W" * 64})
    first, *_ = pages(Renderer(BrandSettings.model_validate(brand), FONTS).render(invoice))
    assert "…" in first  # of the brand, which nobody limits
    for words in ("Billed to", "Customer ID", "b.example", "Description"):
        assert words in first


_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd")
    | st.sampled_from("\r\n\tW株 |(\u05d0\u05b8\u0628\u0661\u2067\u0378")
)
_words = _texts.map(lambda word: f"{word.strip()}x")  # something to read


def some(words: st.SearchStrategy[str], maximum: int) -> st.SearchStrategy[str]:
    """Texts up to the longest allowed; what hypothesis thinks of is repeated, for it seldom thinks of long ones."""
    return st.builds(lambda word, times: (word * times)[:maximum].strip() or "x", words, st.integers(1, maximum))


def numbers(lowest: int, highest: int) -> st.SearchStrategy[str]:
    return st.decimals(lowest, highest, places=6, allow_nan=False).map(str)


_names = some(st.text("aW株é|<&\\", min_size=1, max_size=30), 200)
_lines = st.fixed_dictionaries(
    {
        "description": some(_words, 1000),
        # sixty lines of a million times a million, doubled by tax: within the fifteen digits of an amount
        "quantity": numbers(-(10**6), 10**6).filter(lambda number: float(number) != 0),
        "unitPrice": numbers(0, 10**6),
        "discount": numbers(0, 100),
        "taxRate": numbers(0, 100),
    }
)
_invoices = st.fixed_dictionaries(
    {
        "customer": st.fixed_dictionaries({}, optional={"name": _names, "address": some(_words, 500)}),
        "currency": st.sampled_from(["EUR", "JPY", "KWD", "CLF"]),
        "customerId": some(st.text("aW株", min_size=1), 64),
        "lines": st.lists(_lines, min_size=1, max_size=4).flatmap(
            lambda lines: st.sampled_from([1, 2, 15]).map(lambda times: lines * times)
        ),
    }
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_invoices)
def test_every_valid_invoice_is_printed(body: dict[str, Any]) -> None:
    invoice = an_invoice(**body)
    total = grouped(text(invoice.total, invoice.currency))
    with unmeasured():
        printed = pypdf.PdfReader(io.BytesIO(Renderer(BRAND, FONTS).render(invoice))).pages
        assert any(total in page.extract_text() for page in reversed(printed))  # it stands on one of the last pages
