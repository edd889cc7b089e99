"""Whatever happens to invoices in whatever order, the sums agree and every transition is an allowed one.

An office does what people, providers and queues do: it creates, imports files, decides, holds, releases, pays too
little or too much, reverses, writes off, voids, and delivers everything again. After each step

    received - reversed = applied + overpaid + unapplied + returned

in each currency. Two providers and the API use the same payment ids, and some of what the providers send is unreadable.
One run of ten thousand random steps has a fixed seed; hypothesis looks for short ones that fail.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoicing.domain.door import Door
from invoicing.domain.errors import ContentConflict, InvoiceError
from invoicing.domain.fields import timestamp
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import Invoice, Payment, UpdateInvoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.payments import InvoiceChange, record
from invoicing.domain.receipts import Receipt, ReceiptState, ResolvePayment, payment_key
from invoicing.domain.status import RECORDING, Status, may_change
from invoicing.services.change_invoice import update
from invoicing.services.create_invoice import create
from invoicing.services.decide_invoice import decide
from invoicing.services.receive_payment import receive
from invoicing.services.resolve_payment import resolve
from invoicing.uploads.csv_invoices import Candidate
from tests.data.csv_reading import read
from tests.data.invoices import LINE, a_request
from tests.unit.invoicing.services.fakes import Claims, Invoices

SEED = 20261129
STEPS = 10_000
START = datetime(2026, 11, 22, tzinfo=UTC)
CURRENCIES = ("EUR", "USD")
PROVIDERS = ("bank", "cards")
UNREADABLE: dict[str, list[Any]] = {
    "amount": ["450,00", True, [1]],
    "currency": ["euro", 978],
    "invoiceId": [7, "10\u200b01", ["1"]],
    "paidAt": ["2026-11-20", "20.11.2026"],
    "reference": ["x" * 201, "two\nlines"],
    "reverses": [1001, "", False, ["P-1"], {"id": "P-1"}, "P" * 65],
}
HARMLESS = {"paidAt", "reference"}
"""Members without which it is known how much money it is, where it belongs, and whether it came or went."""
FILE_HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"


@dataclass(frozen=True)
class Event:
    """A report of a provider: what it sends, and what it means."""

    source: str
    sent: dict[str, Any]
    truth: dict[str, Any]


class Office:
    """Invoices and payments of a business, and what is known of them without looking into the store.

    Attributes:
        received: Money that came in, less what went back, in each currency; without write-offs.
        uses: How often each source has used each payment id.
        truth: What the source of each receipt means, also if it sends something that cannot be read.
        done: How often each kind of step changed anything.
    """

    def __init__(self, random_: random.Random) -> None:
        self.random, self.store, self.now = random_, Invoices(), START
        self.received: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.created: list[Invoice] = []
        self.events: list[Event] = []
        self.uses: Counter[tuple[str, str]] = Counter()
        self.truth: dict[str, dict[str, Any]] = {}
        self.files: list[str] = []
        self.done: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()

    def step(self) -> None:
        """One random step."""
        self.now += timedelta(seconds=1)
        steps: list[Callable[[], object]] = [
            self.create, self.decide, self.decide, self.pay, self.pay, self.pay, self.reverse, self.redeliver,
            self.patch, self.patch, self.release, self.void, self.write_off, self.reverse_by_patch, self.resolve,
            self.import_file,
        ]  # fmt: skip
        chosen = self.random.choice(steps)
        self.overtake()
        before = (dict(self.store.stored), dict(self.store.receipts))
        try:
            chosen()
        except InvoiceError:  # a conflict: the caller can read it, and nothing has changed but what overtook it
            self.done[f"{chosen.__name__} rejected"] += 1
        if before != (self.store.stored, self.store.receipts):
            self.done[chosen.__name__] += 1
        self.store.overtakers.clear()

    def overtake(self) -> None:
        """Now and then, another writer is first: it records a payment of one unit on the invoice that was just read."""
        if self.random.random() < 0.05:

            def first(invoice: Invoice) -> InvoiceChange:
                if invoice.status not in RECORDING:
                    return InvoiceChange(invoice, invoice)
                detail = self.detail(invoice, Decimal(1) if invoice.total >= 0 else Decimal(-1), "rival")
                receipt = read_receipt(detail, source="rival", event_id="e", at=timestamp(self.now))
                self.received[invoice.currency] += receipt.amount or 0
                assert receipt.amount is not None
                return record(invoice, receipt.payment(receipt.amount), at=timestamp(self.now), by="rival")

            self.store.overtakers.append(first)

    def create(self) -> None:
        """A new invoice, or an old one again; sometimes with nothing to pay, or as a credit note."""
        number = str(self.random.randrange(400))
        price, quantity = self.random.choice(["0", "19.99", "100", "33.333"]), self.random.choice(["1", "-1", "2.5"])
        line = LINE | {"unitPrice": price, "quantity": quantity}
        request = a_request(invoiceNumber=number, lines=[line], currency=self.random.choice(CURRENCIES))
        result = create(self.store, Door(), request, Origin(self.now, "api", "api-key:k"))
        if result.created:
            self.created.append(result.invoice)

    def import_file(self) -> None:
        """A file of some invoices whose rows stand apart, some of them known; sometimes an old file comes again."""
        again = bool(self.files) and self.random.random() < 0.3
        text = self.random.choice(self.files) if again else self.new_file()
        stored = set(self.store.stored)
        for invoice in read(text):
            if isinstance(invoice, Candidate):
                number = invoice.request.invoice_number or ""
                issued = issue(invoice.request, number=number, origin=Origin(self.now, "s3://uploads/f#2", "upload"))
                try:
                    result = self.store.create(issued)
                except ContentConflict:
                    continue
                self.created += [result.invoice] if result.created else []
                assert len(result.invoice.lines) == 2 or not result.created, "a part of an invoice"
        assert not again or stored == set(self.store.stored)
        self.files.append(text)

    def new_file(self) -> str:
        """Two rows of each of some invoices: first the first one of each, then the second one of each."""
        numbers = [f"{number}" for number in self.random.sample(range(400), self.random.randint(1, 3))]
        currency, price = self.random.choice(CURRENCIES), self.random.choice(["19.99", "100", "33.333"])
        rows = [
            f"{number},C-1,2026-11-01,{currency},{text},{self.random.choice(['1', '2', '-1'])},{price},19"
            for text in ("Rope", "Cup")
            for number in numbers
        ]
        if self.random.random() < 0.2:
            rows[-1] = rows[-1].replace(price, "a lot")
        return "\n".join([FILE_HEADER, *rows])

    def decide(self) -> None:
        """The stream delivers a record of a new invoice, often late or again."""
        if self.created:
            reasons = ["a suspected duplicate"] if self.random.random() < 0.2 else []
            decide(self.store, Claims(*reasons), self.random.choice(self.created[-30:]), self.now)

    def pay(self) -> None:
        """A provider reports a payment: of any amount and currency, sometimes for an invoice that is not there."""
        invoice = self.any()
        if invoice is None:
            return
        source = self.random.choice(PROVIDERS)
        amount = self.random.choice(
            [invoice.amount_due, invoice.total, Decimal("0.01"), Decimal(-5), Decimal(50), invoice.amount_due * 2]
        )
        detail = self.detail(invoice, amount, source)
        if self.random.random() < 0.1:
            detail["currency"] = self.random.choice(CURRENCIES)
        if self.random.random() < 0.1:
            detail["invoiceId"] = "unknown"
        if self.random.random() < 0.2:
            detail["paymentId"] = self.id_of_another(invoice, source) or detail["paymentId"]
        if self.random.random() < 0.05 and self.events:  # an id that some source has used before
            detail["paymentId"] = self.random.choice(self.events).truth["paymentId"]
        self.report(source, detail)

    def reverse(self) -> None:
        """A provider takes back all or a part of a payment that it reported, or of one that it did not."""
        if not self.events:
            return
        event = self.random.choice(self.events[-300:])
        earlier, source = event.truth, event.source
        amount = Decimal(earlier["amount"]) / self.random.choice([1, 1, 2])
        names = [
            earlier["paymentId"],
            earlier["paymentId"],
            "never",
            self.random.choice(self.events).truth["paymentId"],
        ]
        detail = earlier | {"paymentId": self.new_id(source), "amount": f"{amount:.2f}"}
        detail["reverses"] = self.random.choice(names)
        if self.random.random() < 0.1:
            detail["currency"] = self.random.choice(CURRENCIES)
        other = self.any()
        if other is not None and self.random.random() < 0.2:
            detail["invoiceId"] = self.random.choice([None, other.invoice_id])
        self.report(source, detail)

    def report(self, source: str, detail: dict[str, Any]) -> None:
        """A provider reports what it means, or something that nobody can read."""
        spoilt = self.random.choice(sorted(UNREADABLE)) if self.random.random() < 0.15 else None
        sent = detail if spoilt is None else detail | {spoilt: self.random.choice(UNREADABLE[spoilt])}
        event = Event(source, sent, detail)
        meant = self.meant(event) if spoilt is None else None
        kept = self.deliver(event)
        self.events.append(event)
        self.uses[source, detail["paymentId"]] += 1
        if kept.payment_key in self.truth:  # the same content again
            return
        self.truth[kept.payment_key] = detail
        self.received[kept.currency or ""] += self.counted(kept)
        assert (kept.state is ReceiptState.UNAPPLIED) or spoilt in {None, *HARMLESS}, "applied on a guess"
        assert spoilt == "amount" or kept.amount == Decimal(detail["amount"])
        assert spoilt == "reverses" or kept.reverses == detail.get("reverses")
        assert meant is None or kept.applied_to == meant, kept.reason
        if kept.reverses and kept.applied_to and kept.invoice_id in self.store.stored:
            original = self.store.receipts.get(payment_key(source, kept.reverses))
            places = {kept.applied_to, original.invoice_id if original else None}
            assert kept.invoice_id in places, "taken from another invoice than the one that is named"

    def meant(self, event: "Event") -> str | None:
        """The invoice whose payment a reversal certainly means, and which has to have less after it."""
        detail = event.truth
        key = (event.source, detail.get("reverses", ""))
        original = self.store.receipts.get(payment_key(*key))
        if original is None or not original.applied_to or original.reverses is not None or self.uses[key] != 1:
            return None
        invoice = self.store.stored[original.applied_to]
        payment = next(payment for payment in invoice.payments if (payment.source, payment.payment_id) == key)
        amount, left = abs(Decimal(detail["amount"])), abs(left_of(invoice, payment))
        is_named = detail["invoiceId"] in {None, original.invoice_id, original.applied_to}
        fits = 0 < amount <= left and detail["currency"] == invoice.currency and invoice.status is not Status.VOID
        return invoice.invoice_id if is_named and fits else None

    def redeliver(self) -> None:
        """An event comes again: it changes nothing."""
        if self.events:
            stored = (dict(self.store.stored), dict(self.store.receipts))
            self.store.overtakers.clear()
            self.deliver(self.random.choice(self.events))
            assert stored == (self.store.stored, self.store.receipts)

    def patch(self) -> None:
        """A client pays an invoice, or a part of it."""
        amount = self.random.choice(["1.00", "19.99", "50.00", None])
        status = "paid" if amount is None else self.random.choice(["paid", "partially-paid"])
        invoice = self.any()
        if invoice is not None:
            payment_id = self.id_of_another(invoice, "api") if self.random.random() < 0.3 else None
            self.change(status, {"paymentId": payment_id or self.new_id("api"), "amount": amount}, invoice)

    def release(self) -> None:
        self.change("processed", None)

    def void(self) -> None:
        self.change("void", None)

    def write_off(self) -> None:
        self.change("paid", {"method": "write-off"})

    def reverse_by_patch(self) -> None:
        invoice = self.any()
        if invoice is not None and invoice.payments:
            payment = self.random.choice(invoice.payments)
            self.change("processed", {"paymentId": self.new_id("api"), "reverses": payment.payment_id}, invoice)

    def resolve(self) -> None:
        """An operator applies an unapplied payment to some invoice, saying what could not be read, or returns it."""
        waiting = [receipt for receipt in self.store.receipts.values() if receipt.state is ReceiptState.UNAPPLIED]
        invoice = self.any()
        if waiting and invoice is not None:
            receipt = self.random.choice(waiting)
            truth, body = self.truth[receipt.payment_key], {"status": "returned"}
            if self.random.random() < 0.7:
                original = self.store.receipts.get(payment_key(receipt.source, truth.get("reverses", "")))
                invoice_id = (original.applied_to if original else None) or invoice.invoice_id
                body = self.answer(receipt, truth, self.store.stored[invoice_id])
            before, currency = self.counted(receipt), receipt.currency or ""
            request = ResolvePayment.model_validate(body)
            after = resolve(self.store, receipt.payment_key, request, now=self.now, by="api-key:k")
            self.received[currency] -= before
            self.received[after.currency or ""] += self.counted(after)

    def answer(self, receipt: Receipt, truth: dict[str, Any], invoice: Invoice) -> dict[str, Any]:
        """What the operator knows of a payment, and on which invoice it belongs."""
        body: dict[str, Any] = {"status": "applied", "invoiceId": invoice.invoice_id}
        body |= {name: truth[name] for name in ("amount", "currency") if getattr(receipt, name) is None}
        if "reverses" in (receipt.unreadable or {}):
            body["reverses"] = truth.get("reverses")
        elif receipt.reverses is not None and invoice.payments and self.random.random() < 0.5:
            body["reverses"] = self.random.choice(invoice.payments).payment_id
        return body

    def change(self, status: str, payment: dict[str, Any] | None, invoice: Invoice | None = None) -> None:
        """A PATCH of some invoice. What it adds to the payments was received, unless it was written off."""
        invoice = invoice or self.any()
        if invoice is None:
            return
        request = UpdateInvoice.model_validate({"status": status, "payment": payment})
        after = update(self.store, invoice.invoice_id, request, now=self.now, by="api-key:k")
        for added in after.payments[len(invoice.payments) :]:
            written_off = added.method == "write-off" or self.was_written_off(after, added.reverses)
            if added.source == "api" and not written_off:
                self.received[after.currency] += added.amount

    def deliver(self, event: "Event") -> Receipt:
        receipt = read_receipt(event.sent, source=event.source, event_id="e", at=timestamp(self.now))
        return receive(self.store, receipt, self.now)

    def counted(self, receipt: Receipt) -> Decimal:
        """What a receipt adds to what was received; what cannot be read adds nothing until somebody says what it is."""
        if receipt.amount is None or receipt.currency is None or "reverses" in (receipt.unreadable or {}):
            return Decimal(0)
        if receipt.state is ReceiptState.APPLIED and receipt.applied_to:
            payments = self.store.stored[receipt.applied_to].payments
            key = (receipt.source, receipt.payment_id)
            (recorded,) = [payment for payment in payments if (payment.source, payment.payment_id) == key]
            assert recorded.amount in ({receipt.amount, -receipt.amount} if receipt.reverses else {receipt.amount})
            return recorded.amount
        if receipt.reverses is None:
            return receipt.amount
        if receipt.state is ReceiptState.APPLIED:  # with a payment that was on no invoice either
            return -(self.store.receipts[payment_key(receipt.source, receipt.reverses)].amount or Decimal(0))
        return -abs(receipt.amount)

    def was_written_off(self, invoice: Invoice, payment_id: str | None) -> bool:
        ids = {payment.payment_id for payment in invoice.payments if payment.method == "write-off"}
        return payment_id in ids

    def any(self) -> Invoice | None:
        """Some invoice as it is now, more often a young one."""
        if not self.created:
            return None
        created = self.random.choice(self.created[-30:] if self.random.random() < 0.8 else self.created)
        return self.store.stored[created.invoice_id]

    def detail(self, invoice: Invoice, amount: Decimal, source: str) -> dict[str, Any]:
        names = {"invoiceId": invoice.invoice_id, "paymentId": self.new_id(source), "currency": invoice.currency}
        return names | {"amount": f"{amount:.2f}"}

    def id_of_another(self, invoice: Invoice, source: str) -> str | None:
        """The id of a payment of another source on this invoice, if this source has not used it."""
        own = {receipt.payment_id for receipt in self.store.receipts.values() if receipt.source == source}
        others = sorted(name for name in {payment.payment_id for payment in invoice.payments} - own if name[:2] == "P-")
        return self.random.choice(others) if others else None

    def new_id(self, source: str) -> str:
        """The next id that a source has not used; all sources use the same ones."""
        self.ids[source] += 1
        while payment_key(source, f"P-{self.ids[source]}") in self.store.receipts:
            self.ids[source] += 1
        return f"P-{self.ids[source]}"

    def check(self) -> None:
        """The sums agree, and every history is a path of allowed transitions."""
        held: defaultdict[str, Decimal] = defaultdict(Decimal)
        for invoice in self.store.stored.values():
            check_invoice(invoice)
            written_off = sum(
                payment.amount
                for payment in invoice.payments
                if payment.method == "write-off" or self.was_written_off(invoice, payment.reverses)
            )
            held[invoice.currency] += invoice.amount_paid + invoice.overpaid - written_off
        for receipt in self.store.receipts.values():
            if receipt.state in {ReceiptState.UNAPPLIED, ReceiptState.RETURNED}:
                held[receipt.currency or ""] += self.counted(receipt)
        assert {name: held[name] for name in CURRENCIES} == {name: self.received[name] for name in CURRENCIES}


def check_invoice(invoice: Invoice) -> None:
    """What holds for every invoice at every moment."""
    assert invoice.amount_due == invoice.total - invoice.amount_paid
    assert invoice.amount_paid + invoice.overpaid == sum(payment.amount for payment in invoice.payments)
    assert min(invoice.total, Decimal(0)) <= invoice.amount_paid <= max(invoice.total, Decimal(0))
    assert not invoice.overpaid or not invoice.amount_due
    if invoice.status in {Status.PROCESSED, Status.PARTIALLY_PAID, Status.PAID}:
        assert (invoice.status is Status.PAID) == (not invoice.amount_due)
        assert (invoice.status is Status.PARTIALLY_PAID) == bool(invoice.amount_due and invoice.amount_paid)
    assert not (invoice.status is Status.VOID and (invoice.amount_paid or invoice.overpaid))
    statuses = [entry.status for entry in invoice.history]
    assert len(statuses) == invoice.version
    assert all(before is after or may_change(before, after) for before, after in pairwise(statuses))
    names = [(payment.source, payment.payment_id) for payment in invoice.payments]
    assert len(names) == len(set(names))
    originals = [payment for payment in invoice.payments if payment.reverses is None]
    for original in originals:
        assert abs(original.amount) >= abs(left_of(invoice, original))
        assert original.amount * left_of(invoice, original) >= 0
    taken = [payment for payment in invoice.payments if payment.reverses is not None]
    assert sum(payment.amount for payment in originals + taken) == sum(left_of(invoice, each) for each in originals)


def left_of(invoice: Invoice, original: Payment) -> Decimal:
    """What the reversals of this payment, of its own source, have left of it."""
    key = (original.source, original.payment_id)
    reversals = [p.amount for p in invoice.payments if (p.reverses_source or p.source, p.reverses) == key]
    return sum(reversals, original.amount)


@pytest.mark.volume
def test_ten_thousand_steps_keep_every_sum_and_every_transition() -> None:
    office = Office(random.Random(SEED))  # noqa: S311 -- chooses steps, keeps no secret

    for number in range(STEPS):
        office.step()
        if number % 200 == 0:
            office.check()

    office.check()
    reached = {entry.status for invoice in office.store.stored.values() for entry in invoice.history}
    assert reached == set(Status)
    assert {receipt.state for receipt in office.store.receipts.values()} == set(ReceiptState)
    kinds = {
        "create",
        "import_file",
        "decide",
        "pay",
        "reverse",
        "patch",
        "release",
        "void",
        "write_off",
        "reverse_by_patch",
        "resolve",
    }
    assert not kinds - office.done.keys(), "kinds of steps that never changed anything"


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_short_runs(random_: random.Random, steps: int) -> None:
    office = Office(random_)

    for _ in range(steps):
        office.step()
        office.check()
