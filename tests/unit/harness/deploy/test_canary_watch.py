"""A watch: a bad version gets no more calls than it takes to notice it, and calls that hang are counted, too."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from harness.deploy import canary_watch
from harness.deploy.canary_judge import MIN_CALLS
from harness.deploy.canary_traffic import CheckError
from harness.deploy.canary_watch import Watch
from harness.deploy.version_figures import Figures, Watched

WATCHED = Watched("get", "get-dev", "1", "2", 0.1, memory_mb=512, timeout_s=30)
GOOD, BAD = Figures(calls=3), Figures(calls=3, errors=1)


class Traffic:
    """Traffic of rounds with five invoices; a check finds something at one of them, if requested."""

    key = "key"
    look: Callable[[], None]
    files = 0

    def __init__(self, fails_at: int = 0) -> None:
        self.invoices = 0
        self._fails_at = fails_at
        self.access: Any = SimpleNamespace(outputs={"alarms": {}}, client=lambda _: None)

    def round(self) -> Iterator[None]:
        for _ in range(5):
            self.invoices += 1
            if self.invoices == self._fails_at:
                raise CheckError("total", "29.16 instead of 29.15")
            yield


class WaitingTraffic(Traffic):
    """Traffic that waits for something that does not come."""

    def round(self) -> Iterator[None]:
        for waited in range(100):
            self.waited = waited
            self.look()
        yield


def watch(monkeypatch: pytest.MonkeyPatch, traffic: Any, *newest: Figures) -> Watch:
    """A watch that reads these figures of the newest version, one after the other, and then always the last."""
    readings = list(newest)

    def read() -> dict[tuple[str, str], Figures]:
        figures = readings.pop(0) if len(readings) > 1 else readings[0]
        return {("get", "2"): figures, ("get", "1"): Figures(calls=20)}

    monkeypatch.setattr(
        canary_watch, "VersionFigures", lambda _, watched, *__: SimpleNamespace(read=read, watched=watched)
    )
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Watch(traffic, datetime.now(UTC), [])


@pytest.mark.parametrize(
    ("fails_at", "figures", "caught_by", "invoices"),
    [
        pytest.param(0, (Figures(), BAD), "metric Errors", 2, id="a metric, after the second invoice"),
        pytest.param(3, (GOOD,), "check total", 3, id="a check"),
        pytest.param(0, (GOOD,), None, 5, id="nothing: the round is completed"),
    ],
)
def test_a_watch_ends_with_the_invoice_that_shows_something(
    monkeypatch: pytest.MonkeyPatch, fails_at: int, figures: tuple[Figures, ...], caught_by: str | None, invoices: int
) -> None:
    traffic = Traffic(fails_at)

    defect = watch(monkeypatch, traffic, *figures).until_decided([WATCHED])

    assert (defect.caught_by if defect else None) == caught_by
    assert traffic.invoices == invoices


def test_a_failed_call_is_noticed_while_the_traffic_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be repeated: asynchronous calls are retried."""
    monkeypatch.setattr(canary_watch, "_LOOK_EVERY_S", -1)
    traffic = WaitingTraffic()

    defect = watch(monkeypatch, traffic, Figures(), Figures(), BAD).until_decided([WATCHED])

    assert defect is not None
    assert defect.caught_by == "metric Errors"
    assert traffic.waited == 2


def test_a_call_that_hangs_is_counted_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = watch(monkeypatch, Traffic(), Figures(), Figures(), Figures(calls=1))
    waiting.watched = [WATCHED]

    waiting.await_calls()

    assert [row["calls"] for row in waiting.rows() if row["newest"]] == [1]


@pytest.mark.parametrize(("uncalled", "files"), [(set(), 81), ({"get"}, 1)])
def test_a_version_gets_as_many_files_as_its_share_needs(
    monkeypatch: pytest.MonkeyPatch, uncalled: set[str], files: int
) -> None:
    """GIVEN a version that fails for files only, or is seldom called THEN a few calls of the API are not enough."""
    monkeypatch.setattr(canary_watch, "UNCALLED", frozenset(uncalled))
    traffic = Traffic()

    watch(monkeypatch, traffic, GOOD).until_decided([WATCHED])

    assert traffic.files == files


def test_a_version_that_gets_too_few_calls_is_not_released_however_slow_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    traffic = Traffic()

    defect = watch(monkeypatch, traffic, Figures(calls=MIN_CALLS - 1, p50_ms=20)).until_decided([WATCHED])

    assert defect is not None
    assert defect.caught_by == "deadline"
    assert traffic.invoices == 5 * canary_watch.ROUNDS
