"""What LocalStack receives before it starts: the bound port, the plug-ins and the patches."""

import socket

from emulation.patch import Product, apply_patches
from host import (
    LOCALSTACK_VERSION,
    apigateway_access_logs,  # noqa: F401 -- importing a module registers its patches
    apigateway_bodies,  # noqa: F401
    apigateway_gateway_responses,  # noqa: F401
    apigateway_rejected_calls,  # noqa: F401
    apigateway_usage_plans,  # noqa: F401
    cloudwatch_alarm_tags,  # noqa: F401
    cloudwatch_metric_math,  # noqa: F401
    cloudwatch_percentiles,  # noqa: F401
    dynamodb_projections,  # noqa: F401
    dynamodb_transactions,  # noqa: F401
    guard,  # noqa: F401
    health,
    lambda_batch_failures,  # noqa: F401
    lambda_kms_key,  # noqa: F401
    lambda_stream_bisect,  # noqa: F401
    loopback,
    plugins,  # noqa: F401
    s3_conditional_delete,  # noqa: F401
    s3_storage,  # noqa: F401
    secretsmanager_rotation,  # noqa: F401
)

PRODUCT = Product("LocalStack", "localstack-core", LOCALSTACK_VERSION, "localstack.txt")


def patch_localstack(bound: socket.socket) -> None:
    """Apply every patch that is still needed.

    Args:
        bound: A listening socket, on which LocalStack will serve.

    Raises:
        PatchError: LocalStack is not the version that the patches are written for.
    """
    loopback.bound = bound
    health.verdicts = apply_patches(PRODUCT)
