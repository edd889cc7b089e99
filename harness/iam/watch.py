"""Runs inside the process of a handler: notes every call to AWS that it makes, and refuses what its role may not do.

Only tests put it there: an engine gives its Lambda processes the folder ``harness/iam/hook`` as PYTHONPATH when it is
told to (`VARIABLE`); no zip has any of it. Noting is for `harness.iam.recorded`; refusing is for engines that do not
enforce IAM themselves.
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

from harness.iam.calls import Call, UnmappedCallError, Where, needs
from harness.iam.evaluate import AccessRequest, NotModelledError, allows
from harness.iam.kinds import Kinds
from harness.plan.iam_policy import Statement, statements

VARIABLE = "HARNESS_WATCH"
"""What an engine is told, and its handlers: the JSON of `WatchSettings`."""

HOOK = Path(__file__).parent / "hook"
"""The folder for a handler's PYTHONPATH."""


@dataclass(frozen=True)
class WatchSettings:
    """What to watch for.

    Attributes:
        environment: The environment that the functions belong to.
        folder: Where calls are noted, one file a process; empty for nowhere.
        policies: A file with the documents of the role's policies, which are enforced; empty for none.
        account: The account of the engine.
        region: Its region.
        hash_keys: The names that the tables' hash keys have.
        aliases: See `Kinds`.
    """

    environment: str
    folder: str = ""
    policies: str = ""
    account: str = "000000000000"
    region: str = "us-east-1"
    hash_keys: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "WatchSettings":
        """Read `text`."""
        given = json.loads(text)
        return cls(**{**given, "hash_keys": tuple(given.get("hash_keys", ()))})

    def text(self) -> str:
        """For the environment variable."""
        return json.dumps(self.__dict__)


class Watch:
    """Looks at every call of botocore's clients in this process.

    Args:
        settings: What for.
        caller: Tells whose call it is, given the client; an empty name for one that is nobody's business.
    """

    def __init__(self, settings: WatchSettings, caller: Callable[[Any], str]) -> None:
        self._settings = settings
        self._caller = caller
        self._where = Where(settings.account, settings.region, frozenset(settings.hash_keys))
        self._kinds = Kinds(settings.account, settings.region, settings.environment, settings.aliases)
        self._seen: set[str] = set()

    def install(self, client: Any) -> Callable[[], None]:
        """Stand between botocore's clients and AWS.

        Args:
            client: The class ``botocore.client.BaseClient``.

        Returns:
            What takes it away again.
        """
        make, emit = client._make_api_call, client._emit_api_params

        @functools.wraps(make)
        def made(own: Any, operation: str, parameters: Any) -> Any:
            who = self._caller(own)
            if not who:
                return make(own, operation, parameters)
            call = Call(own.meta.service_model.service_name, operation, parameters)
            self._refuse(own, call)
            try:
                answer = make(own, operation, parameters)
            except Exception as fault:  # noted and raised again, whatever it is
                failed = Call(call.service, operation, parameters, error=_code(fault))
                self._note(who, failed)
                self._refuse(own, failed)
                raise
            self._note(who, call)
            return answer

        @functools.wraps(emit)
        def emitted(own: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
            who = self._caller(own) if context.get("is_presign_request") else ""
            if who:
                service = own.meta.service_model.service_name
                self._note(who, Call(service, operation_model.name, api_params, presigned=True))
            return emit(own, api_params=api_params, operation_model=operation_model, context=context)

        client._make_api_call, client._emit_api_params = made, emitted

        def removed() -> None:
            client._make_api_call, client._emit_api_params = make, emit

        return removed

    def _note(self, who: str, call: Call) -> None:
        """Write down what the call needs, once for each kind."""
        if not self._settings.folder:
            return
        try:
            asked = [self._kinds.of(one) for one in needs(call, self._where)]
        except UnmappedCallError as unknown:
            self._write({"function": who, "call": call.name, "unmapped": str(unknown)})
            return
        for one in asked:
            context = {name: list(value) if isinstance(value, tuple) else value for name, value in one.context.items()}
            row = {"function": who, "call": call.name, "action": one.action, "resource": one.resource}
            self._write({**row, "context": context})

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, sort_keys=True)
        if line not in self._seen:
            self._seen.add(line)
            folder = Path(self._settings.folder)
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def _refuse(self, client: Any, call: Call) -> None:
        """Raise what AWS answers to a role that may not do this."""
        if not self._settings.policies:
            return
        granted = _granted(Path(self._settings.policies))
        try:
            refused = [one for one in needs(call, self._where) if not _allowed(granted, one)]
        except (UnmappedCallError, NotModelledError) as unknown:
            raise _access_denied(client, call, str(unknown)) from None
        if refused:
            raise _access_denied(client, call, f"is not authorized to perform: {refused[0]}")


def _allowed(granted: Sequence[Statement], request: AccessRequest) -> bool:
    # A secret's key is not named by the call, so any key will do that the role may use for Secrets Manager.
    if request.action.startswith("kms:") and "{" in request.resource:
        keys = [one for statement in granted for one in statement.resources if ":kms:" in str(one)]
        return any(allows(granted, AccessRequest(request.action, str(key), request.context)) for key in keys)
    return allows(granted, request)


def _granted(file: Path) -> list[Statement]:
    """The statements of the role, as they are now: whoever runs the engine may change them meanwhile."""
    documents = json.loads(file.read_text(encoding="utf-8"))
    return [statement for document in documents for statement in statements(document) or ()]


def _code(fault: Exception) -> str:
    response = getattr(fault, "response", None) or {}
    return str(response.get("Error", {}).get("Code", type(fault).__name__))


def _access_denied(client: Any, call: Call, why: str) -> Exception:
    code = "AccessDenied" if call.service == "s3" else "AccessDeniedException"
    message = f"User: {os.environ.get('AWS_LAMBDA_FUNCTION_NAME', 'a function')} {why}"
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    refusal: Exception = client.exceptions.from_code(code)(answer, call.operation)
    return refusal


def start() -> None:
    """Watch this process, a function's, from the moment on that it imports botocore's clients."""
    settings = WatchSettings.read(os.environ[VARIABLE])
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "").removesuffix(f"-{settings.environment}")
    watch = Watch(settings, lambda _: name)
    sys.meta_path.insert(0, _Once("botocore.client", lambda module: watch.install(module.BaseClient)))


class _Once(importlib.abc.MetaPathFinder):
    """Does something with a module as soon as it is imported."""

    def __init__(self, module: str, then: Callable[[Any], object]) -> None:
        self._module = module
        self._then = then

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """The module's own spec, whose loader is followed by what is to be done."""
        del path, target
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def loaded(module: Any) -> None:
                load(module)
                self._then(module)

            spec.loader.exec_module = loaded  # type: ignore[method-assign]
        return spec
