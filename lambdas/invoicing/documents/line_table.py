"""The table of the invoice lines: its own reportlab table for each page, under repeated headings.

reportlab's `LongTable` copies all remaining rows and commands for every page, so its time grows with the square of the
rows. Here a page's table is built from that page's rows alone.
"""

from bisect import bisect_right
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from reportlab.lib.colors import Color, white
from reportlab.platypus import Flowable, Table

from invoicing.documents.typeface import BOLD, LEADING, REGULAR

PADDING = 3.2
"""Points above and below a line."""


@dataclass(frozen=True)
class Colors:
    """What the table is printed in."""

    text: Color
    heading: Color
    rule: Color
    stripe: Color


@dataclass(frozen=True)
class Row:
    """One row of the table: an invoice line, or a part of one whose description is tall.

    Args:
        cells: The texts; the second one is the description, a `Paragraph` unless it is one plain line.
        line: The position of the invoice line.
        first: Whether the invoice line begins here.
        last: Whether it ends here.
    """

    cells: Sequence[Any]
    line: int
    first: bool
    last: bool


class LineTable(Flowable):  # type: ignore[misc] # reportlab is untyped
    """The rows that earlier pages do not have; reportlab splits them at the end of a page.

    Args:
        headings: The first row of each page.
        rows: All rows.
        widths: The widths of the columns, in points.
        size: The font size, in points.
        colors: What it is printed in.
    """

    def __init__(
        self, headings: Sequence[str], rows: Sequence[Row], widths: Sequence[float], size: float, colors: Colors
    ) -> None:
        super().__init__()
        self._headings, self._rows, self._widths, self._size, self._colors = headings, rows, widths, size, colors
        self._heights = [self._height(row) for row in rows]
        self._ends = list(accumulate(self._heights))
        self._start = 0
        self.hAlign = "CENTER"

    def _height(self, row: Row) -> float:
        padding = PADDING * (row.first + row.last)
        description, line = row.cells[1], self._size * LEADING
        height = line if isinstance(description, str) else description.wrap(self._widths[1] - 8, 0)[1]
        return float(max(line, height) + padding)

    @property
    def _heading_height(self) -> float:
        return self._size * LEADING + 2 * PADDING

    def _before(self) -> float:
        return self._ends[self._start - 1] if self._start else 0.0

    def wrap(self, *_: float) -> tuple[float, float]:
        """Width and height of all rows that are left."""
        return sum(self._widths), self._heading_height + self._ends[-1] - self._before()

    def split(self, _: float, height: float) -> list[Flowable]:
        """A table of the rows that fit, and the rest; nothing if not even one fits."""
        end = bisect_right(self._ends, self._before() + height - self._heading_height)
        if end <= self._start:
            return []
        rest = copy(self)
        rest._start = end
        rest.__dict__.pop("_postponed", None)  # reportlab's note that this part had to move to the next page
        return [self._page(end), rest]

    def draw(self) -> None:
        """Print the rows that are left, which fit."""
        table = self._page(len(self._rows))
        table.wrap(*self.wrap())
        table.drawOn(self.canv, 0, 0)

    def _page(self, end: int) -> Table:
        rows, size, colors = self._rows[self._start : end], self._size, self._colors
        heights = [self._heading_height, *self._heights[self._start : end]]
        table = Table([self._headings, *(row.cells for row in rows)], colWidths=self._widths, rowHeights=heights)
        table.setStyle(
            [
                ("FONT", (0, 0), (-1, 0), BOLD, size, size * LEADING),
                ("FONT", (0, 1), (-1, -1), REGULAR, size, size * LEADING),
                ("TEXTCOLOR", (0, 0), (-1, 0), white),
                ("TEXTCOLOR", (0, 1), (-1, -1), colors.text),
                ("BACKGROUND", (0, 0), (-1, 0), colors.heading),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
                ("ALIGN", (0, 0), (0, -1), "RIGHT"),
                ("LEFTPADDING", (0, 0), (-1, -1), 4),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), PADDING),
                ("BOTTOMPADDING", (0, 0), (-1, -1), PADDING),
                *(command for number, row in enumerate(rows, 1) for command in _commands(number, row, colors)),
            ]
        )
        return table


def _commands(number: int, row: Row, colors: Colors) -> list[tuple[Any, ...]]:
    cells = ((0, number), (-1, number))
    commands: list[tuple[Any, ...]] = []
    if row.line % 2:
        commands.append(("BACKGROUND", *cells, colors.stripe))
    if row.last:
        commands.append(("LINEBELOW", *cells, 0.4, colors.rule))
    if not row.first:
        commands.append(("TOPPADDING", *cells, 0))
    if not row.last:
        commands.append(("BOTTOMPADDING", *cells, 0))
    return commands
