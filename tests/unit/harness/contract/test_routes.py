"""Routes, parameters and bodies: what agrees passes, what differs is told with both of its ends."""

from dataclasses import replace
from typing import Any

import pytest

from harness.contract import routes
from harness.contract.mismatch import Mismatch, told
from harness.contract.routes import BY_GATEWAY, BodyModel, Route
from harness.plan.planned import Planned
from tests.unit.harness.contract.facts import MAKE, arn, only, plan_of

PLANNED = Route("GET", "/things/{id}", "method.this", "make", parameters={"path.id": True})
SERVED = Route("GET", "/things/<thing_id>", "code/handler.py: get", "make")
DESCRIBED = Route("GET", "/things/{id}", "docs: getThing", parameters={"path.id": True})


class TestRoutes:
    def compared(
        self, planned: Route | None = PLANNED, served: Route | None = SERVED, page: Route | None = DESCRIBED
    ) -> list[Mismatch]:
        return [*routes.compare(*([one] if one else [] for one in (planned, served, page)))]

    def test_the_same_in_all_three_agrees_whatever_the_code_calls_its_parameter(self) -> None:
        assert not self.compared()

    def test_the_gateways_own_need_not_be_served(self) -> None:
        preflight = Route("OPTIONS", "/things", "method.preflight", BY_GATEWAY)

        assert not self.compared(preflight, None, replace(preflight, where="docs"))

    def test_a_renamed_plan(self) -> None:
        found = told(self.compared(replace(PLANNED, path="/goods/{id}")))

        assert "GET /things/<thing_id> is not planned" in found
        assert "code/handler.py: get has GET /things/<thing_id>" in found
        assert "planned are GET /goods/{id}" in found
        assert "GET /goods/{id} is served by nobody" in found

    def test_a_renamed_operation(self) -> None:
        found = told(self.compared(served=replace(SERVED, method="PUT")))

        assert "GET /things/{id} is served by nobody" in found
        assert "method.this has GET /things/{id}, for make" in found
        assert "the routers serve PUT /things/<thing_id>" in found

    def test_another_function_behind_it(self) -> None:
        found = only(self.compared(replace(PLANNED, function="make (past its alias: -)")))

        assert found.code == "code/handler.py: get of make serves it"
        assert found.plan == "method.this calls make (past its alias: -)"

    def test_an_operation_that_is_not_described(self) -> None:
        found = only(self.compared(page=None))

        assert found.plan == "method.this has GET /things/{id}"

    def test_a_path_parameter_of_another_name(self) -> None:
        found = only(self.compared(page=replace(DESCRIBED, path="/things/{thing}")))

        assert (found.code, found.plan) == (
            "docs: getThing calls it /things/{thing}",
            "method.this calls it /things/{id}",
        )

    @pytest.mark.parametrize("given", [{}, {"path.id": False}, {"path.id": True, "query.q": False}])
    def test_parameters_that_differ(self, given: dict[str, bool]) -> None:
        found = only(routes.compare_parameters([replace(PLANNED, parameters=given)], [DESCRIBED]))

        assert "docs: getThing: " in found.code
        assert "method.this: " in found.plan

    def plan(self, index: str = "get", told: str | None = "GET /things/{id}") -> Planned:
        keyed = f'["{index}"]'
        return plan_of(
            (f"aws_api_gateway_method.this{keyed}", {"http_method": "GET", "request_parameters": {
                "method.request.path.id": True, "method.request.querystring.q": False}}),
            (f"aws_api_gateway_integration.this{keyed}", {"type": "AWS_PROXY", "uri": f"x/{arn()}/invocations"}),
            ('aws_api_gateway_resource.level["/things/{id}"]', {"path_part": "{id}"}),
            output_changes={"stack": {"after": {"api_routes": {"get": told}}}} if told else {},
        )  # fmt: skip

    def test_a_methods_path_is_what_the_output_says_of_its_key(self) -> None:
        (found,) = routes.planned_routes(self.plan(), {"make": MAKE})

        assert isinstance(found, Route)
        assert (str(found), found.function) == ("GET /things/{id}", "make")
        assert found.parameters == {"path.id": True, "query.q": False}

    def test_a_method_that_is_made_for_its_path_tells_it(self) -> None:
        (found,) = routes.planned_routes(self.plan("/things/{id}", None), {})

        assert str(found) == "GET /things/{id}"

    @pytest.mark.parametrize("told", [None, "GET /goods/{id}", "PUT /things/{id}"])
    def test_a_path_that_nothing_tells_or_nothing_confirms(self, told: str | None) -> None:
        (found,) = routes.planned_routes(self.plan(told=told), {})

        assert isinstance(found, Mismatch)
        assert 'aws_api_gateway_method.this["get"]' in found.plan


class TestBodies:
    MODEL = BodyModel("GET /things/{}", "Thing", {"properties": {"a": {"type": "string"}}}, "code/models.py: Thing")
    ROUTE = replace(PLANNED, body="Thing")
    PLAN = plan_of(("aws_api_gateway_model.this", {"name": "Thing"}))

    def compared(self, route: Route, schema: Any = MODEL.schema) -> list[Mismatch]:
        return [*routes.compare_bodies(self.PLAN, [route], [self.MODEL], {"Thing": schema})]

    def test_the_same_model_agrees(self) -> None:
        assert not self.compared(self.ROUTE)

    def test_a_renamed_field(self) -> None:
        found = only(self.compared(self.ROUTE, {"properties": {"b": {"type": "string"}}}))

        assert "at #/properties/a the code has {'type': 'string'}, the plan nothing" in found.about
        assert found.code == "code/models.py: Thing generates it"
        assert found.plan == "aws_api_gateway_model.this has the other"

    def test_a_route_without_its_model(self) -> None:
        found = self.compared(PLANNED)

        assert found[0].code == "code/models.py: Thing checks it with Thing"
        assert found[0].plan == "method.this checks it with none"
        assert found[1].plan == "aws_api_gateway_model.this is used by no method"
