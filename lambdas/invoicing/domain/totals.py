"""The totals of an invoice, by the formulas of EN 16931 (BR-CO-10, -13, -14, -15, -17).

A line is rounded once. Tax is calculated once for each rate, on the sum of that rate's lines, never line by line. See
docs/decisions/0003-money.md.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from invoicing.domain.money import CONTEXT, plain_normal, rounded

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class TaxSubtotal:
    """The tax of one rate: ``rate`` in percent, ``base`` the sum of its lines, and ``amount`` the rounded tax."""

    rate: Decimal
    base: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Totals:
    """The invoice's totals; ``taxes`` has one entry for each rate, including 0 %, in ascending order."""

    taxes: tuple[TaxSubtotal, ...]
    subtotal: Decimal
    tax_total: Decimal
    total: Decimal


def line_net(quantity: Decimal, unit_price: Decimal, discount: Decimal, currency: str) -> Decimal:
    """The net amount of a line: quantity × unit price × (1 − discount), rounded half up to the currency's minor units.

    It is rounded once, so it is within half a minor unit of the exact net. EN 16931 takes an allowance off as an amount
    (BT-136, at most two decimals: BR-DEC-24) and leaves open how a percentage becomes one. Rounded first, 50 % off 0.01
    would leave 0.00. The standard's examples have percentages that come out even, so they decide nothing. Peppol checks
    both steps with a tolerance of 0.02 (R040, R120). A line that is rounded once is always within it, also if its
    allowance is written as a rounded amount: a property test holds that. See
    https://docs.peppol.eu/poacc/self-billing/3.0/rules/ubl-peppol-sb/PEPPOL-EN16931-R120/ and
    https://github.com/OpenPeppol/peppol-bis-invoice-3/issues/54.

    Args:
        quantity: Any number but zero; negative for returns.
        unit_price: In ``currency``, never negative, with as many decimals as it needs.
        discount: In percent, 0 to 100.
        currency: ISO 4217 code.
    """
    share = CONTEXT.subtract(HUNDRED, discount)
    gross = CONTEXT.multiply(quantity, unit_price)
    return rounded(CONTEXT.multiply(gross, share).scaleb(-2, context=CONTEXT), currency)


def document_totals(lines: Iterable[tuple[Decimal, Decimal]], currency: str) -> Totals:
    """The totals of ``(tax rate in percent, line net)`` pairs, in any order."""
    bases: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for rate, net in lines:
        bases[plain_normal(rate)] = CONTEXT.add(bases[plain_normal(rate)], net)
    taxes = tuple(
        TaxSubtotal(
            rate=rate,
            base=rounded(base, currency),
            amount=rounded(CONTEXT.multiply(base, rate).scaleb(-2, context=CONTEXT), currency),
        )
        for rate, base in sorted(bases.items())
    )
    subtotal = rounded(_sum(tax.base for tax in taxes), currency)
    tax_total = rounded(_sum(tax.amount for tax in taxes), currency)
    return Totals(taxes, subtotal, tax_total, rounded(CONTEXT.add(subtotal, tax_total), currency))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    result = Decimal(0)
    for amount in amounts:
        result = CONTEXT.add(result, amount)
    return result
