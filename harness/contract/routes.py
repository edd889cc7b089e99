"""The API's routes: planned ⇔ served by the code ⇔ described for clients."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.contract.functions import Function, called
from harness.contract.mismatch import Mismatch, listed
from harness.plan.planned import Planned
from harness.plan.resource import Resource

_NAME = re.compile(r"\{([^}]*)\}|<([^>]*)>")

BY_GATEWAY = "(the gateway itself)"
"""What serves a route that no function stands behind."""


@dataclass(frozen=True)
class Route:
    """One operation.

    Attributes:
        method: ``GET``.
        path: With its parameters in braces: ``/invoices/{id}``.
        where: The address, or file and symbol.
        function: What answers it; `BY_GATEWAY` if no function does.
        body: The name of the model that the request's body is checked with; empty without one.
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
        return f"{self.method} {_NAME.sub('{}', self.path)}"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def planned_routes(plan: Planned, functions: Mapping[str, Function]) -> Iterator[Route | Mismatch]:
    """The methods of the plan's APIs.

    Which path a method is on, only the apply knows. A method that is made for each path has it as its key; of the
    others ``api_routes`` in the root's output ``stack`` tells it by their keys ("GET /things"), and is believed where
    the plan has a resource of that path.
    """
    outputs = plan.document.get("output_changes", {}).get("stack", {}).get("after") or {}
    told = outputs.get("api_routes") or {}
    paths = {str(one.index): one for one in plan.of("aws_api_gateway_resource")}
    integrations = {(one.module, one.name, one.index): one for one in plan.of("aws_api_gateway_integration")}
    for method in plan.of("aws_api_gateway_method"):
        verb = str(method.get("http_method"))
        route = str(method.index) if method.index in paths else str(told.get(str(method.index), ""))
        stated, _, path = route.rpartition(" ")
        if path not in paths or stated not in {"", verb}:
            yield Mismatch(
                f"The path of a method is not told: {verb} of {method.address}",
                "the code serves operations by method and path",
                f"{method.address} is {verb}; the output api_routes says "
                f"{route or 'nothing'} of {method.index}; there are resources for {listed(paths)}",
                "Let the output api_routes tell METHOD and path of each route by its key.",
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
    return called(integration.get("uri"), functions)


def _parameters(given: Any) -> Mapping[str, bool]:
    if not isinstance(given, Mapping):
        return {}
    return {
        re.sub(r"^method\.request\.", "", name).replace("querystring.", "query."): bool(required)
        for name, required in given.items()
    }


def compare(planned: Sequence[Route], served: Sequence[Route], described: Sequence[Route]) -> Iterator[Mismatch]:
    """Each operation is planned, served and described; and the function that is called for it serves it.

    Args:
        planned: Of `planned_routes`.
        served: What the functions' routers know.
        described: The API's description for clients; what the gateway answers by itself included.
    """
    plans, serves, describes = ({one.key: one for one in some} for some in (planned, served, described))
    for key in sorted({*plans, *serves, *describes}):
        plan, code, page = plans.get(key), serves.get(key), describes.get(key)
        if plan is None:
            told = code or page
            yield Mismatch(
                f"{told} is not planned",
                f"{told.where if told else ''} has {told}",
                f"no aws_api_gateway_method is on it; planned are {_all(planned)}",
                "Add the route to the platform's API, or rename it in both.",
            )
        elif plan.function != BY_GATEWAY and code is None:
            yield Mismatch(
                f"{plan} is served by nobody",
                f"the routers serve {_all(served)}",
                f"{plan.where} has {plan}, for {plan.function}",
                "Give the function's router this route, or rename it in both.",
            )
        elif code is not None and plan.function != code.function:
            yield Mismatch(
                f"{plan} is integrated with another function than serves it",
                f"{code.where} of {code.function} serves it",
                f"{plan.where} calls {plan.function}",
                "Let the route's alias_arn be that of the function that serves it.",
            )
        if page is None and (plan or code):
            said = plan or code
            yield Mismatch(
                f"{said} is not described",
                f"docs describe {_all(described)}",
                f"{said.where if said else ''} has {said}",
                "Describe the operation, and write the description anew: ./noxw -s docs",
            )
        elif page is not None and plan is not None:
            yield from _same_names(plan, page)


def _same_names(plan: Route, page: Route) -> Iterator[Mismatch]:
    """Path parameters have the names that clients read of."""
    if plan.path != page.path:
        yield Mismatch(
            f"{page} has other parameters in its path than are planned",
            f"{page.where} calls it {page.path}",
            f"{plan.where} calls it {plan.path}",
            "Use one name in both.",
        )


def _all(routes: Sequence[Route]) -> str:
    return listed(f"{one} ({one.where})" for one in routes)


def compare_parameters(planned: Sequence[Route], described: Sequence[Route]) -> Iterator[Mismatch]:
    """Each parameter of an operation is planned as it is described, and required in both or in neither.

    Args:
        planned: Of `planned_routes`.
        described: What is made from the code's models.
    """
    describes = {one.key: one for one in described}
    for plan in planned:
        page = describes.get(plan.key)
        if page is None or plan.function == BY_GATEWAY:
            continue
        for name in sorted(plan.parameters.keys() | page.parameters.keys()):
            given, wanted = plan.parameters.get(name), page.parameters.get(name)
            if given != wanted:
                yield Mismatch(
                    f"The parameter {name} of {plan} differs",
                    f"{page.where}: {_need(wanted)}; known are {listed(page.parameters)}",
                    f"{plan.where}: {_need(given)}; planned are {listed(plan.parameters)}",
                    "Declare the parameter in both, required in both or in neither.",
                )


def _need(required: bool | None) -> str:  # noqa: FBT001 - the parameter's own three states
    return "unknown" if required is None else "required" if required else "optional"


@dataclass(frozen=True)
class BodyModel:
    """A model that checks the bodies of an operation's requests.

    Attributes:
        operation: `Route.key` of the operation.
        name: The model's.
        schema: JSON Schema draft-04.
        where: File and symbol.
    """

    operation: str
    name: str
    schema: Mapping[str, Any]
    where: str


def compare_bodies(
    plan: Planned, planned: Sequence[Route], models: Sequence[BodyModel], parsed: Mapping[str, Any]
) -> Iterator[Mismatch]:
    """The gateway checks each operation's body with the schema of the very model that the code checks it with.

    Args:
        plan: For the models' addresses.
        planned: Of `planned_routes`.
        models: What the code checks with.
        parsed: The planned models' schemas, by name.
    """
    addresses = {str(one.get("name")): one.address for one in plan.of("aws_api_gateway_model")}
    wanted = {one.operation: one for one in models}
    for route in planned:
        model = wanted.get(route.key)
        if (model.name if model else "") != route.body:
            yield Mismatch(
                f"The body of {route} is checked with different models",
                f"{model.where} checks it with {model.name}" if model else "the code reads no body there",
                f"{route.where} checks it with {route.body or 'none'}",
                "Let the route's model be the one that the code reads.",
            )
        elif model is not None and (there := parsed.get(model.name)) != model.schema:
            yield Mismatch(
                f"The model {model.name} of {route} differs: {_first(model.schema, there)}",
                f"{model.where} generates it",
                f"{addresses.get(model.name, 'no aws_api_gateway_model')} has the other",
                "Write the models anew: ./noxw -s docs",
            )
    for name, address in sorted(addresses.items()):
        if name not in {one.body for one in planned}:
            yield Mismatch(
                f"The model {name} checks nothing",
                f"the code reads {listed(one.name for one in models)}",
                f"{address} is used by no method",
                "Take the model out, or give it to its route.",
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
