"""What each function that changes something does, one scenario for each of its ways through AWS.

A scenario prepares an account, and then delivers what the functions are to handle, as often as AWS and its clients
would.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from invoicing.domain.invoice_factory import invoice_id
from tests.resilience.world import World
from tests.unit.handlers.bodies import BODY, NUMBERED

HEADER = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate\n"
KEY = "incoming/day.csv"
NUMBER_0042 = invoice_id("0042")
PATH_0042 = f"/invoices/{NUMBER_0042}"
CONTINUED = {"upload_continued": "create_invoice"}
CHAIN = {**CONTINUED, "invoice_created": "generate_pdf"}


@dataclass(frozen=True)
class Scenario:
    """One way of a function, or of several, through AWS.

    Attributes:
        functions: The functions whose calls meet faults.
        prepare: What there is before; returns what `run` needs of it.
        run: What happens, with all its repetitions.
    """

    functions: tuple[str, ...]
    prepare: Callable[[World], Any]
    run: Callable[[World, Any], None]


SCENARIOS: dict[str, Scenario] = {}


def scenario(*functions: str, prepare: Callable[[World], Any] = lambda _: None) -> Callable[..., Any]:
    """Register a function as the `run` of a scenario, under its own name."""

    def register(run: Callable[[World, Any], None]) -> Callable[[World, Any], None]:
        SCENARIOS[run.__name__.replace("_", " ")] = Scenario(functions, prepare, run)
        return run

    return register


def row(number: str, price: str = "10.50", customer: str = "C-1", currency: str = "EUR") -> str:
    return f"{number},{customer},2026-11-01,{currency},Thing {number},2,{price},19\n"


FILE = HEADER + row("0001") + row("0002") + row("0003", "ten") + row("0004") + row("0004") + row("0042")
"""Five invoices: one with a bad cell, one of two rows, and one that exists already with other content."""
APART = HEADER + row("0001") + row("0002") + row("0003", "ten") + row("0001")
"""The rows of an invoice stand apart."""


# --- create-invoice ---


@scenario("create_invoice")
def an_invoice_with_a_number(world: World, _: Any) -> None:
    world.request("create_invoice", "POST", "/invoices", NUMBERED)


@scenario("create_invoice")
def an_invoice_with_a_number_and_a_key(world: World, _: Any) -> None:
    world.request("create_invoice", "POST", "/invoices", NUMBERED, Idempotency_Key="k-1")


def numbers_exist(world: World) -> None:
    """An import has brought the first numbers of the year's sequence."""
    for number in (1, 2):
        world.request("create_invoice", "POST", "/invoices", BODY | {"invoiceNumber": f"2026-{number:06d}"})


@scenario("create_invoice", prepare=numbers_exist)
def two_invoices_with_the_next_numbers(world: World, _: Any) -> None:
    for key in ("k-1", "k-2"):
        world.request("create_invoice", "POST", "/invoices", BODY, Idempotency_Key=key)


def an_upload(content: str = FILE, batch_seconds: float = 0) -> Callable[[World], Any]:
    def prepare(world: World) -> Any:
        world.request("create_invoice", "POST", "/invoices", NUMBERED)
        event = world.upload(content, KEY)
        world.batch_seconds = batch_seconds
        return event

    return prepare


def receive(world: World, event: dict[str, Any]) -> None:
    world.asynchronous("create_invoice", event)
    world.drain_bus(**CONTINUED)


@scenario("create_invoice", prepare=an_upload())
def an_upload_of_one_part(world: World, event: Any) -> None:
    receive(world, event)


@scenario("create_invoice", prepare=an_upload(batch_seconds=11))
def an_upload_of_several_parts(world: World, event: Any) -> None:
    receive(world, event)


@scenario("create_invoice", prepare=an_upload(APART, batch_seconds=11))
def an_upload_whose_rows_stand_apart(world: World, event: Any) -> None:
    receive(world, event)


def an_upload_with_rejects(world: World) -> Any:
    """A file that had rejected rows was corrected, and is uploaded again."""
    receive(world, world.upload(FILE, KEY))
    return world.upload(FILE.replace("ten", "10.50"), KEY, sequencer="0A2")


@scenario("create_invoice", prepare=an_upload_with_rejects)
def a_corrected_upload(world: World, event: Any) -> None:
    receive(world, event)


# --- process-invoice ---


def new_invoices(world: World) -> None:
    """Three of one customer: the second is in another currency, the third has the content of the first."""
    first = NUMBERED | {"customer": {"vatId": "DE123456789"}}
    second = first | {"invoiceNumber": "0043", "currency": "USD"}
    for body in (first, second, first | {"invoiceNumber": "0044"}):
        world.request("create_invoice", "POST", "/invoices", body)


@scenario("process_invoice", prepare=new_invoices)
def new_invoices_in_the_stream(world: World, _: Any) -> None:
    world.drain_stream()


def a_released_invoice(world: World) -> None:
    new_invoices(world)
    world.drain_stream()
    path = f"/invoices/{invoice_id('0043')}"
    world.request("update_invoice_status", "PATCH", path, {"status": "processed"})


@scenario("process_invoice", prepare=a_released_invoice)
def a_released_invoice_in_the_stream(world: World, _: Any) -> None:
    world.drain_stream()


def a_processed_invoice(world: World) -> None:
    world.request("create_invoice", "POST", "/invoices", NUMBERED)
    world.drain_stream()


def payment(**changes: Any) -> dict[str, Any]:
    """The event of a provider."""
    detail = {"invoiceId": NUMBER_0042, "paymentId": "P-1", "amount": "19.00", "currency": "EUR"} | changes
    return {"id": f"event-{detail['paymentId']}", "source": "bank.example", "detail": detail}


def pay(world: World, **changes: Any) -> None:
    world.asynchronous("update_invoice_status", payment(**changes))


def changes_of_every_kind(world: World) -> None:
    """Paid in part, in full, reopened, unapplied, void, and an item that nobody can read."""
    a_processed_invoice(world)
    pay(world)
    pay(world, paymentId="P-2", amount="100.00")
    pay(world, paymentId="P-3", reverses="P-1")
    pay(world, paymentId="P-4", currency="USD")
    world.request("create_invoice", "POST", "/invoices", NUMBERED | {"invoiceNumber": "0043", "currency": "USD"})
    world.request("update_invoice_status", "PATCH", f"/invoices/{invoice_id('0043')}", {"status": "void"})
    broken = {"invoiceId": {"S": str(uuid.uuid5(uuid.NAMESPACE_URL, "broken"))}, "status": {"S": "created"}}
    world.stream.append(world.record(broken))


@scenario("process_invoice", prepare=changes_of_every_kind)
def changes_of_every_kind_in_the_stream(world: World, _: Any) -> None:
    world.drain_stream()


def lost_records(world: World) -> None:
    """Invoices whose records the stream has given up, and one whose `invoice-created` was given up."""
    world.request("create_invoice", "POST", "/invoices", NUMBERED | {"invoiceNumber": "0041"})
    world.drain_stream()
    new_invoices(world)
    world.stream.clear()
    world.bus.clear()
    draw_simply(world)


@scenario("process_invoice", "generate_pdf", prepare=lost_records)
def a_sweep_of_what_was_lost(world: World, _: Any) -> None:
    """Three of them, an hour apart, as the clock starts them."""
    for _ in range(3):
        world.clock.sleep(3600)
        world.asynchronous("process_invoice", {"task": "measure"})
        world.asynchronous("process_invoice", {"task": "sweep"})
        world.drain_stream()
        world.drain_bus(invoice_created="generate_pdf")


# --- generate-pdf ---


@scenario("generate_pdf", prepare=a_processed_invoice)
def a_pdf(world: World, _: Any) -> None:
    world.asynchronous("generate_pdf", {"detail": {"invoiceId": NUMBER_0042, "correlationId": "request"}})


# --- update-invoice-status ---


def patched(body: dict[str, Any]) -> Callable[[World, Any], None]:
    def run(world: World, _: Any) -> None:
        world.request("update_invoice_status", "PATCH", PATH_0042, body)

    return run


PART = {"paymentId": "P-1", "amount": "19.00"}
_PATCHES: dict[str, dict[str, Any]] = {
    "a client settles an invoice": {"status": "paid", "payment": {"paymentId": "P-1"}},
    "a client records a payment": {"status": "partially-paid", "expectedVersion": 2, "payment": PART},
}
for _name, _body in _PATCHES.items():
    SCENARIOS[_name] = Scenario(("update_invoice_status",), a_processed_invoice, patched(_body))


@scenario("update_invoice_status", prepare=a_processed_invoice)
def a_client_voids_an_invoice(world: World, _: Any) -> None:
    """A repetition is a conflict that names the status, so what the client is told may differ."""
    world.request("update_invoice_status", "PATCH", PATH_0042, {"status": "void"})
    world.answers.clear()


def a_paid_invoice(world: World) -> None:
    a_processed_invoice(world)
    world.request("update_invoice_status", "PATCH", PATH_0042, {"status": "partially-paid", "payment": PART})


@scenario("update_invoice_status", prepare=a_paid_invoice)
def a_client_reverses_a_payment(world: World, _: Any) -> None:
    reversal = {"paymentId": "R-1", "reverses": "P-1"}
    world.request("update_invoice_status", "PATCH", PATH_0042, {"status": "processed", "payment": reversal})


def an_unapplied_payment(world: World) -> str:
    a_processed_invoice(world)
    pay(world, invoiceId="unknown")
    return next(name.removeprefix("payment#") for name in world.account.items() if name.startswith("payment#"))


@scenario("update_invoice_status", prepare=an_unapplied_payment)
def an_operator_applies_a_payment(world: World, key: str) -> None:
    body = {"status": "applied", "invoiceId": NUMBER_0042}
    world.request("update_invoice_status", "PATCH", f"/payments/{key}", body)


@scenario("update_invoice_status", prepare=an_unapplied_payment)
def an_operator_returns_a_payment(world: World, key: str) -> None:
    world.request("update_invoice_status", "PATCH", f"/payments/{key}", {"status": "returned"})


@scenario("update_invoice_status", prepare=a_processed_invoice)
def a_provider_reports_a_payment(world: World, _: Any) -> None:
    pay(world)


@scenario("update_invoice_status", prepare=a_processed_invoice)
def a_provider_reports_a_payment_that_no_invoice_takes(world: World, _: Any) -> None:
    pay(world, currency="USD")


@scenario("update_invoice_status", prepare=a_paid_invoice)
def a_provider_uses_an_id_twice_for_different_payments(world: World, _: Any) -> None:
    pay(world, amount="20.00")
    pay(world, amount="30.00")


def a_reported_payment(world: World) -> None:
    a_processed_invoice(world)
    pay(world)


@scenario("update_invoice_status", prepare=a_reported_payment)
def a_provider_takes_a_payment_back(world: World, _: Any) -> None:
    pay(world, paymentId="R-1", reverses="P-1")


@scenario("update_invoice_status", prepare=an_unapplied_payment)
def a_provider_takes_an_unapplied_payment_back(world: World, _: Any) -> None:
    pay(world, paymentId="R-1", reverses="P-1")


# --- rotate-api-key ---


def keys(world: World) -> str:
    """The API's first key, as Terraform creates it, and an empty pending version as RotateSecret creates it."""
    plan, world.secret = world.account.create_keys("invoice-api-dev", "f" * 40)
    world.handlers["rotate_api_key"].keys.usage_plan = plan
    return requested(world, 1)


def requested(world: World, number: int) -> str:
    token = f"{number:08d}-0000-4000-8000-000000000000"
    world.account.request_rotation(token)
    return token


@scenario("rotate_api_key", prepare=keys)
def the_first_rotation(world: World, token: str) -> None:
    world.rotate(token)


def rotated_twice(world: World) -> str:
    world.rotate(keys(world))
    world.rotate(requested(world, 2))
    return requested(world, 3)


@scenario("rotate_api_key", prepare=rotated_twice)
def the_third_rotation(world: World, token: str) -> None:
    world.rotate(token)


# --- all of them, one after the other ---


SHORT = HEADER + row("0001") + row("0003", "ten") + row("0002")


def a_short_upload(world: World) -> Any:
    """A file of two parts. What it has written goes its way while its event waits for the next attempt."""
    event = an_upload(SHORT, batch_seconds=11)(world)
    world.drain_stream()
    world.meanwhile = world.drain_stream
    draw_simply(world)
    return event


def draw_simply(world: World) -> None:
    """PDFs of one line: drawing is the scenario `a pdf`'s."""
    renderer = world.handlers["generate_pdf"].renderer
    renderer.render = lambda invoice: f"PDF of {invoice.invoice_id}: {invoice.total}".encode()


def from_upload_to_pdf(world: World, event: Any) -> None:
    """What one file leads to: invoices, decisions, events, PDFs, reports, and the archive."""
    receive(world, event)
    world.drain_stream()
    world.drain_bus(**CHAIN)


CSV_PATH = Scenario(("create_invoice", "process_invoice", "generate_pdf"), a_short_upload, from_upload_to_pdf)
"""A file of two parts from its arrival to its invoices' PDFs."""


def from_request_to_payment(world: World, _: Any) -> None:
    """What one request leads to: an invoice, its decision, its PDF, its payment, and their events."""
    draw_simply(world)
    world.meanwhile = world.drain_stream
    world.request("create_invoice", "POST", "/invoices", NUMBERED, Idempotency_Key="k-1")
    world.drain_stream()
    world.drain_bus(**CHAIN)
    pay(world)
    world.request("update_invoice_status", "PATCH", PATH_0042, {"status": "paid", "payment": {"paymentId": "P-2"}})
    world.drain_stream()
    world.answers.clear()  # the first one tells the status of its moment


SCENARIOS["from a request to its payment"] = Scenario(
    ("create_invoice", "process_invoice", "generate_pdf", "update_invoice_status"),
    lambda _: None,
    from_request_to_payment,
)
SCENARIOS["from an upload to its documents"] = CSV_PATH
