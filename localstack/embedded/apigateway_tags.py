"""API Gateway (REST), control plane: the tags of requests and of resources, on which a role's grants may depend."""

import contextlib
import inspect
import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import apigateway_v1, tagging

from emulation.patch import patches, source_lacks


def _lacks_requests_of_gateways(original: Any) -> bool:
    return "apigateway:POST" not in inspect.getsource(inspect.getmodule(original) or original)


@patches(iam_actions, "request_tag_context", needed=_lacks_requests_of_gateways)
def request_tags(original: Any) -> Any:
    """A grant of a request to API Gateway may depend on the tags that the request sets.

    AWS: the methods POST, PATCH, PUT and DELETE have the keys aws:RequestTag and aws:TagKeys.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
    MiniStack: finds tags by the names of operations, but API Gateway's actions are HTTP methods.
    """

    def context(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
        keys: dict[str, Any] = original(service, action, body, parameters)
        if service != "apigateway":
            return keys
        with contextlib.suppress(ValueError, AttributeError, TypeError):  # a malformed request is rejected later
            tags = dict(json.loads(body).get("tags") or {})
            if tags:
                keys["aws:TagKeys"] = [*tags]
            keys |= {f"aws:RequestTag/{name}".lower(): str(value) for name, value in tags.items()}
        return keys

    return context


@patches(tagging, "resource_tags", needed=source_lacks("apikeys"))
def api_key_tags(original: Any) -> Any:
    """A grant to change an API key may depend on the tags of the key.

    AWS: API keys have the key aws:ResourceTag.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html
    MiniStack: does not know API keys as resources with tags.
    """

    def resource_tags(arn: str) -> Any:
        _, is_key, identifier = arn.partition("::/apikeys/")
        if not is_key or ":apigateway:" not in arn:  # requests that name no resource are for "*"
            return original(arn)
        key = apigateway_v1._api_keys.get(identifier)
        return dict(key.get("tags") or {}) if key else None

    return resource_tags


def _tagged(arn: str) -> dict[str, Any]:
    """The resource that an ARN names, which exists."""
    _, kind, name, *rest = arn.rsplit(":", maxsplit=1)[-1].split("/")
    if rest:  # /restapis/{id}/stages/{name}
        stage: dict[str, Any] = apigateway_v1._stages_v1[name][rest[1]]
        return stage
    stores = {
        "apikeys": apigateway_v1._api_keys,
        "domainnames": apigateway_v1._domain_names,
        "restapis": apigateway_v1._rest_apis,
        "usageplans": apigateway_v1._usage_plans,
    }
    resource: dict[str, Any] = stores[kind][name]
    return resource


@patches(apigateway_v1, "_tag_v1_resource", needed=source_lacks("_usage_plans"))
def added_tags(original: Any) -> Any:
    """TagResource sets the tags that GetStage, GetUsagePlan, GetApiKey and GetRestApi return.

    AWS: "Adds or updates a tag on a given resource"; the resource's own representation has its tags.
    https://docs.aws.amazon.com/apigateway/latest/api/API_TagResource.html
    MiniStack: keeps them apart, where only GetTags finds them.
    """

    def tag(arn: str, data: dict[str, Any]) -> Any:
        response = original(arn, data)
        if response[0] < 300:
            resource = _tagged(arn)
            resource["tags"] = {**(resource.get("tags") or {}), **data.get("tags", {})}
        return response

    return tag


@patches(apigateway_v1, "_untag_v1_resource", needed=source_lacks("_usage_plans"))
def removed_tags(original: Any) -> Any:
    """UntagResource removes tags from the resource itself; see `added_tags`."""

    def untag(arn: str, names: list[str]) -> Any:
        response = original(arn, names)
        if response[0] < 300:
            resource = _tagged(arn)
            resource["tags"] = {key: value for key, value in (resource.get("tags") or {}).items() if key not in names}
        return response

    return untag


@patches(apigateway_v1, "_get_v1_tags", needed=source_lacks("_usage_plans"))
def listed_tags(original: Any) -> Any:
    """GetTags returns the tags of the resource itself; see `added_tags`."""

    def get(arn: str) -> Any:
        response = original(arn)
        return apigateway_v1._v1_response({"tags": _tagged(arn).get("tags") or {}}) if response[0] < 300 else response

    return get
