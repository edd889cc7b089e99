"""What a running stack takes: an import, decisions and PDFs, and the API beside a function that does nothing.

Everything is measured on a clone of `live/dev` on the embedded engine. Where the engine is the floor's engine too, its
own time is in both.
"""

import csv
import io
import json
import sys
import time
import uuid
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3

from harness.stack.deployment import Stack
from tests.bench.measure import Figure, percentile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))
import large_upload

SEED = 20261130
INVOICES, ROWS = 300, 6000
"""Of the imported file: about twenty lines for each invoice."""
PARALLEL = 4
"""Writes at once, as many as the import makes (`WORKERS` in invoicing/uploads/part_import.py)."""
MANY = 20_000
"""Invoices of the table with many."""
CALLS = 200
CLIENTS = (1, 4, 16)
DEADLINE_S = 300
POLL_S = 0.2

NOTHING = "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': '{}'}\n"


class Platform:
    """The stack as its users see it.

    Args:
        stack: A running stack.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._http = urllib3.PoolManager(headers={"x-api-key": stack.api_key}, timeout=60.0, maxsize=max(CLIENTS))

    def client(self, service: str) -> Any:
        """A client of an AWS service, with root's keys."""
        session: Any = self.stack.session
        return session.client(service, endpoint_url=self.stack.endpoint_url)

    def get(self, url: str) -> Any:
        """The document at a URL.

        Raises:
            RuntimeError: The response is not 200.
        """
        response = self._http.request("GET", url)
        if response.status != 200:
            raise RuntimeError(f"GET {url} returned {response.status}: {response.data[:200]!r}")
        return response.json()

    def upload(self, file: Path) -> dict[str, Any]:
        """Upload a file and wait for its report."""
        s3, name = self.client("s3"), file.name
        s3.upload_file(str(file), self.stack.uploads_bucket, f"incoming/{name}")

        def report() -> dict[str, Any] | None:
            listed = s3.list_objects_v2(Bucket=self.stack.uploads_bucket, Prefix=f"reports/{name}.json")
            if not listed.get("KeyCount"):
                return None
            document = s3.get_object(Bucket=self.stack.uploads_bucket, Key=f"reports/{name}.json")
            content: dict[str, Any] = json.load(document["Body"])
            return content

        content: dict[str, Any] = wait_for(report, f"the report of {name}")
        return content

    def count(self, **filters: str) -> int:
        """Whether invoices match, as 0 or 1: lists are not counted."""
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return len(self.get(f"{self.stack.api_url}/invoices?limit=1&{query}")["items"])

    def documents(self) -> int:
        """How many PDFs there are."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.stack.documents_bucket)
        return sum(page.get("KeyCount", 0) for page in pages)


def wait_for(read: Callable[[], Any], what: str) -> Any:
    """The value that a function returns, as soon as there is one.

    Raises:
        TimeoutError: There was none in time.
    """
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if value := read():
            return value
        time.sleep(POLL_S)
    raise TimeoutError(f"{DEADLINE_S} s were not enough for {what}")


def figures(stack: Stack, folder: Path) -> Iterator[Figure]:
    """The figures of a stack.

    Args:
        stack: A running stack without invoices.
        folder: For files.
    """
    platform = Platform(stack)
    yield from flow(platform, folder)
    yield from requests(platform)
    yield from pages(platform)


def flow(platform: Platform, folder: Path) -> Iterator[Figure]:
    """From a file to its last PDF."""
    file = folder / "bench.csv"
    expected = large_upload.write(file, ROWS, SEED)
    floor = bare_import(platform, file)
    started = time.monotonic()
    report = platform.upload(file)
    yield Figure("import", 1000 * report["durationSeconds"], "ms", 1.25, 1000 * floor)
    wait_for(lambda: not platform.count(status="created"), "the decisions")
    decided = time.monotonic() - started
    yield Figure("decisions", expected.invoices / decided, "invoices/s", 100, rate=True)
    wait_for(lambda: platform.documents() >= expected.invoices, "the PDFs")
    yield Figure("PDFs", expected.invoices / (time.monotonic() - started), "PDFs/s", 40, rate=True)


def bare_import(platform: Platform, file: Path) -> float:
    """Seconds that the least takes: `csv.reader`, and one conditional transaction for each invoice."""
    table = platform.client("dynamodb")
    name = f"bench-{uuid.uuid4().hex[:8]}"
    table.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    started = time.monotonic()
    invoices: dict[str, list[list[str]]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as text:
        for row in csv.reader(text):
            invoices[row[0]].append(row)

    def write(number: str) -> None:
        lines = [{"L": [{"S": cell} for cell in row]} for row in invoices[number]]
        put = {
            "TableName": name,
            "Item": {"id": {"S": number}, "lines": {"L": lines}},
            "ConditionExpression": "attribute_not_exists(id)",
        }
        table.transact_write_items(TransactItems=[{"Put": put}])

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(write, invoices))
    return time.monotonic() - started


def requests(platform: Platform) -> Iterator[Figure]:
    """GET of an invoice by its id, beside a function that does nothing behind the same gateway."""
    platform.client("lambda").put_function_concurrency(  # dev's functions take five calls at once
        FunctionName=platform.stack.functions["get-invoice"], ReservedConcurrentExecutions=2 * max(CLIENTS)
    )
    newest = platform.get(f"{platform.stack.api_url}/invoices?limit=1")["items"][0]["invoiceId"]
    url, floor_url = f"{platform.stack.api_url}/invoices/{newest}", api_of_nothing(platform)
    for clients in CLIENTS:
        ours, floor = latencies(platform, url, clients), latencies(platform, floor_url, clients)
        for share in (0.5, 0.95, 0.99):
            name = f"GET by id, {clients} client{'s' * (clients > 1)}, p{100 * share:.0f}"
            yield Figure(name, percentile(ours, share), "ms", 1.5, percentile(floor, share))


def latencies(platform: Platform, url: str, clients: int) -> list[float]:
    """Milliseconds of each of `CALLS` calls, after as many functions are warm as there are clients."""

    def call(_: int) -> float:
        started = time.monotonic()
        platform.get(url)
        return 1000 * (time.monotonic() - started)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(call, range(4 * clients)))
        return list(pool.map(call, range(CALLS)))


def api_of_nothing(platform: Platform) -> str:
    """The URL of a REST API with one function that returns `{}`."""
    lambdas, gateway, iam = platform.client("lambda"), platform.client("apigateway"), platform.client("iam")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("handler.py", NOTHING)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    function = lambdas.create_function(
        FunctionName="bench-nothing",
        Runtime="python3.13",
        Architectures=["arm64"],
        Role=iam.create_role(RoleName="bench-nothing", AssumeRolePolicyDocument=policy)["Role"]["Arn"],
        Handler="handler.lambda_handler",
        Code={"ZipFile": archive.getvalue()},
        MemorySize=512,
    )["FunctionArn"]
    lambdas.add_permission(
        FunctionName=function, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    api = gateway.create_rest_api(name="bench-nothing")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    path = gateway.create_resource(restApiId=api, parentId=root, pathPart="nothing")["id"]
    method = {"restApiId": api, "resourceId": path, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    region = platform.stack.region
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="v1")
    before, stage = platform.stack.api_url.rsplit("/", 1)
    return before.replace(before.rsplit("/", 1)[1], api) + f"/{stage}/nothing"


def pages(platform: Platform) -> Iterator[Figure]:
    """A page of a list with few invoices, and with a hundred times as many."""
    few = page_ms(platform)
    fill(platform, MANY)
    yield Figure(f"page of 20 among {MANY:,}", page_ms(platform), "ms", 1.2, few)


def page_ms(platform: Platform) -> float:
    """The median milliseconds of a page of twenty invoices of this month."""
    url = f"{platform.stack.api_url}/invoices?limit=20"
    return percentile(latencies(platform, url, 1), 0.5)


def fill(platform: Platform, count: int) -> None:
    """Copy an invoice so often. Nobody is told: the stream has no reader any more."""
    lambdas = platform.client("lambda")
    for mapping in lambdas.list_event_source_mappings()["EventSourceMappings"]:
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    table = platform.client("dynamodb")
    newest = platform.get(f"{platform.stack.api_url}/invoices?limit=1")["items"][0]["invoiceId"]
    item = table.get_item(TableName=platform.stack.table_name, Key={"invoiceId": {"S": newest}})["Item"]

    def put(first: int) -> None:
        puts = [
            {"PutRequest": {"Item": {**item, "invoiceId": {"S": f"bench-{number}"}}}}
            for number in range(first, min(first + 25, count))
        ]
        table.batch_write_item(RequestItems={platform.stack.table_name: puts})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(0, count, 25)))
