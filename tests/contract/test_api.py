"""Every route of the API is planned, described, served by the function that it calls, and checked by one model."""

import re
from typing import Any

import pytest

from harness.contract import routes
from harness.contract.mismatch import Mismatch, report, symbol
from harness.contract.routes import BodyModel, Route
from harness.plan.resource import parsed
from invoicing.api.request_schemas import draft_04
from tests.contract.code import DescribedOperation, LoadedFunction, Probe, described
from tests.contract.conftest import Environment

OPERATIONS = described()
BODILESS_HEADERS = ("content-type", "x-api-key")
"""Headers that browsers may send in addition to those that the operations read."""


@pytest.fixture(scope="session")
def served(code: dict[str, LoadedFunction]) -> list[Route]:
    """The routes of the functions' routers."""
    return [route for loaded in code.values() for route in loaded.routes]


@pytest.fixture(scope="session")
def probes(code: dict[str, LoadedFunction], served: list[Route]) -> dict[str, Probe]:
    """How each operation handles its described example, by `Route.key`."""
    examples: dict[str, Any] = {operation.route.key: operation.example for operation in OPERATIONS}
    return {route.key: code[route.function].probe(route, examples.get(route.key)) for route in served}


def test_the_plan_has_the_path_of_every_method(live: Environment) -> None:
    assert not live.unknown_paths, report(live.unknown_paths)


def test_routes_are_planned_served_and_described(live: Environment, served: list[Route]) -> None:
    mismatches = [*routes.compare(live.routes, served, [operation.route for operation in OPERATIONS])]

    assert not mismatches, report(mismatches)
    assert {route.key for route in served} == {
        operation.route.key for operation in OPERATIONS if operation.route.method != "OPTIONS"
    }


def test_parameters_are_planned_as_they_are_described(live: Environment) -> None:
    mismatches = [*routes.compare_parameters(live.routes, [operation.route for operation in OPERATIONS])]

    assert not mismatches, report(mismatches)


def test_parameters_are_planned_as_the_code_reads_them(
    live: Environment, served: list[Route], probes: dict[str, Probe]
) -> None:
    read = [
        Route(route.method, route.path, route.where, parameters=_read(probes[route.key]))
        for route in served
        if not probes[route.key].problem  # it did not read everything: see the test below
    ]
    planned = [
        Route(route.method, route.path, route.where, route.function, parameters=_not_in_path(route))
        for route in live.routes
    ]

    mismatches = [*routes.compare_parameters(planned, read)]

    assert not mismatches, report(mismatches)


def _read(probe: Probe) -> dict[str, bool]:
    fields = probe.query.model_fields if probe.query else {}
    query = {f"query.{field.alias or name}": field.is_required() for name, field in fields.items()}
    return {**query, **{f"header.{name}": False for name in probe.headers}}


def _not_in_path(route: Route) -> dict[str, bool]:
    return {name: required for name, required in route.parameters.items() if not name.startswith("path.")}


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.route.method != "OPTIONS"],
    ids=lambda operation: str(operation.route),
)
def test_the_described_example_is_accepted(operation: DescribedOperation, probes: dict[str, Probe]) -> None:
    probe = probes.get(operation.route.key)

    assert probe is not None, f"{operation.route.where}: nobody serves {operation.route}"
    assert not probe.problem, (
        f"{operation.route.where}: its example is rejected: {probe.problem}. Correct it in"
        " lambdas/invoicing/api/openapi.py: describe, or the model that the handler reads it with"
    )


def test_bodies_are_checked_with_the_models_of_the_code(
    live: Environment, served: list[Route], probes: dict[str, Probe]
) -> None:
    schemas = {str(model.get("name")): parsed(model.get("schema")) for model in live.plan.of("aws_api_gateway_model")}

    models = models_of(served, probes)
    mismatches = [*routes.compare_bodies(live.plan, live.routes, models, schemas)]

    assert not mismatches, report(mismatches)
    assert schemas.keys() == {model.name for model in models} != set()


def models_of(served: list[Route], probes: dict[str, Probe]) -> list[BodyModel]:
    """The models that the code reads bodies with."""
    return [
        BodyModel(route.key, body.__name__, draft_04(body), symbol(body))
        for route in served
        if (body := probes[route.key].body)
    ]


def test_the_described_bodies_are_those_of_the_code(served: list[Route], probes: dict[str, Probe]) -> None:
    read = {model.operation: model for model in models_of(served, probes)}
    for operation in OPERATIONS:
        model = read.get(operation.route.key)
        assert operation.route.body == (model.name if model else ""), (
            f"{operation.route.where} describes {operation.route.body or 'no body'}; the code reads {model}"
        )


def test_browsers_may_send_every_header_that_is_read(live: Environment, probes: dict[str, Probe]) -> None:
    for path in {route.path for route in live.routes}:
        preflights = [
            response
            for response in live.plan.of("aws_api_gateway_integration_response")
            if response.index == re.sub(r"\{[^}]*\}", "{}", path) and response.get("http_method") == "OPTIONS"
        ]
        assert len(preflights) == 1, f"the preflight of {path} has {len(preflights)} responses"
        template = str(preflights[0].get("response_templates.application/json")).lower()
        read = {name for route in live.routes if route.path == path for name in _headers(route, probes)}
        missing = [name for name in (*read, *BODILESS_HEADERS) if name.lower() not in template]
        mismatches = [
            Mismatch(
                f"Browsers may not send {name} to {path}",
                f"an operation of {path} reads {name}",
                f"{preflights[0].address} allows: {template}",
                "Add the header to the CORS module's allow_headers.",
            )
            for name in missing
        ]
        assert not mismatches, report(mismatches)


def _headers(route: Route, probes: dict[str, Probe]) -> frozenset[str]:
    return probes[route.key].headers if route.key in probes and not probes[route.key].problem else frozenset()
