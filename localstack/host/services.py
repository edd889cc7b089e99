"""Services that LocalStack community lacks, or that would need Java: the moto that it brings along serves them."""

from typing import Any

from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.moto import _proxy_moto
from localstack.services.plugins import Service, aws_provider

from host import autoscaling, budgets


def moto_only(api: str, **own: Any) -> Service:
    """A service whose operations go to moto.

    Args:
        api: Its name, as boto3 spells it.
        own: Operations that a function ``(context, request)`` of ours answers instead.
    """
    model = load_service(api)
    return Service(name=api, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, _proxy_moto) | own))


PROVIDERS = [
    # DynamoDB: LocalStack downloads and starts AWS's Java program; moto is one process less and nothing to fetch.
    aws_provider(api="dynamodb", name="moto")(lambda: moto_only("dynamodb")),
    aws_provider(api="dynamodbstreams", name="moto")(lambda: moto_only("dynamodbstreams")),
    # Not in the community edition:
    aws_provider(api="application-autoscaling")(lambda: moto_only("application-autoscaling", **autoscaling.OWN)),
    aws_provider(api="budgets")(lambda: moto_only("budgets", **budgets.OWN)),
]
