"""What exists of a REST API is changed by patch operations, whose values are texts."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.cloud import Cloud
from tests.engine.mock_api import MockApi


@pytest.fixture
def api(cloud: Cloud) -> MockApi:
    return MockApi.create(cloud)


def test_an_added_parameter_is_optional_or_required_as_its_value_says(api: MockApi) -> None:
    validator = api.gateway.create_request_validator(
        restApiId=api.api_id, name="parameters", validateRequestParameters=True
    )["id"]
    method = api.method(api.resource("items"), requestValidatorId=validator)
    added = {
        "/requestParameters/method.request.querystring.after": "false",
        "/requestParameters/method.request.querystring.limit": "true",
    }

    updated = api.patch("update_method", added, "add", **method)
    api.deploy()

    assert updated["requestParameters"] == {
        "method.request.querystring.after": False,
        "method.request.querystring.limit": True,
    }
    assert api.call("/items").status == 400
    assert api.call("/items?limit=1").status == 200


def test_a_methods_arguments_are_changed(api: MockApi) -> None:
    method = api.method(api.resource("items"))
    api.gateway.create_model(restApiId=api.api_id, name="Item", contentType="application/json", schema="{}")

    api.patch("update_method", {"/apiKeyRequired": "true", "/operationName": "list"}, **method)
    api.patch("update_method", {"/requestModels/application~1json": "Item"}, "add", **method)
    api.patch("update_method", {"/authorizationScopes": "read"}, "add", **method)
    changed = api.gateway.get_method(**method)
    api.patch("update_method", {"/requestModels/application~1json": None}, "remove", **method)
    api.patch("update_method", {"/authorizationScopes": "read"}, "remove", **method)
    again = api.gateway.get_method(**method)

    assert (changed["apiKeyRequired"], changed["operationName"]) == (True, "list")
    assert (changed["requestModels"], changed["authorizationScopes"]) == ({"application/json": "Item"}, ["read"])
    assert (again["requestModels"], again["authorizationScopes"]) == ({}, [])


def test_an_integrations_arguments_are_changed(api: MockApi) -> None:
    method = api.method(api.resource("items"))

    values = {"/timeoutInMillis": "2000", "/requestTemplates/application~1json": '{"statusCode": 201}'}
    api.patch("update_integration", values, **method)
    api.patch("update_integration", {"/cacheKeyParameters/method.request.path.id": None}, "add", **method)
    changed = api.gateway.get_integration(**method)

    assert (changed["timeoutInMillis"], changed["cacheKeyParameters"]) == (2000, ["method.request.path.id"])
    assert changed["requestTemplates"] == {"application/json": '{"statusCode": 201}'}


def test_responses_are_changed(api: MockApi) -> None:
    method = api.method(api.resource("items"))
    response = {**method, "statusCode": "200"}
    api.gateway.put_gateway_response(restApiId=api.api_id, responseType="DEFAULT_4XX", statusCode="400")

    flags = api.patch("update_method_response", {"/responseParameters/method.response.header.X": "true"}, **response)
    texts = api.patch(
        "update_integration_response", {"/responseParameters/method.response.header.X": "'on'"}, **response
    )
    kind = {"restApiId": api.api_id, "responseType": "DEFAULT_4XX"}
    gateway = api.patch("update_gateway_response", {"/statusCode": "418"}, **kind)

    assert flags["responseParameters"] == {"method.response.header.X": True}
    assert texts["responseParameters"] == {"method.response.header.X": "'on'"}
    assert gateway["statusCode"] == "418"


def test_a_usage_plans_limits_and_stages_are_changed(api: MockApi) -> None:
    api.method(api.resource("items"))
    api.deploy()
    plan = {"usagePlanId": api.gateway.create_usage_plan(name=api.cloud.name("plan"))["id"]}
    stage = f"{api.api_id}:v1"

    api.patch("update_usage_plan", {"/throttle/burstLimit": "7", "/throttle/rateLimit": "3.5"}, **plan)
    api.patch("update_usage_plan", {"/quota/limit": "9", "/quota/period": "DAY"}, **plan)
    api.patch("update_usage_plan", {"/apiStages": stage}, "add", **plan)
    api.patch("update_usage_plan", {f"/apiStages/{stage}/throttle//items/GET/burstLimit": "2"}, **plan)
    changed = api.gateway.get_usage_plan(**plan)
    api.patch("update_usage_plan", {"/apiStages": stage}, "remove", **plan)

    assert changed["throttle"] == {"burstLimit": 7, "rateLimit": 3.5}
    assert changed["quota"]["limit"] == 9
    assert changed["apiStages"] == [{"apiId": api.api_id, "stage": "v1", "throttle": {"/items/GET": {"burstLimit": 2}}}]
    assert api.gateway.get_usage_plan(**plan)["apiStages"] == []


def test_a_renamed_path_part_renames_what_is_below(api: MockApi) -> None:
    item = api.resource("{id}", api.resource("items"))
    lines = api.resource("lines", item)

    api.patch("update_resource", {"/pathPart": "{number}"}, restApiId=api.api_id, resourceId=item)

    assert api.gateway.get_resource(restApiId=api.api_id, resourceId=lines)["path"] == "/items/{number}/lines"


def test_a_second_variable_path_part_is_rejected(api: MockApi) -> None:
    api.resource("{id}")
    literal = {"restApiId": api.api_id, "resourceId": api.resource("literal")}
    message = r"A sibling \(\{id\}\) of this resource already has a variable path part"

    with pytest.raises(ClientError, match=message):
        api.resource("{number}")
    with pytest.raises(ClientError, match=message):
        api.patch("update_resource", {"/pathPart": "{number}"}, **literal)


def test_a_method_that_exists_is_not_created_again(api: MockApi) -> None:
    items = api.resource("items")
    method = api.method(items)

    with pytest.raises(ClientError, match="Method already exists for this resource"):
        api.gateway.put_method(**method, authorizationType="NONE")


def test_tags_are_changed_where_they_are_read(api: MockApi) -> None:
    api.method(api.resource("items"))
    api.deploy()
    gateway, region = api.gateway, api.gateway.meta.region_name
    plan = gateway.create_usage_plan(name=api.cloud.name("plan"), tags={"a": "1"})["id"]
    key = gateway.create_api_key(name=api.cloud.name("key"), tags={"a": "1"})["id"]
    reads: dict[str, Callable[[], dict[str, Any]]] = {
        f"/restapis/{api.api_id}": lambda: gateway.get_rest_api(restApiId=api.api_id),
        f"/restapis/{api.api_id}/stages/v1": lambda: gateway.get_stage(restApiId=api.api_id, stageName="v1"),
        f"/usageplans/{plan}": lambda: gateway.get_usage_plan(usagePlanId=plan),
        f"/apikeys/{key}": lambda: gateway.get_api_key(apiKey=key),
    }

    for path, read in reads.items():
        arn = f"arn:aws:apigateway:{region}::{path}"
        gateway.tag_resource(resourceArn=arn, tags={"a": "2", "b": "3"})
        gateway.untag_resource(resourceArn=arn, tagKeys=["b"])

        assert read()["tags"] == {"a": "2"}, path
        assert gateway.get_tags(resourceArn=arn)["tags"] == {"a": "2"}, path
