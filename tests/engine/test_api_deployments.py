"""A stage serves what its deployment saw of the API, and nothing that was changed later."""

from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from harness.engine import EmbeddedEngine
from tests.engine.cloud import Cloud, worker
from tests.engine.mock_api import MockApi


@pytest.fixture
def api(cloud: Cloud) -> MockApi:
    return MockApi.create(cloud)


def removed_method(api: MockApi, method: dict[str, str]) -> None:
    api.gateway.delete_method(**method)


def removed_path(api: MockApi, method: dict[str, str]) -> None:
    api.gateway.delete_resource(restApiId=api.api_id, resourceId=method["resourceId"])


def changed_template(api: MockApi, method: dict[str, str]) -> None:
    values = {"/responseTemplates/application~1json": "second"}
    api.patch("update_integration_response", values, **method, statusCode="200")


def required_key(api: MockApi, method: dict[str, str]) -> None:
    api.patch("update_method", {"/apiKeyRequired": "true"}, **method)


def changed_authorization(api: MockApi, method: dict[str, str]) -> None:
    api.patch("update_method", {"/authorizationType": "AWS_IAM"}, **method)


def renamed_path(api: MockApi, method: dict[str, str]) -> None:
    api.patch("update_resource", {"/pathPart": "things"}, restApiId=api.api_id, resourceId=method["resourceId"])


CHANGES = [removed_method, removed_path, changed_template, required_key, changed_authorization, renamed_path]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_takes_effect_with_the_next_deployment(
    api: MockApi, change: Callable[[MockApi, dict[str, str]], None]
) -> None:
    api.method(api.resource("other"))
    method = api.method(api.resource("items"))
    api.deploy()

    change(api, method)
    before = api.call("/items")
    api.deploy()
    after = api.call("/items")

    assert (before.status, before.data) == (200, b"first")
    assert (after.status, after.data) != (before.status, before.data)


def test_models_and_validators_are_part_of_a_deployment(api: MockApi) -> None:
    schema = '{"type": "object", "required": ["lines"]}'
    model = {"restApiId": api.api_id, "name": "Item", "contentType": "application/json", "schema": schema}
    api.gateway.create_model(**model)
    validator = api.gateway.create_request_validator(restApiId=api.api_id, name="body", validateRequestBody=True)["id"]
    api.method(api.resource("items"), "POST", requestValidatorId=validator, requestModels={"application/json": "Item"})
    api.deploy()

    api.patch("update_model", {"/schema": "{}"}, restApiId=api.api_id, modelName="Item")
    key = {"restApiId": api.api_id, "requestValidatorId": validator}
    api.patch("update_request_validator", {"/validateRequestBody": "false"}, **key)

    assert api.call("/items", "POST", {}).status == 400
    api.deploy()
    assert api.call("/items", "POST", {}).status == 200


def test_an_older_deployment_can_be_served_again(api: MockApi) -> None:
    method = api.method(api.resource("items"))
    first = api.deploy()
    changed_template(api, method)
    api.deploy()

    api.patch("update_stage", {"/deploymentId": first}, restApiId=api.api_id, stageName="v1")

    assert api.call("/items").data == b"first"


def test_a_deployment_that_a_stage_serves_cannot_be_deleted(api: MockApi) -> None:
    api.method(api.resource("items"))
    first = api.deploy()

    with pytest.raises(ClientError, match="Active stages pointing to this deployment must be moved or deleted"):
        api.gateway.delete_deployment(restApiId=api.api_id, deploymentId=first)

    api.deploy()
    api.gateway.delete_deployment(restApiId=api.api_id, deploymentId=first)


def test_an_api_with_a_method_without_integration_cannot_be_deployed(api: MockApi) -> None:
    with pytest.raises(ClientError, match="doesn't contain any methods"):
        api.deploy()
    method = api.method(api.resource("items"))
    api.gateway.delete_integration(**method)

    with pytest.raises(ClientError, match="No integration defined for method"):
        api.deploy()


def test_deployments_are_part_of_an_engines_snapshot(cloud: Cloud, api: MockApi, tmp_path: Path) -> None:
    method = api.method(api.resource("items"))
    api.deploy()
    removed_method(api, method)

    cloud.engine.snapshots.take(tmp_path / "snapshot")
    clone = EmbeddedEngine(f"deployed-{worker()}", port="auto")
    clone.snapshots.start(tmp_path / "snapshot", tied=True)

    try:
        clone.wait_healthy()
        assert MockApi(Cloud(clone), api.api_id, api.root).call("/items").data == b"first"
    finally:
        clone.stop()
