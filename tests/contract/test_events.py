"""Every event has a schema, and reaches exactly the receivers that it is meant for, and they can read it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from harness.contract import events, patterns
from harness.contract.events import EmittedEvent
from harness.contract.mismatch import Mismatch, report, symbol
from harness.paths import ROOT
from harness.settings import PLATFORM as NAMES
from invoicing.api.openapi import EXAMPLE_REQUEST
from invoicing.domain.fields import timestamp
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice, Invoice, Payment
from invoicing.domain.payment_reports import ReportedPayment, read_receipt
from invoicing.domain.status import Status
from invoicing.events.bus import DETAIL_TYPES, REOPENED, SOURCE, UNAPPLIED, EventBus, derive, derive_unapplied
from invoicing.events.schemas import InvoiceChanged, PaymentUnapplied, UploadContinued
from invoicing.services.decide_invoice import decide_status
from invoicing.uploads import continuation
from invoicing.uploads.continuation import CONTINUED
from invoicing.uploads.upload import Upload
from tests.contract import sites
from tests.contract.code import LoadedFunction
from tests.contract.conftest import PLATFORM, Environment

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

RECEIVERS: Mapping[str, str] = {
    "invoice-created": "generate-pdf",
    "invoice-processed": "downstream",
    "invoice-held": "downstream",
    "invoice-partially-paid": "downstream",
    "invoice-paid": "downstream",
    "invoice-reopened": "downstream",
    "payment-unapplied": "downstream",
    "invoice-voided": "downstream",
    "upload-continued": "create-invoice",
}
"""The receiver of each of our own events: a function, or the topic for other systems (docs/architecture.md)."""

EMITTERS = {"lambdas/invoicing/events/bus.py: EventBus.publish"}
"""Code that puts events on a bus."""

PUBLISHERS = {"lambdas/invoicing/uploads/continuation.py: announce", "lambdas/process_invoice/handler.py: publish"}
"""Code that calls an emitter; `ours` has the events of each."""

SAMPLE = ROOT / "docs" / "sample" / "invoice-paid.json"
"""What a payment provider sends."""


class _Bus:
    """Accepts events as EventBridge does."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{}]}


class _Progress:
    """Records nothing."""

    def record_announcement(self, digest: str, part: int) -> None: ...


def changes() -> list[tuple[Invoice | None, Invoice]]:
    """A change into every status."""
    request = CreateInvoice.model_validate(EXAMPLE_REQUEST)
    created = issue(request, number="0042", origin=Origin(NOW, "api", "api"))
    at, by = timestamp(NOW), "api"
    held = decide_status(created, NOW, ["the first reason"] * 12).after
    paid = created.reached(Status.PAID, at=at, by=by, payment=a_payment("P", created.total))
    others = sorted(set(Status) - {Status.CREATED, Status.HELD})
    return [
        (None, created),
        (created, held),
        (paid, paid.reached(Status.PROCESSED, at=at, by=by, payment=a_payment("R", -created.total))),
        *((created, created.reached(status, at=at, by=by)) for status in others),
    ]


def a_payment(payment_id: str, amount: Decimal) -> Payment:
    return Payment(payment_id=payment_id, amount=amount, paid_at=timestamp(NOW))


def ours() -> list[tuple[str, str, dict[str, Any]]]:
    """Every event that the code emits: the symbol that builds it, its function, and its entry for EventBridge."""
    entries = []
    receipt = read_receipt({}, source="bank", event_id="e", at=timestamp(NOW))
    unapplied = derive_unapplied(None, receipt)
    assert unapplied is not None
    derived = [(symbol(derive), event) for before, after in changes() for event in derive(before, after)]
    for name, event in [*derived, (symbol(derive_unapplied), unapplied)]:
        bus = _Bus()
        EventBus("bus", bus).publish(event)  # type: ignore[arg-type]
        entries.append((name, "process-invoice", bus.entries[0]))
    bus = _Bus()
    upload = Upload("uploads", "incoming/a.csv", "e", "0A", "v", 10)
    continuation.announce(EventBus("bus", bus), _Progress(), upload, 1)  # type: ignore[arg-type]
    entries.append((symbol(continuation.announce), "create-invoice", bus.entries[0]))
    return entries


def delivered(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of PutEvents as EventBridge delivers it."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "source": entry["Source"],
        "detail-type": entry["DetailType"],
        "account": "000000000000",
        "region": "us-east-1",
        "time": entry["Time"].isoformat(),
        "resources": entry["Resources"],
        "detail": json.loads(entry["Detail"]),
    }


def emitted(live: Environment) -> list[EmittedEvent]:
    """Every event of this environment, including the payment provider's sample."""
    topic = f"invoice-downstream-{live.name}"
    emitted_events = []
    for where, function, entry in ours():
        bus = str(live.functions[function].variables.get("EVENT_BUS_NAME"))
        receiver = RECEIVERS.get(entry["DetailType"])
        receivers = frozenset({topic if receiver == "downstream" else receiver} if receiver else ())
        emitted_events.append(EmittedEvent(where, delivered(entry), bus, receivers))
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    where = f"{SAMPLE.relative_to(ROOT)}, for {symbol(ReportedPayment)}"
    bus = str(live.outputs["event_bus"])
    emitted_events.append(EmittedEvent(where, sample, bus, frozenset({"update-invoice-status"})))
    return emitted_events


def test_every_emitter_is_known_here() -> None:
    assert sites.calls("put_events") == EMITTERS
    assert sites.calls("publish") == PUBLISHERS, "emit what these emit in `ours`, and name them in PUBLISHERS"
    assert {entry["DetailType"] for _, _, entry in ours()} == {*DETAIL_TYPES.values(), REOPENED, UNAPPLIED, CONTINUED}


def test_the_gate_knows_the_events_that_the_code_publishes_and_receives() -> None:
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))

    assert NAMES.event_source == SOURCE
    assert {*NAMES.event_types} == {entry["DetailType"] for _, _, entry in ours()}
    assert {*NAMES.received_event_types} == {sample["detail-type"]}


@pytest.mark.parametrize(("where", "_", "entry"), ours(), ids=[entry["DetailType"] for *_, entry in ours()])
def test_details_match_their_schema(where: str, _: str, entry: dict[str, Any]) -> None:
    models: dict[str, type[BaseModel]] = {CONTINUED: UploadContinued, UNAPPLIED: PaymentUnapplied}
    model = models.get(entry["DetailType"], InvoiceChanged)
    try:
        model.model_validate(json.loads(entry["Detail"]))
    except ValidationError as invalid:
        errors = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in invalid.errors())
        pytest.fail(f"{entry['DetailType']} of {where} does not match {symbol(model)}: {errors}")


def test_events_reach_their_receivers_and_nobody_else(live: Environment) -> None:
    rules = events.rules_of(live.plan, live.functions, PLATFORM)

    mismatches = [*events.compare(rules, emitted(live))]

    assert not mismatches, report(mismatches)
    scheduled = [rule for rule in live.plan.of("aws_cloudwatch_event_rule") if rule.get("schedule_expression")]
    assert len(rules) == len(live.plan.of("aws_cloudwatch_event_rule")) - len(scheduled) > 0


def test_an_event_of_a_source_that_is_not_on_the_list_reaches_nothing(live: Environment) -> None:
    """Whoever may publish on the bus names the source: neither a payment nor a change of an invoice comes from them."""
    rules = events.rules_of(live.plan, live.functions, PLATFORM)
    types = sorted({*DETAIL_TYPES.values(), REOPENED, UNAPPLIED, CONTINUED})
    foreign = [
        {**json.loads(SAMPLE.read_text(encoding="utf-8")), "source": "elsewhere", "detail-type": t} for t in types
    ]

    reached = [
        (event["detail-type"], rule.name)
        for event in foreign
        for rule in rules
        if patterns.matches(rule.pattern, event)
    ]

    assert not reached


def test_receivers_can_read_their_events(live: Environment, code: dict[str, LoadedFunction]) -> None:
    rules = events.rules_of(live.plan, live.functions, PLATFORM)
    mismatches = []

    for event in emitted(live):
        for rule in rules:
            if rule.bus != event.bus or not patterns.matches(rule.pattern, event.body):
                continue
            mismatches += [
                Mismatch(
                    f"{receiver} cannot read the event {event}",
                    f"{event.where} emits {', '.join(event.body['detail'])}; "
                    f"{symbol(code[receiver].module.lambda_handler)} {error}",
                    f"{rule.address} delivers it to {receiver}",
                    "Use one name for the field in both.",
                )
                for receiver in sorted(rule.receivers & code.keys())
                if (error := code[receiver].error_on(event.body))
            ]

    assert not mismatches, report(mismatches)


def test_the_sample_of_a_provider_is_read_completely() -> None:
    """update-invoice-status keeps whatever it gets, also what it cannot read: so its not failing proves nothing."""
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))

    receipt = read_receipt(sample["detail"], source=sample["source"], event_id=sample["id"], at=timestamp(NOW))

    assert receipt.reason is None
    assert (receipt.amount, receipt.currency, receipt.paid_at) == (
        Decimal("963.90"),
        "EUR",
        "2026-11-22T09:29:58.000000Z",
    )
