"""Runs inside a handler's process: records every call to AWS that it makes, and rejects those that its role forbids.

Only tests use it: an engine passes the folder ``harness/iam/hook`` to its Lambda processes as PYTHONPATH when the
variable `VARIABLE` is set; nothing of it is in a zip. Recording is for `harness.access.recorded_calls`;
rejecting is for engines that do not enforce IAM themselves.
"""

import functools
import importlib.abc
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.access.kinds import Kinds
from harness.iam.calls import ApiCall, Location, UnmappedCallError, needs
from harness.plan.evaluate import AccessRequest, NotModelledError, allows
from harness.plan.iam_policy import Statement, statements

VARIABLE = "HARNESS_WATCH"
"""The variable of an engine and its handlers: the JSON of `WatchSettings`."""

HOOK = Path(__file__).parent / "hook"
"""The folder for a handler's PYTHONPATH."""


@dataclass(frozen=True)
class WatchSettings:
    """Settings of a handler's process.

    Attributes:
        environment: The environment that the functions belong to.
        folder: The folder for recorded calls, with one file for each process; empty to record nothing.
        policies: A file with the documents of the role's policies, which are enforced; empty to enforce none.
        account: The account of the engine.
        region: Its region.
        hash_keys: The names of the tables' hash keys.
        aliases: See `Kinds`.
        resource_tags: See `Location`.
    """

    environment: str
    folder: str = ""
    policies: str = ""
    account: str = "000000000000"
    region: str = "us-east-1"
    hash_keys: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)
    resource_tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "WatchSettings":
        """Read the text of the environment variable."""
        fields = json.loads(text)
        return cls(**{**fields, "hash_keys": tuple(fields.get("hash_keys", ()))})

    def text(self) -> str:
        """The text for the environment variable."""
        return json.dumps(self.__dict__)


class Watch:
    """Watches every call of botocore's clients in this process.

    Args:
        settings: The settings.
        caller: Names the function that a client's call belongs to; an empty name for a call that is not watched.
    """

    def __init__(self, settings: WatchSettings, caller: Callable[[Any], str]) -> None:
        self._settings = settings
        self._caller = caller
        hash_keys = frozenset(settings.hash_keys)
        self._where = Location(settings.account, settings.region, hash_keys, resource_tags=settings.resource_tags)
        self._kinds = Kinds(settings.account, settings.region, settings.environment, settings.aliases)
        self._seen: set[str] = set()

    def install(self, client: Any) -> Callable[[], None]:
        """Wrap the calls of botocore's clients.

        Args:
            client: The class ``botocore.client.BaseClient``.

        Returns:
            A function that removes the wrapper again.
        """
        make_call, emit = client._make_api_call, client._emit_api_params

        @functools.wraps(make_call)
        def watched_call(self_: Any, operation: str, parameters: Any) -> Any:
            function = self._caller(self_)
            if not function:
                return make_call(self_, operation, parameters)
            call = ApiCall(self_.meta.service_model.service_name, operation, parameters)
            self._enforce(self_, call)
            try:
                response = make_call(self_, operation, parameters)
            except Exception as error:  # recorded and raised again, whatever it is
                failed = ApiCall(call.service, operation, parameters, error=_code(error))
                self._record(function, failed)
                self._enforce(self_, failed)
                raise
            self._record(function, call)
            return response

        @functools.wraps(emit)
        def watched_emit(self_: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
            function = self._caller(self_) if context.get("is_presign_request") else ""
            if function:
                service = self_.meta.service_model.service_name
                self._record(function, ApiCall(service, operation_model.name, api_params, presigned=True))
            return emit(self_, api_params=api_params, operation_model=operation_model, context=context)

        client._make_api_call, client._emit_api_params = watched_call, watched_emit

        def remove() -> None:
            client._make_api_call, client._emit_api_params = make_call, emit

        return remove

    def _record(self, function: str, call: ApiCall) -> None:
        """Write down the permissions that the call needs, once for each kind of request."""
        if not self._settings.folder:
            return
        try:
            requests = [self._kinds.of(request) for request in needs(call, self._where)]
        except UnmappedCallError as unmapped:
            self._write({"function": function, "call": call.name, "unmapped": str(unmapped)})
            return
        for request in requests:
            context = {
                name: list(value) if isinstance(value, tuple) else value for name, value in request.context.items()
            }
            row = {"function": function, "call": call.name, "action": request.action, "resource": request.resource}
            self._write({**row, "context": context})

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, sort_keys=True)
        if line not in self._seen:
            self._seen.add(line)
            folder = Path(self._settings.folder)
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def _enforce(self, client: Any, call: ApiCall) -> None:
        """Raise the error that AWS returns to a role without the permission."""
        if not self._settings.policies:
            return
        granted = _granted(Path(self._settings.policies))
        try:
            denied = [request for request in needs(call, self._where) if not _allowed(granted, request)]
        except (UnmappedCallError, NotModelledError) as error:
            raise _access_denied(client, call, str(error)) from None
        if denied:
            raise _access_denied(client, call, f"is not authorized to perform: {denied[0]}")


def _allowed(granted: Sequence[Statement], request: AccessRequest) -> bool:
    # The call does not name a secret's key: any key suffices that the role may use through Secrets Manager.
    if request.action.startswith("kms:") and "{" in request.resource:
        keys = [key for statement in granted for key in statement.resources if ":kms:" in str(key)]
        return any(allows(granted, AccessRequest(request.action, str(key), request.context)) for key in keys)
    return allows(granted, request)


def _granted(file: Path) -> list[Statement]:
    """The role's current statements: whoever runs the engine may change them at any time."""
    documents = json.loads(file.read_text(encoding="utf-8"))
    return [statement for document in documents for statement in statements(document) or ()]


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", type(error).__name__))


def _access_denied(client: Any, call: ApiCall, reason: str) -> Exception:
    code = "AccessDenied" if call.service == "s3" else "AccessDeniedException"
    message = f"User: {os.environ.get('AWS_LAMBDA_FUNCTION_NAME', 'a function')} {reason}"
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    denial: Exception = client.exceptions.from_code(code)(response, call.operation)
    return denial


def start() -> None:
    """Watch this process, a function's, from the moment when it imports botocore's clients."""
    settings = WatchSettings.read(os.environ[VARIABLE])
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "").removesuffix(f"-{settings.environment}")
    watch = Watch(settings, lambda _: name)
    sys.meta_path.insert(0, _Once("botocore.client", lambda module: watch.install(module.BaseClient)))


class _Once(importlib.abc.MetaPathFinder):
    """Calls a function with a module as soon as the module is imported."""

    def __init__(self, module: str, then: Callable[[Any], object]) -> None:
        self._module = module
        self._then = then

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """The module's own spec, with a loader that calls the function afterwards."""
        del path, target
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_call(module: Any) -> None:
                load(module)
                self._then(module)

            spec.loader.exec_module = load_and_call  # type: ignore[method-assign]
        return spec
