"""The platform in one process: an AWS account, the functions, and how AWS delivers to them again what has failed."""

import functools
import importlib
import json
import logging
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from invoicing.runtime.aws import client
from invoicing.runtime.observability import logger
from invoicing.uploads import part_import
from tests import environments
from tests.resilience.clock import Clock, InOrder
from tests.resilience.faults import Killed, Wire
from tests.resilience.memory.account import Memory
from tests.resilience.memory.dynamodb import Item
from tests.resilience.on_moto import Moto
from tests.unit import conftest as unit

SEED = 20261129
FUNCTIONS = ("create_invoice", "process_invoice", "generate_pdf", "update_invoice_status", "rotate_api_key")
"""The functions that change something."""

ASYNCHRONOUS_ATTEMPTS = 3
"""How often Lambda runs a function for one event (`async.maximum_retry_attempts` of modules/lambda, and once before).

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""
PATIENCE = 8
"""How often a client, the stream or Secrets Manager tries again in a run, which has two faults at most."""
TIMEOUT_S = 30
BETWEEN_S = 60
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class GivenUp(Exception):
    """An event was delivered as often as AWS delivers it, and was never handled."""


@dataclass
class Context:
    """What the handlers use of Lambda's context."""

    seconds_left: Callable[[], float]
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    tenant_id: str | None = None

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds_left() * 1000)


class World:
    """The account, the functions, and what is on its way between them.

    Attributes:
        account: AWS, in memory or by moto.
        clock: The time.
        wire: What is between the functions and AWS.
        handlers: The functions' modules.
        bus: The events that EventBridge has accepted, in order, with repetitions.
        stream: The records of the table's stream that are not handled yet.
        answers: What clients of the API were told in the end.
        batch_seconds: How long a batch of an upload takes.
        meanwhile: What the rest of the platform does after a failed attempt, before the next one.
    """

    def __init__(self, kind: type[Memory] | type[Moto]) -> None:
        self.clock, self.wire = Clock(), Wire()
        self.handlers: dict[str, ModuleType] = {}
        self._empty()
        self.account = kind(self.wire, self.clock.sleep, self._written, self._published)
        self.secret = ""

    def _empty(self) -> None:
        self.bus: list[dict[str, Any]] = []
        self.stream: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.batch_seconds = 0.0
        self.meanwhile: Callable[[], None] = lambda: None
        self._delivered: set[str] = set()
        self._records = 0

    def reset(self) -> None:
        """An empty account, and the clock's first moment."""
        random.seed(SEED)
        self.clock.reset()
        self.account.reset()
        self._empty()

    def _published(self, entry: Mapping[str, Any]) -> None:
        event = {"source": entry["Source"], "detail-type": entry["DetailType"], "id": f"event-{len(self.bus)}"}
        self.bus.append({**event, "detail": json.loads(entry["Detail"])})

    def _written(self, _: str, old: Item | None, new: Item) -> None:
        self.stream.append(self.record(new, old))

    def record(self, new: Item, old: Item | None = None) -> dict[str, Any]:
        """One record of the table's stream."""
        self._records += 1
        record = unit._stream_record(new, old, self._records)
        record["dynamodb"]["ApproximateCreationDateTime"] = self.clock.now().timestamp()
        return record

    # --- deliveries ---

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Run a function once.

        Raises:
            Killed: its process ended.
            Exception: its error.
        """
        begun = self.clock.monotonic()
        context = Context(lambda: TIMEOUT_S - (self.clock.monotonic() - begun))
        self.clock.sleep(BETWEEN_S)
        begun = self.clock.monotonic()
        with self.wire.invocation(function):
            return self.handlers[function].lambda_handler(dict(event), context)

    def asynchronous(self, function: str, event: Mapping[str, Any]) -> None:
        """An event of S3 or EventBridge: Lambda queues it, and tries again after an error or a killed process."""
        last: BaseException | None = None
        for _ in range(ASYNCHRONOUS_ATTEMPTS):
            try:
                self.invoke(function, event)
            except (Exception, Killed) as error:  # noqa: BLE001 -- as Lambda does
                last = error
                self.meanwhile()
            else:
                return
        raise GivenUp(f"{function} did not handle {json.dumps(event, default=str)[:300]}") from last

    def drain_stream(self) -> None:
        """Deliver the stream's records to process-invoice, in order, from the first one on that was not handled."""
        for _ in range(PATIENCE):
            if not self.stream:
                return
            batch = self.stream[:25]
            try:
                response = self.invoke("process_invoice", {"Records": batch})
            except (Exception, Killed):  # noqa: BLE001, S112 -- as Lambda does: the whole batch again
                continue
            failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            handled = next((place for place, number in enumerate(numbers) if number in failed), len(batch))
            del self.stream[:handled]
        raise GivenUp(f"{len(self.stream)} records of the stream were not handled")

    def drain_bus(self, **rules: str) -> None:
        """Deliver the events on the bus that a rule matches, to the function of that rule.

        Args:
            **rules: Functions by detail types; ``_`` stands for ``-``.
        """
        for event in self.bus:  # which grows meanwhile
            function = rules.get(event["detail-type"].replace("-", "_"))
            if function and event["id"] not in self._delivered:
                self._delivered.add(event["id"])
                self.asynchronous(function, event)

    def request(self, function: str, method: str, path: str, body: Any, **headers: str) -> Any:
        """A request of the API, which the client repeats until it gets a response that is no error of the server.

        A function that fails or is killed is a 502 of API Gateway.
        """
        sent = {"x-api-key": "key", **{name.replace("_", "-"): value for name, value in headers.items()}}
        event = {
            "resource": path, "path": path, "httpMethod": method, "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": None,
            "stageVariables": None, "body": json.dumps(body), "isBase64Encoded": False,
            "requestContext": {
                "requestId": "request", "stage": "v1", "path": f"/v1{path}", "httpMethod": method,
                "identity": {"apiKeyId": "key-1"},
            },
        }  # fmt: skip
        for _ in range(PATIENCE):
            try:
                response = self.invoke(function, event)
            except (Exception, Killed):  # noqa: BLE001 -- 502
                self.meanwhile()
                continue
            if response["statusCode"] < 500:
                answer = json.loads(response["body"])
                self.answers.append(answer)
                return answer
        raise GivenUp(f"{method} {path} was never answered")

    def rotate(self, token: str) -> None:
        """Secrets Manager's part of a rotation. It repeats one that failed from the first step, with the same token.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html
        """
        for _ in range(PATIENCE):
            try:
                for step in STEPS:
                    event = {"Step": step, "SecretId": self.secret, "ClientRequestToken": token}
                    self.invoke("rotate_api_key", event)
            except (Exception, Killed):  # noqa: BLE001, S112 -- as Secrets Manager does
                continue
            return
        raise GivenUp("the rotation never ended")

    def upload(self, content: str, key: str, sequencer: str = "0A1") -> dict[str, Any]:
        """Write a file into the uploads bucket; returns the event of S3."""
        tag, version = self.account.upload("uploads", key, content.encode())
        thing = {"key": key, "size": len(content.encode()), "eTag": tag, "versionId": version, "sequencer": sequencer}
        return {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "uploads"}, "object": thing}}]}


@contextmanager
def world(kind: type[Memory] | type[Moto]) -> Iterator[World]:
    """A world that can be reset as often as needed, with the functions loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_LAMBDA_FUNCTION_NAME"):
            patch.delenv(name, raising=False)
        for name, value in unit.ENVIRONMENT.items():
            patch.setenv(name, value)
        made = World(kind)
        made.clock.install(patch)
        patch.setattr(part_import, "ThreadPoolExecutor", InOrder)
        patch.setattr(part_import, "BATCH", 2)
        logs: tuple[Any, ...] = (logger, logging.getLogger("aws_lambda_powertools"))
        levels = [log.level for log in logs]
        for log in logs:
            log.setLevel(logging.CRITICAL)
        for function in FUNCTIONS:
            made.handlers[function] = _load(function, patch)
        # A client for each invocation costs more than all that it does here.
        patch.setattr("invoicing.api_keys.secret_versions.client", functools.cache(client))
        made.account.install(patch)
        _time_batches(made, patch)
        yield made
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
        for function in FUNCTIONS:
            sys.modules.pop(f"{function}.handler", None)


def _load(function: str, patch: pytest.MonkeyPatch) -> ModuleType:
    for name in environments.VALUES:
        patch.delenv(name, raising=False)
    for name, value in environments.function_environment(function).items():
        patch.setenv(name, value)
    patch.setenv("POWERTOOLS_SERVICE_NAME", function.replace("_", "-"))
    sys.modules.pop(f"{function}.handler", None)
    return importlib.import_module(f"{function}.handler")


def _time_batches(made: World, patch: pytest.MonkeyPatch) -> None:
    loader = made.handlers["create_invoice"].loader
    create_many = loader.create_many

    def timed(*arguments: Any) -> Any:
        outcomes = create_many(*arguments)
        made.clock.sleep(made.batch_seconds)
        return outcomes

    patch.setattr(loader, "create_many", timed)
