"""Permission checks for roles and AWS services, at the points where AWS checks and MiniStack does not."""

from typing import Any

import ministack.app as ministack
from ministack.core import iam_evaluator as iam
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam as iam_service
from ministack.services import lambda_svc as lam
from ministack.services import sns


def role_allows(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether the policies and the permissions boundary of a role allow an action on a resource.

    Args:
        role_arn: The role, for example a function's execution role.
        action: The IAM action, such as ``sqs:SendMessage``.
        resource_arn: The resource of the action.

    Returns:
        The result; always True while IAM is not enforced.
    """
    if not ministack.AUTH:
        return True
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    context = iam.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    policies = iam._gather_role_policies(name, account)
    limits = iam._permissions_boundary(iam_service._roles, name, account)
    return bool(iam.evaluate(context, policies, *limits).decision == "Allow")


def may_invoke(function_arn: str, service: str, source_arn: str) -> bool:
    """Whether a function's resource policy lets an AWS service call it.

    Args:
        function_arn: The ARN that the caller uses: a permission for an alias's ARN does not cover the function's.
        service: The calling service, such as ``events.amazonaws.com``.
        source_arn: The resource on whose behalf the service calls, such as a rule.

    Returns:
        The result; always True while IAM is not enforced.
    """
    if not ministack.AUTH:
        return True
    function: dict[str, Any] | None = lam._functions.get(lam._resolve_name(function_arn))
    return function is not None and _allows(
        function["policy"], "lambda:InvokeFunction", function_arn, service, source_arn
    )


def may_publish(topic_arn: str, service: str, source_arn: str) -> bool:
    """Whether a topic's policy lets an AWS service publish to it.

    A topic's default policy does not: it allows requests of the topic's owner only (``AWS:SourceOwner``).
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    if not ministack.AUTH:
        return True
    topic = sns._topics.get(topic_arn)
    policy = (topic or {}).get("attributes", {}).get("Policy")
    return bool(policy) and _allows(policy, "sns:Publish", topic_arn, service, source_arn)


def _allows(policy: Any, action: str, resource_arn: str, service: str, source_arn: str) -> bool:
    context = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()},
    )
    return bool(iam.evaluate_resource_policy(policy, context, service=service).decision == "Allow")
