"""The specs are whole: everything that a module can refuse, be told or leave out is shown by some case."""

from collections.abc import Mapping

import pytest

from harness.plan_tests import coverage
from harness.plan_tests.collector import Planner, all_cases
from harness.plan_tests.planning import Result
from harness.plan_tests.root import MODULES
from harness.plan_tests.spec import Case
from harness.terraform.module import Module, read

NAMES = sorted(folder.name for folder in MODULES.iterdir() if folder.is_dir())

# What no plan of something new can reach: the start of the block's message, and why.
OUT_OF_REACH = {
    "The capacity of ": "compares an existing table's capacity with the configuration: a new one has what is asked for",
    "The table ": "compares an existing table with the configuration: a new one has what is asked for",
}


@pytest.fixture(scope="session")
def cases() -> Mapping[str, tuple[Case, ...]]:
    """The cases of all specs, by module."""
    found = all_cases()
    return {name: tuple(case for case in found if case.module.name == name) for name in NAMES}


@pytest.fixture(scope="session")
def results(cases: Mapping[str, tuple[Case, ...]], planner: Planner) -> Mapping[str, Result]:
    """What came of every case."""
    every = [case for some in cases.values() for case in some]
    planner.add(every)
    return {case.key: planner.result(case) for case in every}


@pytest.fixture(params=NAMES)
def module(request: pytest.FixtureRequest) -> Module:
    return read(MODULES / request.param)


def test_every_module_has_specs(module: Module, cases: Mapping[str, tuple[Case, ...]]) -> None:
    assert cases[module.name], f"write tests/plan/{module.name}/*.yaml"


def test_every_condition_refuses_something_with_its_own_message(
    module: Module, cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    lacking = [
        f"{block} ({block.type}): {_message(block.attributes['error_message'].text)}"
        for block in coverage.unclaimed(module, cases[module.name], results)
        if not any(_message(block.attributes["error_message"].text).startswith(one) for one in OUT_OF_REACH)
    ]
    assert not lacking, "no case is refused by\n  " + "\n  ".join(lacking)


def test_what_is_out_of_reach_is_still_there_and_still_out_of_reach(
    cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    unclaimed = [
        _message(block.attributes["error_message"].text)
        for name in NAMES
        for block in coverage.unclaimed(read(MODULES / name), cases[name], results)
    ]
    for start in OUT_OF_REACH:
        assert any(one.startswith(start) for one in unclaimed), f"take {start!r} off the list"


def test_every_input_is_set_by_a_planned_case(module: Module, cases: Mapping[str, tuple[Case, ...]]) -> None:
    assert not coverage.unset(module, cases[module.name])


def test_every_optional_feature_is_on_in_one_case_and_off_in_another(
    module: Module, cases: Mapping[str, tuple[Case, ...]]
) -> None:
    assert not coverage.unproven(module, cases[module.name])


def test_no_absent_pattern_is_idle(
    module: Module, cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    idle = [f"{case.key}: {pattern}" for case, pattern in coverage.idle_patterns(cases[module.name], results)]
    assert not idle, "these fit nothing that any case plans: " + ", ".join(idle)


def test_every_resource_that_can_carry_tags_is_planned_with_some(
    module: Module, cases: Mapping[str, tuple[Case, ...]], results: Mapping[str, Result]
) -> None:
    assert not coverage.never_tagged(cases[module.name], results)


def _message(text: str) -> str:
    return text.strip('"')
