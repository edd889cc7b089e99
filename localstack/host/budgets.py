"""AWS Budgets' subscribers and tags, which moto takes and does not tell.

AWS: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeSubscribersForNotification.html
"""

from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.services.moto import call_moto
from moto.budgets.models import budgets_backends

_COMPARED = ("NotificationType", "ComparisonOperator", "Threshold")
"""What makes two notifications of a budget the same."""

_tags: dict[str, dict[str, str]] = {}
"""Budget's ARN to its tags."""


def _subscribers(context: Any, request: Any) -> dict[str, Any]:
    budgets = budgets_backends[context.account_id]["global"].budgets[request["AccountId"]]
    budget = budgets.get(request["BudgetName"])
    wanted = [request["Notification"].get(name) for name in _COMPARED]
    for notification in budget.notifications if budget else ():
        if [notification.details.get(name) for name in _COMPARED] == wanted:
            return {"Subscribers": notification.subscribers}
    raise CommonServiceException("NotFoundException", "Unable to find the notification.", status_code=400)


def _create(context: Any, request: Any) -> Any:
    answer = call_moto(context)
    arn = f"arn:{context.partition}:budgets::{request['AccountId']}:budget/{request['Budget']['BudgetName']}"
    _tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("ResourceTags") or ()}
    return answer


def _tag(_context: Any, request: Any) -> dict[str, Any]:
    _tags.setdefault(request["ResourceARN"], {}).update({tag["Key"]: tag["Value"] for tag in request["ResourceTags"]})
    return {}


def _untag(_context: Any, request: Any) -> dict[str, Any]:
    for key in request["ResourceTagKeys"]:
        _tags.get(request["ResourceARN"], {}).pop(key, None)
    return {}


def _list(_context: Any, request: Any) -> dict[str, Any]:
    found = _tags.get(request["ResourceARN"], {})
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in found.items()]}


OWN = {
    "CreateBudget": _create,
    "DescribeSubscribersForNotification": _subscribers,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": _list,
}
"""Operation to what answers it."""
