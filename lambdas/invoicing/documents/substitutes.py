"""What a character stands for, as text: printed where no font has the character itself.

Money is not printed as a white square: a currency sign that is newer than the fonts becomes the currency's code.
"""

import unicodedata

_CURRENCIES = {
    "\u20b6": "livre tournois",
    "\u20b7": "spesmilo",
    "\u20bb": "mark",
    "\u20bc": "AZN",
    "\u20be": "GEL",
    "\u20bf": "BTC",
    "\u20c0": "KGS",
    "\u20c1": "SAR",
}
"""By sign, the ISO 4217 code, or the name of a currency that has none. The names of the signs are in the Unicode
chart https://www.unicode.org/charts/PDF/U20A0.pdf; Python learns of the newest ones years later."""

_BRACKETS = {"\u3008": "\u2039", "\u3009": "\u203a"}
"""The angle brackets of Chinese and Japanese text."""


def substitute(character: str) -> str:
    """The code or name of a currency, a similar bracket, or the figure of a number sign; empty if there is none.

    What Unicode itself declares compatible (NFKC) is not repeated here.
    """
    if text := _CURRENCIES.get(character) or _BRACKETS.get(character):
        return text
    figure = unicodedata.numeric(character, None) if unicodedata.category(character) in {"No", "Nl", "So"} else None
    return "" if figure is None or not figure.is_integer() else str(int(figure))
