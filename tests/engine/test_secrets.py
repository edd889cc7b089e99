"""Secrets Manager: rotation runs the rotation function."""

import json

import botocore.exceptions
import pytest

from tests.engine.cloud import Cloud, allow, eventually

ROTATE = """
    import boto3
    def handler(event, context):
        client, secret, token = boto3.client("secretsmanager"), event["SecretId"], event["ClientRequestToken"]
        if event["Step"] == "createSecret":
            try:
                client.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
            except client.exceptions.ResourceNotFoundException:
                client.put_secret_value(SecretId=secret, ClientRequestToken=token, SecretString="new",
                                        VersionStages=["AWSPENDING"])
        if event["Step"] == "finishSecret":
            versions = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
            current = next(v for v, stages in versions.items() if "AWSCURRENT" in stages)
            client.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                               RemoveFromVersionId=current)
"""


def test_a_rotation_runs_its_four_steps(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    arn = secrets.create_secret(Name=cloud.name("secret"), SecretString="old")["ARN"]
    function = cloud.function(ROTATE, allow("secretsmanager:*", on=arn))
    cloud.permit(function, "secretsmanager.amazonaws.com", arn)
    function_arn = cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    rules = {"AutomaticallyAfterDays": 30}
    secrets.rotate_secret(SecretId=arn, RotationLambdaARN=function_arn, RotationRules=rules)
    eventually(lambda: secrets.get_secret_value(SecretId=arn)["SecretString"] == "new")

    assert secrets.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["SecretString"] == "old"

    described = eventually(lambda: (d := secrets.describe_secret(SecretId=arn)).get("LastRotatedDate") and d)

    assert described["RotationEnabled"] is True
    assert described["RotationRules"] == rules
    assert sum(line.startswith("START") for line in cloud.log_lines(function)) == 4, json.dumps(
        cloud.log_lines(function)
    )


def test_a_function_that_does_not_permit_rotation_is_rejected(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    arn = secrets.create_secret(Name=cloud.name("secret"), SecretString="old")["ARN"]
    function = cloud.function(ROTATE, allow("secretsmanager:*", on=arn))
    function_arn = cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]

    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        secrets.rotate_secret(SecretId=arn, RotationLambdaARN=function_arn)
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "old"


RECORD = """
    import boto3
    def handler(event, context):
        client = boto3.client("secretsmanager")
        value = client.get_secret_value(SecretId=event["SecretId"], VersionId=event["ClientRequestToken"],
                                        VersionStage="AWSPENDING")["SecretString"]
        print(event["Step"], "reads", value)
"""


def test_a_rotation_that_is_not_immediate_is_tested(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    created = secrets.create_secret(Name=cloud.name("secret"), SecretString="old")
    function = cloud.function(RECORD, allow("secretsmanager:*", on=created["ARN"]))
    cloud.permit(function, "secretsmanager.amazonaws.com", created["ARN"])
    function_arn = cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    secrets.rotate_secret(SecretId=created["ARN"], RotationLambdaARN=function_arn, RotateImmediately=False)
    steps = eventually(lambda: [line for line in cloud.log_lines(function) if " reads " in line])

    assert [step.strip() for step in steps] == ["testSecret reads old"]

    labels = eventually(
        lambda: (
            len(versions := secrets.describe_secret(SecretId=created["ARN"])["VersionIdsToStages"]) == 1
            and versions  # removed
        )
    )

    assert labels == {created["VersionId"]: ["AWSCURRENT"]}


def test_a_rotation_is_cancelled(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    arn = secrets.create_secret(Name=cloud.name("secret"))["ARN"]
    function = cloud.function(RECORD)
    cloud.permit(function, "secretsmanager.amazonaws.com", arn)
    function_arn = cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    secrets.rotate_secret(SecretId=arn, RotationLambdaARN=function_arn, RotateImmediately=False)

    assert secrets.describe_secret(SecretId=arn)["RotationEnabled"] is True

    secrets.cancel_rotate_secret(SecretId=arn)

    assert secrets.describe_secret(SecretId=arn)["RotationEnabled"] is False
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.cancel_rotate_secret(SecretId=cloud.name("nowhere"))


def test_a_secret_without_a_value_has_no_version(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    created = secrets.create_secret(Name=cloud.name("secret"))

    assert "VersionId" not in created
    assert secrets.describe_secret(SecretId=created["ARN"]).get("VersionIdsToStages", {}) == {}
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId=created["ARN"])


def test_a_label_is_on_one_version_at_a_time(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    token = "a" * 32
    created = secrets.create_secret(Name=cloud.name("secret"), SecretString="1", ClientRequestToken=token)

    assert created["VersionId"] == token

    def put(version: str, value: str, *labels: str) -> list[str]:
        response = secrets.put_secret_value(
            SecretId=created["ARN"], ClientRequestToken=version * 32, SecretString=value, VersionStages=[*labels]
        )
        return sorted(response["VersionStages"])

    assert put("b", "2", "AWSCURRENT", "INITIAL") == ["AWSCURRENT", "INITIAL"]

    put("c", "3", "AWSPENDING")
    put("d", "4", "AWSPENDING", "INITIAL")

    assert secrets.describe_secret(SecretId=created["ARN"])["VersionIdsToStages"] == {
        "a" * 32: ["AWSPREVIOUS"],
        "b" * 32: ["AWSCURRENT"],
        "d" * 32: ["AWSPENDING", "INITIAL"],
    }
    # A repetition changes nothing; another value with the same token is rejected.
    assert put("b", "2", "AWSCURRENT", "INITIAL") == ["AWSCURRENT"]
    with pytest.raises(secrets.exceptions.ResourceExistsException):
        put("b", "5", "AWSCURRENT")


def test_replicas_are_created_with_the_secret_and_removed_without_it(cloud: Cloud) -> None:
    secrets, other_region = cloud.client("secretsmanager"), cloud.in_region("secretsmanager", "us-west-2")
    name = cloud.name("secret")
    created = secrets.create_secret(Name=name, SecretString="1", AddReplicaRegions=[{"Region": "us-west-2"}])

    assert [status["Region"] for status in created["ReplicationStatus"]] == ["us-west-2"]

    secrets.put_secret_value(SecretId=name, SecretString="2")

    assert other_region.get_secret_value(SecretId=name)["SecretString"] == "2"
    with pytest.raises(botocore.exceptions.ClientError, match="replica"):
        other_region.cancel_rotate_secret(SecretId=name)

    secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=["us-west-2"])

    assert secrets.describe_secret(SecretId=name).get("ReplicationStatus", []) == []
    with pytest.raises(other_region.exceptions.ResourceNotFoundException):
        other_region.get_secret_value(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "2"
