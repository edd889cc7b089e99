"""AWS in unit tests, by moto: the table as Terraform creates it, and buckets. Handlers are loaded as Lambda does it."""

import functools
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote_plus

import boto3
import botocore.client
import botocore.endpoint_provider
import botocore.loaders
import botocore.regions
import pytest
from moto import mock_aws

from harness.access import recorded_calls
from harness.iam import attribution
from harness.iam.session import Recording
from harness.iam.watch import Watch, WatchSettings
from harness.paths import ROOT
from tests.environments import VALUES, function_environment

LAMBDAS = ROOT / "lambdas"
WATCHED = WatchSettings(
    environment="dev",
    folder=str(recorded_calls.folder("unit")),
    account="123456789012",  # moto's
    hash_keys=("invoiceId",),
    resource_tags={"Api": "invoice-api-dev"},
    aliases={name: f"invoice-{name}-dev-123456789012" for name in ("archives", "documents", "uploads")},
)
"""The calls of the handlers to AWS are recorded; see harness/iam."""

TABLE = Path(__file__).resolve().parents[1] / "data" / "invoices_table.json"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "LOG_LEVEL": "INFO",
    "POWERTOOLS_METRICS_NAMESPACE": "InvoicePlatform",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recording("unit", config))


@pytest.fixture(scope="session", autouse=True)
def _watched() -> Iterator[None]:
    client = botocore.client.BaseClient
    ends = [attribution.mark_clients(client, LAMBDAS)]
    ends.append(Watch(WATCHED, attribution.caller(LAMBDAS)).install(client))
    yield
    for end in reversed(ends):
        end()


@pytest.fixture(scope="session")
def settings_values() -> dict[str, str]:
    """A value for each required setting of any function."""
    return VALUES


@dataclass
class Context:
    """What the handlers use of Lambda's context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    tenant_id: str | None = None
    milliseconds: int = 900_000  # the maximum, so that a busy machine makes no difference

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class ApiResponse:
    """A response of the API, as a client reads it."""

    status: int
    headers: dict[str, str]
    body: Any = field(default=None)


@pytest.fixture(scope="session", autouse=True)
def _service_models_read_once() -> Iterator[None]:
    """Each mock of AWS starts a new session, which reads megabytes of service models. Read them once."""
    load = functools.lru_cache(maxsize=None)(botocore.loaders.JSONFileLoader().load_file)
    cache: dict[object, object] = {}  # the list of services and their models, merged from hundreds of folders
    providers: dict[tuple[int, int], botocore.endpoint_provider.EndpointProvider] = {}

    def endpoints(ruleset_data: Any, partition_data: Any, **rest: Any) -> botocore.endpoint_provider.EndpointProvider:
        """A service's rules, built once. Both arguments are cached above, so their ids are stable."""
        key = (id(ruleset_data), id(partition_data))
        if key not in providers:
            providers[key] = botocore.endpoint_provider.EndpointProvider(ruleset_data, partition_data, **rest)
        return providers[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.loaders.Loader, "_cache", property(lambda _: cache, lambda *_: None), raising=False)
        patch.setattr(botocore.loaders.JSONFileLoader, "load_file", lambda _, path: load(path))
        patch.setattr(botocore.regions, "EndpointProvider", endpoints)
        yield


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """AWS in memory; yields the region, so that fixtures that depend on it declare it."""
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_FUNCTION_NAME",
        "LAMBDA_TASK_ROOT",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield "us-east-1"


@pytest.fixture
def table(aws: str) -> Any:
    """The invoices table as Terraform plans it; tests/contract proves that the file is the plan's."""
    definition = json.loads(TABLE.read_text(encoding="utf-8"))
    dynamodb = boto3.resource("dynamodb", region_name=aws)
    return dynamodb.create_table(TableName="invoices-dev", BillingMode="PAY_PER_REQUEST", **definition)


@pytest.fixture
def s3(aws: str) -> Any:
    client = boto3.client("s3", region_name=aws)
    for bucket in ("uploads", "archives", "documents"):
        client.create_bucket(Bucket=bucket)
    return client


@pytest.fixture
def load(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Load a handler anew, as a cold start does, with its own environment."""
    loaded: list[str] = []

    def cold_start(function: str, **environment: str) -> ModuleType:
        for name in VALUES:
            monkeypatch.delenv(name, raising=False)
        for name, value in (function_environment(function) | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_REGION", aws)
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", function.replace("_", "-"))
        name = f"{function}.handler"
        sys.modules.pop(name, None)
        loaded.append(name)
        return importlib.import_module(name)

    yield cold_start
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.fixture
def call() -> Callable[..., ApiResponse]:
    return _call


@pytest.fixture
def s3_event() -> Callable[..., dict[str, Any]]:
    return _s3_event


@pytest.fixture
def stream_record() -> Callable[..., dict[str, Any]]:
    return _stream_record


@pytest.fixture
def context() -> Context:
    return Context()


def _call(
    handler: ModuleType,
    method: str,
    path: str,
    *,
    body: Any = None,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> ApiResponse:
    """Send a request as API Gateway's proxy integration does."""
    sent_headers = {"x-api-key": "key", **(headers or {})}
    event = {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": sent_headers,
        "multiValueHeaders": {name: [value] for name, value in sent_headers.items()},
        "queryStringParameters": query and {name: v[-1] if isinstance(v, list) else v for name, v in query.items()},
        "multiValueQueryStringParameters": query
        and {name: v if isinstance(v, list) else [v] for name, v in query.items()},
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": "request",
            "stage": "v1",
            "path": f"/v1{path}",
            "httpMethod": method,
            "identity": {"apiKeyId": "key-1"},
        },
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
    response = handler.lambda_handler(event, Context())
    return ApiResponse(
        response["statusCode"],
        {name: values[0] for name, values in response["multiValueHeaders"].items()},
        json.loads(response["body"]) if response.get("body") else None,
    )


def _s3_event(bucket: str, key: str, sequencer: str = "0A1") -> dict[str, Any]:
    """The event of an upload; S3 URL-encodes keys."""
    thing = {"key": quote_plus(key, safe="/"), "sequencer": sequencer}
    return {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": bucket}, "object": thing}}]}


def _stream_record(new: dict[str, Any] | None, old: dict[str, Any] | None = None, number: int = 1) -> dict[str, Any]:
    """One record of the table's stream, images in DynamoDB's notation."""
    change: dict[str, Any] = {"SequenceNumber": str(number), "StreamViewType": "NEW_AND_OLD_IMAGES"}
    change["Keys"] = {"invoiceId": (new or old or {})["invoiceId"]}
    if new:
        change["NewImage"] = new
    if old:
        change["OldImage"] = old
    name = "INSERT" if not old else "MODIFY" if new else "REMOVE"
    return {"eventID": str(number), "eventName": name, "eventSource": "aws:dynamodb", "dynamodb": change}
