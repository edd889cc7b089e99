"""What holds in the end, whatever happened in whatever order."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from invoicing.domain.balance import balance
from invoicing.domain.models import Invoice
from invoicing.domain.receipts import API, Receipt, ReceiptState
from invoicing.domain.status import ISSUED, Status, may_change
from invoicing.events.bus import derive
from invoicing.table.items import decode
from invoicing.table.receipts import PREFIX, read_receipt
from tests.resilience.simulation.business import REQUESTS
from tests.resilience.simulation.platform import BrokenPromise, Platform


def check(platform: Platform) -> None:
    """Compare what there is with every promise.

    Raises:
        BrokenPromise: the first one that is broken.
    """
    invoices = platform.invoices()
    receipts = [
        read_receipt(decode(item)) for name, item in platform.world.account.items().items() if name.startswith(PREFIX)
    ]
    for promises in (
        clients(platform, {invoice.invoice_id: invoice for invoice in invoices}),
        numbers(platform, invoices),
        decisions(invoices),
        told(platform, invoices, receipts),
        drawn(platform, invoices),
        money(platform, invoices, receipts),
        files(platform),
    ):
        for broken in promises:
            raise BrokenPromise(broken)
    if platform.world.account.letters:
        raise BrokenPromise("process-invoice set a record aside")


def clients(platform: Platform, invoices: dict[str, Invoice]) -> Iterator[str]:
    """Each request has led to one invoice, with its content."""
    for request, ids in platform.answers.items():
        if len(ids) > 1:
            yield f"request {request} has led to {len(ids)} invoices"
        for invoice_id in ids:
            stored = invoices.get(invoice_id)
            if stored is None or stored.currency != REQUESTS[request].currency:
                yield f"the invoice of request {request} is lost"


def numbers(platform: Platform, invoices: list[Invoice]) -> Iterator[str]:
    """The numbers that the platform gave out have no gaps, files' own numbers of that form included."""
    taken = sorted(int(match[1]) for each in invoices if (match := re.fullmatch(r"2026-(\d{6})", each.invoice_number)))
    if taken != [*range(1, len(taken) + 1)]:
        yield f"the numbers {taken} have a gap"
    counted = [each for each in invoices if each.source == "api" and each.invoice_number.startswith("2026-")]
    asked = sum(1 for request in platform.answers if REQUESTS[request].invoice_number is None)
    if len(counted) != asked:
        yield f"{asked} requests without a number have led to {len(counted)} invoices"


def decisions(invoices: list[Invoice]) -> Iterator[str]:
    """Nothing is undecided, each history is a path of the allowed transitions, and what has to be held is."""
    currencies: dict[str, set[str]] = {}
    for each in invoices:
        if each.status is Status.CREATED:
            yield f"invoice {each.invoice_number} is undecided"
        if each.version != len(each.history):
            yield f"invoice {each.invoice_number} has version {each.version} and {len(each.history)} entries"
        steps = [entry.status for entry in each.history]
        for before, after in pairwise(steps):
            if before is not after and not may_change(before, after):
                yield f"invoice {each.invoice_number} went from {before} to {after}"
        if each.status in ISSUED and Status.HELD not in steps:
            currencies.setdefault(each.customer_id, set()).add(each.currency)
    for customer, used in currencies.items():
        if len(used) > 1:
            yield f"customer {customer} has issued invoices in {' and '.join(sorted(used))}, and none was held"


def told(platform: Platform, invoices: list[Invoice], receipts: list[Receipt]) -> Iterator[str]:
    """Each change was told, under one id."""
    ids = {event["detail"].get("eventId") for event in platform.world.bus}
    created: dict[str, set[str]] = {}
    for event in platform.world.bus:
        if event["detail-type"] == "invoice-created":
            created.setdefault(event["detail"]["invoiceId"], set()).add(event["detail"]["eventId"])
    for each in invoices:
        if len(created.get(each.invoice_id, ())) != 1:
            yield f"invoice-created of {each.invoice_number} was told {len(created.get(each.invoice_id, ()))} times"
        for change in derive(None, each):
            if change.detail["eventId"] not in ids:
                yield f"version {change.detail['version']} of invoice {each.invoice_number} was never told"
    unapplied = {e["detail"]["paymentKey"] for e in platform.world.bus if e["detail-type"] == "payment-unapplied"}
    for receipt in receipts:
        if receipt.state is ReceiptState.UNAPPLIED and receipt.payment_key not in unapplied:
            yield f"the unapplied payment {receipt.payment_id} was never told"


def drawn(platform: Platform, invoices: list[Invoice]) -> Iterator[str]:
    """Each invoice has one PDF, in one version; one that became void before that may have none."""
    documents = platform.world.account.objects("documents")
    for each in invoices:
        versions = sum(len(of) for key, of in documents.items() if each.invoice_id in key)
        if versions != 1 and not (each.status is Status.VOID and versions == 0):
            yield f"invoice {each.invoice_number} has {versions} PDFs"
    if len(documents) > len(invoices):
        yield "there are PDFs of no invoice"


def money(platform: Platform, invoices: list[Invoice], receipts: list[Receipt]) -> Iterator[str]:
    """The sums agree; each payment has one receipt, and is on one invoice, once, if it is applied."""
    recorded: Counter[tuple[str, str, str | None]] = Counter()
    for each in invoices:
        sums = balance(each.total, (payment.amount for payment in each.payments))
        if (each.amount_paid, each.amount_due, each.overpaid) != (sums.applied, sums.due, sums.overpaid):
            yield f"the sums of invoice {each.invoice_number} do not agree"
        recorded.update((payment.source, payment.payment_id, each.invoice_id) for payment in each.payments)
    # The reversal of a payment that is on no invoice is on none, either.
    applied = {(r.source, r.payment_id, r.applied_to) for r in receipts if r.applied_to is not None}
    for payment, count in recorded.items():
        if count > 1:
            yield f"payment {payment[1]} is on one invoice {count} times"
        if payment not in applied:
            yield f"payment {payment[1]} is on an invoice without a receipt"
    for payment in sorted(applied - recorded.keys()):
        yield f"payment {payment[1]} has a receipt and is on no invoice"
    kept = sum(1 for receipt in receipts if receipt.source != API)
    if kept != len(platform.reported):
        yield f"{len(platform.reported)} payments were reported, {kept} are kept"


def files(platform: Platform) -> Iterator[str]:
    """Each file is archived once, reported, and counted to the last row."""
    account = platform.world.account
    originals, left = account.objects("archives"), account.objects("uploads")
    if len(originals) != len(platform.uploaded) or any(len(versions) != 1 for versions in originals.values()):
        yield f"{len(platform.uploaded)} files were uploaded, {len(originals)} are archived"
    if rest := [key for key in left if not re.fullmatch(r"reports/\w+\.csv\.(json|rejected\.csv)", key)]:
        yield f"{rest[0]} was left over"
    for number, content in enumerate(platform.uploaded):
        report = json.loads(left[f"reports/{number:04X}.csv.json"][-1])
        counted = report["created"] + report["duplicates"] + report["rejected"]
        if counted != content.count("\n") - 1 or "error" in report:
            yield f"the report of file {number} counts {counted} invoices"
