"""Secrets Manager and API Gateway in memory, as far as the rotation of the API's key needs them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.resilience.memory.errors import ServiceError


class Secret:
    """One secret: its versions' values, and which version each label is on."""

    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}
        self.labels: dict[str, str] = {}

    def request_rotation(self, token: str) -> None:
        """RotateSecret's own part: an empty pending version."""
        self.values[token] = None
        self.labels["AWSPENDING"] = token

    def describe_secret(self, _: Mapping[str, Any]) -> dict[str, Any]:
        stages: dict[str, list[str]] = {}
        for label, version in self.labels.items():
            stages.setdefault(version, []).append(label)
        return {"RotationEnabled": True, "VersionIdsToStages": stages}

    def get_secret_value(self, request: Mapping[str, Any]) -> dict[str, Any]:
        value = self.values.get(request["VersionId"])
        if value is None:
            raise ServiceError("ResourceNotFoundException")
        return {"SecretString": value}

    def put_secret_value(self, request: Mapping[str, Any]) -> dict[str, Any]:
        token, value = request["ClientRequestToken"], request["SecretString"]
        if self.values.get(token) not in (None, value):
            raise ServiceError("ResourceExistsException")
        self.values[token] = value
        self.labels |= dict.fromkeys(request["VersionStages"], token)
        return {}

    def update_secret_version_stage(self, request: Mapping[str, Any]) -> dict[str, Any]:
        label, old, new = request["VersionStage"], request["RemoveFromVersionId"], request["MoveToVersionId"]
        if self.labels.get(label) != old:
            raise ServiceError("InvalidParameterException")
        self.labels |= {label: new, "AWSPREVIOUS": old}
        return {}


class Gateway:
    """API keys, and which of them are in the usage plan."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.planned: set[str] = set()
        self._count = 0

    def create_api_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if any(key["value"] == request["value"] for key in self.keys.values()):
            raise ServiceError("ConflictException")
        self._count += 1
        identity = f"key-{self._count:03d}"
        self.keys[identity] = {"id": identity, **{name: request[name] for name in ("name", "value", "enabled")}}
        return self.keys[identity]

    def get_api_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._key(request))

    def get_api_keys(self, request: Mapping[str, Any]) -> dict[str, Any]:
        prefix = request.get("nameQuery", "")
        return {"items": [dict(key) for key in self.keys.values() if key["name"].startswith(prefix)]}

    def update_api_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        key = self._key(request)
        for operation in request["patchOperations"]:
            key[operation["path"].removeprefix("/")] = json.loads(operation["value"])
        return dict(key)

    def delete_api_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        identity = self._key(request)["id"]
        del self.keys[identity]
        self.planned.discard(identity)
        return {}

    def get_usage_plan_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["keyId"] not in self.planned:
            raise ServiceError("NotFoundException")
        return {"id": request["keyId"]}

    def create_usage_plan_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["keyId"] in self.planned:
            raise ServiceError("ConflictException")
        self.planned.add(request["keyId"])
        return {"id": request["keyId"]}

    def _key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["apiKey"] not in self.keys:
            raise ServiceError("NotFoundException")
        return self.keys[request["apiKey"]]
