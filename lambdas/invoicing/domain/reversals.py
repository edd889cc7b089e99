"""Which payment of an invoice a reversal takes back, and what is left of it.

A payment id is unique for its source only: a bank and a card processor may use the same one. So the reversals of a
payment are those that name its id and are meant for its source.
"""

import uuid
from collections.abc import Iterator
from decimal import Decimal

from invoicing.domain import money
from invoicing.domain.balance import balance
from invoicing.domain.errors import PaymentConflict
from invoicing.domain.invoice_factory import NAMESPACE
from invoicing.domain.models import Invoice, Payment, PaymentRequest
from invoicing.domain.receipts import API


def source_of(payment: Payment) -> str:
    """The source; the first payments of the API were recorded without one."""
    return payment.source or API


def is_write_off(payment: Payment) -> bool:
    """Whether it closes what will not come. Only the API writes off: what a provider reports is money."""
    method = "".join(character for character in payment.method or "" if character.isalnum())
    return source_of(payment) == API and method.casefold() == "writeoff"


def replaced_write_offs(invoice: Invoice, payment: Payment, *, at: str) -> Iterator[Payment]:
    """The reversals of write-offs in whose place a payment comes.

    Money that comes after its invoice was written off was due all the same. It is no overpayment, which would be paid
    back: as much of the write-off is reversed.
    """
    amounts = [recorded.amount for recorded in invoice.payments]
    over = abs(balance(invoice.total, [*amounts, payment.amount]).overpaid) - abs(invoice.overpaid)
    originals = (each for each in invoice.payments if is_write_off(each) and each.reverses is None)
    for original in originals if payment.reverses is None else ():
        left = left_of(invoice, original)
        amount = min(abs(left), over)
        if amount > 0:
            over -= amount
            name = f"write-off\x1f{original.payment_id}\x1f{source_of(payment)}\x1f{payment.payment_id}"
            yield Payment(
                payment_id=str(uuid.uuid5(NAMESPACE, name)),
                amount=-amount.copy_sign(left),
                method=original.method,
                paid_at=at,
                source=API,
                reverses=original.payment_id,
            )


def payments_named(invoice: Invoice, payment_id: str, source: str, *, also_reported: bool = False) -> list[Payment]:
    """The payments of a source with this id that are no reversals.

    Args:
        invoice: The invoice.
        payment_id: The id.
        source: The source.
        also_reported: Include those that were recorded under another id, because this one was used before.
    """
    return [
        payment
        for payment in invoice.payments
        if source_of(payment) == source
        and payment.reverses is None
        and payment_id in ({payment.payment_id, payment.reported_id} if also_reported else {payment.payment_id})
    ]


def left_of(invoice: Invoice, original: Payment) -> Decimal:
    """What is left of a recorded payment after its earlier reversals."""
    taken = (reversal.amount for reversal in invoice.payments if _takes_from(invoice, reversal, original))
    return sum(taken, original.amount)


def chosen(invoice: Invoice, request: PaymentRequest) -> Payment:
    """The payment that a client's reversal takes back.

    Without ``reversesSource`` it is the API's own payment with this id, as long as something is left of it; then that
    of the only other source. A client may reverse whatever it sees.

    Raises:
        PaymentConflict: there is no such payment, or there are several.
    """
    payment_id, named = request.reverses or "", request.reverses_source
    sources = {source_of(payment) for payment in invoice.payments if named in {None, source_of(payment)}}
    payments = [payment for source in sorted(sources) for payment in payments_named(invoice, payment_id, source)]
    if not payments:
        of_source = f" of {named}" if named else ""
        raise _conflict(f"The invoice has no payment {payment_id}{of_source}.", invoice)
    remaining = [payment for payment in payments if left_of(invoice, payment)] or payments[:1]
    own = [payment for payment in remaining if source_of(payment) == API]
    if len(remaining) > 1 and not own:
        names = " and of ".join(map(source_of, remaining))
        raise _conflict(f"The invoice has a payment {payment_id} of {names}: name one as 'reversesSource'.", invoice)
    return (own or remaining)[0]


def check_reversal(invoice: Invoice, original: Payment, amount: Decimal) -> None:
    """Raise PaymentConflict unless the amount is a part, or all, of what is left of the payment."""
    left = left_of(invoice, original)
    if not amount or (amount > 0) != (left > 0) or abs(amount) > abs(left):
        amounts = [money.text(number, invoice.currency) for number in (amount, left)]
        detail = "A reversal of {} does not fit payment {}, of which {} {} is left."
        raise _conflict(detail.format(amounts[0], original.payment_id, amounts[1], invoice.currency), invoice)


def _takes_from(invoice: Invoice, reversal: Payment, original: Payment) -> bool:
    """Whether a recorded reversal took back this payment.

    Without a name, the source is the reversal's own. Earlier versions never recorded it: then it is that of the first
    payment with this id, if the reversal's own source has none.
    """
    if reversal.reverses != original.payment_id:
        return False
    named = [payment for payment in invoice.payments if payment.reverses is None]
    sources = [source_of(payment) for payment in named if payment.payment_id == reversal.reverses]
    own = source_of(reversal)
    return source_of(original) == (reversal.reverses_source or (own if own in sources else sources[0]))


def _conflict(detail: str, invoice: Invoice) -> PaymentConflict:
    return PaymentConflict(detail, members=invoice.current())
