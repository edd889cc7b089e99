"""Whatever happens to whichever call of a function: what it leaves in the end is what an undisturbed run leaves."""

import sys
from collections import Counter
from typing import Any

import pytest
import yaml

from harness.paths import ROOT
from tests.resilience.conftest import CallsAfter
from tests.resilience.faults import Fault
from tests.resilience.runs import disturbed, run
from tests.resilience.scenarios import SCENARIOS
from tests.resilience.world import FUNCTIONS, World

READS = ("Get", "BatchGet", "List", "Describe", "Query", "Head")


def recorded_calls() -> dict[str, set[str]]:
    """What each function calls, as all tests of the project have seen it; by the names of the functions' folders."""
    text = (ROOT / "tests/contract/recorded_calls.yaml").read_text(encoding="utf-8")
    recorded: dict[str, list[dict[str, Any]]] = yaml.safe_load(text)
    return {name.replace("-", "_"): {call["call"] for call in calls} for name, calls in recorded.items()}


def test_every_function_that_changes_something_has_scenarios() -> None:
    changing = {
        function
        for function, calls in recorded_calls().items()
        if any(not call.partition(":")[2].startswith(READS) for call in calls)
    }

    assert changing == {*FUNCTIONS}
    assert {function for scenario in SCENARIOS.values() for function in scenario.functions} == changing


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_scenarios_make_every_call_that_a_function_is_known_to_make(memory: World, function: str) -> None:
    """GIVEN the calls that unit and e2e tests have recorded THEN the scenarios meet each of them with faults."""
    runs = [run(memory, scenario) for scenario in SCENARIOS.values() if function in scenario.functions]

    made = {f"{call.service}:{call.operation}" for each in runs for call in each.calls if call.function == function}
    assert made == recorded_calls()[function]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_fault_of_every_call_ends_as_the_undisturbed_run(
    memory: World, figures: dict[str, Any], calls_after: CallsAfter, name: str
) -> None:
    scenario = SCENARIOS[name]
    expected = run(memory, scenario)
    assert "given up" not in expected.state, expected.state
    assert {call.function for call in expected.calls} <= {*scenario.functions}

    wrong, outcomes = [], Counter[str]()
    for call in expected.calls:
        for fault in Fault:
            made, problem = disturbed(memory, name, scenario, {call.number: fault}, expected)
            calls_after[name, call.number, fault] = len(made.calls)
            outcomes[fault] += not problem
            wrong += [problem] if problem else []

    sys.stdout.write(f"{name}: {len(expected.calls)} calls, {outcomes.total()} runs as undisturbed, {len(wrong)} not\n")
    entry = {"calls": len(expected.calls), "converged": dict(outcomes), "diverged": len(wrong)}
    figures.setdefault("scenarios", {})[name] = {"functions": [*scenario.functions], **entry}
    _total(figures)
    assert not wrong, "\n".join(wrong[:5])


def _total(figures: dict[str, Any]) -> None:
    scenarios = figures["scenarios"].values()
    converged = sum(sum(scenario["converged"].values()) for scenario in scenarios)
    diverged = sum(scenario["diverged"] for scenario in scenarios)
    total: dict[str, object] = {"calls": sum(scenario["calls"] for scenario in scenarios), "faults": len(Fault)}
    figures["single_faults"] = total | {"runs": converged + diverged, "converged": converged}
