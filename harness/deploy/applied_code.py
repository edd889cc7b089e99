"""The code that Terraform has applied, put back where a function has other code.

Terraform's provider does not read back where a function's code came from, and compares no checksum (hashicorp/aws
5.100). If an apply is killed after it has replaced the code and before its state is written, the next plan takes the
old code for deployed: it would give callers the newest version, which has the code of the killed deploy.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from harness.console import out
from harness.errors import HarnessError


@dataclass(frozen=True)
class AppliedCode:
    """The code of a function, as the state has it.

    Attributes:
        function: Its full name.
        bucket: The bucket of its zip.
        key: The key, which ends with the checksum of the zip.
    """

    function: str
    bucket: str
    key: str

    @property
    def digest(self) -> str:
        """The checksum of the zip, hexadecimal."""
        return self.key.rpartition("/")[2].removesuffix(".zip")


def in_state(state: Mapping[str, Any]) -> Iterator[AppliedCode]:
    """The code of each function that a state has.

    Args:
        state: The state in Terraform's own format.
    """
    for resource in state.get("resources", ()):
        if (resource["mode"], resource["type"]) == ("managed", "aws_lambda_function"):
            for instance in resource["instances"]:
                attributes = instance["attributes"]
                if attributes.get("s3_key"):
                    yield AppliedCode(attributes["function_name"], attributes["s3_bucket"], attributes["s3_key"])


def restore(functions: Any, state: Mapping[str, Any]) -> list[str]:
    """Put the applied code back where a function has other code, and publish it. No alias is moved.

    Args:
        functions: A client of Lambda.
        state: The state in Terraform's own format.

    Returns:
        The functions that had other code.

    Raises:
        HarnessError: The code cannot be taken from the bucket.
    """
    restored = []
    for applied in in_state(state):
        try:
            configuration = functions.get_function_configuration(FunctionName=applied.function)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            continue  # somebody has deleted it: the plan creates it anew
        if base64.b64decode(configuration["CodeSha256"]).hex() != applied.digest:
            publish(functions, applied.function, applied.bucket, applied.key)
            restored.append(applied.function)
    if restored:
        out.print(
            f"[yellow]Note:[/] {', '.join(restored)} had other code than Terraform has applied, as after a deploy that "
            "was killed. The applied code is put back; callers keep their versions."
        )
    return restored


def publish(functions: Any, function: str, bucket: str, key: str) -> str:
    """Replace a function's code by a zip of a bucket, and publish it; return the version.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html

    Raises:
        HarnessError: The code cannot be taken from the bucket.
    """
    try:
        functions.update_function_code(FunctionName=function, S3Bucket=bucket, S3Key=key)
    except ClientError as error:
        raise HarnessError(
            f"The code of {function} cannot be taken from s3://{bucket}/{key}: {error}",
            remedy="Roll back by the alias instead: ./noxw -s rollback without --emergency.",
        ) from error
    functions.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    version: str = functions.publish_version(FunctionName=function)["Version"]
    return version
