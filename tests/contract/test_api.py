"""Every route of the API is planned, described, served by the function that it calls, and checked by one model."""

from typing import Any

import pytest

from harness.contract import routes
from harness.contract.mismatch import Mismatch, symbol, told
from harness.contract.routes import BodyModel, Route
from harness.plan.resource import parsed
from invoicing.api.request_schemas import draft_04
from tests.contract.code import Described, Loaded, Probe, described
from tests.contract.conftest import Environment

OPERATIONS = described()
BODILESS_HEADERS = ("content-type", "x-api-key")
"""What browsers have to be allowed beside what the operations read."""


@pytest.fixture(scope="session")
def served(code: dict[str, Loaded]) -> list[Route]:
    """What the functions' routers know."""
    return [route for loaded in code.values() for route in loaded.routes]


@pytest.fixture(scope="session")
def probes(code: dict[str, Loaded], served: list[Route]) -> dict[str, Probe]:
    """What each operation does with its described example, by `Route.key`."""
    examples: dict[str, Any] = {one.route.key: one.example for one in OPERATIONS}
    return {route.key: code[route.function].probe(route, examples.get(route.key)) for route in served}


def test_the_plan_tells_every_method_its_path(live: Environment) -> None:
    assert not live.untold, told(live.untold)


def test_routes_are_planned_served_and_described(live: Environment, served: list[Route]) -> None:
    found = [*routes.compare(live.routes, served, [one.route for one in OPERATIONS])]

    assert not found, told(found)
    assert len(served) == 4


def test_parameters_are_planned_as_they_are_described(live: Environment) -> None:
    found = [*routes.compare_parameters(live.routes, [one.route for one in OPERATIONS])]

    assert not found, told(found)


def test_parameters_are_planned_as_the_code_reads_them(
    live: Environment, served: list[Route], probes: dict[str, Probe]
) -> None:
    read = [
        Route(one.method, one.path, one.where, parameters=_read(probes[one.key]))
        for one in served
        if not probes[one.key].refused  # it did not come as far as reading all: see the test below
    ]
    planned = [
        Route(one.method, one.path, one.where, one.function, parameters=_but_of_the_path(one)) for one in live.routes
    ]

    found = [*routes.compare_parameters(planned, read)]

    assert not found, told(found)


def _read(probe: Probe) -> dict[str, bool]:
    fields = probe.query.model_fields if probe.query else {}
    query = {f"query.{one.alias or name}": one.is_required() for name, one in fields.items()}
    return {**query, **{f"header.{name}": False for name in probe.headers}}


def _but_of_the_path(route: Route) -> dict[str, bool]:
    return {name: required for name, required in route.parameters.items() if not name.startswith("path.")}


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.route.method != "OPTIONS"], ids=lambda one: str(one.route)
)
def test_the_described_example_is_taken(operation: Described, probes: dict[str, Probe]) -> None:
    probe = probes.get(operation.route.key)

    assert probe is not None, f"{operation.route.where}: nobody serves {operation.route}"
    assert not probe.refused, f"{operation.route.where}: its example is refused: {probe.refused}"


def test_bodies_are_checked_with_the_models_of_the_code(
    live: Environment, served: list[Route], probes: dict[str, Probe]
) -> None:
    schemas = {str(one.get("name")): parsed(one.get("schema")) for one in live.plan.of("aws_api_gateway_model")}

    found = [*routes.compare_bodies(live.plan, live.routes, models_of(served, probes), schemas)]

    assert not found, told(found)
    assert len(schemas) == 2


def models_of(served: list[Route], probes: dict[str, Probe]) -> list[BodyModel]:
    """The models that the code reads bodies with."""
    return [
        BodyModel(route.key, body.__name__, draft_04(body), symbol(body))
        for route in served
        if (body := probes[route.key].body)
    ]


def test_the_described_bodies_are_those_of_the_code(served: list[Route], probes: dict[str, Probe]) -> None:
    read = {one.operation: one for one in models_of(served, probes)}
    for operation in OPERATIONS:
        model = read.get(operation.route.key)
        assert operation.route.body == (model.name if model else ""), (
            f"{operation.route.where} describes {operation.route.body or 'no body'}; the code reads {model}"
        )


def test_browsers_may_send_every_header_that_is_read(live: Environment, probes: dict[str, Probe]) -> None:
    for path in {one.path for one in live.routes}:
        answers = [
            one
            for one in live.plan.of("aws_api_gateway_integration_response")
            if one.index == path and one.get("http_method") == "OPTIONS"
        ]
        assert len(answers) == 1, f"the preflight of {path} has {len(answers)} answers"
        template = str(answers[0].get("response_templates.application/json")).lower()
        read = {name for route in live.routes if route.path == path for name in _headers(route, probes)}
        lacking = [name for name in (*read, *BODILESS_HEADERS) if name.lower() not in template]
        found = [
            Mismatch(
                f"Browsers may not send {name} to {path}",
                f"an operation of {path} reads {name}",
                f"{answers[0].address} allows: {template}",
                "Add the header to the CORS module's allow_headers.",
            )
            for name in lacking
        ]
        assert not found, told(found)


def _headers(route: Route, probes: dict[str, Probe]) -> frozenset[str]:
    return probes[route.key].headers if route.key in probes and not probes[route.key].refused else frozenset()
