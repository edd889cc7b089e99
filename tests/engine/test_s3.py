"""The parts of S3 that the platform relies on: metrics, tags, notifications, presigned URLs."""

import json
from typing import Any

import botocore.exceptions
import pytest

from tests.engine.cloud import Cloud, allow


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    name = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def test_metrics_configurations_are_stored_and_deleted(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    configuration = {"Id": "Documents", "Filter": {"Prefix": "documents/"}}
    s3.put_bucket_metrics_configuration(Bucket=bucket, Id="Documents", MetricsConfiguration=configuration)

    assert s3.get_bucket_metrics_configuration(Bucket=bucket, Id="Documents")["MetricsConfiguration"] == configuration
    assert s3.list_bucket_metrics_configurations(Bucket=bucket)["MetricsConfigurationList"] == [configuration]

    s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="Documents")

    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchConfiguration"):
        s3.get_bucket_metrics_configuration(Bucket=bucket, Id="Documents")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1  # AND the bucket still exists


def test_unsupported_operations_are_rejected(cloud: Cloud, bucket: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match="NotImplemented"):
        cloud.client("s3").delete_bucket_inventory_configuration(Bucket=bucket, Id="x")
    cloud.client("s3").head_bucket(Bucket=bucket)


def test_a_copy_can_be_told_not_to_replace_an_object(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="source", Body=b"new")
    copy = {"Bucket": bucket, "Key": "target", "CopySource": f"{bucket}/source", "IfNoneMatch": "*"}
    s3.copy_object(**copy)
    s3.put_object(Bucket=bucket, Key="source", Body=b"newer")

    with pytest.raises(botocore.exceptions.ClientError, match="PreconditionFailed"):
        s3.copy_object(**copy)

    assert s3.get_object(Bucket=bucket, Key="target")["Body"].read() == b"new"


@pytest.mark.parametrize("versioned", [True, False])
def test_a_multipart_object_has_the_tags_of_its_upload(cloud: Cloud, bucket: str, *, versioned: bool) -> None:
    s3 = cloud.client("s3")
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    target = {"Bucket": bucket, "Key": "big.zip"}
    upload = s3.create_multipart_upload(**target, Tagging="Project=a%20b&ManagedBy=terraform")["UploadId"]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"content")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=parts)
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(**target)["TagSet"]}

    assert tags == {"Project": "a b", "ManagedBy": "terraform"}


def test_a_function_that_does_not_permit_the_bucket_cannot_be_notified(cloud: Cloud, bucket: str) -> None:
    function = cloud.function("def handler(event, context): pass")
    target = {"LambdaFunctionArn": cloud.alias(function), "Events": ["s3:ObjectCreated:*"]}
    configuration = {"LambdaFunctionConfigurations": [target]}
    s3 = cloud.client("s3")

    with pytest.raises(botocore.exceptions.ClientError, match="Unable to validate"):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    cloud.permit(function, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", qualifier="live")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)


def test_requests_satisfy_policies_that_demand_tls(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    sqs = cloud.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])

    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        plain_http(cloud).get_queue_attributes(QueueUrl=url, AttributeNames=["All"])


def plain_http(cloud: Cloud) -> Any:
    """A client whose requests count as requests without TLS."""
    client = cloud.client("sqs", new=True)
    client.meta.events.register("before-send", _mark_as_plain_http)
    return client


def _mark_as_plain_http(request: Any, **_: Any) -> None:
    request.headers["X-Forwarded-Proto"] = "http"


def test_a_permission_for_all_keys_covers_one_with_a_line_break(cloud: Cloud, bucket: str) -> None:
    source = """
        import boto3
        def handler(event, context):
            return boto3.client("s3").get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read().decode()
    """
    cloud.client("s3").put_object(Bucket=bucket, Key="in/a\nb", Body=b"content")
    function = cloud.function(source, allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/in/*"))

    assert cloud.invoke(function, {"bucket": bucket, "key": "in/a\nb"})[1] == "content"
    assert "FunctionError" in cloud.invoke(function, {"bucket": bucket, "key": "out/a\nb"})[0]


def test_a_name_with_characters_that_xml_lacks_is_listed_with_its_versions(cloud: Cloud) -> None:
    """Whoever may upload chooses the names; boto3 asks for encoded ones."""
    s3, bucket, key = cloud.client("s3"), cloud.name("names"), "incoming/a&b <c> \x1b[31m ü.csv"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    s3.delete_object(Bucket=bucket, Key=key)

    listed = s3.list_object_versions(Bucket=bucket, Prefix="incoming/")

    assert [version["Key"] for version in listed["Versions"] + listed["DeleteMarkers"]] == [key, key]
    assert listed["Prefix"] == "incoming/"
