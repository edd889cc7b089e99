"""The whole platform on one clock: clients, files, providers, the stream, the bus, their queues, and the functions.

A step runs to its end, unless it is interrupted at a call: by a fault, or by another step, which ends first. So two
writers meet in every way in which one of them overtakes the other.
"""

import inspect
import json
import logging
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pytest

from invoicing.domain.door import Door
from invoicing.domain.errors import Busy, InvoiceError
from invoicing.domain.invoice_factory import Origin
from invoicing.domain.models import Invoice, UpdateInvoice
from invoicing.domain.receipts import ReceiptState, ResolvePayment
from invoicing.runtime.observability import logger
from invoicing.services.change_invoice import update
from invoicing.services.create_invoice import create
from invoicing.services.resolve_payment import resolve
from invoicing.table.items import decode
from invoicing.table.receipts import PREFIX, read_receipt
from tests.resilience.faults import Killed
from tests.resilience.memory.account import Memory
from tests.resilience.memory.dynamodb import Item
from tests.resilience.simulation.business import FILES, PATCHES, PAYMENTS, REQUESTS
from tests.resilience.simulation.interruptions import Interruptions
from tests.resilience.simulation.script import Script, Step
from tests.resilience.world import ASYNCHRONOUS_ATTEMPTS, Context, World, world

Response = TypeVar("Response")
SHARDS = 2
CLOSE = 1_000
"""Deliveries after which a platform that is not disturbed any more has to be at rest."""

_RULES = {"upload-continued": "create_invoice", "invoice-created": "generate_pdf"}


def shard_of(name: str) -> int:
    """The shard of an item's records, which keep their order there."""
    return int(name.removeprefix(PREFIX)[0], 16) % SHARDS


class BrokenPromise(AssertionError):
    """The platform does what it must not do; the text says what."""


@dataclass
class Message:
    """An event on its way to a function."""

    function: str
    event: dict[str, Any]
    attempts: int = 0


@dataclass
class Platform:
    """The platform.

    Attributes:
        world: The account and the functions.
        shards: Records of the table's stream, each shard in its order.
        queue: Events that wait for a function.
        letters: Events that were given up, until an operator puts them back.
        requests: Requests whose clients have no answer yet: they repeat them.
        answers: The invoices that clients were told of, by the request.
        reported: What a provider has reported, by the id and the content.
        uploaded: The files that were uploaded, by their events' sequencers.
        seen: How often each kind of thing has happened.
    """

    world: World
    wire: Interruptions
    functions: dict[str, Callable[..., Any]]
    shards: list[list[dict[str, Any]]] = field(default_factory=list)
    queue: list[Message] = field(default_factory=list)
    letters: list[Message] = field(default_factory=list)
    requests: list[Step] = field(default_factory=list)
    answers: dict[int, set[str]] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    uploaded: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    busy: set[int] = field(default_factory=set)

    def reset(self) -> None:
        """Begin with an empty account."""
        self.world.account._written, self.world.account._published = self._written, self._published
        self.world.reset()
        self.world.batch_seconds = 11
        self.shards = [[] for _ in range(SHARDS)]
        self.queue, self.letters, self.requests = [], [], []
        self.answers, self.reported, self.uploaded, self.busy = {}, set(), [], set()
        self.wire.frames.clear()

    # --- what is on its way ---

    def _written(self, name: str, old: Item | None, new: Item) -> None:
        if "#" not in name or name.startswith(PREFIX):  # of the other items the function ignores every record
            self.shards[shard_of(name)].append(self.world.record(new, old))

    def _published(self, entry: Any) -> None:
        self.world._published(entry)
        event = self.world.bus[-1]
        if event["detail-type"] == "invoice-created" and self.status(event["detail"]["invoiceId"]) == "created":
            raise BrokenPromise("invoice-created is told of an invoice that is not decided")
        if function := _RULES.get(event["detail-type"]):
            self.queue.append(Message(function, event))

    def status(self, invoice_id: str) -> str | None:
        item = self.world.account.items().get(invoice_id)
        return str(item["status"]["S"]) if item else None

    # --- steps ---

    def run(self, step: Step) -> None:
        """Run one step to its end."""
        self.world.clock.sleep(1)
        self.seen[step.kind] += 1
        getattr(self, step.kind)(step)

    def create(self, step: Step) -> None:
        """A client creates an invoice; without an answer it does so again later."""
        store, request = self.world.handlers["create_invoice"].store, REQUESTS[step.which]
        origin = Origin(self.world.clock.now(), "api", "api-key:k")
        key = f"key-{step.which}" if request.invoice_number is None else None
        result = self._asked(step, lambda: create(store, Door(), request, origin, key))
        if result is not None:
            self.answers.setdefault(step.which, set()).add(result.invoice.invoice_id)

    def patch(self, step: Step) -> None:
        """A client changes an invoice that it was told of."""
        store = self.world.handlers["update_invoice_status"].store
        number, change = divmod(step.which, len(PATCHES))
        request, now = UpdateInvoice.model_validate(PATCHES[change]), self.world.clock.now()
        for invoice_id in sorted(self.answers.get(number, ())):
            self._asked(step, partial(update, store, invoice_id, request, now=now, by="api-key:k"))

    def resolve(self, step: Step) -> None:
        """An operator returns an unapplied payment, or applies it to the first client's invoice."""
        store = self.world.handlers["update_invoice_status"].store
        receipts = [read_receipt(decode(item)) for name, item in self._items() if name.startswith(PREFIX)]
        unapplied = [receipt for receipt in receipts if receipt.state is ReceiptState.UNAPPLIED]
        targets = sorted(self.answers.get(0, ()))
        applies = bool(step.which % 2 and targets)
        body = {"status": "applied", "invoiceId": targets[0]} if applies else {"status": "returned"}
        request, now = ResolvePayment.model_validate(body), self.world.clock.now()
        for receipt in unapplied[:1]:
            self._asked(step, partial(resolve, store, receipt.payment_key, request, now=now, by="api-key:k"))

    def _asked(self, step: Step, request: Callable[[], Response]) -> Response | None:
        """The response to a request; None for a rejection, or if there is no response and the client asks again."""
        try:
            with self.wire.running(step):
                return request()
        except BrokenPromise:
            raise
        except (Exception, Killed) as error:  # noqa: BLE001 -- all others are a 5xx
            if not isinstance(error, InvoiceError) or isinstance(error, Busy):
                self.requests.append(Step(step.kind, step.which))
        return None

    def upload(self, step: Step) -> None:
        """A file arrives."""
        sequencer = f"{len(self.uploaded):04X}"
        key = f"incoming/{sequencer}.csv"
        self.uploaded.append(FILES[step.which])
        self.queue.append(Message("create_invoice", self.world.upload(FILES[step.which], key, sequencer)))

    def pay(self, step: Step) -> None:
        """A provider reports a payment, or its reversal."""
        reverses = step.which == len(PAYMENTS)
        payment_id, number, amount = PAYMENTS[0 if reverses else step.which]
        invoice_ids = sorted(self.answers.get(number, ())) or ["unknown"]
        detail = {"invoiceId": invoice_ids[0], "paymentId": payment_id, "amount": amount}
        detail |= {"currency": REQUESTS[number].currency}
        if reverses:
            detail |= {"paymentId": "R-1", "reverses": payment_id}
        content = json.dumps(detail, sort_keys=True)
        self.reported.add(content)
        event = {"id": f"event-{zlib.crc32(content.encode())}", "source": "bank.example", "detail": detail}
        self.queue.append(Message("update_invoice_status", event))

    def stream(self, step: Step) -> None:
        """A shard's records are delivered, unless that is happening already."""
        shard = step.which % SHARDS
        batch = self.shards[shard][:3]
        if not batch or shard in self.busy:
            return
        self.busy.add(shard)
        try:
            response = self._invoke("process_invoice", {"Records": batch}, step)
        except BrokenPromise:
            raise
        except (Exception, Killed):  # noqa: BLE001 -- the whole batch again
            return
        finally:
            self.busy.discard(shard)
        failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        handled = next((place for place, number in enumerate(numbers) if number in failed), len(batch))
        del self.shards[shard][:handled]

    def deliver(self, step: Step) -> None:
        """One of the events that wait reaches its function."""
        if self.queue:
            self._deliver(self.queue.pop(step.which % len(self.queue)), step)

    def again(self, step: Step) -> None:
        """One of the events that wait reaches its function, and will do so again."""
        if self.queue:
            message = self.queue[step.which % len(self.queue)]
            self._deliver(Message(message.function, message.event), step)

    def _deliver(self, message: Message, step: Step) -> None:
        message.attempts += 1
        try:
            self._invoke(message.function, message.event, step)
        except BrokenPromise:
            raise
        except (Exception, Killed):  # noqa: BLE001 -- as Lambda does
            (self.letters if message.attempts == ASYNCHRONOUS_ATTEMPTS else self.queue).append(message)

    def _invoke(self, function: str, event: dict[str, Any], step: Step) -> Any:
        begun, clock = self.world.clock.monotonic(), self.world.clock
        with self.wire.running(step):
            return self.functions[function](event, Context(lambda: 30 - (clock.monotonic() - begun)))

    def settle(self) -> None:
        """Nothing disturbs any more: deliver and repeat everything, also what was given up, until nothing is left."""
        for _ in range(CLOSE):
            self.queue += self.letters
            self.letters = []
            for message in self.queue:
                message.attempts = 0
            if self.requests:
                self.run(self.requests.pop(0))
            elif any(self.shards):
                for shard in range(SHARDS):
                    self.run(Step("stream", shard))
            elif self.queue:
                self.run(Step("deliver", 0))
            else:
                return
        raise BrokenPromise("the platform does not come to rest")

    # --- what there is ---

    def _items(self) -> list[tuple[str, Item]]:
        return [*self.world.account.items().items()]

    def invoices(self) -> list[Invoice]:
        """All invoices."""
        return [Invoice.from_item(decode(item)) for name, item in self._items() if "#" not in name]


@contextmanager
def platform() -> Iterator[Platform]:
    """A platform that can be reset as often as needed."""
    with pytest.MonkeyPatch.context() as patch, world(Memory) as made:
        wire = Interruptions()
        made.account._wire = wire  # type: ignore[assignment]
        functions = {}
        for name, handler in made.handlers.items():
            functions[name] = inspect.unwrap(handler.lambda_handler)
            patch.setattr(handler, "count", lambda *_: None)
        renderer = made.handlers["generate_pdf"].renderer
        patch.setattr(renderer, "render", lambda invoice: invoice.invoice_id.encode())
        of_platform = Platform(made, wire, functions)
        wire.interrupt = of_platform.run
        patch.setattr(logger, "info", lambda *_, **__: None)
        logging.disable(logging.CRITICAL)
        yield of_platform
        logging.disable(logging.NOTSET)


def replay(of_platform: Platform, steps: Script) -> str:
    """Run a script in an empty account, and everything that follows; returns which promise is broken, or nothing."""
    from tests.resilience.simulation.promises import check  # noqa: PLC0415 -- it knows the platform

    of_platform.reset()
    try:
        for step in steps:
            of_platform.run(step)
        of_platform.settle()
        check(of_platform)
    except BrokenPromise as broken:
        return str(broken)
    return ""
