"""API keys and the tags on which a role's grants may depend."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.cloud import Cloud, allow

CALL = """
    import boto3
    from botocore.exceptions import ClientError
    def handler(event, context):
        try:
            response = getattr(boto3.client("apigateway"), event["operation"])(**event["parameters"])
        except ClientError as error:
            return error.response["Error"]["Code"]
        return response.get("id", "done")
"""
OWN = {"Api": "orders"}

Call = Callable[..., str]


@pytest.fixture
def call(cloud: Cloud) -> Call:
    """Calls API Gateway as a role that may create and change the keys with its own tag only."""
    created, changed = allow("apigateway:POST", "apigateway:PUT"), allow("apigateway:PATCH", "apigateway:DELETE")
    created["Condition"] = {"StringEquals": {"aws:RequestTag/Api": "orders"}}
    changed["Condition"] = {"StringEquals": {"aws:ResourceTag/Api": "orders"}}
    function = cloud.function(CALL, created, changed)

    def call_(operation: str, **parameters: Any) -> str:
        payload = json.dumps({"operation": operation, "parameters": parameters})
        response = cloud.client("lambda").invoke(FunctionName=function, Payload=payload)
        return str(json.loads(response["Payload"].read()))

    return call_


def test_a_key_is_created_with_the_tag_only(call: Call) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html."""
    assert call("create_api_key", name="a") == "AccessDeniedException"
    assert call("create_api_key", name="a", tags={"Api": "shop"}) == "AccessDeniedException"
    assert call("create_api_key", name="a", tags=OWN) != "AccessDeniedException"


@pytest.mark.parametrize(("tags", "result"), [(OWN, "done"), ({"Api": "shop"}, "AccessDeniedException")])
def test_only_a_key_with_the_tag_is_changed(cloud: Cloud, call: Call, tags: dict[str, str], result: str) -> None:
    key = cloud.client("apigateway").create_api_key(name=cloud.name("key"), tags=tags)["id"]
    disable = [{"op": "replace", "path": "/enabled", "value": "false"}]

    changed = call("update_api_key", apiKey=key, patchOperations=disable)
    deleted = call("delete_api_key", apiKey=key)

    assert (changed in {"done", key}, deleted) == (result == "done", result)


def test_a_key_without_tags_is_not_changed(cloud: Cloud, call: Call) -> None:
    key = cloud.client("apigateway").create_api_key(name=cloud.name("key"))["id"]

    assert call("delete_api_key", apiKey=key) == "AccessDeniedException"


def test_a_condition_on_tags_of_resources_does_not_disturb_requests_that_name_none(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html"""
    changed = allow("kms:CreateKey", "kms:ScheduleKeyDeletion")
    changed["Condition"] = {"StringEqualsIfExists": {"aws:ResourceTag/Api": "orders"}}
    function = cloud.function(
        """
        import boto3
        def handler(event, context):
            return boto3.client("kms").create_key()["KeyMetadata"]["KeyState"]
        """,
        changed,
    )

    response = cloud.client("lambda").invoke(FunctionName=function)

    assert json.loads(response["Payload"].read()) == "Enabled"
