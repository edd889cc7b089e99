"""Late consistency, with the switch `consistency`: what AWS needs a while for takes some requests here."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.strictness import LATE_CALLS, LATE_UPLOADS
from harness.engine import EmbeddedEngine
from tests.engine.cloud import Cloud, serving, worker, zipped


@pytest.fixture(scope="module")
def late(_own_folder: None) -> Iterator[Cloud]:
    """An engine with the switch `consistency`."""
    with serving(EmbeddedEngine(f"consistency-{worker()}", port="auto"), HARNESS_STRICT="consistency") as cloud:
        yield cloud


def versioned_bucket(cloud: Cloud) -> str:
    """Create a bucket and enable its versioning."""
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def uploaded_versions(cloud: Cloud, bucket: str, number: int) -> list[str | None]:
    """Upload that many objects; the version that each upload returns."""
    uploads = [cloud.client("s3").put_object(Bucket=bucket, Key=f"{key}", Body=b"x") for key in range(number)]
    return [upload.get("VersionId") for upload in uploads]


def test_the_first_uploads_after_versioning_is_enabled_have_no_version(late: Cloud) -> None:
    bucket = versioned_bucket(late)

    versions = uploaded_versions(late, bucket, LATE_UPLOADS + 1)

    assert versions[:LATE_UPLOADS] == [None] * LATE_UPLOADS
    assert versions[LATE_UPLOADS] is not None


def test_such_an_upload_has_the_version_null(late: Cloud) -> None:
    bucket = versioned_bucket(late)
    uploaded_versions(late, bucket, 1)

    [version] = late.client("s3").list_object_versions(Bucket=bucket)["Versions"]

    assert version["VersionId"] == "null"


def test_such_an_upload_is_found_by_the_second_read(late: Cloud) -> None:
    bucket = versioned_bucket(late)
    uploaded_versions(late, bucket, 1)

    with pytest.raises(ClientError, match="404"):
        late.client("s3").head_object(Bucket=bucket, Key="0")

    assert late.client("s3").head_object(Bucket=bucket, Key="0")["ContentLength"] == 1


def test_versioning_that_is_enabled_again_holds_at_once(late: Cloud) -> None:
    bucket = versioned_bucket(late)
    uploaded_versions(late, bucket, LATE_UPLOADS)

    late.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    assert uploaded_versions(late, bucket, 1) != [None]


def test_without_the_switch_versioning_holds_at_once(cloud: Cloud) -> None:
    assert None not in uploaded_versions(cloud, versioned_bucket(cloud), 1)


def attempts(call: Any) -> list[str]:
    """The outcome of calls until one succeeds: error codes."""
    codes: list[str] = []
    while len(codes) < 10:
        try:
            call()
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
        else:
            return codes
    return codes


def test_lambda_learns_of_a_new_role_after_some_calls(late: Cloud) -> None:
    role = late.role()

    def create() -> None:
        late.client("lambda").create_function(
            FunctionName=late.name("function"),
            Role=role,
            Code={"ZipFile": zipped("def handler(event, context): ...")},
            Handler="app.handler",
            Runtime="python3.13",
        )

    assert attempts(create) == ["InvalidParameterValueException"] * LATE_CALLS
    assert attempts(create) == []


def test_the_gateway_learns_of_a_new_role_after_some_calls(late: Cloud) -> None:
    role = late.role()

    def update() -> None:
        late.client("apigateway").update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
        )

    assert attempts(update) == ["BadRequestException"] * LATE_CALLS
