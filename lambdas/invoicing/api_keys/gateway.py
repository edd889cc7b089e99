"""API Gateway's keys, and the usage plan without which a key opens nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_apigateway.type_defs import ApiKeyResponseTypeDef, ApiKeyTypeDef

PAGE = 500
"""Keys asked for at once, the most that API Gateway gives."""


@dataclass(frozen=True)
class ApiKey:
    """One key. The value is what clients send as ``x-api-key``; it is kept out of logs and tracebacks."""

    key_id: str
    name: str
    value: str = field(repr=False)
    enabled: bool


class ApiKeys:
    """Reads, makes and retires the keys of one usage plan.

    Args:
        usage_plan: The usage plan's id.
        gateway: A client to use instead of a new one.
    """

    def __init__(self, usage_plan: str, gateway: "APIGatewayClient | None" = None) -> None:
        self.usage_plan = usage_plan
        self._gateway = gateway or client("apigateway")

    def get(self, key_id: str) -> ApiKey | None:
        """The key, or None when there is none with this id."""
        try:
            return _key(self._gateway.get_api_key(apiKey=key_id, includeValue=True))
        except self._gateway.exceptions.NotFoundException:
            return None

    def named(self, beginning: str) -> Iterator[ApiKey]:
        """Every key whose name begins so, page by page."""
        pages = self._gateway.get_paginator("get_api_keys").paginate(
            nameQuery=beginning, includeValues=True, PaginationConfig={"PageSize": PAGE}
        )
        for page in pages:
            yield from (_key(found) for found in page["items"])

    def create(self, name: str, value: str, description: str) -> ApiKey:
        """Make a key that is enabled, but not yet in the plan. API Gateway does not mind two keys of one name."""
        made = self._gateway.create_api_key(name=name, value=value, description=description, enabled=True)
        return ApiKey(made["id"], name, value, enabled=True)

    def in_plan(self, key_id: str) -> bool:
        """Whether the key opens what the usage plan opens."""
        try:
            self._gateway.get_usage_plan_key(usagePlanId=self.usage_plan, keyId=key_id)
        except self._gateway.exceptions.NotFoundException:
            return False
        return True

    def join_plan(self, key_id: str) -> None:
        """Put the key into the plan, unless it is there."""
        if self.in_plan(key_id):
            return
        try:
            self._gateway.create_usage_plan_key(usagePlanId=self.usage_plan, keyId=key_id, keyType="API_KEY")
        except self._gateway.exceptions.ConflictException:  # somebody was faster: it is there now
            return

    def disable(self, key_id: str) -> None:
        """From now on the key is answered 403; one that is gone already needs nothing."""
        try:
            operation = {"op": "replace", "path": "/enabled", "value": "false"}
            self._gateway.update_api_key(apiKey=key_id, patchOperations=[operation])  # type: ignore[list-item]
        except self._gateway.exceptions.NotFoundException:
            return

    def delete(self, key_id: str) -> None:
        """Remove the key, and it from its plans; one that is gone already needs nothing."""
        try:
            self._gateway.delete_api_key(apiKey=key_id)
        except self._gateway.exceptions.NotFoundException:
            return


def _key(found: "ApiKeyTypeDef | ApiKeyResponseTypeDef") -> ApiKey:
    return ApiKey(found["id"], found.get("name", ""), found.get("value", ""), enabled=found.get("enabled", False))
