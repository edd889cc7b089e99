"""S3, Lambda, API Gateway: changes that hold everywhere only after a while, with the switch `consistency`.

AWS takes seconds to minutes. Here it takes a number of requests, so that a test neither waits nor depends on its speed.
"""

from collections import Counter
from typing import Any

from ministack.services import apigateway_v1, iam, lambda_svc, s3

from embedded.strictness import LATE_CALLS, LATE_UPLOADS, MISSED_READS, strict
from emulation.patch import patches, source_lacks

_late_uploads: Counter[str] = Counter()
_missed_reads: Counter[tuple[str, str]] = Counter()
_calls: Counter[tuple[str, str]] = Counter()


@patches(s3, "_put_bucket_versioning", needed=source_lacks("LATE_UPLOADS"))
def late_versioning(original: Any) -> Any:
    """With the switch `consistency`, versioning holds some uploads after it is enabled for the first time.

    AWS: "it may take up to 15 minutes for the change to fully propagate across the S3 system. During this time, GET
    requests for objects created or updated after enabling versioning may result in HTTP 404 NoSuchKey errors."
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html
    MiniStack: at once. See `late_versions` and `missed_heads`.
    """
    if not strict("consistency"):
        return original

    def put(bucket: str, body: bytes) -> Any:
        is_first = bucket in s3._buckets and not s3._bucket_versioning.get(bucket)
        response = original(bucket, body)
        if is_first and s3._bucket_versioning.get(bucket) == "Enabled":
            _late_uploads[bucket] = LATE_UPLOADS
        return response

    return put


@patches(s3, "_record_object_version", needed=source_lacks("LATE_UPLOADS"))
def late_versions(original: Any) -> Any:
    """With the switch `consistency`, the first uploads to a versioned bucket have no version; see `late_versioning`."""
    if not strict("consistency"):
        return original

    def record(bucket: str, key: str, prior: Any, stored: dict[str, Any], data: Any) -> Any:
        if _late_uploads[bucket] < 1:
            return original(bucket, key, prior, stored, data)
        _late_uploads[bucket] -= 1
        _missed_reads[(bucket, key)] = MISSED_READS
        status = s3._bucket_versioning.pop(bucket, None)
        try:
            return original(bucket, key, prior, stored, data)
        finally:
            if status:
                s3._bucket_versioning[bucket] = status

    return record


@patches(s3, "_head_object", needed=source_lacks("LATE_UPLOADS"))
def missed_heads(original: Any) -> Any:
    """With the switch `consistency`, HeadObject does not find these uploads at once; see `late_versioning`."""
    if not strict("consistency"):
        return original

    def head(bucket: str, key: str, *arguments: Any, **more: Any) -> Any:
        if _missed_reads[(bucket, key)] > 0:
            _missed_reads[(bucket, key)] -= 1
            return s3._error("NoSuchKey", "The specified key does not exist.", 404, f"/{bucket}/{key}")
        return original(bucket, key, *arguments, **more)

    return head


def _knows(service: str, role_arn: str) -> bool:
    """Whether a service knows a role by now; asking counts as a call. A role that does not exist is not judged here."""
    record = iam._roles.get(role_arn.rpartition("/")[2])
    if record is None:
        return True
    call = (service, str(record["RoleId"]))  # a role that is made anew has another id
    _calls[call] += 1
    return _calls[call] > LATE_CALLS


@patches(lambda_svc, "_create_function", needed=source_lacks("LATE_CALLS"))
def late_role_of_a_function(original: Any) -> Any:
    """With the switch `consistency`, Lambda does not know a new role for some calls of CreateFunction.

    AWS: "Changes that I make are not always immediately visible".
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
    MiniStack: knows it at once.
    """
    if not strict("consistency"):
        return original

    def create(data: dict[str, Any]) -> Any:
        if not _knows("lambda", str(data.get("Role"))):
            message = "The role defined for the function cannot be assumed by Lambda."
            return lambda_svc.error_response_json("InvalidParameterValueException", message, 400)
        return original(data)

    return create


@patches(apigateway_v1, "_update_account", needed=source_lacks("LATE_CALLS"))
def late_role_of_the_gateway(original: Any) -> Any:
    """With the switch `consistency`, API Gateway does not know a new role for its logs at first.

    See `late_role_of_a_function`.
    """
    if not strict("consistency"):
        return original

    def update(data: dict[str, Any]) -> Any:
        for operation in data.get("patchOperations", []):
            role = str(operation.get("value") or "")
            if operation.get("path") == "/cloudwatchRoleArn" and role and not _knows("apigateway", role):
                message = "The role ARN does not have required permissions configured."
                return apigateway_v1._v1_error("BadRequestException", message, 400)
        return original(data)

    return update
