"""Permission checks for roles and AWS services, at the points where AWS checks and MiniStack does not."""

from typing import Any

import ministack.app as ministack
from ministack.core import iam_evaluator as iam
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam as iam_service
from ministack.services import kms, sns, sqs
from ministack.services import lambda_svc as lam

from emulation.patch import patches, source_has
from emulation.service_contexts import sent_context


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
    """Whether the policies of a topic, and of the key that encrypts it, let an AWS service publish to it.

    A topic's default policy does not: it allows requests of the topic's owner only (``AWS:SourceOwner``).
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    if not ministack.AUTH:
        return True
    attributes = (sns._topics.get(topic_arn) or {}).get("attributes", {})
    policy, key_id = attributes.get("Policy"), attributes.get("KmsMasterKeyId")
    if not policy or not _allows(policy, "sns:Publish", topic_arn, service, source_arn):
        return False
    if not key_id:
        return True
    key = kms._resolve_key(key_id)
    return key is not None and all(
        _allows(key["Policy"], action, key["Arn"], service, source_arn, topic_arn)
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    )


@patches(sqs, "queue_policy_allows", needed=source_has("aws:sourceaccount"))
def queue_permissions(_original: Any) -> Any:
    """A queue's policy is evaluated with the context keys that AWS sends, and no others.

    AWS: which keys a service sends differs; ``localstack/service_contexts.toml`` has the pages.
    MiniStack: evaluates it as if every service sent ``aws:SourceArn`` and ``aws:SourceAccount``.
    """

    def queue_policy_allows(queue_arn: str, service: str, source_arn: str, _source_account: str) -> bool:
        if not ministack.AUTH:
            return True
        policy = (sqs._queue_by_arn(queue_arn) or {}).get("attributes", {}).get("Policy")
        return bool(policy) and _allows(policy, "sqs:SendMessage", queue_arn, service, source_arn)

    return queue_policy_allows


def _allows(policy: Any, action: str, resource_arn: str, service: str, source_arn: str, topic_arn: str = "") -> bool:
    values = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": get_account_id(),
        "kms:EncryptionContext:aws:sns:topicArn": topic_arn,
    }
    context = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
        service_context=sent_context(service, action, values, via="sns" if topic_arn else ""),
    )
    return bool(iam.evaluate_resource_policy(policy, context, service=service).decision == "Allow")
