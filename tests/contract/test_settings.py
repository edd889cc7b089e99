"""Each function is given what its settings ask for, and nothing that nobody reads."""

import re

import pytest
from aws_lambda_powertools.shared import constants

from harness.contract import settings
from harness.contract.mismatch import symbol, told
from harness.contract.source import items
from harness.plan.graph import module_path
from harness.plan.resource import UNKNOWN
from invoicing.runtime import observability
from tests.contract import sites
from tests.contract.code import Loaded
from tests.contract.conftest import PLATFORM, Environment

BY_LIBRARIES = frozenset(value for name, value in vars(constants).items() if name.endswith("_ENV"))
"""What Powertools reads by itself."""

OUTPUTS = {
    "ARCHIVES_BUCKET": "archives_bucket",
    "DOCUMENTS_BUCKET": "documents_bucket",
    "EVENT_BUS_NAME": "event_bus",
    "TABLE_NAME": "table_name",
}
"""Settings that name what the root names too, for everybody else: by which output."""

BY_REFERENCE = {"USAGE_PLAN_ID": "aws_api_gateway_usage_plan"}
"""Settings that only the apply will tell, and what they have to be the id of."""


def test_every_function_of_the_code_is_planned_and_the_other_way_round(
    live: Environment, code: dict[str, Loaded]
) -> None:
    planned = {one.name: one.address for one in live.functions.values()}

    assert planned.keys() == code.keys(), f"code has {sorted(code)}; planned are {planned}"


def test_what_is_required_is_given_and_what_is_given_is_read(live: Environment, code: dict[str, Loaded]) -> None:
    read = {*BY_LIBRARIES, *sites.environment()}

    found = [
        one
        for name, function in live.functions.items()
        if name in code
        for one in settings.compare(
            code[name].declared, function, model=symbol(code[name].settings), read_by_libraries=read
        )
    ]

    assert not found, told(found)


def test_the_settings_take_the_planned_values(live: Environment, code: dict[str, Loaded]) -> None:
    found = [
        one
        for name, function in live.functions.items()
        if name in code
        for one in settings.malformed(function, code[name].faults, model=symbol(code[name].settings))
    ]

    assert not found, told(found)


def test_names_are_those_of_what_is_made(live: Environment, code: dict[str, Loaded]) -> None:
    symbols = {one.name: one.symbol for loaded in code.values() for one in loaded.declared}
    meant = {name: live.outputs[output] for name, output in OUTPUTS.items()}

    found = [*settings.named(live.functions, meant, symbols=symbols)]

    assert not found, told(found)
    assert all(any(name in one.variables for one in live.functions.values()) for name in meant)
    made = {
        one.get(name) for one in live.plan.resources for name in ("bucket", "name") if isinstance(one.get(name), str)
    }
    assert set(meant.values()) <= made


def test_metrics_go_where_the_code_says_by_default(live: Environment) -> None:
    """What a handler writes while it is tested, and what it writes on AWS, is the same metric."""
    meant = {"POWERTOOLS_METRICS_NAMESPACE": observability.NAMESPACE}

    found = [*settings.named(live.functions, meant, symbols=dict.fromkeys(meant, symbol(observability, "NAMESPACE")))]

    assert not found, told(found)


def test_logs_and_metrics_carry_the_functions_own_name(live: Environment) -> None:
    for name, function in live.functions.items():
        assert function.variables["POWERTOOLS_SERVICE_NAME"] in {name, UNKNOWN}, function.address


def test_what_only_the_apply_tells_refers_to_what_is_meant(live: Environment) -> None:
    unknown = [
        (name, function)
        for function in live.functions.values()
        for name, value in function.variables.items()
        if value is UNKNOWN
    ]
    assert {name for name, _ in unknown} >= BY_REFERENCE.keys()
    for name, function in unknown:
        written = function.written.get(name) or items(PLATFORM, name)[0]
        module = module_path(function.address)[:-1]  # the function's own module is called by the platform
        kinds = {one.type for reference in _references(written.text) for one in live.plan.followed(reference, module)}
        meant = {BY_REFERENCE[name]} if name in BY_REFERENCE else set()
        assert kinds == meant, (
            f"{function.address}: {name} = {written.text} ({written.where}) is of {kinds or 'nothing'}"
        )


def _references(text: str) -> list[str]:
    """What an expression takes from other modules and resources, none of which a plan of something new knows."""
    return re.findall(r"\b(?:module|aws_\w+)\.[\w.\[\]\"-]+", text)


@pytest.mark.parametrize("name", [*OUTPUTS, *BY_REFERENCE])
def test_settings_that_are_named_here_exist(code: dict[str, Loaded], name: str) -> None:
    assert name in {one.name for loaded in code.values() for one in loaded.declared}
