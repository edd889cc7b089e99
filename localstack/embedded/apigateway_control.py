"""API Gateway (REST), control plane: settings that Terraform writes and reads back."""

from typing import Any

from ministack.services import apigateway_v1 as gw

from emulation.patch import patches

Data = dict[str, Any]


def _rejects_an_empty_value(original: Any) -> bool:
    try:
        return bool(original({"name": "self-check", "value": ""})[0] != 201)
    finally:
        gw.reset()


@patches(gw, "_create_api_key", needed=_rejects_an_empty_value)
def empty_api_key_value(original: Any) -> Any:
    """CreateApiKey generates a value if the given one is empty.

    AWS: Terraform's provider sends ``"value": ""`` for a key without a value, and AWS generates one.
    https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html
    MiniStack: status 400, because the value is too short.
    """

    def create_api_key(data: Data) -> Any:
        return original({name: value for name, value in data.items() if (name, value) != ("value", "")})

    return create_api_key


def _invents_a_method(original: Any) -> bool:
    gw._resources["self-check"] = {"r": {"id": "r", "resourceMethods": {"OPTIONS": {"httpMethod": "OPTIONS"}}}}
    try:
        original("self-check", "r", "OPTIONS", {"type": "MOCK"})
        return "httpMethod" in gw._resources["self-check"]["r"]["resourceMethods"]["OPTIONS"]["methodIntegration"]
    finally:
        gw.reset()


@patches(gw, "_put_integration", needed=_invents_a_method)
def mock_integration_method(original: Any) -> Any:
    """PutIntegration stores an HTTP method only if the request has one.

    AWS: a MOCK integration has no ``httpMethod``; if one is returned, Terraform plans a change every time.
    https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html
    MiniStack: fills in POST.
    """

    def put_integration(api_id: str, resource_id: str, http_method: str, data: Data) -> Any:
        response = original(api_id, resource_id, http_method, data)
        if response[0] != 201 or "httpMethod" in data:
            return response
        integration = gw._resources[api_id][resource_id]["resourceMethods"][http_method]["methodIntegration"]
        integration.pop("httpMethod", None)
        return gw._v1_response(integration, 201)

    return put_integration


def _returns_plain_paths(original: Any) -> bool:
    return b"~1" not in original({"methodSettings": {"/pets/GET": {}}})[2]


@patches(gw, "_v1_response", needed=_returns_plain_paths)
def method_setting_paths(original: Any) -> Any:
    """A stage returns the settings of a method under its encoded path, as UpdateStage takes it.

    AWS: "Any slash character appearing in path names must be escaped with ~1": ``~1pets~1{petId}/GET``. GetStage
    returns the same form, by which Terraform finds its own settings.
    https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
    https://github.com/hashicorp/terraform-provider-aws/issues/9738
    MiniStack: takes the encoded path and returns ``/pets/{petId}/GET``.
    """

    def v1_response(data: Any, *status: int) -> Any:
        if isinstance(data, dict) and isinstance(data.get("methodSettings"), dict):
            data = {
                **data,
                "methodSettings": {_encoded(key): settings for key, settings in data["methodSettings"].items()},
            }
        return original(data, *status)

    return v1_response


def _encoded(key: str) -> str:
    path, _, method = key.rpartition("/")
    return f"{path.replace('/', '~1')}/{method}"
