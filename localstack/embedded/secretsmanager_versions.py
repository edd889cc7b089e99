"""Secrets Manager: versions and their labels, replicas, and the operations that MiniStack lacks."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import secretsmanager

from emulation.patch import patches, source_lacks

Json = dict[str, Any]


@patches(secretsmanager, "_create_secret", needed=source_lacks("AddReplicaRegions"))
def created_as_asked(original: Any) -> Any:
    """CreateSecret makes no version without a value, names it by the token, and makes the replicas.

    AWS: "the secret's version ID is ClientRequestToken"; a secret may be made without a value; AddReplicaRegions.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    MiniStack: makes an empty current version, numbers it itself, ignores the replicas.
    """

    def create(data: Json) -> Any:
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        secret = secretsmanager._secrets[answer["Name"]]
        version = secret["Versions"].pop(answer.pop("VersionId"))
        if _value(data):
            answer["VersionId"] = data.get("ClientRequestToken") or new_uuid()
            secret["Versions"][answer["VersionId"]] = version
        if data.get("AddReplicaRegions"):
            wanted = {name: data[name] for name in ("AddReplicaRegions", "ForceOverwriteReplicaSecret") if name in data}
            replicated = secretsmanager._replicate_secret_to_regions({"SecretId": answer["ARN"], **wanted})
            if replicated[0] != 200:
                secretsmanager._purge_secret(answer["Name"], secret)
                return replicated
            answer["ReplicationStatus"] = secret["ReplicationStatus"]
        return json_response(answer)

    return create


@patches(secretsmanager, "_put_secret_value", needed=source_lacks("_remove_stage_everywhere"))
def labels_of_a_version(original: Any) -> Any:
    """PutSecretValue gives all labels asked for, takes them from other versions, and may be repeated.

    AWS: a label is on one version at a time; the same token with the same value changes nothing, with another one it is
    refused.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    MiniStack: beside AWSCURRENT drops every other label, leaves AWSPENDING on two versions, overwrites.
    """

    def put(data: Json) -> Any:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        held = secret["Versions"].get(data.get("ClientRequestToken")) if secret else None
        if held and _value(held):
            if _value(held) != _value(data):
                message = f"The version {data['ClientRequestToken']} of {secret['Name']} exists and has another value."
                return error_response_json("ResourceExistsException", message, 400)
            names = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": data["ClientRequestToken"]}
            return json_response({**names, "VersionStages": list(held["Stages"])})
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        for label in data.get("VersionStages") or []:
            secretsmanager._remove_stage_everywhere(secret, label, except_version_id=answer["VersionId"])
            secretsmanager._add_stage(secret, answer["VersionId"], label)
        secretsmanager._sync_replicas(secret)
        answer["VersionStages"] = list(secret["Versions"][answer["VersionId"]]["Stages"])
        return json_response(answer)

    return put


@patches(secretsmanager, "handle_request", needed=source_lacks("CancelRotateSecret"))
def missing_operations(original: Any) -> Any:
    """CancelRotateSecret and RemoveRegionsFromReplication, without which Terraform cannot take back what it made.

    AWS: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RemoveRegionsFromReplication.html
    MiniStack: "Unknown action".
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
    version, _found = secretsmanager._find_stage_version(secret, "AWSPENDING")
    return {"ARN": secret["ARN"], "Name": secret["Name"], **({"VersionId": version} if version else {})}


def _remove_regions(secret: Json, data: Json) -> Json:
    removed = set(data.get("RemoveReplicaRegions") or [])
    kept = [status for status in secret["ReplicationStatus"] if status["Region"] not in removed]
    secret["ReplicationStatus"] = [status for status in secret["ReplicationStatus"] if status["Region"] in removed]
    secretsmanager._delete_replicas(secret)
    secret["ReplicationStatus"] = kept
    return {"ARN": secret["ARN"], "ReplicationStatus": kept}


_OPERATIONS: dict[str, Callable[[Json, Json], Json]] = {
    "CancelRotateSecret": _cancel_rotate_secret,
    "RemoveRegionsFromReplication": _remove_regions,
}


def _value(of: Json) -> tuple[Any, Any] | None:
    """What a version holds or a request gives, or None."""
    value = (of.get("SecretString"), of.get("SecretBinary"))
    return None if value == (None, None) else value
