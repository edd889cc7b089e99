"""Hostile files, made from sound ones by one damage each: what comes out of them is part of the truth, or wrong.

A damage changes the text of a file as people and programs do, and never what is meant. So every invoice that is created
from it must be one of the sound file, with all its lines: at most some of them are missing.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

HEADER = [
    "description", "invoice_number", "customer_id", "issue_date", "currency", "quantity", "unit_price", "discount",
    "tax_rate",
]  # fmt: skip
NUMBERS = {
    "letters": "I-{}", "digits": "10{}", "zeros": "00{}", "long": "20261100020{}", "dates": "{}-11", "hash": "#10{}",
}  # fmt: skip
Dice = random.Random
Rows = list[list[str]]


@dataclass
class Sound:
    """A file as it was meant.

    Attributes:
        rows: Its rows, by the columns of `HEADER` in an order of its own.
        names: Its header.
    """

    rows: Rows
    names: list[str]

    def at(self, name: str) -> int:
        """Where a column is."""
        return self.names.index(name)

    def text(self) -> str:
        """The file."""
        return written([self.names, *self.rows])


def written(rows: Rows) -> str:
    """Rows as a program writes them."""
    return "".join(",".join(map(quoted, row)) + "\n" for row in rows)


def quoted(cell: str) -> str:
    """A cell, in quotation marks if it needs them."""
    return '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in ',"\n') else cell


def sound(dice: Dice) -> Sound:
    """Two to five invoices of one to three rows each, of one or two customers; columns in any order."""
    names = [*HEADER[1:5], HEADER[0], *HEADER[5:]]
    if dice.random() < 0.4:
        dice.shuffle(names)
    pattern = NUMBERS[dice.choice([*NUMBERS])]
    rows = []
    for number in dice.sample(range(1, 10), dice.randint(2, 5)):
        customer, day = dice.choice(["C-1", "C-1", "K 7"]), f"2026-11-{dice.randint(13, 28)}"
        for line in range(dice.randint(1, 3)):
            name = dice.choice(["Rope", "Rope, 12 mm", 'Screen 24"', "Cup\nblue", "Beratung"])
            cells = {
                "description": f"{name} {number}{line}", "invoice_number": pattern.format(number),
                "customer_id": customer, "issue_date": day, "currency": "EUR",
                "quantity": dice.choice(["2", "7", "0.25"]),
                "unit_price": f"{dice.randint(3, 900)}.{dice.randint(1, 9)}5",
                "discount": dice.choice(["", "5", "12.5"]), "tax_rate": dice.choice(["0", "7", "19"]),
            }  # fmt: skip
            rows.append([cells[each] for each in names])
    return Sound(rows, names)


def _set(file: Sound, row: int, name: str, value: str) -> str:
    changed = [[*each] for each in file.rows]
    changed[row][file.at(name)] = value
    return written([file.names, *changed])


def _lines(file: Sound) -> list[str]:
    return [written([row]) for row in [file.names, *file.rows]]


def number_destroyed(file: Sound, dice: Dice) -> str:
    """A spreadsheet or a person writes one number in another way."""
    row = dice.randrange(len(file.rows))
    number = file.rows[row][file.at("invoice_number")]
    digits = number.strip("#")
    forms = [
        f"'{number}", f"{number}.", f"{number} (void)", f"// {number}", f"* {number}", f"#{number}", f"{number}\u200b",
        number.replace("-", " - "), number.lower(), number.replace("-", "\u2011"), number.replace("I", "\u0406"), "TBD",
        "=B2", '"', "\u3003", "ditto", "#REF!", "", "NULL", "0", f"{number}, X-9", f'{number}"', f"{number}\n", "n.a.",
    ]  # fmt: skip
    if digits.isdigit():
        forms += [f"{digits}.0", f"{digits},00", digits.lstrip("0"), f"0{digits}", f"({digits})", f"{int(digits):,}"]
        forms += [f"{int(digits):.5E}", f"{int(digits):.2E}".replace(".", ","), f"{digits} %", f"{digits} \u20ac"]
    if number.endswith("-11"):
        forms += [f"{number[0]}-Nov", f"0{number[0]}.11.2026", f"Nov {number[0]}"]
    return _set(file, row, "invoice_number", dice.choice(forms))


def customer_destroyed(file: Sound, dice: Dice) -> str:
    """One customer is lost."""
    row = dice.randrange(len(file.rows))
    customer = file.rows[row][file.at("customer_id")]
    forms = [
        "",
        "NULL",
        "=C2",
        "\u3003",
        customer.lower(),
        f" {customer}",
        "1.0",
        "C-1, K 7",
        "#N/A",
        f"{customer}\u200b",
    ]
    return _set(file, row, "customer_id", dice.choice(forms))


def cell_moved(file: Sound, dice: Dice) -> str:
    """A row lacks a cell, or has one too many, or two of different kinds are swapped; it may be padded."""
    changed = [[*row] for row in file.rows]
    row, at = dice.choice(changed), dice.randrange(len(file.names))
    kind = dice.randrange(3)
    if kind == 0:
        del row[at]
        row += [""] * dice.randint(0, 1)
    elif kind == 1:
        row.insert(at, dice.choice(["", "x", "12"]))
    else:
        is_digits = row[file.at("invoice_number")].isdigit()  # one that is swapped with a number is not to be noticed
        one = file.at(dice.choice(["customer_id", "issue_date", *([] if is_digits else ["invoice_number"])]))
        other = file.at(dice.choice(["quantity", "unit_price"]))
        row[one], row[other] = row[other], row[one]
    return written([file.names, *changed])


def line_break(file: Sound, dice: Dice) -> str:
    """A line break is missing between two rows, or is within one."""
    lines = _lines(file)
    row = dice.randrange(1, len(lines))
    if dice.random() < 0.5 and row + 1 < len(lines):
        lines[row] = lines[row].rstrip("\n") + dice.choice(["", " ", ";"])
    else:
        at = dice.randrange(1, max(2, len(lines[row]) - 4))
        lines[row] = lines[row][:at] + "\n" + lines[row][at:]
    return "".join(lines)


def quotation_mark(file: Sound, dice: Dice) -> str:
    """A quotation mark is missing, or there is one too many."""
    lines = _lines(file)
    row = dice.randrange(1, len(lines))
    marks = [at for at, sign in enumerate(lines[row]) if sign == '"']
    if marks and dice.random() < 0.5:
        at = dice.choice(marks)
        lines[row] = lines[row][:at] + lines[row][at + 1 :]
    else:
        at = dice.choice([0, *(at + 1 for at, sign in enumerate(lines[row]) if sign == ",")])
        lines[row] = lines[row][:at] + '"' + lines[row][at:]
    return "".join(lines)


def cut_off(file: Sound, dice: Dice) -> str:
    """The file ends within its last row, before the last cell."""
    *lines, last = _lines(file)
    end = last.rstrip("\n").rfind(",")
    return "".join(lines) + last[: dice.randrange(1, end)]


def repeated(file: Sound, dice: Dice) -> str:
    """Rows come again: the file twice, a part of it, with its header or without."""
    lines = _lines(file)
    last = file.rows[-1][file.at("invoice_number")]
    others = [line for line, row in zip(lines[1:], file.rows, strict=True) if row[file.at("invoice_number")] != last]
    again = dice.choice([lines, lines[1:], lines[: dice.randint(2, len(lines))], [dice.choice(others)]])
    return "".join([*lines, *again])


def shuffled(file: Sound, dice: Dice) -> str:
    """Rows in any order, with headers among them."""
    header, *lines = _lines(file)
    dice.shuffle(lines)
    if dice.random() < 0.3:
        lines.insert(dice.randrange(len(lines)), header)
    return "".join([header, *lines])


def foreign_row(file: Sound, dice: Dice) -> str:
    """A row of sums, a ruler, a note or a row of another table is among the rows."""
    lines = _lines(file)
    row = dice.randrange(len(file.rows))
    nets = "42.00"
    total = dict(zip(file.names, file.rows[row], strict=True)) | {
        "description": "Total",
        "quantity": "1",
        "unit_price": nets,
    }
    extra = dice.choice([
        written([[total[name] for name in file.names]]), ",".join(["---"] * len(file.names)) + "\n", "\n \n",
        "Total,,,,,,,,\n", "Page 1 of 2\n", "# note\n", "a,b,c\n1,2,3\n", "Summe;42\n",
        ",".join(file.names[:4]) + "\n",
    ])  # fmt: skip
    lines.insert(row + 2, extra)
    return "".join(lines)


def other_header(file: Sound, dice: Dice) -> str:
    """Rows below a header in other words, in the order of the first one or of another one."""
    lines = _lines(file)
    names = dice.sample(file.names, len(file.names))
    translations = {"unit_price": "Preis", "quantity": "Menge", "tax_rate": "Steuer", "issue_date": "Datum"}
    other = [translations.get(name, name) for name in names]
    rows = [[row[file.at(name)] for name in names] for row in file.rows]
    at = dice.randrange(1, len(lines))
    return "".join(lines[: at + 1]) + written([dice.choice([names, other]), *rows[at:]])


def number_written(file: Sound, dice: Dice) -> str:
    """One quantity or price is written as others do."""
    row, name = dice.randrange(len(file.rows)), dice.choice(["quantity", "unit_price"])
    value = file.rows[row][file.at(name)]
    forms = [
        value.replace(".", ","), f"{value} \u20ac", f"EUR {value}", f"{float(value)}0", f"+{value}", f" {value} ",
        f"={value}", f"{value}E0", f"{value} pcs", "#VALUE!", "", "one", f"'{value}",
    ]  # fmt: skip
    return _set(file, row, name, dice.choice(forms))


def date_written(file: Sound, dice: Dice) -> str:
    """One date is written as others do, or is lost."""
    row = dice.randrange(len(file.rows))
    year, month, day = file.rows[row][file.at("issue_date")].split("-")
    forms = [
        f"{day}.{month}.{year}", f"{month}/{day}/{year}", f"{year}/{month}/{day}", f"{year}-{day}-{month}", "46327", "",
        f"{day}. Nov {year}", f"{year}-{month}-{day}T00:00:00", f"{year}-{month}-{day}T00:00:00Z", "#REF!", "today",
        f"{year}{month}{day}", f"{year}-{month}-{day} 00:00:00",
    ]  # fmt: skip
    return _set(file, row, "issue_date", dice.choice(forms))


def banner(file: Sound, dice: Dice) -> str:
    """A line beside the table says how all rows are meant."""
    lines = _lines(file)
    texts = ["Amounts in thousands", "in cents", "Prices incl. VAT", "DRAFT", "Credit notes"]
    lines.insert(dice.choice([0, 1, len(lines)]), dice.choice(texts) + dice.choice(["", ",,,"]) + "\n")
    return "".join(lines)


DAMAGES: list[Callable[[Sound, Dice], str]] = [
    number_destroyed, customer_destroyed, cell_moved, line_break, quotation_mark, cut_off, repeated, shuffled,
    foreign_row, other_header, number_written, date_written, banner,
]  # fmt: skip
CHANGING = frozenset({banner})
"""Damages after which no invoice of the file may be created."""
