"""API Gateway (REST): a deployment is a snapshot, and a stage serves the snapshot of its deployment."""

import contextlib
import contextvars
import copy
import json
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, request_scope
from ministack.services import apigateway_v1 as gw

from emulation.patch import patches, source_lacks

Snapshot = dict[str, Any]

_STORES = ("_authorizers_v1", "_models", "_request_validators", "_resources")
"""What a deployment holds besides gateway responses, of which MiniStack takes a snapshot itself."""

_KEY = "embedded_snapshot"
"""The key of a snapshot among a deployment's gateway responses: it is persisted and deleted with them."""

_served: contextvars.ContextVar[tuple[str, Snapshot] | None] = contextvars.ContextVar("served", default=None)
"""The API's id and the snapshot that serve the request in progress."""


class _Store(AccountRegionScopedDict):  # type: ignore[misc]
    """A store of MiniStack's that shows a request in progress the content of its deployment."""

    __slots__ = ("_data", "_name")

    def __init__(self, name: str, original: Any) -> None:
        super().__init__()
        self._name = name
        self._data = original._data

    def get(self, key: Any, default: Any = None) -> Any:
        """The content of an API: the deployed one while a stage serves a request."""
        served = _served.get()
        if served and served[0] == key:
            return served[1].get(self._name, default)
        return super().get(key, default)


def _is_incomplete(api_id: str) -> str | None:
    methods = [
        method for resource in gw._resources.get(api_id, {}).values() for method in resource["resourceMethods"].values()
    ]
    if not methods:
        return "The REST API doesn't contain any methods"
    return None if all(method.get("methodIntegration") for method in methods) else "No integration defined for method"


@patches(gw, "_create_deployment", needed=source_lacks("_resources"))
def snapshots(original: Any) -> Any:
    """CreateDeployment takes a snapshot of the API, if each method has an integration.

    AWS: a deployment is "a snapshot of the API, including methods, integrations, models, mapping templates, and Lambda
    authorizers"; "No integration defined for method" if one is missing.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-deployments.html
    https://github.com/hashicorp/terraform-provider-aws/issues/21210
    MiniStack: takes a snapshot of gateway responses only; a changed method is live at once.
    """

    def create_deployment(api_id: str, data: dict[str, Any]) -> Any:
        if api_id in gw._rest_apis and (problem := _is_incomplete(api_id)):
            return gw._v1_error("BadRequestException", problem, 400)
        response = original(api_id, data)
        if response[0] == 201:
            content = {name: copy.deepcopy(getattr(gw, name).get(api_id, {})) for name in _STORES}
            gw._deployed_gateway_responses[api_id][json.loads(response[2])["id"]][_KEY] = content
        return response

    return create_deployment


@patches(gw, "_delete_deployment", needed=source_lacks("Active stages"))
def active_deployment(original: Any) -> Any:
    """A deployment that a stage serves cannot be deleted.

    AWS: "Active stages pointing to this deployment must be moved or deleted".
    https://github.com/hashicorp/terraform-provider-aws/issues/19805
    MiniStack: deletes it.
    """

    def delete_deployment(api_id: str, deployment_id: str) -> Any:
        if any(stage.get("deploymentId") == deployment_id for stage in gw._stages_v1.get(api_id, {}).values()):
            message = "Active stages pointing to this deployment must be moved or deleted"
            return gw._v1_error("BadRequestException", message, 400)
        return original(api_id, deployment_id)

    return delete_deployment


@contextlib.contextmanager
def _serving(api_id: str, stage_name: str) -> Iterator[None]:
    stage = gw._stages_v1.get(api_id, {}).get(stage_name) or {}
    deployed = gw._deployed_gateway_responses.get(api_id, {}).get(stage.get("deploymentId")) or {}
    token = _served.set((api_id, deployed.get(_KEY, {})) if stage else None)
    try:
        yield
    finally:
        _served.reset(token)


@patches(gw, "_handle_execute_in_scope", needed=source_lacks("snapshot"))
def served_snapshot(original: Any) -> Any:
    """A stage serves the snapshot of its deployment; see `snapshots`."""
    for name in _STORES:
        setattr(gw, name, _Store(name, getattr(gw, name)))

    async def handle(api_id: str, stage_name: str, *rest: Any) -> Any:
        with _serving(api_id, stage_name):
            return await original(api_id, stage_name, *rest)

    return handle


@patches(gw, "method_authorization_type", needed=source_lacks("snapshot"))
def deployed_authorization(original: Any) -> Any:
    """A request needs the authorization of the deployed method; see `snapshots`."""

    def authorization_type(api_id: str, stage_name: str, method: str, path: str) -> Any:
        scope = gw.find_api_scope(api_id)
        if scope is None:
            return None
        with request_scope(*scope), _serving(api_id, stage_name):
            return original(api_id, stage_name, method, path)

    return authorization_type
