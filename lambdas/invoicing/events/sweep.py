"""A sweep: finds invoices that wait for something that was lost, and heals them from the table.

What can be lost is a record of the stream that was given up, and an event whose delivery was. The table knows:

- *undecided*: an invoice is still ``created``. It is handled as its record in the stream would be.
- *undrawn*: an invoice that is decided has no PDF. Its ``invoice-created`` is published again.
- *untold*: the table does not keep which events were published, since that would double its writes. So the events of
  all changes in a period are published again, if a sweep is told the period: the dead-letter queue has it.

All of it may happen twice: a decision is a conditional write, a PDF is never replaced, and an event that is published
again has its first id. See docs/runbooks/sweep.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from invoicing.documents.bucket import DocumentStore, key_by
from invoicing.domain.errors import Busy, InvoiceError
from invoicing.domain.fields import instant, timestamp
from invoicing.domain.models import Invoice
from invoicing.domain.repository import InvoiceReader, ReceiptReader
from invoicing.domain.status import Status
from invoicing.events.bus import Event, PublishError, UnpublishableError, derive, derive_again, derive_unapplied
from invoicing.runtime.observability import logger
from invoicing.table.backlog import Backlog, Entry, Place
from invoicing.table.receipts import PREFIX

LOOK_BACK = timedelta(days=3)
"""How far back a sweep looks for invoices without PDFs if it is not told since when."""

RESERVE_S = 10.0
"""Seconds that must be left to begin another invoice."""

UNDRAWN = frozenset({Status.CREATED, Status.VOID})
"""Statuses of invoices that need no PDF: one is undecided, and a void one may have been so from the start."""


def _moment(text: str) -> str:
    moment = instant(text)
    if moment is None:
        raise ValueError("must be a date and time with an offset, such as 2026-11-22T09:30:00Z")
    return timestamp(moment)


Moment = Annotated[str, AfterValidator(_moment)]


class Period(BaseModel):
    """A period whose changes are published again, both ends included."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: Moment = Field(alias="from")
    to: Moment


class SweepRequest(BaseModel):
    """The event that starts a sweep.

    Attributes:
        older_than_minutes: Invoices that were created later are left to the platform.
        since: The place from which on PDFs are looked for; by default where the sweep before has ended. With a period,
            the changes of invoices that were created before are not published again.
        changed: The period whose changes are published again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    task: Literal["sweep"] = "sweep"
    older_than_minutes: int = Field(default=15, ge=0)
    since: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}T[0-9:.]{8,15}Z(/[0-9a-f-]{36})?$")
    changed: Period | None = None

    @model_validator(mode="after")
    def _changes_are_of_invoices_since(self) -> "SweepRequest":
        if self.changed and not self.since:
            raise ValueError("'changed' needs 'since': the creation of the oldest invoice that may have changed")
        return self


@dataclass
class SweepFigures:
    """What a sweep did.

    Attributes:
        undecided, undrawn, untold: Invoices (and, untold, payments) that were healed, by what they waited for.
        failed: The ids of those that cannot be healed; the log has the reasons.
        place: Up to where it looked for PDFs.
        more: It has stopped before the end, because of its time or of a service that throttled.
    """

    undecided: int = 0
    undrawn: int = 0
    untold: int = 0
    failed: list[str] = field(default_factory=list)
    place: str = ""
    more: bool = False

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {to_camel(name): value for name, value in vars(self).items()}


class Store(InvoiceReader, ReceiptReader, Protocol):
    """What a sweep reads."""


class Sweep:
    """Sweeps of one platform.

    Args:
        store: Reads invoices and receipts.
        backlog: Finds them.
        documents: The PDFs.
        settle: Handles an invoice as its first record in the stream.
        publish: Publishes an event.
    """

    def __init__(
        self,
        store: Store,
        backlog: Backlog,
        documents: DocumentStore,
        settle: Callable[[Invoice], None],
        publish: Callable[[Event], None],
    ) -> None:
        self._store, self._backlog, self._documents = store, backlog, documents
        self._settle, self._publish = settle, publish

    def run(self, request: SweepRequest, now: datetime, seconds_left: Callable[[], float]) -> SweepFigures:
        """Find and heal as much as the time allows.

        Returns:
            What it did. A service that throttles ends it early, and nothing is lost: the next one finds the rest.
        """
        figures = SweepFigures()
        until = timestamp(now - timedelta(minutes=request.older_than_minutes))
        try:
            self._run(request, figures, until, timestamp(now - LOOK_BACK), seconds_left)
        except (Busy, PublishError):
            logger.warning("The sweep stops, because a service cannot take more", exc_info=True)
            figures.more = True
        return figures

    def _run(
        self, request: SweepRequest, figures: SweepFigures, until: str, earliest: str, seconds_left: Callable[[], float]
    ) -> None:
        def time_is_up() -> bool:
            figures.more = seconds_left() < RESERVE_S
            return figures.more

        for invoice_id in self._backlog.undecided(until):
            if time_is_up():
                return
            figures.undecided += self._heal(figures, invoice_id, self._decide)
        if request.changed and request.since and "/" not in request.since:  # the first of several parts
            for item_id in self._backlog.unapplied(until):
                figures.untold += self._heal(figures, item_id, lambda identity: self._tell_payment(identity, request))
        read = self._backlog.drawn()
        start = Place.parse(request.since) if request.since else max(read or Place(earliest), Place(earliest), key=str)
        waiting: Place | None = None
        place = start
        figures.place = str(start)
        for entry in self._backlog.created(start, until):
            if time_is_up():
                break
            if self._look_at(request, figures, entry) and waiting is None:
                waiting = place
            place = entry.place
            figures.place = str(place)
        if request.since is None:
            self._backlog.remember(waiting or place, read)

    def _look_at(self, request: SweepRequest, figures: SweepFigures, entry: Entry) -> bool:
        """Publish again what one invoice waits for; returns whether it has no PDF yet."""
        identity, changed = entry.place.invoice_id, request.changed
        if changed and entry.updated_at >= changed.from_:
            figures.untold += self._heal(figures, identity, lambda invoice_id: self._tell(invoice_id, changed))
        if entry.status in UNDRAWN or self._documents.has(key_by(identity, entry.place.created_at)):
            return False
        figures.undrawn += self._heal(figures, identity, self._draw)
        return True

    def _decide(self, invoice_id: str) -> bool:
        invoice = self._store.get(invoice_id)
        if invoice is None or invoice.status is not Status.CREATED:
            return False
        self._settle(invoice)
        return True

    def _draw(self, invoice_id: str) -> bool:
        invoice = self._store.get(invoice_id)
        if invoice is None or invoice.status in UNDRAWN:
            return False
        return self._publish_all(derive(None, invoice.first_version()))

    def _tell(self, invoice_id: str, period: Period) -> bool:
        invoice = self._store.get(invoice_id)
        return invoice is not None and self._publish_all(derive_again(invoice, period.from_, period.to))

    def _tell_payment(self, item_id: str, request: SweepRequest) -> bool:
        receipt, period = self._store.receipt(item_id.removeprefix(PREFIX)), request.changed
        if receipt is None or period is None or not period.from_ <= receipt.updated_at <= period.to:
            return False
        event = derive_unapplied(None, receipt)
        return self._publish_all([event] if event else [])

    def _publish_all(self, events: Iterable[Event]) -> bool:
        published = [self._publish(event) for event in events]
        return bool(published)

    def _heal(self, figures: SweepFigures, identity: str, step: Callable[[str], bool]) -> int:
        """Do a step for one item; 1 if it had something to do. One that cannot be healed does not stop the others."""
        try:
            return int(step(identity))
        except Busy:  # an InvoiceError, too
            raise
        except (ValidationError, InvoiceError, UnpublishableError):
            logger.error("The sweep cannot heal an item", invoice_id=identity, exc_info=True)
            figures.failed.append(identity)
            return 0
