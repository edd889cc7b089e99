"""The invoice as a PDF: its content as issued, laid out to be sent.

The PDF contains only what never changes after creation, and nothing about the time of printing. So an invoice has one
PDF, byte for byte, however often it is created.
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from invoicing.documents.line_table import Colors, LineTable, Row
from invoicing.documents.typeface import (
    BOLD,
    LEADING,
    REGULAR,
    fit_paragraph,
    is_plain_line,
    paragraph,
    register,
)
from invoicing.domain.models import Invoice
from invoicing.domain.money import grouped, number_text, price_text, text
from invoicing.runtime.settings import BrandSettings

INK, QUIET, ACCENT, RULE, SHADE = map(HexColor, ("#1b2733", "#5b6875", "#1f4e79", "#c9d2db", "#f3f6f9"))
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
TALLEST_ROW = 210 * mm
"""Maximum height of a row of the table: reportlab cannot split it, and a page has 243 mm."""
TALLEST_DESCRIPTION = 60 * mm
"""A taller description with line breaks is printed in several rows of the table, between which a page may end."""
RATES_BESIDE_THE_SUMS = 20
"""Tax rates that are listed to the left of the totals. More of them get a separate table, which may span pages."""

_TITLES = {"invoice": "Invoice", "credit-note": "Credit note"}
_HEADINGS = ("#", "Description", "Quantity", "Unit price", "Disc. %", "Tax %", "Net")


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    settings = {"fontName": REGULAR, "fontSize": size, "leading": size * LEADING, "textColor": INK, "splitLongWords": 1}
    return ParagraphStyle(name, **{**settings, **more})


BODY = _style("body", 9)
SMALL = _style("small", 8)
LABEL = _style("label", 7.5, textColor=QUIET)
STRONG = _style("strong", 10, fontName=BOLD)
BRAND = _style("brand", 15, fontName=BOLD, textColor=ACCENT)
TITLE = _style("title", 22, fontName=BOLD, textColor=ACCENT, alignment=TA_RIGHT)


class Renderer:
    """Renders the invoices of one brand.

    Args:
        brand: The issuer of the invoices.
        fonts: The folder with the fonts to embed.
    """

    def __init__(self, brand: BrandSettings, fonts: Path) -> None:
        self._brand = brand
        self._coverage = register(fonts)

    def render(self, invoice: Invoice) -> bytes:
        """The bytes of the PDF: A4, with as many pages as the lines need."""
        title = f"{_TITLES[invoice.kind]} {invoice.invoice_number}"
        output = io.BytesIO()
        frame = {"leftPadding": 0, "rightPadding": 0, "topPadding": 0, "bottomPadding": 0}
        bottom, top = 26 * mm, A4[1] - 16 * mm
        first = Frame(MARGIN, bottom, WIDTH, top - bottom, id="first", **frame)
        later = Frame(MARGIN, bottom, WIDTH, top - 12 * mm - bottom, id="later", **frame)
        document = BaseDocTemplate(
            output,
            pagesize=A4,
            invariant=1,
            title=title,
            author=self._brand.brand_name,
            subject=f"{title} for {invoice.customer.name or invoice.customer_id}",
            creator="invoice-platform",
            lang="en",
        )
        document.addPageTemplates(
            [
                PageTemplate("first", [first]),
                PageTemplate("later", [later], onPage=lambda canvas, _: self._running_head(canvas, title)),
            ]
        )
        *taxes, sums = self._sums(invoice)
        story = [
            NextPageTemplate("later"),
            self._head(invoice),
            Spacer(0, 9 * mm),
            self._lines(invoice),
            Spacer(0, 6 * mm),
            *taxes,
            KeepTogether([sums, Spacer(0, 8 * mm), *self._terms(invoice)]),
        ]
        document.build(story, canvasmaker=self._numbered_canvas())
        return output.getvalue()

    def _text(self, content: str, style: ParagraphStyle, *, width: float, height: float) -> Paragraph:
        return fit_paragraph(content, style, self._coverage, width=width, height=height)

    def _head(self, invoice: Invoice) -> Flowable:
        """Brand and title at the top; below them the customer and the key facts."""
        brand, customer = self._brand, invoice.customer
        left, right = WIDTH - 76 * mm, 76 * mm

        def block(*parts: tuple[str | None, ParagraphStyle, float]) -> list[Paragraph]:
            return [
                self._text(written, style, width=left - 20, height=height * mm)
                for written, style, height in parts
                if written
            ]

        issuer = block(
            (brand.brand_name, BRAND, 30),
            (_address_rows(brand.brand_address or ""), SMALL, 45),
            (brand.brand_vat_id and f"VAT ID {brand.brand_vat_id}", SMALL, 10),
            (brand.brand_email, SMALL, 10),
        )
        recipient = block(
            ("Billed to" if invoice.kind == "invoice" else "Credited to", LABEL, 10),
            (customer.name or invoice.customer_id, STRONG, 25),
            (_address_rows(customer.address or ""), BODY, 75),
            (customer.email, BODY, 20),
            (customer.vat_id and f"VAT ID {customer.vat_id}", BODY, 10),
        )
        facts = [
            ("Number", invoice.invoice_number),
            ("Issue date", invoice.issue_date.isoformat()),
            *([("Due date", invoice.payable_until.isoformat())] if invoice.payable_until else []),
            ("Customer ID", invoice.customer_id),
            ("Currency", invoice.currency),
        ]
        rows = [
            [
                self._text(name, LABEL, width=24 * mm, height=10 * mm),
                self._text(value, BODY, width=47 * mm, height=20 * mm),
            ]
            for name, value in facts
        ]
        fact_table = Table(rows, colWidths=[24 * mm, 48 * mm], hAlign="RIGHT")
        on_the_line = (
            "TOPPADDING",
            (0, 0),
            (0, -1),
            2.7,
        )  # puts label and value on one baseline
        fact_table.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_padding(0, 1.2), on_the_line])
        title = self._text(_TITLES[invoice.kind].upper(), TITLE, width=right, height=30 * mm)
        head = Table([[issuer, title], [recipient, fact_table]], colWidths=[left, right])
        head.setStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, 0), 1.2, ACCENT),
                ("BOTTOMPADDING", (0, 0), (-1, 0), 10),
                ("TOPPADDING", (0, 1), (-1, 1), 12),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (0, -1), 14),
                ("RIGHTPADDING", (1, 0), (1, -1), 0),
            ]
        )
        return head

    def _lines(self, invoice: Invoice) -> Flowable:
        """The invoice lines; the headings are repeated on every page."""
        currency = invoice.currency
        figures = [
            (
                str(number),
                grouped(number_text(line.quantity)),
                grouped(price_text(line.unit_price, currency)),
                number_text(line.discount) if line.discount else "",
                number_text(line.tax_rate),
                grouped(text(line.net, currency)),
            )
            for number, line in enumerate(invoice.lines, 1)
        ]
        headings = (*_HEADINGS[:-1], f"{_HEADINGS[-1]} {currency}")
        size, widths = _fit_columns(headings, figures)
        style = _style("line", size)
        rows = []
        for position, (line, (number, *rest)) in enumerate(zip(invoice.lines, figures, strict=True)):
            first, *more = self._description(line.description, style, widths[1] - 8)
            rows.append(Row([number, first, *rest], position, first=True, last=not more))
            empty = [""] * len(rest)
            rows += [Row(["", part, *empty], position, first=False, last=part is more[-1]) for part in more]
        return LineTable(headings, rows, widths, size, Colors(INK, ACCENT, RULE, SHADE))

    def _description(self, text: str, style: ParagraphStyle, width: float) -> list[Paragraph | str]:
        """The description in one part, or, if it is tall, in a part for each of its rows."""
        if is_plain_line(text, style, self._coverage, width=width):
            return [text]
        rows = text.splitlines()
        if len(rows) > 1:
            whole = paragraph(text, style, self._coverage, width=width)
            if whole.wrap(width, TALLEST_ROW)[1] > TALLEST_DESCRIPTION:
                return [self._text(row or " ", style, width=width, height=TALLEST_ROW) for row in rows]
        return [self._text(text, style, width=width, height=TALLEST_ROW)]

    def _sums(self, invoice: Invoice) -> list[Flowable]:
        """Tax for each rate on the left, the totals on the right; the taxes before them when they take more room."""
        currency = invoice.currency
        taxes = [["Tax rate", "Tax base", "Tax"]]
        taxes += [
            [f"{number_text(tax.rate)} %", *(grouped(text(amount, currency)) for amount in (tax.base, tax.amount))]
            for tax in invoice.taxes
        ]
        sums = [
            ["Subtotal", grouped(text(invoice.subtotal, currency))],
            ["Tax", grouped(text(invoice.tax_total, currency))],
            [f"Total {currency}", grouped(text(invoice.total, currency))],
        ]
        tax_widths = _columns(taxes, 8, REGULAR)
        left = Table(taxes, colWidths=tax_widths, hAlign="LEFT", repeatRows=1)
        left.setStyle(
            [
                ("FONT", (0, 0), (-1, -1), REGULAR, 8, 10.6),
                ("TEXTCOLOR", (0, 0), (-1, 0), QUIET),
                ("TEXTCOLOR", (0, 1), (-1, -1), INK),
                ("LINEBELOW", (0, 0), (-1, 0), 0.6, RULE),
                ("ALIGN", (0, 0), (-1, -1), "RIGHT"),
                *_padding(4, 2.2),
            ]
        )
        right = Table(sums, colWidths=_columns(sums, 11, BOLD), hAlign="RIGHT")
        right.setStyle(
            [
                ("FONT", (0, 0), (-1, -2), REGULAR, 9, 12),
                ("FONT", (0, -1), (-1, -1), BOLD, 11, 14.5),
                ("TEXTCOLOR", (0, 0), (-1, -1), INK),
                ("TEXTCOLOR", (0, -1), (-1, -1), ACCENT),
                ("LINEABOVE", (0, -1), (-1, -1), 1.2, ACCENT),
                ("ALIGN", (1, 0), (1, -1), "RIGHT"),
                *_padding(4, 3),
            ]
        )
        if len(invoice.taxes) > RATES_BESIDE_THE_SUMS or sum(tax_widths) > WIDTH / 2:
            return [left, Spacer(0, 6 * mm), right]
        both = Table([[left, right]], colWidths=[WIDTH / 2, WIDTH / 2])
        both.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("ALIGN", (1, 0), (1, 0), "RIGHT"), *_padding(0, 0)])
        return [both]

    def _terms(self, invoice: Invoice) -> list[Flowable]:
        """What the customer has to pay, or what the customer gets back."""
        amount = f"{invoice.currency} {grouped(text(abs(invoice.total), invoice.currency))}"
        title = "Terms of payment" if invoice.payable_until else "Credit"
        number, iban = invoice.invoice_number, self._brand.brand_iban
        if invoice.payable_until is None:
            sentence = f"{amount} will be credited to you under credit note {number}."
        elif not invoice.total:
            sentence = "Nothing is to be paid."
        else:
            where = f" to account {iban}" if iban else ""
            sentence = f"Please pay {amount} by {invoice.payable_until.isoformat()}{where}, quoting invoice {number}."
        return [
            self._text(title, LABEL, width=WIDTH, height=10 * mm),
            self._text(sentence, BODY, width=WIDTH, height=30 * mm),
        ]

    def _running_head(self, canvas: Canvas, title: str) -> None:
        """The line at the top of the second and all later pages."""
        for written, x, align in ((self._brand.brand_name, 0.0, 0), (title, WIDTH / 2, TA_RIGHT)):
            style = _style("running", 8, textColor=QUIET, alignment=align)
            paragraph = self._text(written, style, width=WIDTH / 2, height=10 * mm)
            paragraph.wrap(WIDTH / 2, 10 * mm)
            paragraph.drawOn(canvas, MARGIN + x, A4[1] - 16 * mm)
        canvas.setStrokeColor(RULE)
        canvas.line(MARGIN, A4[1] - 18 * mm, MARGIN + WIDTH, A4[1] - 18 * mm)

    def _numbered_canvas(self) -> type[Canvas]:
        """A canvas that draws the footers once the number of pages is known."""
        brand = self._brand
        parts = (brand.brand_name, brand.brand_vat_id, brand.brand_email, brand.brand_iban)
        style = _style("foot", 7.5, textColor=QUIET)
        width = WIDTH - 30 * mm
        foot = self._text("  ·  ".join(part for part in parts if part), style, width=width, height=11 * mm)

        class NumberedCanvas(Canvas):  # type: ignore[misc] # reportlab is untyped
            def __init__(self, *arguments: Any, **settings: Any) -> None:
                super().__init__(*arguments, **settings)
                self._pages: list[dict[str, Any]] = []

            def showPage(self) -> None:  # noqa: N802 -- reportlab's name
                self._pages.append(dict(self.__dict__))
                self._startPage()

            def save(self) -> None:
                for number, page in enumerate(self._pages, 1):
                    self.__dict__.update(page)
                    self._foot(f"Page {number} of {len(self._pages)}")
                    Canvas.showPage(self)
                Canvas.save(self)

            def _foot(self, number: str) -> None:
                self.setStrokeColor(RULE)
                self.line(MARGIN, 19 * mm, MARGIN + WIDTH, 19 * mm)
                self.setFont(REGULAR, 7.5)
                self.setFillColor(QUIET)
                self.drawRightString(MARGIN + WIDTH, 14.5 * mm, number)
                _, height = foot.wrap(width, 11 * mm)
                foot.drawOn(self, MARGIN, 17.2 * mm - height)

        return NumberedCanvas


def _address_rows(written: str) -> str:
    r"""The rows of an address: as written, or one for each part between ``|`` or a literal ``\n``."""
    return re.sub(r"\s*(?:\||\\n)\s*", "\n", written)


def _padding(sides: float, ends: float) -> list[tuple[Any, ...]]:
    all_cells = ((0, 0), (-1, -1))
    padding = (("LEFT", sides), ("RIGHT", sides), ("TOP", ends), ("BOTTOM", ends))
    return [(f"{side}PADDING", *all_cells, value) for side, value in padding]


def _columns(rows: Sequence[Sequence[str]], size: float, font: str) -> list[float]:
    return [max(stringWidth(cell, font, size) for cell in column) + 14 for column in zip(*rows, strict=True)]


def _fit_columns(headings: Sequence[str], figures: Sequence[Sequence[str]]) -> tuple[float, list[float]]:
    """The largest font size that leaves the description a third of the page, and the widths of the columns."""
    size = 8.5
    while True:
        number, *rest = [
            max([stringWidth(heading, BOLD, size), *(stringWidth(row[index], REGULAR, size) for row in figures)]) + 9
            for index, heading in enumerate((headings[0], *headings[2:]))
        ]
        description = WIDTH - number - sum(rest)
        if description >= WIDTH * 0.34 or size <= 5:
            return size, [number, max(description, 30 * mm), *rest]
        size -= 0.5
