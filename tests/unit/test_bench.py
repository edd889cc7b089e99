"""How figures of the bench are judged; the times themselves are never tested."""

import time
from itertools import count

import pytest

from tests.bench.measure import Figure, child_cpu_ms, cpu_ms, in_turns, percentile, profile


@pytest.mark.parametrize(
    ("figure", "reached"),
    [
        pytest.param(Figure("a", 115, "ms", 1.15, 100), True, id="a ratio"),
        pytest.param(Figure("a", 116, "ms", 1.15, 100), False, id="a ratio that is too large"),
        pytest.param(Figure("a", 5, "ms", 5), True, id="an absolute goal"),
        pytest.param(Figure("a", 5.1, "ms", 5), False, id="an absolute goal that is missed"),
        pytest.param(Figure("a", 100, "invoices/s", 100, rate=True), True, id="a rate"),
        pytest.param(Figure("a", 99, "invoices/s", 100, rate=True), False, id="a rate that is too small"),
    ],
)
def test_a_goal_is_reached_or_missed(figure: Figure, *, reached: bool) -> None:
    assert figure.is_reached is reached


def test_two_measurements_are_made_in_turns_and_their_medians_count() -> None:
    order: list[str] = []
    works, floors = count(10), iter([1.0, 100.0, 2.0])

    def work() -> float:
        order.append("work")
        return float(next(works))

    def floor() -> float:
        order.append("floor")
        return next(floors)

    assert in_turns(work, floor, rounds=3) == (11.0, 2.0)
    assert order == ["work", "floor"] * 3


def test_waiting_is_no_cpu_time() -> None:
    assert cpu_ms(lambda: time.sleep(0.3))() < 250
    assert child_cpu_ms("import time; time.sleep(60 * 0)", {})() > 0


def test_a_child_that_fails_is_no_measurement() -> None:
    with pytest.raises(Exception, match="exit status 3"):
        child_cpu_ms("raise SystemExit(3)", {})()


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert [percentile(values, share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert percentile([7.0], 0.99) == 7


def test_a_profile_names_what_takes_the_time() -> None:
    shares = profile(lambda: sorted(range(200_000), key=lambda value: -value))

    assert len(shares) <= 5
    assert shares[0][1] > 0.2
    assert any("sorted" in name or "lambda" in name for name, _ in shares)
