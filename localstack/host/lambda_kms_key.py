"""Lambda: the key that encrypts a function's environment variables."""

import functools
from typing import Any

from localstack.services.lambda_ import api_utils
from localstack.services.lambda_ import provider as functions

from emulation.patch import patches, source_lacks

_keys: dict[tuple[str, str, str], str] = {}
"""Key ARN by account, region and function name."""


def _storing_key(original: Any) -> Any:
    @functools.wraps(original)
    def call(self: Any, context: Any, request: Any) -> Any:
        response = original(self, context, request)
        name = request["FunctionName"].rpartition(":function:")[2].split(":")[0]
        if "KMSKeyArn" in request:
            _keys[context.account_id, context.region, name] = request["KMSKeyArn"]
            response["KMSKeyArn"] = request["KMSKeyArn"]
        return response

    return call


@patches(functions, "LambdaProvider.create_function", needed=source_lacks("KMSKeyArn"))
def kms_key_of_create(original: Any) -> Any:
    """CreateFunction stores ``KMSKeyArn``.

    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    LocalStack: drops it, and Terraform plans to set it again every time.
    """
    return _storing_key(original)


@patches(functions, "LambdaProvider.update_function_configuration", needed=source_lacks("KMSKeyArn"))
def kms_key_of_update(original: Any) -> Any:
    """UpdateFunctionConfiguration stores ``KMSKeyArn``; see :func:`kms_key_of_create`."""
    return _storing_key(original)


@patches(functions, "LambdaProvider.delete_function", needed=None)
def kms_key_of_delete(original: Any) -> Any:
    """DeleteFunction removes ``KMSKeyArn``; see :func:`kms_key_of_create`."""

    @functools.wraps(original)
    def delete_function(self: Any, context: Any, function_name: str, qualifier: Any = None, **more: Any) -> Any:
        if qualifier is None:
            name = function_name.rpartition(":function:")[2].split(":")[0]
            _keys.pop((context.account_id, context.region, name), None)
        return original(self, context, function_name, qualifier, **more)

    return delete_function


@patches(api_utils, "map_config_out", needed=source_lacks("KMSKeyArn"))
def kms_key_in_responses(original: Any) -> Any:
    """GetFunction and similar operations return ``KMSKeyArn``; see :func:`kms_key_of_create`."""

    @functools.wraps(original)
    def map_config_out(version: Any, *arguments: Any, **options: Any) -> Any:
        configuration = original(version, *arguments, **options)
        key = _keys.get((version.id.account, version.id.region, version.id.function_name))
        return {**configuration, "KMSKeyArn": key} if key else configuration

    return map_config_out
