"""One stack for each worker: applied once per change of its sources, then cloned in two seconds."""

import json
import os
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from harness.access import recorded_calls
from harness.iam.session import Recording
from harness.iam.watch import VARIABLE, WatchSettings
from harness.stack.deployment import Stack
from harness.stack.logs import recent_errors
from harness.stack.snapshot import clone_source
from tests.patience import ARRIVAL_S

Value = TypeVar("Value")
_stack_of_this_worker = pytest.StashKey[Stack]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the engines' handlers record their AWS calls; see harness/iam."""
    config.pluginmanager.register(Recording("e2e", config))
    tags = {"Api": "invoice-api-dev"}
    settings = WatchSettings("dev", str(recorded_calls.folder("e2e")), hash_keys=("invoiceId",), resource_tags=tags)
    os.environ[VARIABLE] = settings.text()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with clone_source("dev").clone(f"e2e-{worker}") as (clone, _):
        request.config.stash[_stack_of_this_worker] = clone
        yield clone


def logged(stack: Stack, since: float) -> str:
    """The functions' last warnings and errors, one a line."""
    try:
        lines = recent_errors(stack, datetime.fromtimestamp(since, UTC))
    except (BotoCoreError, ClientError) as error:  # such as an engine that has died: the test's own failure matters
        return f"could not be read: {error}"
    return "\n".join(f"{line.at:%H:%M:%S} {line.function}: {line.message}" for line in lines) or "none"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the functions' log lines to a failure: the cause is seldom in the test's own message."""
    report = yield
    stack = item.config.stash.get(_stack_of_this_worker, None)
    if report.failed and stack is not None:
        report.sections.append(("Warnings and errors of the functions", logged(stack, call.start - 60)))
    return report


@dataclass(frozen=True)
class Response:
    """An HTTP response of the API."""

    status: int
    headers: urllib3.HTTPHeaderDict
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Api:
    """The deployed API as a client sees it."""

    stack: Stack
    http: urllib3.PoolManager

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = "",
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> Response:
        """Send a request. ``key=None`` sends no key, ``key=""`` the stack's own."""
        sent = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            sent["x-api-key"] = key or self.stack.api_key
        url = f"{self.stack.api_url}{path}"
        if query:
            url += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        response = self.http.request(method, url, body=data, headers=sent)
        return Response(response.status, response.headers, response.data.decode())


@pytest.fixture(scope="session")
def api(stack: Stack) -> Api:
    return Api(stack, urllib3.PoolManager(retries=False, timeout=35.0))


@pytest.fixture(scope="session")
def client(stack: Stack) -> Callable[[str], Any]:
    """boto3 clients of the stack's account."""
    return lambda service: stack.session.client(service, endpoint_url=stack.endpoint_url)


@pytest.fixture
def customer() -> str:
    """A customer that no other test uses, so that tests can share a stack."""
    return f"C-{uuid.uuid4().hex[:10]}"


def wait_for(look: Callable[[], Value | None], what: str, deadline_s: float = ARRIVAL_S) -> Value:
    """Call ``look`` until it returns a value; after the deadline, fail with what was awaited."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if (value := look()) is not None:
            return value
        time.sleep(0.1)
    raise AssertionError(f"Waited {deadline_s:g} s in vain for {what}")


@pytest.fixture(scope="session")
def wait() -> Callable[..., Any]:
    return wait_for


def invoice(customer: str, **changes: object) -> dict[str, Any]:
    """A body for POST /invoices: 120.00 at 19 % and 20.00 at 7 %, 164.20 EUR in all."""
    order = uuid.uuid4().hex[:8]  # the same content with another number is held as a suspected duplicate
    return {
        "invoiceNumber": f"R-{uuid.uuid4().hex[:8]}",
        "customerId": customer,
        "customer": {"name": "Ćwiek & Søn ΑΕ", "email": "accounts@example.com", "address": "1 Example Street"},
        "issueDate": datetime.now(UTC).date().isoformat(),
        "paymentTermsDays": 30,
        "currency": "EUR",
        "lines": [
            {
                "description": f"Consulting, {order}",
                "quantity": "1.5",
                "unitPrice": "80.00",
                "taxRate": "19",
            },
            {"description": "Books", "quantity": 2, "unitPrice": 10.00, "taxRate": 7},
        ],
        **changes,
    }


@pytest.fixture
def new_invoice(customer: str) -> Callable[..., dict[str, Any]]:
    return lambda **changes: invoice(customer, **changes)


class Downstream:
    """A downstream system: the queue that subscribes to the platform's topic."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.session.client("sqs", endpoint_url=stack.endpoint_url)
        self._queue = stack.downstream_queue_url
        self._seen: list[dict[str, Any]] = []

    def events_of(self, invoice_id: str, detail_type: str) -> list[dict[str, Any]]:
        """The events of one type about an invoice that have arrived so far."""
        response = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        for message in response.get("Messages", []):
            self._seen.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [
            event
            for event in self._seen
            if event["detail-type"] == detail_type and event["detail"].get("invoiceId") == invoice_id
        ]


@pytest.fixture(scope="session")
def downstream(stack: Stack) -> Downstream:
    return Downstream(stack)
