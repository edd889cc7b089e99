"""Whatever happens in whatever order: every promise holds when the platform comes to rest."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from invoicing.events.bus import derive
from invoicing.table import claims, receipts, store
from tests.resilience.simulation.platform import Platform, platform, replay
from tests.resilience.simulation.script import generate, size
from tests.resilience.simulation.search import search

SCHEDULES = 10_000
A_NIGHT = 1_000_000
WITHIN = 1_000
STEPS = 10
ANYTHING = "attribute_exists(invoiceId) OR attribute_not_exists(invoiceId)"


@pytest.fixture(scope="module")
def _platform() -> Iterator[Platform]:
    with platform() as made:
        yield made


@pytest.fixture
def simulated(_platform: Platform) -> Platform:
    _platform.seen.clear()
    return _platform


def test_every_promise_holds_after_every_schedule(simulated: Platform, figures: dict[str, Any], nights: int) -> None:
    schedules, started = (nights * A_NIGHT) or SCHEDULES, time.process_time()

    found = search(simulated, range(schedules))

    seconds = round(time.process_time() - started, 1)
    sys.stdout.write(f"{schedules} schedules in {seconds} s of computing: {dict(simulated.seen)}\n")
    figures["simulation"] = {"schedules": schedules, "violations": int(found is not None), "cpu_seconds": seconds}
    figures["simulation"] |= {"steps": dict(simulated.seen), "calls": simulated.wire.made}
    assert found is None, str(found)
    assert min(simulated.seen.values()) > schedules / 100, "a kind of step hardly ever happens"


def test_a_script_has_the_same_end_each_time(simulated: Platform) -> None:
    for seed in range(20):
        ends = []
        for _ in range(2):
            replay(simulated, generate(seed))
            ends.append((simulated.world.account.items(), simulated.world.bus))
        assert ends[0] == ends[1]


def the_claims_condition(_: Platform, patch: pytest.MonkeyPatch) -> None:
    """A claim is put whether or not another invoice was recorded since it was read."""
    patch.setattr(claims, "NEW", ANYTHING)


def the_outboxs_order(simulated: Platform, patch: pytest.MonkeyPatch) -> None:
    """A new invoice is told before it is decided on."""
    process: Any = simulated.world.handlers["process_invoice"]
    decide = process.decide

    def told_first(ledger: Any, of_customers: Any, invoice: Any, now: Any) -> Any:
        for event in derive(None, invoice):
            process.publish(event)
        return decide(ledger, of_customers, invoice, now)

    patch.setattr(process, "decide", told_first)


def the_payments_uniqueness(_: Platform, patch: pytest.MonkeyPatch) -> None:
    """A receipt is put whether or not there is one for the payment's id."""
    patch.setattr(receipts, "NEW", ANYTHING)


def the_invoices_version(_: Platform, patch: pytest.MonkeyPatch) -> None:
    """A change is written whether or not the invoice has changed since it was read."""
    change = store.change_invoice

    def unconditional(decided: Any) -> Any:
        write = change(decided)
        values = {name: value for name, value in write.values.items() if name != ":read"}
        condition = write.condition.replace("#version = :read AND ", "")
        return type(write)(write.item_id, write.update, condition, values, write.names, write.reads_existing)

    patch.setattr(store, "change_invoice", unconditional)


SEEDED = (the_claims_condition, the_outboxs_order, the_payments_uniqueness, the_invoices_version)


@pytest.mark.parametrize("seed_the_bug", SEEDED, ids=lambda seed_the_bug: seed_the_bug.__name__)
def test_a_seeded_bug_is_found_and_told_in_a_few_steps(
    simulated: Platform, monkeypatch: pytest.MonkeyPatch, seed_the_bug: Callable[..., None]
) -> None:
    seed_the_bug(simulated, monkeypatch)

    found = search(simulated, range(WITHIN))

    assert found is not None, f"not found in {WITHIN} schedules"
    sys.stdout.write(f"{seed_the_bug.__name__}: {found}\n")
    assert size(found.script) <= STEPS
