"""A second reader of CSV invoices, written to be obviously right: it holds the whole file and reads it several times.

It knows nothing of the platform's reader. It takes decoded text with one known delimiter and a header in the first
line, and says which lines each invoice has, or that it is rejected.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal

REQUIRED = [
    "invoice_number",
    "customer_id",
    "issue_date",
    "currency",
    "description",
    "quantity",
    "unit_price",
    "tax_rate",
]
KNOWN = [*REQUIRED, "discount"]
NUMBERS = ["quantity", "unit_price", "discount", "tax_rate"]
NOTHING = ["", "NULL", "#N/A", "-"]

Line = tuple[str, Decimal, Decimal, Decimal, Decimal]


@dataclass
class Row:
    """One row: its cells by name, and whether it may be part of an invoice."""

    cells: dict[str, str]
    is_sound: bool = True
    table: int = 0
    raw: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    section: int = 0
    is_first: bool = False
    is_below_damage: bool = False
    casts_doubt: bool = False
    hides_number: bool = False
    has_columns: bool = True


def read(text: str, delimiter: str) -> tuple[dict[str, list[Line]], int]:
    """The lines of each invoice by its number as its first row has it, and how many invoices are rejected.

    An invoice that comes several times, apart and equal, counts once.
    """
    rows = _rows(text, delimiter)
    marks = _marks(rows)
    uncut = _has_uncut_digits(rows)
    invoices: dict[str, list[Line]] = {}
    rejected = 0
    proofs = _proofs(rows)
    runs = _runs(rows)
    numbers = [_number_of(run) for run in runs]
    in_doubt, strays = _in_doubt(rows, runs), _strays(rows)
    plain = any(_is_plain(row) for row in rows)
    for number in dict.fromkeys(numbers):
        own = [run for run, its_number in zip(runs, numbers, strict=True) if its_number == number]
        is_repeated = number not in in_doubt and _all_equal(own, marks)
        groups = [[run] for run in own] if not number or is_repeated else [own]
        is_parted = len(groups) == 1 and number and _is_parted(runs, numbers, number)
        for group in groups:
            lines = None if number in in_doubt or is_parted else _invoice(group, marks, uncut, proofs)
            first = group[0][0].cells["invoice_number"]
            if (plain and first.startswith("#")) or _is_stray(number, _customer_of(group[0][0]), strays):
                lines = None
            if lines is None:
                rejected += 1
            else:
                invoices[first] = lines
    return invoices, rejected


def _split(line: str, delimiter: str) -> list[str] | None:
    """The cells of a line, character by character; None if something but blanks is beside a quoted cell."""
    cells, position = [], 0
    while True:
        rest = line[position:].lstrip(" ")
        if rest.startswith('"'):
            text, index = "", len(line) - len(rest) + 1
            while line[index] != '"' or line[index : index + 2] == '""':
                text += line[index]
                index += 2 if line[index] == '"' else 1
            index += 1
            while line[index : index + 1] == " ":
                index += 1
            if line[index : index + 1] not in {"", delimiter}:
                return None
            cells.append(text)
        else:
            index = line.find(delimiter, position)
            index = len(line) if index < 0 else index
            cells.append(line[position:index])
        if index == len(line):
            return cells
        position = index + 1


def _rows(text: str, delimiter: str) -> list[Row]:
    rows: list[Row] = []
    header: list[str] = []
    table, section, is_first = 0, 0, False
    for line in text.splitlines():
        cells = _split(line, delimiter)
        assert cells is not None
        names = [cell.strip().lower().replace(" ", "_") for cell in cells]
        if sum(name in KNOWN for name in names) >= 3:
            lacks = [any(name not in one for name in REQUIRED) for one in (header or names, names)]
            table += any(lacks)  # what is above or below a header that lacks columns is another table
            section, is_first = section + bool(header), bool(header)
            header = names
            continue
        raw = dict(zip(header, cells, strict=False))
        values = {name: _content(raw.get(name, "")) for name in KNOWN}
        is_sound = len(cells) <= len(header) and all(name in header for name in REQUIRED)
        row = Row(values, is_sound, table, raw, cells, section, is_first)
        row.has_columns = all(name in header for name in REQUIRED)
        hides_number = len(cells) > len(header) and "invoice_number" in header[1:]
        if hides_number:  # which of its cells is the number, nobody can tell
            values["invoice_number"] = values["customer_id"] = ""
        row.hides_number = hides_number
        above = rows[-1] if rows and not is_first else None
        row.is_below_damage = above is not None and above.casts_doubt
        row.casts_doubt = hides_number or (row.is_below_damage and _is_destroyed(row))
        rows.append(row)
        is_first = False
    return rows


def _content(cell: str) -> str:
    text = cell.strip()
    if re.fullmatch('="[^"]*"', text):
        return text[2:-1].strip()
    return "" if text in NOTHING else text


def _spelling(text: str) -> str:
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    plain = unicodedata.normalize("NFKC", visible)
    return " ".join("".join("-" if unicodedata.category(one) == "Pd" else one for one in plain).split())


def _identity(text: str) -> str:
    """What may be meant for the same: without ``#``, case, leading zeros, a dot at the end, and needless blanks."""
    text = _spelling(text).lower().lstrip("#").rstrip(".")
    text = re.sub("([^0-9]) ", r"\1", re.sub(" ([^0-9])", r"\1", text))
    return re.sub("^0+(?=.)", "", text) if text.isdecimal() else text


def _runs(rows: list[Row]) -> list[list[Row]]:
    """Rows that follow each other and are one invoice."""
    runs: list[list[Row]] = []
    for row in rows:
        number = _identity(row.cells["invoice_number"])
        is_same = bool(runs) and row.table == runs[-1][0].table and number == _number_of(runs[-1])
        is_nameless = bool(runs) and row.table == runs[-1][0].table and not number
        if is_nameless or (is_same and not row.is_first):
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _number_of(run: list[Row]) -> str:
    return _identity(run[0].cells["invoice_number"])


def _in_doubt(rows: list[Row], runs: list[list[Row]]) -> set[str]:
    """The numbers of which a damaged row, or one without number and customer, may be a part."""
    run_of = {id(row): number for number, run in enumerate(runs) for row in run}
    doubts = set()
    for row in rows:
        own = run_of[id(row)]
        texts = [] if row.is_sound else [text for cell in row.written for text in re.split("[,;\t]", cell)]
        doubts |= {_identity(_content(text)) for text in texts} - {_number_of(runs[own])}
    above = ""
    for position, row in enumerate(rows):
        number = row.raw.get("invoice_number", "").strip()
        if number == "TBD" and (not _customer_of(row) or _is_short(_customer_of(row).upper())):
            below = rows[position + 1] if position + 1 < len(rows) else row
            is_lost = below.raw.get("invoice_number", "").strip() == "TBD" or _is_short(
                below.raw.get("invoice_number", "").strip()
            )
            doubts |= {above} | ({_number_of(runs[run_of[id(below)]])} if not is_lost and not below.is_first else set())
        elif not _is_short(number) and number != "TBD":
            above = _number_of(runs[run_of[id(row)]]) or above
    return doubts


def _is_plain(row: Row) -> bool:
    number = row.raw.get("invoice_number", "").strip()
    is_word = number == "TBD" or _is_short(number) or "⑫" in number
    is_sound = row.has_columns and len(row.written) <= len(row.raw)
    return is_sound and bool(_content(number)) and number[:1] != "#" and not is_word


def _customer_of(row: Row) -> str:
    return _identity(_content(row.raw.get("customer_id", "")))


def _strays(rows: list[Row]) -> list[tuple[str, str]]:
    """The rows without their number: what is left of it, and the customer."""
    strays: list[tuple[str, str]] = []
    for row in rows:
        number, customer = row.raw.get("invoice_number", "").strip(), _customer_of(row)
        if row.hides_number or not row.has_columns:
            continue
        is_lost = number == "TBD" or not _content(number)
        if _is_short(number):
            strays.append((number, "" if _is_short(customer.upper()) else customer))
        elif is_lost and customer and not _is_short(customer.upper()):
            strays.append(("", customer))
    return strays


def _is_stray(number: str, customer: str, strays: list[tuple[str, str]]) -> bool:
    """Whether one of these rows may be of an invoice."""
    for left, whose in strays:
        if whose not in {"", customer}:
            continue
        if not left:
            return True
        digits = re.sub("E.*|[,.]", "", left)
        if number.isdecimal() and len(number) == int(left.partition("+")[2]) + 1 and number.startswith(digits):
            return True
    return False


def _is_short(text: str) -> bool:
    return bool(re.fullmatch("[0-9][.,][0-9]+E[+][0-9]{2}", text))


def _is_destroyed(row: Row) -> bool:
    text = row.raw.get("invoice_number", "").strip()
    return _is_short(text) or text == "TBD" or any(unicodedata.category(one) == "No" for one in text)


def _is_parted(runs: list[list[Row]], numbers: list[str], number: str) -> bool:
    """Whether rows of an invoice are below another header, and more than that header is between."""
    sections: set[int] = set()
    for position, (run, its_number) in enumerate(zip(runs, numbers, strict=True)):
        if its_number != number:
            continue
        continues = position > 0 and numbers[position - 1] == number and run[0].table == runs[position - 1][0].table
        if sections and run[0].section not in sections and not continues:
            return True
        sections.add(run[0].section)
    return False


def _all_equal(runs: list[list[Row]], marks: set[str]) -> bool:
    contents = [[_meaning(row, marks) for row in run] for run in runs]
    return all(content == contents[0] for content in contents)


def _meaning(row: Row, marks: set[str]) -> dict[str, object]:
    """What the cells mean, however they are written."""
    values: dict[str, object] = {}
    for name, text in row.cells.items():
        value: object = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        if name in NUMBERS:
            value = _plain(text, marks, is_percentage=name in NUMBERS[2:])
            value = text if value is None else value
        if name != "discount" or value:
            values[name] = value
    return {name: value for name, value in values.items() if value != ""}


def _proofs(rows: list[Row]) -> dict[str, set[str]]:
    """What the cells of each column of percentages are besides percentages."""
    proofs: dict[str, set[str]] = {name: set() for name in NUMBERS[2:]}
    for row in rows:
        for name in proofs if row.is_sound else []:
            text = row.cells[name]
            numbers = list(_readings(text.removesuffix("%")).values())
            if text.endswith("%") and numbers:
                proofs[name].add("signed")
            for kind, least, most in (("ratio", 0, 1), ("factor", 1, 2)) if numbers and not text.endswith("%") else []:
                if all(least < number < most for number in numbers):
                    proofs[name].add(kind)
            if numbers and not text.endswith("%") and all(2 <= number <= 100 for number in numbers):
                proofs[name].add("percent")
            has_unit = not numbers and any(one.isdigit() for one in text) and any(one.isalpha() for one in text)
            is_beyond = name == "discount" and all(not 0 <= number <= 100 for number in numbers)
            if has_unit or (numbers and not text.endswith("%") and is_beyond):
                proofs[name].add("amount")
    return proofs


def _is_percentage(name: str, text: str, value: Decimal, proofs: set[str]) -> bool:
    """Whether a number is certainly one of percent."""
    if value == 0 or text.endswith("%"):
        return True
    if "amount" in proofs or (value == 1 and "ratio" in proofs):
        return False
    if name == "discount":
        may_be_factor = 1 <= value < 2 and "factor" in proofs and "percent" not in proofs
        return "signed" not in proofs and not may_be_factor
    return not (value == 1 and "factor" in proofs) and not 1 < value < 2


def _readings(text: str) -> dict[str, Decimal]:
    """What a text means if the comma, and if the point, is the decimal mark."""
    numbers = {}
    for mark, other in ((",", "."), (".", ",")):
        body = text.strip()
        sign = ""
        if body[:1] in {"+", "-"}:
            sign, body = body[0], body[1:]
        elif body[-1:] == "-":
            sign, body = "-", body[:-1]
        whole, _, part = body.partition(mark)
        if mark in body and not (part.isascii() and part.isdigit()):
            continue
        separators = {one for one in whole if not one.isdigit()}
        groups = re.split("[^0-9]", whole)
        is_grouped = (
            len(separators) == 1
            and separators <= {other, " ", "'"}
            and 1 <= len(groups[0]) <= 3
            and not groups[0].startswith("0")
            and all(len(group) == 3 for group in groups[1:])
        )
        if is_grouped or (whole.isascii() and whole.isdigit()) or (not whole and mark in body):
            numbers[mark] = Decimal(f"{sign}{''.join(groups) or 0}.{part or 0}")
    return numbers


def _marks(rows: list[Row]) -> set[str]:
    """Every decimal mark that a number of the file proves."""
    marks = set()
    for row in rows:
        for name in NUMBERS if row.is_sound else []:
            readings = _readings(row.cells[name].removesuffix("%"))
            if len(readings) == 1:
                marks |= set(readings)
            if not readings and re.fullmatch("[0-9]+(?:[., '][0-9]+)+", row.cells[name]):  # either, nobody can tell
                marks |= {",", "."}
    return marks


def _has_uncut_digits(rows: list[Row]) -> set[tuple[str, int]]:
    """Columns, and lengths of a number with more than 15 digits that has others than 0 after them."""
    return {
        (name, len(row.raw[name].strip()))
        for row in rows
        for name in ("invoice_number", "customer_id")
        if row.is_sound
        and re.fullmatch("[1-9][0-9]{15,}", row.raw[name].strip())
        and row.raw[name].strip()[15:].strip("0")
    }


def _invoice(
    runs: list[list[Row]], marks: set[str], uncut: set[tuple[str, int]], proofs: dict[str, set[str]]
) -> list[Line] | None:
    """The lines of an invoice; None if it is rejected."""
    rows = [row for run in runs for row in run]
    lines = [_line(row, marks, proofs) for row in rows]
    written = [(" ".join(line[0].casefold().split()), *line[1:]) for line in lines if line]
    if len(set(written)) < len(written):  # a line comes again
        return None
    dates = {row.cells["issue_date"] for row in rows} - {""}
    currencies = {row.cells["currency"].upper() for row in rows} - {""}
    customers = {_spelling(row.cells["customer_id"]) for row in rows}
    spellings = {_spelling(row.cells["invoice_number"]) for row in rows}
    is_one = len(customers) == len(spellings) == len(currencies) == len(dates) == 1
    if not is_one or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", dates.pop()) or _repeats(runs, marks):
        return None
    if not all(_has_identity(row, uncut) for row in rows):
        return None
    return None if None in lines else [line for line in lines if line]


def _repeats(runs: list[list[Row]], marks: set[str]) -> bool:
    """Whether a row is equal to one of another run."""
    runs_by_line: dict[tuple[object, ...], int] = {}
    return any(
        runs_by_line.setdefault(tuple(_meaning(row, marks).get(name) for name in ("description", *NUMBERS)), number)
        != number
        for number, run in enumerate(runs)
        for row in run
    )


def _has_identity(row: Row, uncut: set[tuple[str, int]]) -> bool:
    """Whether the row's number and customer are there, and are what somebody wrote."""
    for name in ("invoice_number", "customer_id"):
        text, raw = row.cells[name], row.raw.get(name, "").strip()
        is_cut = (name, len(raw)) not in uncut and len(raw) > 15 and re.fullmatch("[1-9][0-9]{14}0+", raw)
        is_hidden = any(unicodedata.category(one) == "Cf" for one in text)
        has_numerals = any(unicodedata.category(one) == "No" for one in text)
        if not text or is_hidden or has_numerals or is_cut or _is_short(raw) or raw == "TBD":
            return False
    return True


def _line(row: Row, marks: set[str], proofs: dict[str, set[str]]) -> Line | None:
    """The line that a row is; None if it is none."""
    cells = row.cells | {"discount": row.cells["discount"] or "0"}
    quantity, price, discount, rate = (
        _number(cells[name], marks, is_percentage=name in NUMBERS[2:]) for name in NUMBERS
    )
    if not row.is_sound or row.is_below_damage or not cells["description"]:
        return None
    if quantity is None or price is None or discount is None or rate is None:
        return None
    certain = (
        _is_percentage(name, cells[name], value, proofs[name])
        for name, value in (("discount", discount), ("tax_rate", rate))
    )
    is_possible = quantity != 0 and price >= 0 and 0 <= discount <= 100 and 0 <= rate <= 100 and not 0 < rate < 1
    is_meant = is_possible and all(certain)
    return (cells["description"], quantity, price, discount, rate) if is_meant else None


def _number(text: str, marks: set[str], *, is_percentage: bool) -> Decimal | None:
    value = _plain(text, marks, is_percentage=is_percentage)
    is_ratio = is_percentage and value is not None and 0 < value < 1 and not text.endswith("%")
    return None if is_ratio else value


def _plain(text: str, marks: set[str], *, is_percentage: bool) -> Decimal | None:
    """The number that a text is by the file's marks; None if it is none, or two."""
    readings = _readings(text.removesuffix("%") if is_percentage else text)
    values = set(readings.values())
    if len(values) == 2 and len(marks) == 1:
        values = {readings[next(iter(marks))]}
    return values.pop() if len(values) == 1 else None
