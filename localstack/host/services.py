"""Services that LocalStack community lacks, or that would need Java, served by the moto that LocalStack installs."""

import threading
from typing import Any

from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.moto import _proxy_moto
from localstack.services.plugins import Service, aws_provider

from host import autoscaling, budgets

_tables = threading.RLock()


def moto_only(api: str, serve: Any = _proxy_moto, **operations: Any) -> Service:
    """Build a service that moto serves.

    Args:
        api: The name of the service in boto3.
        serve: Serves an operation, ``(context, request)``.
        operations: Functions that serve single operations in place of moto.
    """
    model = load_service(api)
    return Service(name=api, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, serve) | operations))


def serve_one_at_a_time(context: Any, request: Any) -> Any:
    """Serve a request by moto, one at a time: moto is written for one thread, and parallel writes undo each other."""
    with _tables:
        return _proxy_moto(context, request)


PROVIDERS = [
    # LocalStack's own DynamoDB downloads and starts AWS's Java program; moto needs neither a download nor a process.
    aws_provider(api="dynamodb", name="moto")(lambda: moto_only("dynamodb", serve_one_at_a_time)),
    aws_provider(api="dynamodbstreams", name="moto")(lambda: moto_only("dynamodbstreams", serve_one_at_a_time)),
    # Not in the community edition:
    aws_provider(api="application-autoscaling")(lambda: moto_only("application-autoscaling", **autoscaling.OPERATIONS)),
    aws_provider(api="budgets")(lambda: moto_only("budgets", **budgets.OPERATIONS)),
]
