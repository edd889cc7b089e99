"""S3: sub-resources of buckets, tags of multipart uploads, permission to call functions."""

import re
from typing import Any
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import unescape

from ministack.services import s3

from embedded import delivery
from embedded.permissions import may_invoke
from emulation.patch import patches, source_has, source_lacks

_SERVICE = "s3.amazonaws.com"
_XML = {"Content-Type": "application/xml"}
METRICS = "embedded_metrics"
"""The key of the metrics configurations in a bucket's record: they are persisted and deleted with the bucket."""
_UNSUPPORTED = ("analytics", "inventory", "intelligent-tiering", "metadataConfiguration", "metadataTable")


@patches(s3, "_dispatch", needed=source_lacks('"metrics"'))
def bucket_metrics(original: Any) -> Any:
    """A bucket's metrics configurations are stored; requests for unsupported sub-resources fail.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketMetricsConfiguration.html and related pages.
    MiniStack: takes ``DELETE /bucket?metrics`` for DeleteBucket, ``PUT`` for CreateBucket, ``GET`` for ListObjects. It
    does the same with every sub-resource that it does not know.
    """

    def dispatch(method: str, bucket: str, key: str, headers: Any, body: bytes, query: dict[str, Any]) -> Any:
        if not bucket or key:
            return original(method, bucket, key, headers, body, query)
        if unknown := next((name for name in _UNSUPPORTED if name in query), None):
            return s3._error("NotImplemented", f"The engine does not support ?{unknown}.", 501, f"/{bucket}")
        if "metrics" not in query:
            return original(method, bucket, key, headers, body, query)
        if bucket not in s3._buckets:
            return s3._no_such_bucket(bucket)
        return _metrics(method, s3._buckets[bucket], s3._qp(query, "id", ""), body)

    return dispatch


def _metrics(method: str, bucket: dict[str, Any], identity: str, body: bytes) -> Any:
    configurations: dict[str, str] = bucket.setdefault(METRICS, {})
    if method == "PUT":
        configurations[identity] = re.sub(r"<\?xml[^>]*\?>\s*", "", body.decode())
        return 200, {}, b""
    if method == "GET" and not identity:
        inner = "<IsTruncated>false</IsTruncated>" + "".join(configurations.values())
        tag = "ListMetricsConfigurationsResult"
        return 200, dict(_XML), f'<{tag} xmlns="{s3.S3_NS}">{inner}</{tag}>'.encode()
    if identity not in configurations:
        return s3._error("NoSuchConfiguration", "The specified configuration does not exist.", 404)
    if method == "DELETE":
        del configurations[identity]
        return 204, {}, b""
    return 200, dict(_XML), configurations[identity].encode()


_NAMES = re.compile(rb"<(Key|Prefix|Delimiter|KeyMarker|NextKeyMarker)>([^<]*)<")


@patches(s3, "_list_object_versions", needed=source_lacks("encoding-type"))
def encoded_names_of_versions(original: Any) -> Any:
    """The names in a list of versions are encoded if the request asks for it: XML cannot contain every character.

    AWS: "you can add this parameter to request that Amazon S3 encode the keys in the response".
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    MiniStack: does so in the other lists only; a name with a control character makes this one unreadable.
    """

    def list_object_versions(bucket: str, query: dict[str, Any]) -> Any:
        status, headers, body = original(bucket, query)
        if status != 200 or s3._qp(query, "encoding-type", "") != "url":
            return status, headers, body

        def encoded(found: re.Match[bytes]) -> bytes:
            name = quote(unescape(found[2].decode()), safe="/")
            return b"<" + found[1] + b">" + name.encode() + b"<"

        kind = b"<EncodingType>url</EncodingType></ListVersionsResult>"
        return status, headers, _NAMES.sub(encoded, body).replace(b"</ListVersionsResult>", kind)

    return list_object_versions


@patches(s3, "_copy_object", needed=source_lacks("_check_put_preconditions"))
def conditional_copies(original: Any) -> Any:
    """CopyObject obeys ``If-None-Match`` and ``If-Match``, which protect an object at the destination.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: "before creating it or copying
    it to the destination bucket".
    MiniStack: obeys them for PutObject and CompleteMultipartUpload only, and replaces the object.
    """

    def copy_object(bucket_name: str, dest_key: str, headers: dict[str, Any]) -> Any:
        existing = s3._buckets.get(bucket_name, {}).get("objects", {}).get(dest_key)
        return s3._check_put_preconditions(headers, existing) or original(bucket_name, dest_key, headers)

    return copy_object


@patches(s3, "_create_multipart_upload", needed=source_lacks("x-amz-tagging"))
def multipart_upload_tags(original: Any) -> Any:
    """CreateMultipartUpload stores the tags of the future object; see :func:`multipart_object_tags`."""

    def create(bucket: str, key: str, headers: dict[str, str]) -> Any:
        status, response_headers, body = original(bucket, key, headers)
        tags = {name: values[0] for name, values in parse_qs(headers.get("x-amz-tagging", ""), True).items()}  # noqa: FBT003
        if tags and (match := re.search(rb"<UploadId>([^<]+)<", body)):
            s3._multipart_uploads[match[1].decode()]["tags"] = tags
        return status, response_headers, body

    return create


@patches(s3, "_complete_multipart_upload", needed=source_lacks("_object_tags"))
def multipart_object_tags(original: Any) -> Any:
    """An object that was uploaded in parts has the tags of its CreateMultipartUpload.

    AWS: "x-amz-tagging: the tag-set for the object"; Terraform uploads files over 5 MiB in parts.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
    MiniStack: drops the header.
    """

    def complete(bucket: str, key: str, body: bytes, query: Any, headers: Any = None) -> Any:
        tags = (s3._multipart_uploads.get(s3._qp(query, "uploadId")) or {}).get("tags")
        response = original(bucket, key, body, query, headers)
        if tags and response[0] == 200:
            version = s3._buckets[bucket]["objects"][key].get("version_id")
            s3._object_tags[(bucket, key, version)] = tags
            s3._persist_version_state(bucket, key, s3._buckets[bucket])
        return response

    return complete


@patches(s3, "_validate_notification_configs", needed=source_has('in ("sqs", "sns")'))
def function_destinations(original: Any) -> Any:
    """A notification to a function is rejected unless the function exists and permits the bucket.

    AWS: "Unable to validate the following destination configurations".
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    MiniStack: checks queues and topics only.
    """

    def validate(configs: list[dict[str, Any]], region: str, bucket: str = "", *skip: bool) -> Any:
        error = original(configs, region, bucket, *skip)
        if error is not None or any(skip):
            return error
        functions = [config["arn"] for config in configs if config["type"] == "lambda"]
        invalid = [arn for arn in functions if not delivery.exists(arn) or not _is_permitted(arn, bucket)]
        if not invalid:
            return None
        return s3._invalid_notification_config(
            "Unable to validate the following destination configurations: " + ", ".join(invalid)
        )

    return validate


@patches(s3, "_deliver_event_to_lambda", needed=source_lacks("policy"))
def permitted_functions(original: Any) -> Any:
    """S3 calls a function only if its policy permits the bucket; see :func:`function_destinations`."""

    def deliver(arn: str, payload: dict[str, Any], region: str) -> None:
        if _is_permitted(arn, payload["Records"][0]["s3"]["bucket"]["name"]):
            original(arn, payload, region)

    return deliver


def _is_permitted(arn: str, bucket: str) -> bool:
    return may_invoke(arn, _SERVICE, f"arn:aws:s3:::{bucket}")
