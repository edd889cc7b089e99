"""Would anybody notice? The same runs with one condition of a conditional write taken out do not end as undisturbed."""

from collections.abc import Callable
from typing import Any

import pytest

from invoicing.table import store
from tests.resilience.faults import Fault
from tests.resilience.runs import disturbed, run
from tests.resilience.scenarios import SCENARIOS
from tests.resilience.world import World

ANYTHING = "attribute_exists(invoiceId) OR attribute_not_exists(invoiceId)"


def first_wrong(world: World, name: str) -> str:
    """The first run with a fault that does not end as the undisturbed one; an empty text if all do."""
    scenario = SCENARIOS[name]
    expected = run(world, scenario)
    assert "given up" not in expected.state, "without faults nobody sees the difference"
    faults = ({call.number: fault} for call in expected.calls for fault in Fault)
    return next((wrong for each in faults if (wrong := disturbed(world, name, scenario, each, expected)[1])), "")


def a_new_invoice(_: World, patch: pytest.MonkeyPatch) -> None:
    """An invoice is put whether or not there is one."""
    patch.setattr(store, "NEW", ANYTHING)


def a_new_pdf(world: World, patch: pytest.MonkeyPatch) -> None:
    """A PDF is put whether or not there is one."""
    s3: Any = world.handlers["generate_pdf"].documents._s3
    put = s3.put_object
    patch.setattr(s3, "put_object", lambda **request: put(**{**request, "IfNoneMatch": ""}))


def a_new_original(world: World, patch: pytest.MonkeyPatch) -> None:
    """A file is copied into the archive whether or not it is there."""
    s3: Any = world.handlers["create_invoice"].uploads._s3
    emit = s3.meta.events.emit
    patch.setattr(s3.meta.events, "emit", lambda *of, **more: None if "CopyObject" in of[0] else emit(*of, **more))


MUTANTS = [
    (a_new_invoice, "from an upload to its documents", "[call 3 create_invoice dynamodb:PutItem"),
    (a_new_pdf, "a pdf", "/versions is 2, not 1"),
    (a_new_original, "an upload of one part", "/versions is 2, not 1"),
]


@pytest.mark.parametrize(("take_out", "name", "words"), MUTANTS, ids=lambda value: getattr(value, "__name__", None))
def test_a_condition_that_is_taken_out_is_noticed(
    memory: World, monkeypatch: pytest.MonkeyPatch, take_out: Callable[..., None], name: str, words: str
) -> None:
    assert not first_wrong(memory, "a pdf")
    take_out(memory, monkeypatch)

    assert words in first_wrong(memory, name)
