"""A rotation of the API's key that changes no client's key: with a throw-away key, and without its last step.

The last step makes the new key the current one and retires the key before the last. A rotation after every deploy would
so cut off clients that still use that. Therefore the new version of the secret is the test's own, with a key that the
test creates. The function takes it through the steps before the last, with the permissions of a rotation: it reads the
secret, adds the key to the usage plan, and tests it. Then the label and the key are removed again.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from harness.deploy.smoke_access import PlatformAccess
from harness.errors import HarnessError

FUNCTION = "rotate-api-key"
STEPS = ("createSecret", "setSecret", "testSecret")
ALIAS = "live"


@contextmanager
def throw_away_key(access: PlatformAccess, run_id: str, failed: Callable[[str], HarnessError]) -> Iterator[str]:
    """A new key that the rotation function has added to the API; it is removed at the end.

    Args:
        access: The platform.
        run_id: In the key's name.
        failed: Makes the error that ends the test.

    Yields:
        The key's value.

    Raises:
        HarnessError: A rotation is in progress, or the function fails in a step.
    """
    secrets, gateway = access.client("secretsmanager"), access.client("apigateway")
    arn, token = access.outputs["api_key_secret_arn"], str(uuid.uuid4())
    labels = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if any("AWSPENDING" in stages and "AWSCURRENT" not in stages for stages in labels.values()):
        raise failed("A rotation of the API's key has begun and not ended.")
    with ExitStack() as cleanup:
        key = gateway.create_api_key(
            name=f"smoke-{access.environment}-{run_id}", description="Of a smoke test; can be deleted.", enabled=True
        )
        cleanup.callback(gateway.delete_api_key, apiKey=key["id"])
        value = json.dumps({"apiKeyId": key["id"], "apiKey": key["value"]})
        secrets.put_secret_value(
            SecretId=arn, ClientRequestToken=token, SecretString=value, VersionStages=["AWSPENDING"]
        )
        cleanup.callback(
            secrets.update_secret_version_stage, SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=token
        )
        for step in STEPS:
            _invoke(access, {"Step": step, "SecretId": arn, "ClientRequestToken": token}, failed)
        yield key["value"]


def _invoke(access: PlatformAccess, event: dict[str, str], failed: Callable[[str], HarnessError]) -> None:
    response = access.client("lambda").invoke(
        FunctionName=access.outputs["functions"][FUNCTION], Qualifier=ALIAS, Payload=json.dumps(event)
    )
    if "FunctionError" in response:
        error = json.loads(response["Payload"].read())
        raise failed(f"{FUNCTION} failed in {event['Step']}: {error.get('errorMessage', error)}")
