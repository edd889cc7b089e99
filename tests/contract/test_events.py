"""Every event that is emitted has its schema, and reaches exactly those that it is for, who can read it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from harness.contract import events
from harness.contract.events import Emitted
from harness.contract.mismatch import Mismatch, symbol, told
from harness.paths import ROOT
from invoicing.api.openapi import EXAMPLE_REQUEST
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice, Invoice, PaymentReceived
from invoicing.domain.status import Status
from invoicing.events.bus import DETAIL_TYPES, EventBus, derive
from invoicing.events.schemas import InvoiceChanged, UploadContinued
from invoicing.services.decide_invoice import decide_status
from invoicing.uploads import continuation
from invoicing.uploads.continuation import CONTINUED
from invoicing.uploads.upload import Upload
from tests.contract import sites
from tests.contract.code import Loaded
from tests.contract.conftest import PLATFORM, Environment

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

FOR: Mapping[str, str] = {
    "invoice-created": "generate-pdf",
    "invoice-processed": "downstream",
    "invoice-rejected": "downstream",
    "invoice-partially-paid": "downstream",
    "invoice-paid": "downstream",
    "invoice-voided": "downstream",
    "upload-continued": "create-invoice",
}
"""Whom each of our own events is for: a function, or the topic for other systems (docs/architecture.md)."""

EMITTERS = {"lambdas/invoicing/events/bus.py: EventBus.publish"}
"""What puts events on a bus."""

PUBLISHERS = {"lambdas/invoicing/uploads/continuation.py: announce", "lambdas/process_invoice/handler.py: handle"}
"""What has events put there; `ours` has each of theirs."""

SAMPLE = ROOT / "docs" / "sample" / "invoice-paid.json"
"""What payment providers send."""


class _Bus:
    """Takes events as EventBridge does."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{}]}


class _Progress:
    """Records nothing."""

    def record_announcement(self, digest: str, part: int) -> None: ...


def changes() -> list[tuple[Invoice | None, Invoice]]:
    """A change into every status there is."""
    request = CreateInvoice.model_validate(EXAMPLE_REQUEST)
    created = issue(request, number="0042", identity="i", origin=Origin(NOW, "api", "api"))
    rejected = decide_status(created, NOW, ["the first reason"] * 12).after
    others = [status for status in Status if status not in {Status.CREATED, Status.REJECTED}]
    return [
        (None, created),
        (created, rejected),
        *((created, created.model_copy(update={"status": status, "version": 2})) for status in others),
    ]


def ours() -> list[tuple[str, str, dict[str, Any]]]:
    """Every event that the code emits: where it comes from, whose function, and what EventBridge was given."""
    found = []
    for before, after in changes():
        bus = _Bus()
        event = derive(before, after)
        assert event is not None
        EventBus("bus", bus).publish(event)  # type: ignore[arg-type]
        found.append((symbol(derive), "process-invoice", bus.entries[0]))
    bus = _Bus()
    upload = Upload("uploads", "incoming/a.csv", "e", "0A", "v", 10)
    continuation.announce(EventBus("bus", bus), _Progress(), upload, 1)  # type: ignore[arg-type]
    found.append((symbol(continuation.announce), "create-invoice", bus.entries[0]))
    return found


def handed_on(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of PutEvents as EventBridge hands it on."""
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


def emitted(live: Environment) -> list[Emitted]:
    """Every event of this environment, the payment provider's sample among them."""
    topic = f"invoice-downstream-{live.name}"
    found = []
    for where, function, entry in ours():
        bus = str(live.functions[function].variables.get("EVENT_BUS_NAME"))
        taker = FOR.get(entry["DetailType"])
        takers = frozenset({topic if taker == "downstream" else taker} if taker else ())
        found.append(Emitted(where, handed_on(entry), bus, takers))
    outside = json.loads(SAMPLE.read_text(encoding="utf-8"))
    where = f"{SAMPLE.relative_to(ROOT)}, for {symbol(PaymentReceived)}"
    found.append(Emitted(where, outside, str(live.outputs["event_bus"]), frozenset({"update-invoice-status"})))
    return found


def test_every_emitter_is_known_here() -> None:
    assert sites.calls("put_events") == EMITTERS
    assert sites.calls("publish") == PUBLISHERS, "emit what these emit in `ours`, and name them in PUBLISHERS"
    assert {entry["DetailType"] for _, _, entry in ours()} == {*DETAIL_TYPES.values(), CONTINUED}


@pytest.mark.parametrize(("where", "_", "entry"), ours(), ids=[entry["DetailType"] for *_, entry in ours()])
def test_details_are_as_they_are_described(where: str, _: str, entry: dict[str, Any]) -> None:
    model: type[BaseModel] = UploadContinued if entry["DetailType"] == CONTINUED else InvoiceChanged
    try:
        model.model_validate(json.loads(entry["Detail"]))
    except ValidationError as refusal:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in refusal.errors())
        pytest.fail(f"{entry['DetailType']} of {where} is not as {symbol(model)} describes it: {faults}")


def test_events_reach_those_that_they_are_for_and_nobody_else(live: Environment) -> None:
    rules = events.rules_of(live.plan, live.functions, PLATFORM)

    found = [*events.compare(rules, emitted(live))]

    assert not found, told(found)
    assert len(rules) == 4


def test_those_that_get_an_event_can_read_it(live: Environment, code: dict[str, Loaded]) -> None:
    rules = events.rules_of(live.plan, live.functions, PLATFORM)
    found = []
    for one in emitted(live):
        for rule in rules:
            if rule.bus != one.bus or not events.matches(rule.pattern, one.event):
                continue
            found += [
                Mismatch(
                    f"{taker} cannot read the event {one}",
                    f"{one.where} emits {', '.join(one.event['detail'])}; "
                    f"{symbol(code[taker].module.lambda_handler)} {fault}",
                    f"{rule.address} hands it to {taker}",
                    "Name the field as it is read, in both.",
                )
                for taker in sorted(rule.takers & code.keys())
                if (fault := code[taker].take(one.event))
            ]

    assert not found, told(found)
