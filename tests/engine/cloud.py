"""An engine under test, and short ways to create resources in it."""

import io
import json
import os
import textwrap
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypedDict, TypeVar

import boto3
import pytest
from botocore.credentials import Credentials

from harness.engine import REGION, Engine
from tests.patience import ARRIVAL_S

T = TypeVar("T")


class RootKeys(TypedDict):
    """The keys of an engine's root user, as arguments of boto3."""

    aws_access_key_id: str
    aws_secret_access_key: str


def root_keys(engine: Engine) -> RootKeys:
    """The keys of an engine's root user."""
    environment = engine.endpoint.environment()
    return {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }


def worker() -> str:
    """The name of this test process, which distinguishes the engines of parallel processes."""
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0")


def zipped(source: str) -> bytes:
    """A zip with one module ``app``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", textwrap.dedent(source))
    return content.getvalue()


class Cloud:
    """An engine, and short ways to create resources in it."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Any = engine  # the tests of one engine use more than all engines have
        self._clients: dict[str, Any] = {}

    def client(self, service: str, *, new: bool = False) -> Any:
        """A boto3 client of the root user; a new one for every call with ``new``."""
        if new or service not in self._clients:
            client = boto3.client(
                service,
                endpoint_url=self.engine.endpoint.url,
                region_name=REGION,
                **self.keys(),
            )
            if new:
                return client
            self._clients[service] = client
        return self._clients[service]

    def in_region(self, service: str, region: str) -> Any:
        """A boto3 client of the root user in another region."""
        endpoint = self.engine.endpoint.url
        return boto3.client(service, endpoint_url=endpoint, region_name=region, **self.keys())

    def keys(self) -> RootKeys:
        """The root user's keys, as arguments of boto3."""
        return root_keys(self.engine)

    def credentials(self) -> Credentials:
        """The root user's keys, to sign requests with."""
        return Credentials(self.keys()["aws_access_key_id"], self.keys()["aws_secret_access_key"])

    def name(self, prefix: str = "test") -> str:
        """A unique name."""
        return f"{prefix}-{uuid.uuid4().hex[:10]}"

    def table(self) -> str:
        """Create an empty table; its key is the text ``id``."""
        name = self.name("table")
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def role(self, *statements: dict[str, Any]) -> str:
        """Create a role for functions with the permissions of the statements."""
        name = self.name("role")
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        arn = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        if statements:
            self.client("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_policy(*statements))
        return str(arn)

    def function(self, source: str, *statements: dict[str, Any], **settings: Any) -> str:
        """Create a Python function ``handler(event, context)``; its role has the permissions of the statements."""
        name = self.name("function")
        self.client("lambda").create_function(
            FunctionName=name,
            Role=self.role(*statements),
            Runtime="python3.13",
            Handler="app.handler",
            Code={"ZipFile": zipped(source)},
            **{"Timeout": 10, **settings},
        )
        return name

    def alias(self, function: str, alias: str = "live") -> str:
        """Publish a version, point an alias at it, and return the alias's ARN."""
        version = self.client("lambda").publish_version(FunctionName=function)["Version"]
        created = self.client("lambda").create_alias(FunctionName=function, Name=alias, FunctionVersion=version)
        return str(created["AliasArn"])

    def permit(self, function: str, service: str, source_arn: str, *, qualifier: str | None = None) -> None:
        """Permit an AWS service to call a function."""
        version = {"Qualifier": qualifier} if qualifier else {}
        self.client("lambda").add_permission(
            FunctionName=function,
            StatementId=self.name("permit"),
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceArn=source_arn,
            **version,
        )

    def invoke(self, function: str, event: Any = None, **options: Any) -> tuple[dict[str, Any], Any]:
        """Call a function and wait; return the response and its payload."""
        payload = json.dumps(event or {}).encode()
        response = self.client("lambda").invoke(FunctionName=function, Payload=payload, **options)
        return response, json.loads(response["Payload"].read() or b"null")

    def queue(self) -> tuple[str, str]:
        """Create a queue that accepts messages from everyone; return its URL and ARN."""
        url = self.client("sqs").create_queue(QueueName=self.name("queue"))["QueueUrl"]
        attributes = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        everyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(everyone)})
        return url, arn

    def receive(self, url: str, count: int = 1, timeout_s: float = ARRIVAL_S) -> list[dict[str, Any]]:
        """Receive messages until there are this many."""
        messages: list[dict[str, Any]] = []

        def enough() -> list[dict[str, Any]] | None:
            response = self.client("sqs").receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            messages.extend(response.get("Messages", []))
            return messages if len(messages) >= count else None

        return eventually(enough, timeout_s=timeout_s, event=f"the arrival of {count} messages in {url}")

    def log_lines(self, function: str) -> list[str]:
        """All log lines of a function."""
        group = f"/aws/lambda/{function}"
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        try:
            return [event["message"] for page in pages for event in page["events"]]
        except self.client("logs").exceptions.ResourceNotFoundException:
            return []  # no log line yet


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def eventually(condition: Callable[[], T | None], *, timeout_s: float = ARRIVAL_S, event: str = "the condition") -> T:
    """Wait until the condition has a true result, and return that result."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            pytest.fail(f"{event} did not happen within {timeout_s:g} s; last result: {result!r}")
        time.sleep(0.03)


def allow(*actions: str, on: str = "*") -> dict[str, Any]:
    """A policy statement that allows actions on a resource."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


@contextmanager
def serving(engine: Engine, **environment: str) -> Iterator[Cloud]:
    """An engine that runs during the block, started with these variables besides the environment's."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        engine.start(tied=True)
    try:
        engine.wait_healthy()
        yield Cloud(engine)
    finally:
        engine.stop()
