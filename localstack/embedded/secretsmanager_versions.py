"""Secrets Manager: versions and their labels, replicas, and the operations that MiniStack lacks."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import secretsmanager

from emulation.patch import patches, source_lacks

Json = dict[str, Any]


@patches(secretsmanager, "_create_secret", needed=source_lacks("AddReplicaRegions"))
def secret_creation(original: Any) -> Any:
    """CreateSecret creates a version only with a value, gives it the token as id, and creates the replicas.

    AWS: "the secret's version ID is ClientRequestToken"; a secret may be created without a value; AddReplicaRegions.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    MiniStack: creates an empty current version, generates its id, ignores the replicas.
    """

    def create(data: Json) -> Any:
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        content = json.loads(body)
        secret = secretsmanager._secrets[content["Name"]]
        version = secret["Versions"].pop(content.pop("VersionId"))
        if _value(data):
            content["VersionId"] = data.get("ClientRequestToken") or new_uuid()
            secret["Versions"][content["VersionId"]] = version
        if data.get("AddReplicaRegions"):
            replication: dict[str, Any] = {
                name: data[name] for name in ("AddReplicaRegions", "ForceOverwriteReplicaSecret") if name in data
            }
            response = secretsmanager._replicate_secret_to_regions({"SecretId": content["ARN"], **replication})
            if response[0] != 200:
                secretsmanager._purge_secret(content["Name"], secret)
                return response
            content["ReplicationStatus"] = secret["ReplicationStatus"]
        return json_response(content)

    return create


@patches(secretsmanager, "_put_secret_value", needed=source_lacks("_remove_stage_everywhere"))
def version_labels(original: Any) -> Any:
    """PutSecretValue moves all requested labels from other versions to the new one, and may be repeated.

    AWS: a label is on one version at a time; the same token with the same value changes nothing, and with
    another value it is an error.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    MiniStack: with AWSCURRENT, drops every other label; leaves AWSPENDING on two versions; overwrites the value.
    """

    def put(data: Json) -> Any:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        version = secret["Versions"].get(data.get("ClientRequestToken")) if secret else None
        if version and _value(version):
            if _value(version) != _value(data):
                message = f"The version {data['ClientRequestToken']} of {secret['Name']} exists and has another value."
                return error_response_json("ResourceExistsException", message, 400)
            names = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": data["ClientRequestToken"]}
            return json_response({**names, "VersionStages": list(version["Stages"])})
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        content = json.loads(body)
        for label in data.get("VersionStages") or []:
            secretsmanager._remove_stage_everywhere(secret, label, except_version_id=content["VersionId"])
            secretsmanager._add_stage(secret, content["VersionId"], label)
        secretsmanager._sync_replicas(secret)
        content["VersionStages"] = list(secret["Versions"][content["VersionId"]]["Stages"])
        return json_response(content)

    return put


@patches(secretsmanager, "handle_request", needed=source_lacks("CancelRotateSecret"))
def missing_operations(original: Any) -> Any:
    """CancelRotateSecret and RemoveRegionsFromReplication, which Terraform needs to destroy, are supported.

    AWS: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RemoveRegionsFromReplication.html
    MiniStack: returns "Unknown action".
    """

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Json) -> Any:
        operation = _OPERATIONS.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if operation is None:
            return await original(method, path, headers, body, query)
        data = json.loads(body or b"{}")
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if not secret:
            message = "Secrets Manager can't find the specified secret."
            return error_response_json("ResourceNotFoundException", message, 400)
        if secretsmanager._is_replica(secret):
            return secretsmanager._replica_mutation_error()
        return json_response(operation(secret, data))

    return handle


def _cancel_rotate_secret(secret: Json, _: Json) -> Json:
    secret["RotationEnabled"] = False
    version, _ = secretsmanager._find_stage_version(secret, "AWSPENDING")
    return {"ARN": secret["ARN"], "Name": secret["Name"], **({"VersionId": version} if version else {})}


def _remove_regions(secret: Json, data: Json) -> Json:
    removed = set(data.get("RemoveReplicaRegions") or [])
    remaining = [status for status in secret["ReplicationStatus"] if status["Region"] not in removed]
    secret["ReplicationStatus"] = [status for status in secret["ReplicationStatus"] if status["Region"] in removed]
    secretsmanager._delete_replicas(secret)
    secret["ReplicationStatus"] = remaining
    return {"ARN": secret["ARN"], "ReplicationStatus": remaining}


_OPERATIONS: dict[str, Callable[[Json, Json], Json]] = {
    "CancelRotateSecret": _cancel_rotate_secret,
    "RemoveRegionsFromReplication": _remove_regions,
}


def _value(source: Json) -> tuple[Any, Any] | None:
    """The value in a version or a request, or None."""
    value = (source.get("SecretString"), source.get("SecretBinary"))
    return None if value == (None, None) else value
