"""The strict switches: which there are, how they are turned on, and what an engine reports of them."""

import json

import pytest

from embedded import strictness
from harness.engine import EmbeddedEngine
from harness.errors import HarnessError
from harness.paths import ROOT
from tests.engine.cloud import worker


@pytest.mark.parametrize(
    ("value", "on"),
    [
        pytest.param("", set(), id="none by default"),
        pytest.param(" capacity ,", {"capacity"}, id="blanks and empty entries do not count"),
        pytest.param("all", set(strictness.SWITCHES), id="all"),
    ],
)
def test_a_comma_separated_list_turns_switches_on(value: str, on: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_STRICT", value)

    assert {switch for switch in strictness.SWITCHES if strictness.strict(switch)} == on


def test_the_readme_lists_every_switch() -> None:
    readme = (ROOT / "localstack" / "README.md").read_text(encoding="utf-8").splitlines()

    rows = [f"| `{switch}` | {meaning} |" for switch, meaning in strictness.SWITCHES.items()]

    assert [row for row in rows if row not in readme] == []


def test_an_engine_reports_its_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_STRICT", "capacity")
    engine = EmbeddedEngine(f"strict-{worker()}", port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy()

        _, body = engine.endpoint.request("GET", engine.health_path)

        assert json.loads(body)["strict"] == ["capacity"]
    finally:
        engine.stop()


def test_an_unknown_switch_stops_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_STRICT", "capacity,perfection")

    engine = EmbeddedEngine(f"unknown-{worker()}", port="auto")

    with pytest.raises(HarnessError, match="HARNESS_STRICT names perfection: use a comma-separated list of capacity"):
        engine.start(tied=True)
    engine.stop()
