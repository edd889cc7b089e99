"""Questions to S3."""

import json
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance.interaction import TIMEOUT_S, bucket, interaction, rejection
from tests.engine.cloud import Cloud, eventually


@interaction("s3", source="/AmazonS3/latest/userguide/conditional-writes.html", expected=["PreconditionFailed", 412])
def object_is_not_overwritten_with_if_none_match(cloud: Cloud) -> Any:
    """A put with If-None-Match: * is rejected if the key has an object."""
    s3, name = cloud.client("s3"), bucket(cloud)
    s3.put_object(Bucket=name, Key="a", Body=b"1")
    return rejection(lambda: s3.put_object(Bucket=name, Key="a", Body=b"2", IfNoneMatch="*"))


@interaction(
    "s3",
    source="/AmazonS3/latest/userguide/conditional-deletes.html",
    expected=[["PreconditionFailed", 412], {"deleted": 204}, ["NoSuchKey", 404]],
)
def object_is_deleted_only_if_it_has_not_changed(cloud: Cloud) -> Any:
    """A delete with If-Match fails after an overwrite, works with the current ETag, and is a 404 without an object."""
    s3, name = cloud.client("s3"), bucket(cloud)
    old_etag = s3.put_object(Bucket=name, Key="a", Body=b"1")["ETag"]
    current_etag = s3.put_object(Bucket=name, Key="a", Body=b"2")["ETag"]

    def delete(etag: str) -> Any:
        response = s3.delete_object(Bucket=name, Key="a", IfMatch=etag)
        return {"deleted": response["ResponseMetadata"]["HTTPStatusCode"]}

    def outcome(etag: str) -> Any:
        try:
            return delete(etag)
        except ClientError as error:
            return [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]

    return [outcome(old_etag), outcome(current_etag), outcome(current_etag)]


@interaction("s3", source="/AmazonS3/latest/API/API_GetObject.html", expected=["NoSuchKey", 404])
def missing_object_has_its_own_code(cloud: Cloud) -> Any:
    """A get of a key without an object is a 404 NoSuchKey for callers that may list the bucket."""
    name = bucket(cloud)
    return rejection(lambda: cloud.client("s3").get_object(Bucket=name, Key="none"))


@interaction(
    "s3",
    source="/AmazonS3/latest/userguide/notification-content-structure.html",
    expected={
        "source": "aws:s3",
        "name": "ObjectCreated:Put",
        "key": "incoming/a+b+%C3%BC.csv",
        "size": 3,
        "version": True,
    },
)
def notification_encodes_the_key_and_names_the_version(cloud: Cloud) -> Any:
    """The key in a notification is URL-encoded with + for a space, and a versioned object's version is named."""
    s3, name = cloud.client("s3"), bucket(cloud)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    url, arn = cloud.queue()
    rule = {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}]}}
    to_queue = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": rule}
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": [to_queue]}, SkipDestinationValidation=True
    )
    s3.put_object(Bucket=name, Key="incoming/a b ü.csv", Body=b"csv")

    def notification() -> Any:
        for message in cloud.client("sqs").receive_message(QueueUrl=url).get("Messages", []):
            for record in json.loads(message["Body"]).get("Records", []):
                return record
        return None

    record = eventually(notification, timeout_s=TIMEOUT_S, event="the notification")
    item = record["s3"]["object"]
    return {
        "source": record["eventSource"],
        "name": record["eventName"],
        "key": item["key"],
        "size": item["size"],
        "version": bool(item.get("versionId")),
    }
