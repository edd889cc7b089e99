"""API Gateway's keys, and the usage plan that a key must belong to before it is accepted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_apigateway.type_defs import ApiKeyResponseTypeDef, ApiKeyTypeDef

TAG = "Api"
"""The tag with the API's name, on all its keys: the function's role may change no others."""

PAGE = 500
"""Keys read in one request, the maximum that API Gateway allows."""


@dataclass(frozen=True)
class ApiKey:
    """One key. Clients send the value as ``x-api-key``; it is kept out of logs and tracebacks."""

    key_id: str
    name: str
    value: str = field(repr=False)
    enabled: bool


class ApiKeys:
    """Reads, creates and retires the keys of one usage plan.

    Args:
        api: The API's name.
        usage_plan: The usage plan's id.
        gateway: A client to use instead of a new one.
    """

    def __init__(self, api: str, usage_plan: str, gateway: "APIGatewayClient | None" = None) -> None:
        self._tags = {TAG: api}
        self.usage_plan = usage_plan
        self._gateway = gateway or client("apigateway")

    def get(self, key_id: str) -> ApiKey | None:
        """The key with this id, or None."""
        try:
            return _key(self._gateway.get_api_key(apiKey=key_id, includeValue=True))
        except self._gateway.exceptions.NotFoundException:
            return None

    def with_prefix(self, prefix: str) -> Iterator[ApiKey]:
        """Every key whose name begins with ``prefix``, page by page."""
        pages = self._gateway.get_paginator("get_api_keys").paginate(
            nameQuery=prefix, includeValues=True, PaginationConfig={"PageSize": PAGE}
        )
        for page in pages:
            yield from (_key(item) for item in page["items"])

    def create(self, name: str, value: str, description: str) -> ApiKey:
        """Create a key that is enabled, but not yet in the plan. API Gateway allows two keys with the same name."""
        response = self._gateway.create_api_key(
            name=name, value=value, description=description, enabled=True, tags=self._tags
        )
        return ApiKey(response["id"], name, value, enabled=True)

    def in_plan(self, key_id: str) -> bool:
        """Whether the key belongs to the usage plan."""
        try:
            self._gateway.get_usage_plan_key(usagePlanId=self.usage_plan, keyId=key_id)
        except self._gateway.exceptions.NotFoundException:
            return False
        return True

    def join_plan(self, key_id: str) -> None:
        """Add the key to the usage plan, unless it belongs to it."""
        if self.in_plan(key_id):
            return
        try:
            self._gateway.create_usage_plan_key(usagePlanId=self.usage_plan, keyId=key_id, keyType="API_KEY")
        except self._gateway.exceptions.ConflictException:  # another invocation was faster: it is in the plan now
            return

    def disable(self, key_id: str) -> None:
        """Requests with the key get 403 from now on. A key that no longer exists is ignored."""
        try:
            operation = {"op": "replace", "path": "/enabled", "value": "false"}
            self._gateway.update_api_key(apiKey=key_id, patchOperations=[operation])  # type: ignore[list-item]
        except self._gateway.exceptions.NotFoundException:
            return

    def delete(self, key_id: str) -> None:
        """Remove the key, also from its usage plans. A key that no longer exists is ignored."""
        try:
            self._gateway.delete_api_key(apiKey=key_id)
        except self._gateway.exceptions.NotFoundException:
            return


def _key(item: "ApiKeyTypeDef | ApiKeyResponseTypeDef") -> ApiKey:
    return ApiKey(item["id"], item.get("name", ""), item.get("value", ""), enabled=item.get("enabled", False))
