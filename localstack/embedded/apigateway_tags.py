"""API Gateway (REST), control plane: the tags of requests and of API keys, on which a role's grants may depend."""

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
        service, resource = arn.split(":")[2], arn.rsplit(":", maxsplit=1)[-1]
        if service != "apigateway" or not resource.startswith("/apikeys/"):
            return original(arn)
        key = apigateway_v1._api_keys.get(resource.removeprefix("/apikeys/"))
        return dict(key.get("tags") or {}) if key else None

    return resource_tags
