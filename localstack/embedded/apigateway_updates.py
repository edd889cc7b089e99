"""API Gateway (REST), control plane: patch operations, by which Terraform changes what exists."""

import re
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1 as gw

from emulation.patch import patches, source_has, source_lacks

Data = dict[str, Any]

_TYPES: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(
        ("apiKeyRequired", "cacheClusterEnabled", "disableExecuteApiEndpoint", "enabled", "tracingEnabled"),
        lambda text: text.lower() == "true",
    ),
    **dict.fromkeys(("burstLimit", "limit", "minimumCompressionSize", "offset", "timeoutInMillis"), int),
    **dict.fromkeys(("percentTraffic", "rateLimit"), float),
}
"""Members whose values are not texts, in the objects of a REST API."""

_FLAGS = ("requestParameters", "responseParameters")
"""Maps whose values are booleans in methods and their responses, and quoted texts or mappings in integrations."""

_LISTS = ("apiStages", "authorizationScopes", "binaryMediaTypes", "cacheKeyParameters", "providerARNs", "types")


@patches(gw, "_apply_patch", needed=source_lacks("~1"))
def patch_operations(_original: Any) -> Any:
    """Patch operations change booleans, numbers and lists, and address members by encoded names.

    AWS: patch values are texts (``"false"``), whatever the member's type; a slash in a name is written ``~1``; elements
    of lists are added and removed by their value.
    https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
    MiniStack: stores the text, which Python takes for true and Terraform's provider cannot read; splits
    ``/requestModels/application~1json`` without decoding it; replaces a list by a text.
    """

    def apply_patch(record: Data, operations: list[Data]) -> Data:
        for operation in operations:
            path = [gw._decode_json_pointer_token(part) for part in operation.get("path", "").strip("/").split("/")]
            if path != [""]:
                _apply(record, path, operation.get("op", "replace"), operation.get("value"))
        return record

    return apply_patch


def _apply(record: Data, path: list[str], action: str, value: Any) -> None:
    name = path[0]
    if name in _LISTS and (name == "apiStages" or len(path) <= 2):
        record[name] = _changed_list(record, path, action, value)
    elif len(path) > 1:
        inner = record.setdefault(name, {})
        if not isinstance(inner, dict):
            inner = record[name] = {}
        if name in _FLAGS and value in {"true", "false"}:
            value = value == "true"
        _apply(inner, path[1:], action, value)
    elif action == "remove":
        record.pop(name, None)
    else:
        record[name] = _TYPES[name](value) if name in _TYPES and isinstance(value, str) else value


def _changed_list(record: Data, path: list[str], action: str, value: Any) -> list[Any]:
    """A list after one operation: on the element that ``value`` is, or that the path names."""
    name, elements = path[0], list(record.get(path[0]) or [])
    if name == "apiStages":
        return _changed_stages(elements, path, action, value)
    if action == "replace" and len(path) > 1:  # /endpointConfiguration/types/EDGE, or an index
        old = elements[int(path[1])] if path[1].isdigit() else path[1]
        return [value if element == old else element for element in elements]
    element = path[1] if len(path) > 1 else value
    kept = [other for other in elements if other != element]
    return kept if action == "remove" else [*kept, element]


def _changed_stages(stages: list[Data], path: list[str], action: str, value: Any) -> list[Data]:
    """The stages of a usage plan: ``<API>:<stage>`` names one, and a longer path one of its methods' limits."""
    api_id, _, stage = (path[1] if len(path) > 1 else value).partition(":")
    entry = next((entry for entry in stages if (entry["apiId"], entry["stage"]) == (api_id, stage)), None)
    if len(path) > 2 and entry is not None:
        # …/throttle/<path with slashes>/<method>[/<limit>]
        leaf = 1 if path[-1] in {"burstLimit", "rateLimit"} else 0
        method = "/".join(path[3 : len(path) - leaf])
        _apply(entry, ["throttle", *([method] if method else []), *path[len(path) - leaf :]], action, value)
        return stages
    kept = [other for other in stages if other is not entry]
    return kept if action == "remove" else [*kept, entry or {"apiId": api_id, "stage": stage}]


_METHOD = r"/restapis/([^/]+)/resources/([^/]+)/methods/([^/]+)"
_MORE: dict[re.Pattern[str], Callable[..., Data]] = {
    re.compile(rf"{_METHOD}/responses/([^/]+)"): lambda api, resource, verb, status: _method(api, resource, verb)[
        "methodResponses"
    ][status],
    re.compile(rf"{_METHOD}/integration/responses/([^/]+)"): lambda api, resource, verb, status: _method(
        api, resource, verb
    )["methodIntegration"]["integrationResponses"][status],
    re.compile(r"/restapis/([^/]+)/gatewayresponses/([^/]+)"): lambda api, kind: gw._gateway_responses[api][kind],
}
"""Paths of objects that MiniStack cannot update, and where it keeps them."""


def _method(api_id: str, resource_id: str, verb: str) -> Any:
    return gw._resources[api_id][resource_id]["resourceMethods"][verb]


@patches(gw, "handle_request", needed=source_lacks("_update_method_response"))
def updated_responses(original: Any) -> Any:
    """UpdateMethodResponse, UpdateIntegrationResponse and UpdateGatewayResponse change what exists.

    AWS: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateMethodResponse.html and related pages.
    MiniStack: status 404.
    """

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if method == "PATCH":
            for pattern, locate in _MORE.items():
                if match := pattern.fullmatch(path.rstrip("/")):
                    return _updated(locate, match.groups(), gw.json.loads(body or b"{}"))
        return await original(method, path, headers, body, query)

    return handle_request


def _updated(locate: Callable[..., Data], names: tuple[str, ...], data: Data) -> Any:
    try:
        record = locate(*names)
    except (KeyError, TypeError):
        return gw._v1_error("NotFoundException", "Invalid Response status code specified", 404)
    return gw._v1_response(gw._apply_patch(record, data.get("patchOperations", [])))


@patches(gw, "_update_resource", needed=source_has("_compute_path(api_id, resource_id)\n    return"))
def renamed_resource(original: Any) -> Any:
    """A renamed path part also changes the paths of the resources below.

    AWS: a resource's path follows from its parents. https://docs.aws.amazon.com/apigateway/latest/api/API_Resource.html
    MiniStack: changes only the resource's own path.
    """

    def update_resource(api_id: str, resource_id: str, data: Data) -> Any:
        parts = [op.get("value") for op in data.get("patchOperations", []) if op.get("path") == "/pathPart"]
        parent = (gw._resources.get(api_id, {}).get(resource_id) or {}).get("parentId")
        if parts and (error := _conflict(api_id, parent, str(parts[-1]), resource_id)):
            return error
        response = original(api_id, resource_id, data)
        for identity, resource in gw._resources.get(api_id, {}).items():
            resource["path"] = gw._compute_path(api_id, identity)
        return response

    return update_resource


@patches(gw, "_create_resource", needed=source_lacks("variable path part"))
def variable_siblings(original: Any) -> Any:
    """Of the resources below one parent, only one has a variable path part.

    AWS: "A sibling ({id}) of this resource already has a variable path part -- only one is allowed".
    https://github.com/amazon-archives/aws-apigateway-importer/issues/202
    MiniStack: accepts ``/{id}`` beside ``/{number}``.
    """

    def create_resource(api_id: str, parent_id: str, data: Data) -> Any:
        return _conflict(api_id, parent_id, data.get("pathPart", ""), "") or original(api_id, parent_id, data)

    return create_resource


def _conflict(api_id: str, parent_id: str | None, path_part: str, own_id: str) -> Any:
    if not path_part.startswith("{"):
        return None
    for resource in gw._resources.get(api_id, {}).values():
        sibling = resource.get("pathPart", "")
        same_parent = resource.get("parentId") == parent_id and resource["id"] != own_id
        if same_parent and sibling.startswith("{") and sibling != path_part:
            message = f"A sibling ({sibling}) of this resource already has a variable path part -- only one is allowed"
            return gw._v1_error("BadRequestException", message, 400)
    return None


@patches(gw, "_put_method", needed=source_lacks("already exists"))
def existing_method(original: Any) -> Any:
    """PutMethod creates a method and replaces none.

    AWS: "Method already exists for this resource". https://github.com/aws/aws-cli/issues/3992
    MiniStack: replaces the method, and so drops its integration.
    """

    def put_method(api_id: str, resource_id: str, http_method: str, data: Data) -> Any:
        resource = gw._resources.get(api_id, {}).get(resource_id) or {}
        if http_method in resource.get("resourceMethods", {}):
            return gw._v1_error("ConflictException", "Method already exists for this resource", 409)
        return original(api_id, resource_id, http_method, data)

    return put_method
