"""Dates: ISO 8601, and one other format if the uploader has declared it (pure)."""

import re
from collections.abc import Mapping
from functools import lru_cache

COLUMNS = ("issue_date", "due_date")
FORMATS = {"dd.mm.yyyy": "dmy.", "dd/mm/yyyy": "dmy/", "mm/dd/yyyy": "mdy/"}
"""What the upload's metadata ``date-format`` may be: the order of day, month and year, and the mark between them."""

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(?::00(?:\.0+)?)?")
_PATTERNS = {
    name: re.compile(
        re.escape(order[3]).join(
            {"d": "(?P<d>[0-9]{1,2})", "m": "(?P<m>[0-9]{1,2})", "y": "(?P<y>[0-9]{4})"}[part] for part in order[:3]
        )
    )
    for name, order in FORMATS.items()
}
_LOCAL = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}.*|[0-9]{1,2}[. -]+[^\W\d]+[. -]+[0-9]{2,4}|[0-9]{5,8}")

LOCAL = (
    "is not a date such as 2026-11-22; format the column as yyyy-mm-dd, or upload the file again with the metadata "
    f"date-format: {' or '.join(FORMATS)}"
)
"""The reason for a date in the form of some country: the same digits are another day elsewhere."""

YEAR_FIRST = "is not a date such as 2026-11-22: write year, month and day with two hyphens, each with all its digits"
"""The reason for a date that only lacks its hyphens or zeros."""
MOMENT = "is not a date such as 2026-11-22, but a moment, which may be another day elsewhere; export the day alone"
_YEAR_FIRST = re.compile(r"[0-9]{4}([./-])[0-9]{1,2}\1[0-9]{1,2}|(?:19|20)[0-9]{6}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{1,2}:.*")


def iso_date(text: str, date_format: str = "") -> str:
    """The date in ISO 8601; the text itself if it is not a date in one of the expected formats.

    A moment at midnight, as databases write a day, is that day. With an offset it is not: it may be the day before.

    Args:
        text: The cell.
        date_format: One of `FORMATS` that the uploader has declared, or an empty string.
    """
    if _ISO.fullmatch(text):
        return text
    if match := _MIDNIGHT.fullmatch(text):
        return match[1]
    if date_format and (match := _PATTERNS[date_format].fullmatch(text)):
        return f"{match['y']}-{match['m']:0>2}-{match['d']:0>2}"
    return text


_PARTS = re.compile(
    r"[0-9]{4}(?P<iso>-)(?P<a>[0-9]{2})-(?P<b>[0-9]{2})(?:[T ]00:00.*)?|"
    r"(?P<c>[0-9]{1,2})(?P<mark>[./-])(?P<d>[0-9]{1,2})(?P=mark)[0-9]{4}"
)
_OTHER = {"dmy": "mdy", "mdy": "dmy"}
_MONTHS = 12


@lru_cache(maxsize=4096)
def proven_order(cell: str) -> str:
    """The order of day, month and year that a date proves, and its mark, as in `FORMATS`: no month is above 12.

    It begins with ``?`` if the date may be swapped: if its day may be a month, and is another one. An empty text
    proves nothing.
    """
    match = _PARTS.fullmatch(cell.strip())
    if match is None:
        return ""
    first, second = (int(part) for part in (match["a"] or match["c"], match["b"] or match["d"]))
    orders, mark = (("ydm", "ymd"), "-") if match["iso"] else (("dmy", "mdy"), match["mark"])
    if max(first, second) <= _MONTHS:
        return f"?{orders[1] if match['iso'] else ''}{mark}" if first != second else ""
    return (orders[0] if first > second else orders[1]) + mark


def contradiction(text: str, date_format: str, rows: Mapping[str, int]) -> int:
    """The row that shows that dates of a column are written in another order than this one seems to be; 0 if none does.

    Args:
        text: A date.
        date_format: As `iso_date` takes it.
        rows: By `proven_order`, the first row of the column with it.
    """
    order = proven_order(text)
    if order == "?ymd-":
        if "ydm-" in rows:
            return rows["ydm-"]
        if date_format or rows.keys() & {"ymd-", "?/", "?-"}:
            return 0
        left = ("dmy/", "mdy/", "dmy-", "mdy-")  # of which a spreadsheet makes no date, while it swaps the others
        return next((rows[each] for each in left if each in rows), 0)
    if order[:1] != "?" or not date_format:
        return 0
    declared = FORMATS[date_format]
    return rows.get(_OTHER[declared[:3]] + declared[3], 0) if order[1:] == declared[3] else 0


def objection(text: str, date_format: str = "") -> str | None:
    """Why a text is not read although it may well be a date; None if it is ISO 8601, or does not look like a date."""
    if _ISO.fullmatch(text) or not _LOCAL.fullmatch(text):
        return None
    if _MOMENT.fullmatch(text):
        return MOMENT
    if _YEAR_FIRST.fullmatch(text):
        return YEAR_FIRST
    if date_format:
        return f"is neither a date such as 2026-11-22 nor one in the format {date_format} of the upload's metadata"
    return LOCAL
