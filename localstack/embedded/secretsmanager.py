"""Secrets Manager: rotation by a Lambda function."""

import contextvars
import json
import logging
import threading
import time
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import lambda_svc as lam
from ministack.services import secretsmanager

from embedded.permissions import may_invoke
from emulation.patch import patches, source_has, source_lacks

_log = logging.getLogger("embedded.secretsmanager")

_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@patches(secretsmanager, "_rotate_secret", needed=source_has("RotateSecret stub"))
def rotation(original: Any) -> Any:
    """RotateSecret runs the four steps of the rotation function, which creates and promotes the new version.

    AWS: createSecret, setSecret, testSecret, finishSecret, one invocation each; the function must permit
    secretsmanager.amazonaws.com. Without ``RotateImmediately`` the configuration is tested: only testSecret runs, on a
    pending version that is removed afterwards.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    MiniStack: copies the old value to a new current version and calls no function.
    """

    def rotate(data: dict[str, Any]) -> Any:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        arn = data.get("RotationLambdaARN") or (secret or {}).get("RotationLambdaARN")
        function, config, _ = lam._get_func_record_for_ref(arn) if arn else (None, None, None)
        if not secret or secret.get("DeletedDate") or secretsmanager._is_replica(secret):
            return original(data)
        if arn is None or function is None or not may_invoke(arn, "secretsmanager.amazonaws.com", secret["ARN"]):
            message = f"Secrets Manager cannot invoke the specified Lambda function. Ensure that it permits this: {arn}"
            return error_response_json("AccessDeniedException", message, 400)
        rules = data.get("RotationRules") or secret.get("RotationRules")
        secret.update(RotationLambdaARN=arn, RotationEnabled=True, RotationRules=rules)
        version = data.get("ClientRequestToken") or new_uuid()
        run = _rotate if data.get("RotateImmediately", True) else _test
        if run is _rotate or _current_value(secret):
            value = {"SecretString": None, "SecretBinary": None} if run is _rotate else _current_value(secret)
            secretsmanager._remove_stage_everywhere(secret, "AWSPENDING")
            secret["Versions"][version] = {**value, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"]}
            record = lam._execution_record_for_config(function, config)
            work = contextvars.copy_context()
            threading.Thread(target=work.run, args=(run, secret, record, version), daemon=True).start()
        return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version})

    return rotate


def _rotate(secret: dict[str, Any], function: Any, version: str) -> None:
    if all(_run_step(step, secret, function, version) for step in _STEPS):
        secret["LastRotatedDate"] = int(time.time())


def _test(secret: dict[str, Any], function: Any, version: str) -> None:
    _run_step("testSecret", secret, function, version)
    secret["Versions"].pop(version, None)


def _run_step(step: str, secret: dict[str, Any], function: Any, version: str) -> bool:
    event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
    result = lam._execute_function_with_config_scope(function, event)
    if result.get("error"):
        _log.warning("the rotation of %s failed in step %s: %s", secret["Name"], step, result.get("body"))
    return not result.get("error")


def _current_value(secret: dict[str, Any]) -> dict[str, Any]:
    """The secret's current value, to copy for a test; empty if it has no value."""
    _, current = secretsmanager._find_stage_version(secret, "AWSCURRENT")
    return {name: current[name] for name in ("SecretString", "SecretBinary")} if current else {}


@patches(secretsmanager, "_get_secret_value", needed=source_has('if ver.get("SecretString") is not None:'))
def pending_without_value(original: Any) -> Any:
    """GetSecretValue reports a version that has a label but no value as not found.

    AWS: RotateSecret creates an empty AWSPENDING version; createSecret reads its value and expects
    ResourceNotFoundException.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
    MiniStack: returns a secret without a value.
    """

    def get_secret_value(data: dict[str, Any]) -> Any:
        status, headers, body = original(data)
        content = json.loads(body)
        if status == 200 and content.get("SecretString") is None and content.get("SecretBinary") is None:
            stage = data.get("VersionStage", "AWSCURRENT")
            message = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
            return error_response_json("ResourceNotFoundException", message, 400)
        return status, headers, body

    return get_secret_value


@patches(secretsmanager, "_describe_secret", needed=source_lacks("LastRotatedDate"))
def rotation_date(original: Any) -> Any:
    """DescribeSecret returns the time of the last successful rotation.

    AWS: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
    MiniStack: leaves ``LastRotatedDate`` out.
    """

    def describe(data: dict[str, Any]) -> Any:
        status, headers, body = original(data)
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if status != 200 or not secret or "LastRotatedDate" not in secret:
            return status, headers, body
        return json_response({**json.loads(body), "LastRotatedDate": secret["LastRotatedDate"]})

    return describe
