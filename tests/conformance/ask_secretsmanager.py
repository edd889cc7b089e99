"""Questions to Secrets Manager."""

from typing import Any

from tests.conformance.interaction import TIMEOUT_S, function, interaction
from tests.engine.cloud import Cloud, allow, eventually


@interaction(
    "secretsmanager",
    source="/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html",
    expected={"AWSCURRENT": "new", "AWSPREVIOUS": "old"},
    runs_functions=True,
)
def rotation_runs_the_four_steps(cloud: Cloud) -> Any:
    """A rotation calls the function once for each step; the function creates and promotes the new version."""
    secrets, name = cloud.client("secretsmanager"), cloud.name("secret")
    arn = secrets.create_secret(Name=name, SecretString="old")["ARN"]
    source = """
        import boto3
        def handler(event, context):
            secrets, secret = boto3.client("secretsmanager"), event["SecretId"]
            if event["Step"] == "createSecret":
                secrets.put_secret_value(SecretId=secret, ClientRequestToken=event["ClientRequestToken"],
                                         SecretString="new", VersionStages=["AWSPENDING"])
            if event["Step"] == "finishSecret":
                stages = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
                (current,) = [version for version, labels in stages.items() if "AWSCURRENT" in labels]
                secrets.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT",
                    MoveToVersionId=event["ClientRequestToken"], RemoveFromVersionId=current)
    """
    rotator = function(cloud, source, allow("secretsmanager:*"))
    rotator_arn = cloud.client("lambda").get_function(FunctionName=rotator)["Configuration"]["FunctionArn"]
    cloud.permit(rotator, "secretsmanager.amazonaws.com", arn)
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=rotator_arn, RotationRules={"AutomaticallyAfterDays": 30})

    def rotated() -> Any:
        value = secrets.get_secret_value(SecretId=name)["SecretString"]
        return value if value == "new" else None

    eventually(rotated, timeout_s=TIMEOUT_S, event="the rotation")
    return {
        stage: secrets.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"]
        for stage in ("AWSCURRENT", "AWSPREVIOUS")
    }
