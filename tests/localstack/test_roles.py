"""While tests watch handlers, LocalStack's functions have the permissions of their roles and no more, as on AWS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine import pythons
from harness.engine.localstack_host import PYTHON, LocalStackHost
from harness.iam.watch import VARIABLE, WatchSettings
from tests.engine.cloud import Cloud, serving, worker

pytestmark = pytest.mark.skipif(
    pythons.find(PYTHON) is None, reason=f"no Python {PYTHON} on PATH, under pyenv or known to uv: LocalStack needs it"
)

CLAIM = """
import boto3
table = boto3.client("dynamodb")
def handler(event, context):
    try:
        table.put_item(TableName=event["table"], Item={"id": {"S": event["id"]}, "other": {"S": "x"}})
    except table.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def cloud(calls: Path) -> Iterator[Cloud]:
    engine = LocalStackHost(f"roles-{worker()}", port="auto")
    with serving(engine, **{VARIABLE: WatchSettings("dev", str(calls)).text()}) as cloud:
        yield cloud


def claims(table: str) -> dict[str, Any]:
    """A permission with a condition on the keys."""
    return {
        "Effect": "Allow",
        "Action": "dynamodb:PutItem",
        "Resource": f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}",
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["claim#*"]}},
    }


def test_a_function_has_the_current_permissions_of_its_role(cloud: Cloud, calls: Path) -> None:
    table = cloud.name("table")
    cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    function = cloud.function(CLAIM, claims(table))
    waiter = cloud.client("lambda").get_waiter("function_active_v2")
    waiter.wait(FunctionName=function, WaiterConfig={"Delay": 1})

    def put(identity: str) -> Any:
        return cloud.invoke(function, {"table": table, "id": identity})[1]

    assert (put("claim#1"), put("other")) == ("done", "AccessDeniedException")

    role = cloud.client("lambda").get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
    cloud.client("iam").delete_role_policy(RoleName=role, PolicyName="own")

    assert put("claim#2") == "AccessDeniedException"
    assert [line for file in calls.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
