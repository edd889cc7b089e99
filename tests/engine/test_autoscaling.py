"""Application Auto Scaling: targets, policies, actions and tags are kept, and refused as AWS does."""

from typing import Any

import boto3
import botocore.exceptions
import pytest

from tests.engine.cloud import Cloud

READ = "dynamodb:table:ReadCapacityUnits"


class Target:
    """A scalable target of a table that need not exist."""

    def __init__(self, cloud: Cloud, **settings: Any) -> None:
        self.client = cloud.client("application-autoscaling")
        self.names = {
            "ServiceNamespace": "dynamodb",
            "ResourceId": f"table/{cloud.name('t')}",
            "ScalableDimension": READ,
        }
        bounds = {"MinCapacity": 5, "MaxCapacity": 50, **settings}
        self.arn = self.client.register_scalable_target(**self.names, **bounds)["ScalableTargetARN"]

    def described(self) -> list[dict[str, Any]]:
        found = self.client.describe_scalable_targets(
            ServiceNamespace="dynamodb", ResourceIds=[self.names["ResourceId"]], ScalableDimension=READ
        )
        return list(found["ScalableTargets"])

    def track(self, target_value: float = 70) -> str:
        tracking = {
            "TargetValue": target_value,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
        }
        answer = self.client.put_scaling_policy(
            **self.names,
            PolicyName="track",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )
        return str(answer["PolicyARN"])

    def policies(self) -> list[dict[str, Any]]:
        found = self.client.describe_scaling_policies(
            ServiceNamespace="dynamodb", ResourceId=self.names["ResourceId"], PolicyNames=["track"]
        )
        return list(found["ScalingPolicies"])


def test_a_target_is_registered_changed_and_deregistered(cloud: Cloud) -> None:
    target = Target(cloud)
    [first] = target.described()
    assert (first["MinCapacity"], first["MaxCapacity"]) == (5, 50)
    assert first["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_DynamoDBTable")
    again = target.client.register_scalable_target(**target.names, MaxCapacity=60)
    assert again["ScalableTargetARN"] == target.arn
    [second] = target.described()
    assert (second["MinCapacity"], second["MaxCapacity"]) == (5, 60)
    assert second["CreationTime"] == first["CreationTime"]
    target.client.deregister_scalable_target(**target.names)
    assert target.described() == []
    with pytest.raises(target.client.exceptions.ObjectNotFoundException):
        target.client.deregister_scalable_target(**target.names)


def test_a_policy_is_put_changed_and_deleted(cloud: Cloud) -> None:
    target = Target(cloud)
    arn = target.track(70)
    assert target.track(80) == arn
    [policy] = target.policies()
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 80
    target.client.delete_scaling_policy(**target.names, PolicyName="track")
    assert target.policies() == []
    with pytest.raises(target.client.exceptions.ObjectNotFoundException):
        target.client.delete_scaling_policy(**target.names, PolicyName="track")


def test_deregistering_takes_the_policies_along(cloud: Cloud) -> None:
    target = Target(cloud)
    target.track()
    target.client.deregister_scalable_target(**target.names)
    assert target.policies() == []
    with pytest.raises(target.client.exceptions.ObjectNotFoundException):
        target.track()


def test_scheduled_actions_are_kept(cloud: Cloud) -> None:
    target = Target(cloud)
    action = {"ScheduledActionName": "night", "Schedule": "cron(0 22 * * ? *)"}
    target.client.put_scheduled_action(**target.names, **action, ScalableTargetAction={"MinCapacity": 1})
    found = target.client.describe_scheduled_actions(
        ServiceNamespace="dynamodb", ResourceId=target.names["ResourceId"]
    )["ScheduledActions"]
    assert [(each["ScheduledActionName"], each["ScalableTargetAction"]) for each in found] == [
        ("night", {"MinCapacity": 1})
    ]
    target.client.delete_scheduled_action(**target.names, ScheduledActionName="night")


def test_tags_are_kept_with_the_target(cloud: Cloud) -> None:
    target = Target(cloud, Tags={"Environment": "dev"})
    target.client.tag_resource(ResourceARN=target.arn, Tags={"Project": "p"})
    assert target.client.list_tags_for_resource(ResourceARN=target.arn)["Tags"] == {
        "Environment": "dev",
        "Project": "p",
    }
    target.client.untag_resource(ResourceARN=target.arn, TagKeys=["Project"])
    assert target.client.list_tags_for_resource(ResourceARN=target.arn)["Tags"] == {"Environment": "dev"}
    with pytest.raises(target.client.exceptions.ResourceNotFoundException):
        target.client.list_tags_for_resource(ResourceARN=target.arn + "x")


@pytest.mark.parametrize("change", [{"MinCapacity": 60}, {"ServiceNamespace": "nothing"}])
def test_nonsense_is_refused(cloud: Cloud, change: dict[str, Any]) -> None:
    target = Target(cloud)
    with pytest.raises(botocore.exceptions.ClientError, match="ValidationException"):
        target.client.register_scalable_target(**{**target.names, **change})


def test_accounts_and_regions_are_apart(cloud: Cloud) -> None:
    target = Target(cloud)
    elsewhere = boto3.client(
        "application-autoscaling",
        endpoint_url=cloud.engine.endpoint_url,
        region_name="eu-west-1",
        **cloud.keys(),
    )
    found = elsewhere.describe_scalable_targets(ServiceNamespace="dynamodb", ResourceIds=[target.names["ResourceId"]])
    assert found["ScalableTargets"] == []


def test_more_than_a_page_is_paged(cloud: Cloud) -> None:
    targets = [Target(cloud) for _ in range(3)]
    pages = (
        targets[0]
        .client.get_paginator("describe_scalable_targets")
        .paginate(
            ServiceNamespace="dynamodb",
            ResourceIds=[target.names["ResourceId"] for target in targets],
            PaginationConfig={"PageSize": 1},
        )
    )
    found = [each["ScalableTargetARN"] for page in pages for each in page["ScalableTargets"]]
    assert found == [target.arn for target in targets]


def test_handlers_need_the_grant(cloud: Cloud) -> None:
    source = """
        import boto3
        def handler(event, context):
            boto3.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="dynamodb")
    """
    answer, body = cloud.invoke(cloud.function(source))
    assert answer.get("FunctionError"), body
    assert "AccessDenied" in body["errorMessage"]
