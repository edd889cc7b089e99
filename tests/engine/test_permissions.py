"""What a caller has to be granted: the action and the resource of AWS's reference, and what a request implies."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from harness.engine import ACCOUNT_ID
from harness.engine.base import REGION
from tests.engine.cloud import Cloud, allow, zipped

Client = Callable[[str], Any]


def as_user(cloud: Cloud, *statements: dict[str, Any]) -> Client:
    """Clients of a user with the permissions of the statements."""
    iam, name = cloud.client("iam"), cloud.name("user")
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session: Any = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    return lambda service: session.client(service, endpoint_url=cloud.engine.endpoint.url)


def on(resource: str, *actions: str, **condition: dict[str, Any]) -> dict[str, Any]:
    return {**allow(*actions), "Resource": resource, **({"Condition": condition} if condition else {})}


def refused(call: Callable[[], object]) -> bool:
    """Whether IAM refuses a call; any other error is one of the service, which IAM has let through."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
    return False


def test_a_function_is_created_only_by_who_may_pass_its_role(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html."""
    role, name = cloud.role(), cloud.name("function")
    create = on(f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}", "lambda:CreateFunction")
    passing = on(role, "iam:PassRole", StringEquals={"iam:PassedToService": "lambda.amazonaws.com"})
    settings = {"FunctionName": name, "Role": role, "Runtime": "python3.13", "Handler": "app.handler"}
    code = {"ZipFile": zipped("def handler(event, context): pass")}

    without = as_user(cloud, create)("lambda")
    with_it = as_user(cloud, create, passing)("lambda")

    assert refused(lambda: without.create_function(**settings, Code=code))
    assert not refused(lambda: with_it.create_function(**settings, Code=code))


def test_an_alias_is_updated_by_who_may_update_it(cloud: Cloud) -> None:
    function = cloud.function("def handler(event, context): pass")
    cloud.alias(function)

    reader = as_user(cloud, on("*", "lambda:ListAliases", "lambda:GetAlias"))("lambda")
    writer = as_user(cloud, on("*", "lambda:UpdateAlias"))("lambda")

    assert not refused(lambda: reader.get_alias(FunctionName=function, Name="live"))
    assert refused(lambda: reader.update_alias(FunctionName=function, Name="live", Description="new"))
    assert not refused(lambda: writer.update_alias(FunctionName=function, Name="live", Description="new"))


def test_a_budget_is_seen_by_who_may_view_it(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html."""
    mine = f"arn:aws:budgets::{ACCOUNT_ID}:budget/mine"

    viewer = as_user(cloud, on(mine, "budgets:ViewBudget"))("budgets")

    assert not refused(lambda: viewer.describe_budget(AccountId=ACCOUNT_ID, BudgetName="mine"))
    assert refused(lambda: viewer.describe_budget(AccountId=ACCOUNT_ID, BudgetName="other"))
    assert refused(lambda: viewer.delete_budget(AccountId=ACCOUNT_ID, BudgetName="mine"))


def test_a_rules_targets_are_changed_by_who_may_change_that_rule(cloud: Cloud) -> None:
    events, bus = cloud.client("events"), cloud.name("bus")
    events.create_event_bus(Name=bus)
    for name in ("mine", "other"):
        events.put_rule(Name=name, EventBusName=bus, EventPattern='{"source": ["x"]}')
    user = as_user(cloud, on(f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{bus}/mine", "events:ListTargetsByRule"))(
        "events"
    )

    assert not refused(lambda: user.list_targets_by_rule(Rule="mine", EventBusName=bus))
    assert refused(lambda: user.list_targets_by_rule(Rule="other", EventBusName=bus))
    assert refused(lambda: user.describe_event_bus(Name=bus))


@pytest.mark.parametrize("tags", [{}, {"Team": "billing"}])
def test_tags_of_a_new_queue_need_their_own_permission(cloud: Cloud, tags: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html."""
    user = as_user(cloud, on("*", "sqs:CreateQueue"))("sqs")

    assert refused(lambda: user.create_queue(QueueName=cloud.name(), tags=tags)) == bool(tags)


def test_a_role_is_created_with_the_demanded_boundary_only(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate."""
    iam, empty = cloud.client("iam"), json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:ListAllMyBuckets")]})
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trusted = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arns = [iam.create_policy(PolicyName=cloud.name(), PolicyDocument=empty) for _ in range(2)]
    ours, other = (each["Policy"]["Arn"] for each in arns)
    bounded = on("*", "iam:CreateRole", "iam:PutRolePolicy", StringEquals={"iam:PermissionsBoundary": ours})
    user, free = as_user(cloud, bounded)("iam"), cloud.name("free")
    iam.create_role(RoleName=free, AssumeRolePolicyDocument=trusted)

    def create(**boundary: str) -> Callable[[], object]:
        return lambda: user.create_role(RoleName=cloud.name(), AssumeRolePolicyDocument=trusted, **boundary)

    assert refused(create())
    assert refused(create(PermissionsBoundary=other))
    assert not refused(create(PermissionsBoundary=ours))
    assert refused(lambda: user.put_role_policy(RoleName=free, PolicyName="own", PolicyDocument=empty))
