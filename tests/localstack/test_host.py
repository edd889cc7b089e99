"""LocalStack as a process on this computer: it starts, listens on loopback only, runs functions, and is patched."""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from harness.engine import pythons
from harness.engine.localstack_host import PYTHON
from harness.paths import ROOT
from harness.process import supervisor
from tests.engine.cloud import Cloud

pytestmark = pytest.mark.skipif(
    pythons.find(PYTHON) is None, reason=f"no Python {PYTHON} on PATH, under pyenv or known to uv: LocalStack needs it"
)


@pytest.fixture(scope="module")
def pid(cloud: Cloud) -> int:
    purpose = f"the engine {cloud.engine.instance!r} on port {cloud.engine.endpoint.port}"
    (leftover,) = [process for process in supervisor.leftovers() if process.purpose == purpose]
    return leftover.pid


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc (Linux)")
def test_only_loopback_is_listened_on(cloud: Cloud, pid: int) -> None:
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [line.split() for table in ("tcp", "tcp6") for line in _table(pid, table)]

    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]

    assert listening == [f"0100007F:{cloud.engine.endpoint.port:04X}"]


def _table(pid: int, name: str) -> list[str]:
    return Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()[1:]


def test_every_patch_is_needed(cloud: Cloud) -> None:
    health = json.loads(urllib3.request("GET", f"{cloud.engine.endpoint.url}/_localstack/health").data)
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "localstack" / "host").glob("*.py"))]
    registered = re.findall(r"^@patches\([^@]*?^def (\w+)", "\n".join(sources), re.MULTILINE | re.DOTALL)

    assert registered
    assert sorted(health["patches"]) == sorted(registered)


def test_the_readme_lists_the_patches(cloud: Cloud) -> None:
    health = json.loads(urllib3.request("GET", f"{cloud.engine.endpoint.url}/_localstack/health").data)
    readme = (ROOT / "localstack" / "host" / "README.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^\| `\w+\.py` \| `(\w+)` \|", readme, re.MULTILINE)) == sorted(health["patches"])


def test_functions_run_on_lambdas_python_version_with_boto3_and_without_localstack(cloud: Cloud) -> None:
    name = cloud.function("""
        import importlib.util, sys
        import boto3
        def handler(event, context):
            return ["%d.%d" % sys.version_info[:2], importlib.util.find_spec("localstack") is not None]
    """)
    cloud.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    assert cloud.invoke(name)[1] == [PYTHON, False]


def test_a_function_that_takes_too_long_is_ended_and_the_next_call_works(cloud: Cloud) -> None:
    name = cloud.function(
        """
        import time
        def handler(event, context):
            time.sleep(event.get("s", 0))
            return "done"
        """,
        Timeout=1,
    )
    cloud.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    response, error = cloud.invoke(name, {"s": 20})

    assert response["FunctionError"] == "Unhandled"
    assert "timed out after 1.00 seconds" in error["errorMessage"]
    assert cloud.invoke(name)[1] == "done"


def test_concurrent_transactions_succeed_or_are_cancelled(cloud: Cloud) -> None:
    dynamodb, name = cloud.client("dynamodb"), cloud.name("table")
    key = {"AttributeName": "id", "AttributeType": "S"}
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[key],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )

    def write(number: int) -> bool:
        """Try to write a pair of items; two writers try each pair."""
        puts = [
            {
                "Put": {
                    "TableName": name,
                    "Item": {"id": {"S": identity}},
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            }
            for identity in (f"{number // 2}-a", f"{number // 2}-b")
        ]
        try:
            dynamodb.transact_write_items(TransactItems=puts)
        except dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(max_workers=8) as writers:
        outcomes = list(writers.map(write, range(100)))

    assert outcomes.count(True) == 50
    assert dynamodb.scan(TableName=name)["Count"] == 100


def test_it_has_no_snapshots(cloud: Cloud) -> None:
    assert cloud.engine.snapshots is None
