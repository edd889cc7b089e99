"""What a payment provider reports, and what of it can be read.

A member that is there and cannot be read never counts as absent. If it decides where the money belongs, or whether it
came or went, the report is kept as unapplied. Otherwise the money is applied, and what could not be read stays with it.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from invoicing.domain import money
from invoicing.domain.fields import Amount, Currency, Identifier, Moment, Name
from invoicing.domain.models import WireModel
from invoicing.domain.payment_words import doubted, folded
from invoicing.domain.receipts import Receipt, ReceiptState, canonical, content_hash, digest, payment_key

MAX_DETAIL = 4000
"""Characters of an event that are kept when it cannot be read completely."""

MAX_MEMBER = 100
"""Characters of one member that are kept beside it."""

_LABELS = {
    "invoiceId": "invoice id",
    "paymentId": "payment id",
    "amount": "amount",
    "currency": "currency",
    "reverses": "id of the reversed payment",
    "outcome": "outcome of the payment",
}
"""The members that decide where the money belongs, how much it is, and whether it came or went."""


class ReportedPayment(WireModel):
    """What can be read of the detail of a provider's ``invoice-paid`` event."""

    model_config = ConfigDict(
        defer_build=True, alias_generator=to_camel, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    invoice_id: Identifier | None = None
    payment_id: Identifier | None = None
    amount: Annotated[Amount | None, BeforeValidator(money.from_event)] = None
    currency: Currency | None = None
    paid_at: Moment | None = None
    method: Name | None = None
    reference: Name | None = None
    reverses: Identifier | None = None


_NAMES = tuple(map(to_camel, ReportedPayment.model_fields))


def read_receipt(detail: Mapping[str, Any], *, source: str, event_id: str, at: str) -> Receipt:
    """The receipt of a reported payment, before it is known whether it can be applied.

    What cannot be read is left out, and the receipt has the reason: the money was received all the same. Then the whole
    detail is kept for the operator. Without a payment id, the id of the event takes its place. A reversal needs no
    invoice id, because it names the payment.
    """
    readable, unreadable = _read(detail)
    reason = _reason(readable, unreadable)
    text = _storable(json.dumps(detail, ensure_ascii=False, sort_keys=True, default=str))
    payment_id = readable.payment_id or f"event:{event_id}"
    invoice_id = canonical(readable.invoice_id)
    values = {name: value for name, value in dict(readable).items() if name not in {"payment_id", "invoice_id"}}
    content = content_hash(invoice_id, readable.amount, readable.currency, readable.reverses)
    return Receipt(
        **values,
        payment_key=payment_key(source, payment_id),
        source=source,
        payment_id=payment_id,
        invoice_id=invoice_id,
        state=ReceiptState.UNAPPLIED if reason else ReceiptState.APPLIED,
        reason=reason,
        received_at=at,
        updated_at=at,
        by=source,
        unreadable={name: _as_sent(value) for name, value in unreadable.items()} or None,
        detail=text[:MAX_DETAIL] if reason or unreadable else None,
        content_hash=digest(text) if reason else content,
    )


def _read(detail: Mapping[str, Any]) -> tuple[ReportedPayment, dict[str, Any]]:
    """What can be read, and the members that cannot."""
    members, unreadable = _members(detail)
    try:
        readable = ReportedPayment.model_validate(members)
        names = (
            {"amount"}
            if readable.currency and money.may_be_grouped(members.get("amount"), readable.currency)
            else set()
        )
    except ValidationError as error:
        names = {str(details["loc"][0]) for details in error.errors(include_input=False)}
    unreadable |= {name: members.pop(name) for name in sorted(names)}
    return ReportedPayment.model_validate(members), unreadable


def _members(detail: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members by their exact names, and those that cannot be read.

    These are a name that is nearly one, such as ``Reverses``, unless it only repeats what stands under the exact name;
    and what other members put in doubt, by `invoicing.domain.payment_words`.
    """
    members = {name: detail[name] for name in _NAMES if name in detail}
    exact, unreadable = {folded(name): name for name in _NAMES}, {}
    for name, value in detail.items():
        meant = exact.get(folded(name), name)
        if meant != name and value is not None and detail.get(meant) != value:
            unreadable[meant] = f"{name}: {_as_sent(value)}"
            members.pop(meant, None)
    for name, value in detail.items():
        doubtful = "" if name in _NAMES or folded(name) in exact else doubted(folded(name), value)
        if doubtful and members.get(doubtful) is None:  # with `reverses`, another name says no more than that
            unreadable.setdefault(doubtful, f"{name}: {_as_sent(value)}")
            members.pop(doubtful, None)
    return members, unreadable


def _reason(readable: ReportedPayment, unreadable: Mapping[str, Any]) -> str | None:
    """Why the payment cannot be applied as it was reported."""
    values = {to_camel(name): value for name, value in dict(readable).items()}
    is_reversal = readable.reverses is not None or "reverses" in unreadable
    optional = {"reverses", "invoiceId", "outcome"} if is_reversal else {"reverses", "outcome"}
    missing = [name for name in _LABELS if name in unreadable or (name not in optional and values[name] is None)]
    if not missing:
        return None
    verb = "cannot be read" if set(missing) <= set(unreadable) else "is missing or cannot be read"
    return f"the {' and the '.join(_LABELS[name] for name in missing)} {verb}"


def _as_sent(value: Any) -> str:
    """The value as it came: a text as it is, anything else as JSON."""
    text = _storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= MAX_MEMBER else f"{text[:MAX_MEMBER]}…"


def _storable(text: str) -> str:
    """The text without halves of surrogate pairs: JSON can contain them, and DynamoDB stores UTF-8."""
    return text.encode(errors="replace").decode()
