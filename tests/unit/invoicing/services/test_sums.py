"""Whatever happens to invoices in whatever order, the sums agree and every transition is an allowed one.

An office does what people, providers and queues do: it creates, imports files, decides, holds, releases, pays too
little or too much, reverses, writes off, voids, and delivers everything again. After each step

    received - reversed = applied + overpaid + unapplied + returned

in each currency. One run of ten thousand random steps has a fixed seed; hypothesis looks for short ones that fail.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from invoicing.domain.door import Door
from invoicing.domain.errors import ContentConflict, InvoiceError
from invoicing.domain.fields import timestamp
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import Invoice, UpdateInvoice
from invoicing.domain.payment_reports import read_receipt
from invoicing.domain.payments import InvoiceChange, record
from invoicing.domain.receipts import Receipt, ReceiptState, ResolvePayment
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
FILE_HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"


class Office:
    """Invoices and payments of a business, and what is known of them without looking into the store.

    Attributes:
        received: Money that came in, less what went back, in each currency; without write-offs.
        done: How often each kind of step changed anything.
    """

    def __init__(self, random_: random.Random) -> None:
        self.random, self.store, self.now = random_, Invoices(), START
        self.received: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.created: list[Invoice] = []
        self.amounts: dict[tuple[str, str], Decimal] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.files: list[str] = []
        self.done: Counter[str] = Counter()
        self.ids = 0

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
                detail = self.detail(invoice, Decimal(1) if invoice.total >= 0 else Decimal(-1))
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
        amount = self.random.choice(
            [invoice.amount_due, invoice.total, Decimal("0.01"), Decimal(-5), Decimal(50), invoice.amount_due * 2]
        )
        detail = self.detail(invoice, amount)
        if self.random.random() < 0.1:
            detail["currency"] = self.random.choice(CURRENCIES)
        if self.random.random() < 0.1:
            detail["invoiceId"] = "unknown"
        self.deliver(self.random.choice(["bank", "cards"]), detail, first=True)

    def reverse(self) -> None:
        """A provider takes back all or a part of a payment that it reported, or of one that it did not."""
        if self.events:
            source, earlier = self.random.choice(self.events)
            amount = Decimal(earlier["amount"]) / self.random.choice([1, 1, 2])
            name = self.random.choice([earlier["paymentId"], earlier["paymentId"], "never"])
            detail = earlier | {"paymentId": self.new_id(), "amount": f"{amount:.2f}", "reverses": name}
            self.deliver(source, detail, first=True)

    def redeliver(self) -> None:
        """An event comes again: it changes nothing."""
        if self.events:
            stored = (dict(self.store.stored), dict(self.store.receipts))
            self.store.overtakers.clear()
            self.deliver(*self.random.choice(self.events), first=False)
            assert stored == (self.store.stored, self.store.receipts)

    def patch(self) -> None:
        """A client pays an invoice, or a part of it."""
        amount = self.random.choice(["1.00", "19.99", "50.00", None])
        status = "paid" if amount is None else self.random.choice(["paid", "partially-paid"])
        self.change(status, {"paymentId": self.new_id(), "amount": amount})

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
            self.change("processed", {"paymentId": self.new_id(), "reverses": payment.payment_id}, invoice)

    def resolve(self) -> None:
        """An operator applies an unapplied payment to some invoice, or returns it."""
        waiting = [receipt for receipt in self.store.receipts.values() if receipt.state is ReceiptState.UNAPPLIED]
        invoice = self.any()
        if waiting and invoice is not None:
            receipt = self.random.choice(waiting)
            body = self.random.choice([{"status": "returned"}, {"status": "applied", "invoiceId": invoice.invoice_id}])
            resolve(self.store, receipt.payment_key, ResolvePayment.model_validate(body), now=self.now, by="api-key:k")

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

    def deliver(self, source: str, detail: dict[str, Any], *, first: bool) -> None:
        receipt = read_receipt(detail, source=source, event_id="e", at=timestamp(self.now))
        if first:
            self.events.append((source, detail))
            self.amounts[source, detail["paymentId"]] = Decimal(detail["amount"])
            sign = -1 if receipt.reverses else 1
            amount = abs(receipt.amount or Decimal(0)) if receipt.reverses else receipt.amount or Decimal(0)
            if receipt.reverses and self.is_negative(source, receipt.reverses):
                amount = -amount
            self.received[receipt.currency or ""] += sign * amount
        receive(self.store, receipt, self.now)

    def is_negative(self, source: str, payment_id: str) -> bool:
        """Whether the payment that is reversed was a refund of ours."""
        return self.amounts.get((source, payment_id), Decimal(0)) < 0

    def was_written_off(self, invoice: Invoice, payment_id: str | None) -> bool:
        return any(payment.payment_id == payment_id and payment.method == "write-off" for payment in invoice.payments)

    def any(self) -> Invoice | None:
        """Some invoice as it is now, more often a young one."""
        if not self.created:
            return None
        created = self.random.choice(self.created[-30:] if self.random.random() < 0.8 else self.created)
        return self.store.stored[created.invoice_id]

    def detail(self, invoice: Invoice, amount: Decimal) -> dict[str, Any]:
        names = {"invoiceId": invoice.invoice_id, "paymentId": self.new_id(), "currency": invoice.currency}
        return names | {"amount": f"{amount:.2f}"}

    def new_id(self) -> str:
        self.ids += 1
        return f"P-{self.ids}"

    def check(self) -> None:
        """The sums agree, and every history is a path of allowed transitions."""
        held: defaultdict[str, Decimal] = defaultdict(Decimal)
        for invoice in self.store.stored.values():
            check_invoice(invoice)
            written_off = sum(p.amount for p in invoice.payments if p.method == "write-off") + sum(
                p.amount for p in invoice.payments if self.was_written_off(invoice, p.reverses)
            )
            held[invoice.currency] += invoice.amount_paid + invoice.overpaid - written_off
        for receipt in self.store.receipts.values():
            if receipt.state in {ReceiptState.UNAPPLIED, ReceiptState.RETURNED}:
                held[receipt.currency or ""] += self.signed(receipt)
        assert {name: held[name] for name in CURRENCIES} == {name: self.received[name] for name in CURRENCIES}

    def signed(self, receipt: Receipt) -> Decimal:
        amount = receipt.amount or Decimal(0)
        if receipt.reverses is None:
            return amount
        return abs(amount) if self.is_negative(receipt.source, receipt.reverses) else -abs(amount)


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
