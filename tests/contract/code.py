"""Facts from the code: functions are loaded as Lambda loads them, and run rather than parsed where that is possible."""

import importlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import botocore.client
import pytest
import yaml
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.api_gateway import ResponseBuilder
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

RUNTIME = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
"""Variables that the Lambda runtime sets, plus one that disables tracing."""


class AwsCall(Exception):
    """The code called AWS, which is as far as a test lets it run."""

    def __init__(self, operation: str, parameters: Mapping[str, Any]) -> None:
        super().__init__(f"{operation} {parameters}")
        self.operation = operation
        self.parameters = parameters


class NotStartedError(Exception):
    """A handler's module reads a setting that its settings do not declare."""


@dataclass
class Context:
    """The part of Lambda's context that the handlers use."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    tenant_id: str | None = None

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass(frozen=True)
class Probe:
    """How an operation of the API handled its described example.

    Attributes:
        body: The model that it read the body with.
        query: The model that it read the query with.
        headers: The headers that it looked up.
        problem: The problem document of the response, if it failed before it called AWS.
    """

    body: type[BaseModel] | None
    query: type[BaseModel] | None
    headers: frozenset[str]
    problem: str


class _Headers(dict[str, str]):
    """Headers that record which of them were looked up, as long as the operation runs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.recording = True

    def get(self, name: str, default: Any = None) -> Any:
        if self.recording:
            self.names.add(name)
        return default


@dataclass(frozen=True)
class LoadedFunction:
    """A function's code.

    Attributes:
        name: Its folder's name with dashes.
        module: Its handler's module.
        settings: The model of its environment variables.
    """

    name: str
    module: ModuleType
    settings: type[Settings]

    @classmethod
    def load(cls, name: str, environment: Mapping[str, str]) -> Self:
        """Load a function as a cold start does. Missing variables get a placeholder: the contract reports them.

        Raises:
            NotStartedError: The code reads a setting that its model does not have.
        """
        models: list[type[Settings]] = []

        def load(model: type[Settings], _: Any = None) -> Settings:
            models.append(model)
            names = [field.upper() for field in model.model_fields]
            placeholders = {name: PLACEHOLDER for name in names if not os.environ.get(name)}
            try:
                return load_settings(model, {**os.environ, **placeholders})
            except ValidationError:  # the contract of settings reports it
                values: dict[str, Any] = dict.fromkeys(model.model_fields, PLACEHOLDER)
                return model.model_construct(**values)

        load_settings: Callable[..., Settings] = Settings.load.__func__  # type: ignore[attr-defined]
        handler = f"{name.replace('-', '_')}.handler"
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in {**RUNTIME, **environment}.items():
                patch.setenv(variable, value)
            patch.setattr(Settings, "load", classmethod(load))
            sys.modules.pop(handler, None)
            try:
                module = importlib.import_module(handler)
            except AttributeError as error:
                raise NotStartedError(str(_unread(name, error, models, environment))) from error
            del sys.modules[handler]
        return cls(name, module, models[0])

    @property
    def declared(self) -> list[Setting]:
        """The settings that it reads."""
        return [
            Setting(name.upper(), field.is_required(), symbol(_owner(self.settings, name), name))
            for name, field in self.settings.model_fields.items()
        ]

    def errors(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The errors of its settings for an environment, by variable."""
        try:
            self.settings.load(environment)
        except ValidationError as invalid:
            return {str(error["loc"][0]).upper(): error["msg"] for error in invalid.errors()}
        return {}

    @property
    def routes(self) -> list[Route]:
        """The operations of the API that it serves."""
        app = getattr(self.module, "app", None)
        if not isinstance(app, APIGatewayRestResolver):
            return []
        return [
            Route(route.method, route.path, symbol(route.func), self.name)
            for route in (*app._static_routes, *app._dynamic_routes)
        ]

    def probe(self, route: Route, example: Any) -> Probe:
        """Send an operation its described example, and stop when it calls AWS; some operations never do."""
        models: dict[str, type[BaseModel]] = {}
        headers = _Headers()

        def reading(kind: str, read: Callable[..., BaseModel]) -> Any:
            def record(event: Any, model: type[BaseModel]) -> BaseModel:
                models[kind] = model
                return read(event, model)

            return record

        def built(*arguments: Any) -> dict[str, Any]:
            headers.recording = False  # Accept-Encoding is Powertools' own; other operations end at AWS
            return build(*arguments)

        problem, build = "", ResponseBuilder.build
        with pytest.MonkeyPatch.context() as patch:
            for kind in ("body_of", "query_of"):
                patch.setattr(resolver, kind, reading(kind, getattr(resolver, kind)))
            patch.setattr(APIGatewayProxyEvent, "headers", property(lambda _: headers))
            patch.setattr(ResponseBuilder, "build", built)
            with no_aws():
                try:
                    response = self.module.app.resolve(request(route, example), Context())
                    if response["statusCode"] >= 400:
                        problem = str(response.get("body"))
                except AwsCall:
                    pass
        return Probe(models.get("body_of"), models.get("query_of"), frozenset(headers.names), problem)

    def error_on(self, event: Mapping[str, Any]) -> str:
        """Deliver an event. Returns why the function cannot read it; empty if it got as far as calling AWS."""
        with no_aws():
            try:
                self.module.lambda_handler(dict(event), Context())
            except AwsCall:
                return ""
            except KeyError as missing:
                return f"reads {missing}, which the event does not have"
            except ValidationError as invalid:
                return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in invalid.errors())
        return "returns without calling AWS"


@contextmanager
def no_aws() -> Iterator[None]:
    """Every call to AWS raises `AwsCall`."""

    def call(_: Any, operation: str, parameters: Mapping[str, Any]) -> None:
        raise AwsCall(operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield


def _unread(
    function: str, error: AttributeError, models: list[type[Settings]], environment: Mapping[str, str]
) -> Mismatch:
    """A function does not start: the line that reads the setting, the settings' names, and the planned variables."""
    stack = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in stack if Path(frame.filename).is_relative_to(LAMBDAS)]
    where = f"{Path(frames[-1].filename).relative_to(ROOT).as_posix()}:{frames[-1].lineno}" if frames else "the code"
    declared = [f"{symbol(_owner(model, name), name)}" for model in models for name in model.model_fields]
    return Mismatch(
        f"The function {function} does not start: {error}",
        f"{where} reads {error.name}; its settings are {listed(declared)}",
        f"the environment of {function} has {listed(environment)}",
        "Use one name in the code, in its settings and, in capitals, in the function's environment.",
    )


def _owner(model: type[Settings], name: str) -> type[BaseModel]:
    """The class that declares a field."""
    return next(cls for cls in model.__mro__ if name in inspect.get_annotations(cls))


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
        "requestContext": {
            "requestId": "r",
            "stage": "v1",
            "path": f"/v1{path}",
            "httpMethod": route.method,
            "identity": {},
        },
        "body": None if example is None else json.dumps(example),
        "isBase64Encoded": False,
    }


@dataclass(frozen=True)
class DescribedOperation:
    """An operation as described for clients: the route, and an example of its body."""

    route: Route
    example: Any = field(default=None)


def described() -> list[DescribedOperation]:
    """The operations of docs/openapi.yaml."""
    document = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    operations = []
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
                parameters={f"{each['in']}.{each['name']}": bool(each["required"]) for each in parameters},
            )
            operations.append(DescribedOperation(route, body.get("example")))
    return operations
