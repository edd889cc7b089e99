"""The API's routes: planned ⇔ served by the code ⇔ described for clients."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.contract.functions import Function, function_called
from harness.contract.mismatch import Mismatch, listed
from harness.plan.graph import PlanGraph
from harness.plan.resource import Resource

_NAME = re.compile(r"\{([^}]*)\}|<([^>]*)>")

BY_GATEWAY = "(the gateway itself)"
"""The function of a route that the gateway serves without one."""


@dataclass(frozen=True)
class Route:
    """One operation.

    Attributes:
        method: ``GET``.
        path: With its parameters in braces: ``/invoices/{id}``.
        where: The address, or file and symbol.
        function: The function that serves it; `BY_GATEWAY` if none does.
        body: The name of the model that checks the request's body; empty without one.
        parameters: ``header.Idempotency-Key`` and such, each with whether it is required.
    """

    method: str
    path: str
    where: str
    function: str = BY_GATEWAY
    body: str = ""
    parameters: Mapping[str, bool] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Method and path, whatever its parameters are called."""
        return f"{self.method} {_place(self.path)}"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _place(path: str) -> str:
    """A path without the names of its parameters: ``/things/{}``."""
    return _NAME.sub("{}", path)


def planned_routes(plan: PlanGraph, functions: Mapping[str, Function]) -> Iterator[Route | Mismatch]:
    """The methods of the plan's APIs.

    The path of a method is known only after apply. A method that is created once for each path has the path as its key.
    For the others, ``api_routes`` in the root's output ``stack`` gives the path by their keys ("GET /things"). It is
    used only if the plan has a resource of that path. Keys leave out the names of parameters (``/things/{}``).
    """
    stack = plan.document.get("output_changes", {}).get("stack", {}).get("after") or {}
    outputs = stack.get("api_routes") or {}
    paths = {_place(str(resource.index)) for resource in plan.of("aws_api_gateway_resource")}
    names = {_place(path): path for _, _, path in (str(route).rpartition(" ") for route in outputs.values())}
    integrations = {
        (integration.module, integration.name, integration.index): integration
        for integration in plan.of("aws_api_gateway_integration")
    }
    for method in plan.of("aws_api_gateway_method"):
        verb = str(method.get("http_method"))
        by_path = _place(str(method.index)) in paths
        route = (
            names.get(_place(str(method.index)), str(method.index))
            if by_path
            else str(outputs.get(str(method.index), ""))
        )
        output_verb, _, path = route.rpartition(" ")
        if _place(path) not in paths or output_verb not in {"", verb}:
            yield Mismatch(
                f"The path of a method is not known: {verb} of {method.address}",
                "the code serves operations by method and path",
                f"{method.address} is {verb}; the output stack.api_routes has "
                f"{route or 'nothing'} for {method.index}; there are resources for {listed(paths)}",
                "Let the output stack.api_routes give METHOD and path of each route by its key.",
            )
            continue
        integration = integrations.get((method.module, method.name, method.index))
        yield Route(
            method=verb,
            path=path,
            where=method.address,
            function=_function(integration, functions),
            body=str((method.get("request_models") or {}).get("application/json") or ""),
            parameters=_parameters(method.get("request_parameters")),
        )


def _function(integration: Resource | None, functions: Mapping[str, Function]) -> str:
    if integration is None:
        return "(nothing: it has no integration)"
    if integration.get("type") == "MOCK":
        return BY_GATEWAY
    return function_called(integration.get("uri"), functions)


def _parameters(parameters: Any) -> Mapping[str, bool]:
    if not isinstance(parameters, Mapping):
        return {}
    return {
        re.sub(r"^method\.request\.", "", name).replace("querystring.", "query."): bool(required)
        for name, required in parameters.items()
    }


def compare(planned: Sequence[Route], served: Sequence[Route], described: Sequence[Route]) -> Iterator[Mismatch]:
    """Each operation is planned, served by the function that the plan calls for it, and described.

    Args:
        planned: From `planned_routes`.
        served: The routes of the functions' routers.
        described: The API's description for clients, including what the gateway serves by itself.
    """
    plans, serves, describes = ({route.key: route for route in side} for side in (planned, served, described))
    for key in sorted({*plans, *serves, *describes}):
        plan, code, page = plans.get(key), serves.get(key), describes.get(key)
        if route := plan or code or page:
            yield from _compare_plan(route, plan, code, planned=planned, served=served)
            yield from _compare_page(route, plan, page, described)


def _compare_plan(
    route: Route, plan: Route | None, code: Route | None, *, planned: Sequence[Route], served: Sequence[Route]
) -> Iterator[Mismatch]:
    """The operation is planned, and the function that is called for it serves it."""
    if plan is None:
        yield Mismatch(
            f"{route} is not planned",
            f"{route.where} has {route}",
            f"no aws_api_gateway_method is on it; planned are {_all(planned)}",
            "Add the route to the platform's API, or rename it in both.",
        )
    elif plan.function != BY_GATEWAY and code is None:
        yield Mismatch(
            f"{plan} is served by nobody",
            f"the routers serve {_all(served)}",
            f"{plan.where} has {plan}, for {plan.function}",
            "Add this route to the function's router, or rename it in both.",
        )
    elif code is not None and plan.function != code.function:
        yield Mismatch(
            f"{plan} calls another function than the one that serves it",
            f"{code.where} of {code.function} serves it",
            f"{plan.where} calls {plan.function}",
            "Let the route's alias_arn be that of the function that serves it.",
        )


def _compare_page(
    route: Route, plan: Route | None, page: Route | None, described: Sequence[Route]
) -> Iterator[Mismatch]:
    """The operation is described, and its path parameters have the names that the description gives them."""
    if page is None:
        yield Mismatch(
            f"{route} is not described",
            f"docs describe {_all(described)}",
            f"{route.where} has {route}",
            "Describe the operation, and generate the description again: ./noxw -s docs",
        )
    elif plan is not None and plan.path != page.path:
        yield Mismatch(
            f"{page} has other parameters in its path than are planned",
            f"{page.where} calls it {page.path}",
            f"{plan.where} calls it {plan.path}",
            "Use one name in both.",
        )


def _all(routes: Sequence[Route]) -> str:
    return listed(f"{route} ({route.where})" for route in routes)


def compare_parameters(planned: Sequence[Route], described: Sequence[Route]) -> Iterator[Mismatch]:
    """Each parameter of an operation is planned as it is described, and required in both or in neither.

    Args:
        planned: From `planned_routes`.
        described: The description that is generated from the code's models.
    """
    describes = {route.key: route for route in described}
    for plan in planned:
        page = describes.get(plan.key)
        if page is None or plan.function == BY_GATEWAY:
            continue
        for name in sorted(plan.parameters.keys() | page.parameters.keys()):
            in_plan, in_page = plan.parameters.get(name), page.parameters.get(name)
            if in_plan != in_page:
                yield Mismatch(
                    f"The parameter {name} of {plan} differs",
                    f"{page.where}: {_need(in_page)}; known are {listed(page.parameters)}",
                    f"{plan.where}: {_need(in_plan)}; planned are {listed(plan.parameters)}",
                    "Declare the parameter in both, required in both or in neither.",
                )


def _need(required: bool | None) -> str:  # noqa: FBT001 - the parameter's own three states
    return "unknown" if required is None else "required" if required else "optional"


@dataclass(frozen=True)
class BodyModel:
    """A model that checks the bodies of an operation's requests.

    Attributes:
        operation: `Route.key` of the operation.
        name: The model's name.
        schema: JSON Schema draft-04.
        where: File and symbol.
    """

    operation: str
    name: str
    schema: Mapping[str, Any]
    where: str


def compare_bodies(
    plan: PlanGraph, planned: Sequence[Route], models: Sequence[BodyModel], parsed: Mapping[str, Any]
) -> Iterator[Mismatch]:
    """The gateway checks each operation's body with the schema of the same model that the code uses.

    Args:
        plan: For the models' addresses.
        planned: From `planned_routes`.
        models: The models that the code uses.
        parsed: The planned models' schemas, by name.
    """
    addresses = {str(model.get("name")): model.address for model in plan.of("aws_api_gateway_model")}
    by_operation = {model.operation: model for model in models}
    for route in planned:
        model = by_operation.get(route.key)
        if (model.name if model else "") != route.body:
            yield Mismatch(
                f"The body of {route} is checked with different models",
                f"{model.where} checks it with {model.name}" if model else "the code reads no body there",
                f"{route.where} checks it with {route.body or 'none'}",
                "Let the route's model be the one that the code reads.",
            )
        elif model is not None and (planned_schema := parsed.get(model.name)) != model.schema:
            yield Mismatch(
                f"The model {model.name} of {route} differs: {_first(model.schema, planned_schema)}",
                f"{model.where} generates it",
                f"{addresses.get(model.name, 'no aws_api_gateway_model')} has the other",
                "Generate the models again: ./noxw -s docs",
            )
    for name, address in sorted(addresses.items()):
        if name not in {route.body for route in planned}:
            yield Mismatch(
                f"The model {name} checks nothing",
                f"the code reads {listed(model.name for model in models)}",
                f"{address} is used by no method",
                "Remove the model, or use it in its route.",
            )


def _first(code: Any, plan: Any, path: str = "#") -> str:
    """The first place at which two schemas differ, and both sides of it."""
    if isinstance(code, Mapping) and isinstance(plan, Mapping):
        for name in sorted(code.keys() | plan.keys()):
            if code.get(name) != plan.get(name):
                return _first(code.get(name), plan.get(name), f"{path}/{name}")
    return f"at {path} the code has {_short(code)}, the plan {_short(plan)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
