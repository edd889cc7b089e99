"""The specs are complete: some case shows every rejection, input and option of a module."""

from collections.abc import Mapping

import pytest

from harness.plan_tests import coverage
from harness.plan_tests.collector import Planner, all_cases
from harness.plan_tests.planning import Result
from harness.plan_tests.root import MODULES
from harness.plan_tests.spec import Case
from harness.terraform.module import Module, read

NAMES = sorted(folder.name for folder in MODULES.iterdir() if folder.is_dir())

# Conditions that no plan of new resources can reach: the start of the block's message, and why.
OUT_OF_REACH = {
    "The capacity of ": "compares an existing table's capacity with the configured one, which a new table always has",
    "The table ": "compares an existing table with the configuration: a new table has the configured values",
}


@pytest.fixture(scope="session")
def cases() -> Mapping[str, tuple[Case, ...]]:
    """The cases of all specs, by module."""
    every = all_cases()
    return {name: tuple(case for case in every if case.module.name == name) for name in NAMES}


@pytest.fixture(scope="session")
def results(cases: Mapping[str, tuple[Case, ...]], planner: Planner) -> Mapping[str, Result]:
    """The result of every case."""
    every = [case for of_module in cases.values() for case in of_module]
    planner.add(every)
    return {case.key: planner.result(case) for case in every}


@pytest.fixture(params=NAMES)
def module(request: pytest.FixtureRequest) -> Module:
    return read(MODULES / request.param)


def test_every_module_has_specs(module: Module, cases: Mapping[str, tuple[Case, ...]]) -> None:
    assert cases[module.name], f"write tests/plan/{module.name}/*.yaml"


def test_every_condition_rejects_something_with_its_own_message(
    module: Module, cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    unproven = [
        f"{block} ({block.type}): {_message(block.attributes['error_message'].text)}"
        for block in coverage.unproven_conditions(module, cases[module.name], results)
        if not any(_message(block.attributes["error_message"].text).startswith(start) for start in OUT_OF_REACH)
    ]

    assert not unproven, "no case is rejected by\n  " + "\n  ".join(unproven)


def test_conditions_out_of_reach_exist_and_are_still_out_of_reach(
    cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    messages = [
        _message(block.attributes["error_message"].text)
        for name in NAMES
        for block in coverage.unproven_conditions(read(MODULES / name), cases[name], results)
    ]

    for start in OUT_OF_REACH:
        assert any(message.startswith(start) for message in messages), f"remove {start!r} from the list"


def test_every_input_is_set_by_a_planned_case(module: Module, cases: Mapping[str, tuple[Case, ...]]) -> None:
    assert not coverage.unset_inputs(module, cases[module.name])


def test_every_optional_feature_is_on_in_one_case_and_off_in_another(
    module: Module, cases: Mapping[str, tuple[Case, ...]]
) -> None:
    assert not coverage.unswitched_features(module, cases[module.name])


def test_no_absent_pattern_is_idle(
    module: Module, cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    idle = [f"{case.key}: {pattern}" for case, pattern in coverage.idle_patterns(cases[module.name], results)]
    assert not idle, "these match nothing that any case plans: " + ", ".join(idle)


def test_every_resource_that_can_have_tags_is_planned_with_some(
    module: Module, cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    assert not coverage.untagged_types(cases[module.name], results)


def _message(text: str) -> str:
    return text.strip('"')
