"""Each function gets what its settings require, and nothing that nobody reads."""

import re

import pytest
from aws_lambda_powertools.shared import constants

from harness.contract import settings
from harness.contract.mismatch import report, symbol
from harness.contract.source import items
from harness.plan.graph import module_path
from harness.plan.resource import UNKNOWN
from harness.settings import PLATFORM as NAMES
from invoicing.runtime import observability
from tests.contract import sites
from tests.contract.code import LoadedFunction
from tests.contract.conftest import PLATFORM, Environment

BY_LIBRARIES = frozenset(value for name, value in vars(constants).items() if name.endswith("_ENV"))
"""Variables that Powertools reads by itself."""

OUTPUTS = {
    "ARCHIVES_BUCKET": "archives_bucket",
    "DOCUMENTS_BUCKET": "documents_bucket",
    "EVENT_BUS_NAME": "event_bus",
    "TABLE_NAME": "table_name",
}
"""Settings that name a resource which the root also names in an output: the output of each."""

BY_REFERENCE = {"USAGE_PLAN_ID": "aws_api_gateway_usage_plan"}
"""Settings known only after apply, and the type of resource whose id they have to be."""


def test_the_functions_of_the_code_are_those_that_are_planned(
    live: Environment, code: dict[str, LoadedFunction]
) -> None:
    planned = {function.name: function.address for function in live.functions.values()}

    assert planned.keys() == code.keys(), f"code has {sorted(code)}; planned are {planned}"


def test_required_settings_are_provided_and_provided_ones_are_read(
    live: Environment, code: dict[str, LoadedFunction]
) -> None:
    read = {*BY_LIBRARIES, *sites.environment()}

    mismatches = [
        mismatch
        for name, function in live.functions.items()
        if name in code
        for mismatch in settings.compare(
            code[name].declared, function, model=symbol(code[name].settings), read_by_libraries=read
        )
    ]

    assert not mismatches, report(mismatches)


def test_the_gate_allows_the_names_that_the_code_reads(code: dict[str, LoadedFunction]) -> None:
    declared = {setting.name for loaded in code.values() for setting in loaded.declared}
    by_libraries = {
        constants.SERVICE_NAME_ENV,
        constants.METRICS_NAMESPACE_ENV,
        constants.POWERTOOLS_LOG_LEVEL_LEGACY_ENV,
    }

    assert set(NAMES.environment_names) == declared | by_libraries


def test_the_settings_accept_the_planned_values(live: Environment, code: dict[str, LoadedFunction]) -> None:
    mismatches = [
        mismatch
        for name, function in live.functions.items()
        if name in code
        for mismatch in settings.compare_values(function, code[name].errors, model=symbol(code[name].settings))
    ]

    assert not mismatches, report(mismatches)


def test_names_are_those_of_planned_resources(live: Environment, code: dict[str, LoadedFunction]) -> None:
    symbols = {setting.name: setting.symbol for loaded in code.values() for setting in loaded.declared}
    expected = {name: live.outputs[output] for name, output in OUTPUTS.items()}

    mismatches = [*settings.compare_names(live.functions, expected, symbols=symbols)]

    assert not mismatches, report(mismatches)
    assert all(any(name in function.variables for function in live.functions.values()) for name in expected)
    names = [resource.get(name) for resource in live.plan.resources for name in ("bucket", "name")]
    assert set(expected.values()) <= {name for name in names if isinstance(name, str)}


def test_metrics_go_where_the_code_says_by_default(live: Environment) -> None:
    """A handler writes the same metric in a test and on AWS, where the environment's name follows."""
    expected = {"POWERTOOLS_METRICS_NAMESPACE": f"{observability.NAMESPACE}/{live.plan.environment}"}
    symbols = dict.fromkeys(expected, symbol(observability, "NAMESPACE"))

    mismatches = [*settings.compare_names(live.functions, expected, symbols=symbols)]

    assert not mismatches, report(mismatches)


def test_logs_and_metrics_carry_the_functions_own_name(live: Environment) -> None:
    for name, function in live.functions.items():
        assert function.variables["POWERTOOLS_SERVICE_NAME"] in {name, UNKNOWN}, function.address


def test_unknown_values_refer_to_the_right_resources(live: Environment) -> None:
    unknown = [
        (name, function)
        for function in live.functions.values()
        for name, value in function.variables.items()
        if value is UNKNOWN
    ]
    assert {name for name, _ in unknown} >= BY_REFERENCE.keys()
    for name, function in unknown:
        item = function.written.get(name) or items(PLATFORM, name)[0]
        module = module_path(function.address)[:-1]  # the function's own module is called by the platform
        followed = [each for reference in _references(item.text) for each in live.plan.followed(reference, module)]
        kinds = {resource.type for resource in followed}
        expected = {BY_REFERENCE[name]} if name in BY_REFERENCE else set()
        assert kinds == expected, f"{function.address}: {name} = {item.text} ({item.where}) is of {kinds or 'nothing'}"


def _references(text: str) -> list[str]:
    """The modules and resources that an expression reads. A plan of new resources knows none of their values."""
    return re.findall(r"\b(?:module|aws_\w+)\.[\w.\[\]\"-]+", text)


@pytest.mark.parametrize("name", [*OUTPUTS, *BY_REFERENCE])
def test_settings_that_are_named_here_exist(code: dict[str, LoadedFunction], name: str) -> None:
    assert name in {setting.name for loaded in code.values() for setting in loaded.declared}
