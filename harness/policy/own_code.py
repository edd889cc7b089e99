"""A function runs its own code, and the API has the models that the code generates: compared with the checkout."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.paths import ROOT
from harness.plan.resource import UNKNOWN, Resource, parsed, shown
from harness.policy.rule import relation
from harness.policy.rules.platform import CONTENT

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_KEY = re.compile(r"functions/(?P<name>[\w-]+)/(?P<digest>[0-9a-f]{64})\.zip")
_HANDLER = re.compile(r"(?P<package>\w+)\.handler\.(?P<function>\w+)")


@relation("CKV_INV_218", ("aws_lambda_function", "aws_s3_object"))
def own_code(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By names, and by the content of each zip where the file exists: the key of a zip has its digest."""
    for function in plan.of("aws_lambda_function"):
        yield from ((function.address, message) for message in _of_function(function, plan.environment))
    folder = plan.document.get("variables", {}).get("artifacts_dir", {}).get("value")
    changing = {change.address for change in plan.changes if change.is_change}
    for uploaded in plan.of("aws_s3_object"):
        if uploaded.address in changing:  # the file of an earlier deployment's zip has other content by now
            yield from ((uploaded.address, message) for message in _of_zip(uploaded, folder))


def _of_function(function: Resource, environment: str) -> Iterator[str]:
    name = str(function.get("function_name")).removesuffix(f"-{environment}")
    handler, key = function.get("handler"), function.get("s3_key")
    if isinstance(handler, str) and handler not in _handlers(name):
        yield f"Its handler is {shown(handler)}, which lambdas/{name.replace('-', '_')} does not have."
    match = _KEY.fullmatch(key) if isinstance(key, str) else None
    if isinstance(key, str) and (match is None or match["name"] != name):
        yield f"Its code is {shown(key)}: it is not the zip of {name}."


@lru_cache
def _handlers(name: str) -> frozenset[str]:
    """The handlers of a function's folder in lambdas/."""
    package = name.replace("-", "_")
    file = ROOT / "lambdas" / package / "handler.py"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return frozenset(f"{package}.handler.{each}" for each in re.findall(r"^def (\w+)\(", text, re.MULTILINE))


def _of_zip(uploaded: Resource, folder: Any) -> Iterator[str]:
    key, source = uploaded.get("key"), uploaded.get("source")
    match = _KEY.fullmatch(key) if isinstance(key, str) else None
    if match is None or not isinstance(source, str):
        return
    if isinstance(folder, str) and not source.startswith(f"{folder}/"):
        yield f"Its source is {shown(source)}, which is not in the folder of the zips."
    names = {f"{match['name']}.zip", f"{match['digest']}.zip"}
    if source.rpartition("/")[2] not in names:
        yield f"Its source is {shown(source)}, and its key is for {match['name']}."
    file = Path(source)
    if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() != match["digest"]:
        yield f"Its source {shown(source)} does not have the digest that is in its key."


@relation("CKV_INV_417", ("aws_api_gateway_method", "aws_api_gateway_model"))
def generated_models(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the title of the files that ``./noxw -s docs`` writes from the code's models, and by each method's key."""
    for model in plan.of("aws_api_gateway_model"):
        schema, name = model.get("schema"), str(model.get("name"))
        if schema is not UNKNOWN and parsed(schema) != _generated().get(name):
            yield model.address, f"Its schema is not the one that the code generates for {name}."
    for method in plan.of("aws_api_gateway_method"):
        models = method.get("request_models")
        body = None if models is UNKNOWN else (models or {}).get("application/json")
        expected = CONTENT.models.get(str(method.index))
        if isinstance(body, str) and body != expected:
            route = shown(method.index)
            yield method.address, f"Its model is {body}: policy/platform.toml has {expected or 'none'} for {route}."


@lru_cache
def _generated() -> Mapping[str, Any]:
    schemas = [
        json.loads(file.read_text(encoding="utf-8")) for file in sorted((ROOT / "modules").glob("*/models/*.json"))
    ]
    return {str(schema.get("title")): schema for schema in schemas}
