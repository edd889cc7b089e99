"""Routes, parameters and bodies: facts that agree pass, and a difference is reported on both sides."""

from dataclasses import replace
from typing import Any

import pytest

from harness.contract import routes
from harness.contract.mismatch import Mismatch, report
from harness.contract.routes import BY_GATEWAY, BodyModel, Route
from harness.plan.graph import PlanGraph
from tests.unit.harness.contract.facts import MAKE, arn, only, plan_of

PLANNED = Route("GET", "/things/{id}", "method.this", "make", parameters={"path.id": True})
SERVED = Route("GET", "/things/<thing_id>", "code/handler.py: get", "make")
DESCRIBED = Route("GET", "/things/{id}", "docs: getThing", parameters={"path.id": True})


class TestRoutes:
    def compared(
        self, planned: Route | None = PLANNED, served: Route | None = SERVED, page: Route | None = DESCRIBED
    ) -> list[Mismatch]:
        return [*routes.compare(*([route] if route else [] for route in (planned, served, page)))]

    def test_the_same_in_all_three_agrees_whatever_the_code_calls_its_parameter(self) -> None:
        assert not self.compared()

    def test_the_gateways_own_routes_need_not_be_served(self) -> None:
        preflight = Route("OPTIONS", "/things", "method.preflight", BY_GATEWAY)

        assert not self.compared(preflight, None, replace(preflight, where="docs"))

    def test_a_renamed_plan(self) -> None:
        text = report(self.compared(replace(PLANNED, path="/goods/{id}")))

        assert "GET /things/<thing_id> is not planned" in text
        assert "code/handler.py: get has GET /things/<thing_id>" in text
        assert "planned are GET /goods/{id}" in text
        assert "GET /goods/{id} is served by nobody" in text

    def test_a_renamed_operation(self) -> None:
        text = report(self.compared(served=replace(SERVED, method="PUT")))

        assert "GET /things/{id} is served by nobody" in text
        assert "method.this has GET /things/{id}, for make" in text
        assert "the routers serve PUT /things/<thing_id>" in text

    def test_a_route_that_calls_another_function(self) -> None:
        mismatch = only(self.compared(replace(PLANNED, function="make (not by its alias: -)")))

        assert mismatch.code == "code/handler.py: get of make serves it"
        assert mismatch.plan == "method.this calls make (not by its alias: -)"

    def test_an_operation_that_is_not_described(self) -> None:
        mismatch = only(self.compared(page=None))

        assert mismatch.plan == "method.this has GET /things/{id}"

    def test_a_path_parameter_of_another_name(self) -> None:
        mismatch = only(self.compared(page=replace(DESCRIBED, path="/things/{thing}")))

        assert (mismatch.code, mismatch.plan) == (
            "docs: getThing calls it /things/{thing}",
            "method.this calls it /things/{id}",
        )

    @pytest.mark.parametrize("parameters", [{}, {"path.id": False}, {"path.id": True, "query.q": False}])
    def test_parameters_that_differ(self, parameters: dict[str, bool]) -> None:
        mismatch = only(routes.compare_parameters([replace(PLANNED, parameters=parameters)], [DESCRIBED]))

        assert "docs: getThing: " in mismatch.code
        assert "method.this: " in mismatch.plan

    def plan(self, index: str = "get", output: str | None = "GET /things/{id}") -> PlanGraph:
        keyed = f'["{index}"]'
        return plan_of(
            (f"aws_api_gateway_method.this{keyed}", {"http_method": "GET", "request_parameters": {
                "method.request.path.id": True, "method.request.querystring.q": False}}),
            (f"aws_api_gateway_integration.this{keyed}", {"type": "AWS_PROXY", "uri": f"x/{arn()}/invocations"}),
            ('aws_api_gateway_resource.level["/things/{}"]', {"path_part": "{id}"}),
            output_changes={"stack": {"after": {"api_routes": {"get": output}}}} if output else {},
        )  # fmt: skip

    def test_a_methods_path_is_the_one_that_the_output_has_for_its_key(self) -> None:
        (route,) = routes.planned_routes(self.plan(), {"make": MAKE})

        assert isinstance(route, Route)
        assert (str(route), route.function) == ("GET /things/{id}", "make")
        assert route.parameters == {"path.id": True, "query.q": False}

    def test_a_method_that_is_created_for_its_path_needs_no_output(self) -> None:
        (route,) = routes.planned_routes(self.plan("/things/{id}", None), {})

        assert str(route) == "GET /things/{id}"

    @pytest.mark.parametrize("output", [None, "GET /goods/{id}", "PUT /things/{id}"])
    def test_a_path_that_is_unknown_or_not_confirmed(self, output: str | None) -> None:
        (mismatch,) = routes.planned_routes(self.plan(output=output), {})

        assert isinstance(mismatch, Mismatch)
        assert 'aws_api_gateway_method.this["get"]' in mismatch.plan


class TestBodies:
    MODEL = BodyModel("GET /things/{}", "Thing", {"properties": {"a": {"type": "string"}}}, "code/models.py: Thing")
    ROUTE = replace(PLANNED, body="Thing")
    PLAN = plan_of(("aws_api_gateway_model.this", {"name": "Thing"}))

    def compared(self, route: Route, schema: Any = MODEL.schema) -> list[Mismatch]:
        return [*routes.compare_bodies(self.PLAN, [route], [self.MODEL], {"Thing": schema})]

    def test_the_same_model_agrees(self) -> None:
        assert not self.compared(self.ROUTE)

    def test_a_renamed_field(self) -> None:
        mismatch = only(self.compared(self.ROUTE, {"properties": {"b": {"type": "string"}}}))

        assert "at #/properties/a the code has {'type': 'string'}, the plan nothing" in mismatch.about
        assert mismatch.code == "code/models.py: Thing generates it"
        assert mismatch.plan == "aws_api_gateway_model.this has the other"

    def test_a_route_without_its_model(self) -> None:
        mismatches = self.compared(PLANNED)

        assert mismatches[0].code == "code/models.py: Thing checks it with Thing"
        assert mismatches[0].plan == "method.this checks it with none"
        assert mismatches[1].plan == "aws_api_gateway_model.this is used by no method"
