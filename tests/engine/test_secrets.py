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


def test_a_function_that_does_not_permit_it_is_refused(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    arn = secrets.create_secret(Name=cloud.name("secret"), SecretString="old")["ARN"]
    function = cloud.function(ROTATE, allow("secretsmanager:*", on=arn))
    function_arn = cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        secrets.rotate_secret(SecretId=arn, RotationLambdaARN=function_arn)
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "old"
