"""Subscribers and tags of AWS Budgets, which moto accepts but does not return.

AWS: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeSubscribersForNotification.html
"""

from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.services.moto import call_moto
from moto.budgets.models import budgets_backends

_KEY_FIELDS = ("NotificationType", "ComparisonOperator", "Threshold")
"""Two notifications of a budget that agree in these fields are the same."""

_tags: dict[str, dict[str, str]] = {}
"""Tags by the ARN of the budget."""


def _subscribers(context: Any, request: Any) -> dict[str, Any]:
    budgets = budgets_backends[context.account_id]["global"].budgets[request["AccountId"]]
    budget = budgets.get(request["BudgetName"])
    key = [request["Notification"].get(name) for name in _KEY_FIELDS]
    for notification in budget.notifications if budget else ():
        if [notification.details.get(name) for name in _KEY_FIELDS] == key:
            return {"Subscribers": notification.subscribers}
    raise CommonServiceException("NotFoundException", "Unable to find the notification.", status_code=400)


def _create(context: Any, request: Any) -> Any:
    response = call_moto(context)
    arn = f"arn:{context.partition}:budgets::{request['AccountId']}:budget/{request['Budget']['BudgetName']}"
    _tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("ResourceTags") or ()}
    return response


def _tag(_context: Any, request: Any) -> dict[str, Any]:
    _tags.setdefault(request["ResourceARN"], {}).update({tag["Key"]: tag["Value"] for tag in request["ResourceTags"]})
    return {}


def _untag(_context: Any, request: Any) -> dict[str, Any]:
    for key in request["ResourceTagKeys"]:
        _tags.get(request["ResourceARN"], {}).pop(key, None)
    return {}


def _list(_context: Any, request: Any) -> dict[str, Any]:
    tags = _tags.get(request["ResourceARN"], {})
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]}


OPERATIONS = {
    "CreateBudget": _create,
    "DescribeSubscribersForNotification": _subscribers,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": _list,
}
"""Functions by the name of the operation that they serve."""
