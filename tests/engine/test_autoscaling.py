"""Application Auto Scaling: targets, policies, actions and tags are stored, and invalid ones rejected as on AWS."""

from typing import Any

import boto3
import botocore.exceptions
import pytest

from tests.engine.cloud import Cloud

READ = "dynamodb:table:ReadCapacityUnits"


class Target:
    """A scalable target of a table that does not have to exist."""

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
        response = self.client.describe_scalable_targets(
            ServiceNamespace="dynamodb", ResourceIds=[self.names["ResourceId"]], ScalableDimension=READ
        )
        return list(response["ScalableTargets"])

    def track(self, target_value: float = 70) -> str:
        tracking = {
            "TargetValue": target_value,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
        }
        response = self.client.put_scaling_policy(
            **self.names,
            PolicyName="track",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )
        return str(response["PolicyARN"])

    def policies(self) -> list[dict[str, Any]]:
        response = self.client.describe_scaling_policies(
            ServiceNamespace="dynamodb", ResourceId=self.names["ResourceId"], PolicyNames=["track"]
        )
        return list(response["ScalingPolicies"])


def test_a_target_is_registered_changed_and_deregistered(cloud: Cloud) -> None:
    target = Target(cloud)
    [first] = target.described()

    assert (first["MinCapacity"], first["MaxCapacity"]) == (5, 50)
    assert first["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_DynamoDBTable")

    repeated = target.client.register_scalable_target(**target.names, MaxCapacity=60)

    assert repeated["ScalableTargetARN"] == target.arn

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


def test_deregistering_deletes_the_policies(cloud: Cloud) -> None:
    target = Target(cloud)
    target.track()
    target.client.deregister_scalable_target(**target.names)

    assert target.policies() == []
    with pytest.raises(target.client.exceptions.ObjectNotFoundException):
        target.track()


def test_scheduled_actions_are_stored(cloud: Cloud) -> None:
    target = Target(cloud)
    action = {"ScheduledActionName": "night", "Schedule": "cron(0 22 * * ? *)"}
    target.client.put_scheduled_action(**target.names, **action, ScalableTargetAction={"MinCapacity": 1})
    actions = target.client.describe_scheduled_actions(
        ServiceNamespace="dynamodb", ResourceId=target.names["ResourceId"]
    )["ScheduledActions"]

    assert [(action["ScheduledActionName"], action["ScalableTargetAction"]) for action in actions] == [
        ("night", {"MinCapacity": 1})
    ]

    target.client.delete_scheduled_action(**target.names, ScheduledActionName="night")


def test_tags_are_stored_with_the_target(cloud: Cloud) -> None:
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
def test_invalid_values_are_rejected(cloud: Cloud, change: dict[str, Any]) -> None:
    target = Target(cloud)
    with pytest.raises(botocore.exceptions.ClientError, match="ValidationException"):
        target.client.register_scalable_target(**{**target.names, **change})


def test_accounts_and_regions_are_separate(cloud: Cloud) -> None:
    target = Target(cloud)
    other_region = boto3.client(
        "application-autoscaling",
        endpoint_url=cloud.engine.endpoint.url,
        region_name="eu-west-1",
        **cloud.keys(),
    )
    response = other_region.describe_scalable_targets(
        ServiceNamespace="dynamodb", ResourceIds=[target.names["ResourceId"]]
    )

    assert response["ScalableTargets"] == []


def test_long_results_have_pages(cloud: Cloud) -> None:
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
    arns = [item["ScalableTargetARN"] for page in pages for item in page["ScalableTargets"]]

    assert arns == [target.arn for target in targets]


def test_handlers_need_permission(cloud: Cloud) -> None:
    source = """
        import boto3
        def handler(event, context):
            boto3.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="dynamodb")
    """
    response, body = cloud.invoke(cloud.function(source))

    assert response.get("FunctionError"), body
    assert "AccessDenied" in body["errorMessage"]
