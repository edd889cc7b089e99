"""Services that LocalStack community lacks, or that would need Java: the moto that it brings along serves them."""

import threading
from typing import Any

from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.moto import _proxy_moto
from localstack.services.plugins import Service, aws_provider

from host import autoscaling, budgets

_tables = threading.RLock()


def moto_only(api: str, answer: Any = _proxy_moto, **own: Any) -> Service:
    """A service whose operations go to moto.

    Args:
        api: Its name, as boto3 spells it.
        answer: How an operation is answered, ``(context, request)``.
        own: Operations that a function of ours answers instead.
    """
    model = load_service(api)
    return Service(name=api, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, answer) | own))


def one_at_a_time(context: Any, request: Any) -> Any:
    """An answer of moto, which is written for one thread: of two writers at once, one would undo the other."""
    with _tables:
        return _proxy_moto(context, request)


PROVIDERS = [
    # DynamoDB: LocalStack downloads and starts AWS's Java program; moto is one process less and nothing to fetch.
    aws_provider(api="dynamodb", name="moto")(lambda: moto_only("dynamodb", one_at_a_time)),
    aws_provider(api="dynamodbstreams", name="moto")(lambda: moto_only("dynamodbstreams", one_at_a_time)),
    # Not in the community edition:
    aws_provider(api="application-autoscaling")(lambda: moto_only("application-autoscaling", **autoscaling.OWN)),
    aws_provider(api="budgets")(lambda: moto_only("budgets", **budgets.OWN)),
]
