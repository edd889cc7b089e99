"""What the code says: the functions loaded as Lambda loads them, and asked instead of read where that is possible."""

import importlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import botocore.client
import pytest
import yaml
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import BaseModel, ValidationError

from harness.contract.mismatch import Mismatch, listed, symbol
from harness.contract.routes import BY_GATEWAY, Route
from harness.contract.settings import PLACEHOLDER, Setting
from harness.paths import ROOT
from invoicing.api import resolver
from invoicing.runtime.settings import Settings

LAMBDAS = ROOT / "lambdas"
DESCRIPTION = ROOT / "docs" / "openapi.yaml"

OUTSIDE = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
"""What the Lambda runtime sets by itself, and no tracing."""


class Reached(Exception):
    """The code came as far as asking AWS for something."""

    def __init__(self, operation: str, parameters: Mapping[str, Any]) -> None:
        super().__init__(f"{operation} {parameters}")
        self.operation = operation
        self.parameters = parameters


class NotStartedError(Exception):
    """A handler's module asks its settings for what they do not declare."""


@dataclass
class Context:
    """What the handlers use of Lambda's context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    tenant_id: str | None = None

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass(frozen=True)
class Probe:
    """What an operation of the API did with its described example.

    Attributes:
        body: The model that it read the body with.
        query: The model that it read the query with.
        headers: The headers that it looked for.
        refused: The problem document, if it did not come as far as AWS.
    """

    body: type[BaseModel] | None
    query: type[BaseModel] | None
    headers: frozenset[str]
    refused: str


class _Headers(dict[str, str]):
    """Headers that know which of them were looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return default


@dataclass(frozen=True)
class Loaded:
    """A function's code.

    Attributes:
        name: Its folder's name with dashes.
        module: Its handler's module.
        settings: The model of what it reads from its environment.
    """

    name: str
    module: ModuleType
    settings: type[Settings]

    @classmethod
    def load(cls, name: str, environment: Mapping[str, str]) -> Self:
        """Load a function as a cold start does; what its environment lacks is made up, for the contract to tell.

        Raises:
            NotStartedError: The code asks its own settings for a name that they do not have.
        """
        asked: list[type[Settings]] = []

        def load(model: type[Settings], _: Any = None) -> Settings:
            asked.append(model)
            lacking = {field.upper(): PLACEHOLDER for field in model.model_fields if not os.environ.get(field.upper())}
            try:
                return given(model, {**os.environ, **lacking})
            except ValidationError:  # the contract of settings tells why
                return model.model_construct(**dict.fromkeys(model.model_fields, PLACEHOLDER))

        given = Settings.load.__func__  # type: ignore[attr-defined]
        handler = f"{name.replace('-', '_')}.handler"
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in {**OUTSIDE, **environment}.items():
                patch.setenv(variable, value)
            patch.setattr(Settings, "load", classmethod(load))
            sys.modules.pop(handler, None)
            try:
                module = importlib.import_module(handler)
            except AttributeError as unknown:
                raise NotStartedError(str(_unread(name, unknown, asked, environment))) from unknown
            del sys.modules[handler]
        return cls(name, module, asked[0])

    @property
    def declared(self) -> list[Setting]:
        """The settings that it reads."""
        return [
            Setting(name.upper(), one.is_required(), symbol(_owner(self.settings, name), name))
            for name, one in self.settings.model_fields.items()
        ]

    def faults(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What its settings say against an environment, by variable."""
        try:
            self.settings.load(environment)
        except ValidationError as refusal:
            return {str(error["loc"][0]).upper(): error["msg"] for error in refusal.errors()}
        return {}

    @property
    def routes(self) -> list[Route]:
        """The operations of the API that it serves."""
        app = getattr(self.module, "app", None)
        if not isinstance(app, APIGatewayRestResolver):
            return []
        return [
            Route(one.method, one.path, symbol(one.func), self.name)
            for one in (*app._static_routes, *app._dynamic_routes)
        ]

    def probe(self, route: Route, example: Any) -> Probe:
        """Send an operation its described example, and stop it at AWS's door."""
        models: dict[str, type[BaseModel]] = {}
        headers = _Headers()

        def reading(kind: str, read: Any) -> Any:
            def record(event: Any, model: type[BaseModel]) -> BaseModel:
                models[kind] = model
                return read(event, model)

            return record

        refused = ""
        with pytest.MonkeyPatch.context() as patch:
            for kind in ("body_of", "query_of"):
                patch.setattr(resolver, kind, reading(kind, getattr(resolver, kind)))
            patch.setattr(APIGatewayProxyEvent, "headers", property(lambda _: headers))
            with no_aws():
                try:
                    answer = self.module.app.resolve(request(route, example), Context())
                    refused = str(answer.get("body"))
                except Reached:
                    pass
        return Probe(models.get("body_of"), models.get("query_of"), frozenset(headers.asked), refused)

    def take(self, event: Mapping[str, Any]) -> str:
        """Deliver an event; what is wrong with it, or nothing if the function came as far as AWS."""
        with no_aws():
            try:
                self.module.lambda_handler(dict(event), Context())
            except Reached:
                return ""
            except KeyError as lacking:
                return f"reads {lacking}, which the event has not"
            except ValidationError as refusal:
                return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in refusal.errors())
        return "is done without asking AWS for anything"


@contextmanager
def no_aws() -> Iterator[None]:
    """Whatever is asked of AWS raises `Reached`."""

    def call(_: Any, operation: str, parameters: Mapping[str, Any]) -> None:
        raise Reached(operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield


def _unread(
    function: str, unknown: AttributeError, asked: list[type[Settings]], environment: Mapping[str, str]
) -> Mismatch:
    """That a function does not start, with the line that asks, the settings that it has, and what the plan gives it."""
    frames = [one for one in traceback.extract_tb(unknown.__traceback__) if Path(one.filename).is_relative_to(LAMBDAS)]
    where = f"{Path(frames[-1].filename).relative_to(ROOT).as_posix()}:{frames[-1].lineno}" if frames else "the code"
    models = [f"{symbol(_owner(one, name), name)}" for one in asked for name in one.model_fields]
    return Mismatch(
        f"The function {function} does not start: {unknown}",
        f"{where} reads {unknown.name}; its settings are {listed(models)}",
        f"the environment of {function} gives {listed(environment)}",
        "Use one name in the code, in its settings and, in capitals, in the function's environment.",
    )


def _owner(model: type[Settings], name: str) -> type[BaseModel]:
    """The class that declares a field."""
    return next(one for one in model.__mro__ if name in inspect.get_annotations(one))


def request(route: Route, example: Any) -> dict[str, Any]:
    """A request as API Gateway's proxy integration sends it."""
    path = route.path
    for opening, closing in (("<", ">"), ("{", "}")):
        while opening in path:
            before, _, rest = path.partition(opening)
            path = f"{before}11111111-2222-5333-8444-555555555555{rest.partition(closing)[2]}"
    return {
        "resource": path,
        "path": path,
        "httpMethod": route.method,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"requestId": "r", "stage": "v1", "path": f"/v1{path}", "httpMethod": route.method},
        "body": None if example is None else json.dumps(example),
        "isBase64Encoded": False,
    }


@dataclass(frozen=True)
class Described:
    """An operation as clients read of it: the route, and an example of its body."""

    route: Route
    example: Any = field(default=None)


def described() -> list[Described]:
    """The operations of docs/openapi.yaml."""
    document = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    found = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            route = Route(
                method=method.upper(),
                path=path,
                where=f"docs/openapi.yaml: {operation['operationId']}",
                function=BY_GATEWAY,
                body=body.get("schema", {}).get("$ref", "").rpartition("/")[2],
                parameters={f"{one['in']}.{one['name']}": bool(one["required"]) for one in parameters},
            )
            found.append(Described(route, body.get("example")))
    return found
