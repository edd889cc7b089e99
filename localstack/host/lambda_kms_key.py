"""Lambda: the key that encrypts a function's environment variables."""

import functools
from typing import Any

from localstack.services.lambda_ import api_utils
from localstack.services.lambda_ import provider as functions

from emulation.patch import patches, source_lacks

_keys: dict[tuple[str, str, str], str] = {}
"""Account, region and function's name to the key's ARN."""


def _remembering(original: Any) -> Any:
    @functools.wraps(original)
    def call(self: Any, context: Any, request: Any) -> Any:
        answer = original(self, context, request)
        name = request["FunctionName"].rpartition(":function:")[2].split(":")[0]
        if "KMSKeyArn" in request:
            _keys[context.account_id, context.region, name] = request["KMSKeyArn"]
            answer["KMSKeyArn"] = request["KMSKeyArn"]
        return answer

    return call


@patches(functions, "LambdaProvider.create_function", needed=source_lacks("KMSKeyArn"))
def kms_key_of_create(original: Any) -> Any:
    """CreateFunction keeps ``KMSKeyArn``.

    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    LocalStack: drops it, which Terraform sees as drift for ever.
    """
    return _remembering(original)


@patches(functions, "LambdaProvider.update_function_configuration", needed=source_lacks("KMSKeyArn"))
def kms_key_of_update(original: Any) -> Any:
    """UpdateFunctionConfiguration keeps ``KMSKeyArn``; see :func:`kms_key_of_create`."""
    return _remembering(original)


@patches(functions, "LambdaProvider.delete_function", needed=None)
def kms_key_of_delete(original: Any) -> Any:
    """DeleteFunction forgets ``KMSKeyArn``; see :func:`kms_key_of_create`."""

    @functools.wraps(original)
    def delete_function(self: Any, context: Any, function_name: str, qualifier: Any = None, **more: Any) -> Any:
        if qualifier is None:
            name = function_name.rpartition(":function:")[2].split(":")[0]
            _keys.pop((context.account_id, context.region, name), None)
        return original(self, context, function_name, qualifier, **more)

    return delete_function


@patches(api_utils, "map_config_out", needed=source_lacks("KMSKeyArn"))
def kms_key_told(original: Any) -> Any:
    """GetFunction and its like tell ``KMSKeyArn``; see :func:`kms_key_of_create`."""

    @functools.wraps(original)
    def map_config_out(version: Any, *arguments: Any, **options: Any) -> Any:
        told = original(version, *arguments, **options)
        key = _keys.get((version.id.account, version.id.region, version.id.function_name))
        return {**told, "KMSKeyArn": key} if key else told

    return map_config_out
