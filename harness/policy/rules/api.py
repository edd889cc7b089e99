"""The REST API: keys, validation, models, preflight requests, CORS on errors, and deployments of every route."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource, is_false, is_true, listed, mapping, parsed, shown
from harness.policy.rule import attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

METHOD = ("aws_api_gateway_method",)
BODY_METHODS = frozenset({"ANY", "PATCH", "POST", "PUT"})
_ALLOW_ORIGIN = "gatewayresponse.header.access-control-allow-origin"


@attribute("CKV_INV_401", METHOD)
def keyed(method: Resource) -> Iterator[str]:
    """An authorizer does not replace the key: usage plans identify clients by it."""
    verb = method.get("http_method")
    if verb is UNKNOWN or str(verb).upper() == "OPTIONS":
        return
    if is_false(method.get("api_key_required")):
        yield f"{verb} is open: api_key_required is {shown(method.get('api_key_required'))}."


@attribute("CKV_INV_402", METHOD)
def validated(method: Resource) -> Iterator[str]:
    """An id that is known after the apply only counts as a validator; an empty text does not."""
    verb, validator = method.get("http_method"), method.get("request_validator_id")
    if verb is not UNKNOWN and str(verb).upper() != "OPTIONS" and validator is not UNKNOWN and not validator:
        yield f"{verb} has no request validator."


@attribute("CKV_INV_403", ("aws_api_gateway_request_validator",))
def validators_validate(validator: Resource) -> Iterator[str]:
    """At least one of the two."""
    if is_false(validator.get("validate_request_body")) and is_false(validator.get("validate_request_parameters")):
        yield "It checks neither the body nor the parameters."


@relation("CKV_INV_404", METHOD)
def modelled(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Models, their schemas and their validators, wherever they are declared."""
    models = {str(model.get("name")): model for model in plan.of("aws_api_gateway_model")}
    for method in plan.of(*METHOD):
        verb = str(method.get("http_method")).upper()
        has_body = verb in BODY_METHODS
        for message in _unchecked_body(plan, method, models) if has_body else _unchecked_parameters(plan, method):
            yield method.address, f"{verb}: {message}"


def _unchecked_body(plan: "PlanGraph", method: Resource, models: dict[str, Resource]) -> Iterator[str]:
    request_models = method.get("request_models")
    if request_models is not UNKNOWN:
        name = (request_models or {}).get("application/json")
        if not (name is UNKNOWN or name):
            yield "it has no model for application/json."
        elif isinstance(name, str):
            schema = parsed(models[name].get("schema")) if name in models else None
            if name in models and schema is UNKNOWN:
                yield f"the schema of its model {name} is unknown before the apply."
            elif not _restricts(schema, schema):
                yield f"its model {name} {'accepts anything' if name in models else 'is not in this plan'}."
    validators = _validators(plan, method)
    if not all(is_true(validator.get("validate_request_body")) for validator in validators):
        yield "its validator does not check the body."


def _restricts(schema: object, root: object, depth: int = 8) -> bool:
    """Whether a JSON Schema rejects anything: an empty object, or a body that a sender made up."""
    if not isinstance(schema, dict) or depth == 0:
        return False
    if "$ref" in schema:
        path = str(schema["$ref"])
        return not path.startswith("#") or _restricts(_within(root, path), root, depth - 1)
    kind, closed = schema.get("type"), schema.get("additionalProperties") is False and schema.get("properties")
    choices = [listed(schema[name]) for name in ("anyOf", "oneOf") if schema.get(name)]
    return bool(
        any(schema.get(name) for name in ("enum", "required", "minProperties"))
        or closed
        or str(kind) not in {"None", "array", "object"}
        or (kind == "array" and schema.get("items"))
        or any(_restricts(part, root, depth - 1) for part in listed(schema.get("allOf")))
        or any(all(_restricts(option, root, depth - 1) for option in options) for options in choices)
    )


def _within(root: object, path: str) -> object:
    here = root
    for step in path.lstrip("#/").split("/"):
        here = here.get(step) if isinstance(here, dict) else None
    return here


def _unchecked_parameters(plan: "PlanGraph", method: Resource) -> Iterator[str]:
    parameters = method.get("request_parameters")
    required = isinstance(parameters, dict) and any(value is True for value in parameters.values())
    validators = _validators(plan, method)
    if required and not all(is_true(validator.get("validate_request_parameters")) for validator in validators):
        yield "its validator does not check the parameters that it requires."


def _validators(plan: "PlanGraph", method: Resource) -> list[Resource]:
    """The validators that a method may have; each must do. Among several instances, each.key chooses its own."""
    path, kind = "request_validator_id", "aws_api_gateway_request_validator"
    written = plan.references(method, path)
    keys = [
        key
        for reference, key in zip(written, [*written[1:], ""], strict=False)
        if re.fullmatch(rf"{kind}\.[\w-]+", reference)
    ]
    several = not any(reference.startswith(f"{kind}.") and reference.count(".") > 1 for reference in written)
    if several and any(key != "each.key" for key in keys):
        return [validator for validator in plan.of(kind) if validator.module == method.module]
    return plan.links(method, path, kind)


@relation("CKV_INV_405", (*METHOD, "aws_api_gateway_integration"))
def preflights(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the HTTP method of methods and integrations."""
    for method in plan.of(*METHOD):
        if str(method.get("http_method")).upper() == "OPTIONS" and is_true(method.get("api_key_required")):
            yield method.address, "OPTIONS requires an API key: browsers send none."
    for integration in plan.of("aws_api_gateway_integration"):
        verb = integration.get("http_method")
        if verb is UNKNOWN:  # aws_api_gateway_method.x.http_method is known; anything else is looked up
            methods = plan.links(integration, "http_method", *METHOD)
            verbs = {str(method.get("http_method")).upper() for method in methods}
        else:
            verbs = {str(verb).upper()}
        if "OPTIONS" in verbs and integration.get("type") not in {"MOCK", UNKNOWN}:
            yield integration.address, f"OPTIONS goes to {shown(integration.get('type'))} instead of MOCK."
    if plan.environment:  # a module's example may leave preflights to another module
        yield from ((address, "It has no OPTIONS method.") for address in _unanswered(plan))


def _unanswered(plan: "PlanGraph") -> Iterator[str]:
    """Paths that have methods, or may have some, without a method for preflights."""
    used: dict[str, str] = {}
    unclear, answered = set(), set()
    for method in plan.of(*METHOD):
        places = _places(plan, method)
        if str(method.get("http_method")).upper() in {"ANY", "OPTIONS"}:
            answered |= set(places)
        elif len(places) == 1:
            used |= places
        else:
            unclear.add(method.module)
    for path in plan.of("aws_api_gateway_resource"):
        if path.module in unclear:
            used[path.address] = path.address
    yield from (used[place] for place in sorted(used) if place not in answered)


def _places(plan: "PlanGraph", method: Resource) -> dict[str, str]:
    """The paths that a method may be on: what identifies each, and the address for messages."""
    paths = plan.of("aws_api_gateway_resource")
    here = method.get("resource_id")
    if isinstance(here, str):
        matching = [path for path in paths if path.get("id") == here]
        return {path.address: path.address for path in matching} or {here: method.address}
    linked = plan.links(method, "resource_id", "aws_api_gateway_resource", "aws_api_gateway_rest_api")
    if not linked and method.index is not None:  # by its key, as in module api-gateway-cors
        linked = [path for path in paths if path.index == method.index and path.module[:-1] == method.module[:-1]]
    return {path.address: path.address for path in linked}


@attribute("CKV_INV_413", ("aws_api_gateway_account",))
def account_reset(account: Resource) -> Iterator[str]:
    """The provider's default keeps the role's ARN in the account."""
    if is_false(account.get("reset_on_delete")):
        yield f"reset_on_delete is {shown(account.get('reset_on_delete'))}."


@attribute("CKV_INV_406", ("aws_api_gateway_gateway_response",))
def errors_carry_cors(response: Resource) -> Iterator[str]:
    """Every response that is declared."""
    parameters = response.get("response_parameters")
    if parameters is UNKNOWN:
        return
    headers = {str(name).lower(): value for name, value in (mapping(parameters) or {}).items()}
    origin = headers.get(_ALLOW_ORIGIN)
    if origin is not UNKNOWN and not str(origin or "").strip(" '"):
        article = "an empty" if origin else "no"
        yield f"{shown(response.get('response_type'))} has {article} Access-Control-Allow-Origin."


@relation("CKV_INV_407", ("aws_api_gateway_rest_api",))
def fallbacks(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Each API needs its own."""
    for api in plan.of("aws_api_gateway_rest_api"):
        declared = {
            str(response.get("response_type"))
            for response in plan.of("aws_api_gateway_gateway_response")
            if api in plan.links(response, "rest_api_id", "aws_api_gateway_rest_api")
        }
        for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
            if kind not in declared:
                yield api.address, f"It has no gateway response {kind}."


_SERVER_ERRORS = frozenset(
    {
        *("API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE", "DEFAULT_5XX"),
        *("INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"),
    }
)
"""The types of gateway responses that AWS returns with a 5xx status; all others have 4xx
(https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html)."""

_STATUS_IN_BODY = re.compile(r'"status"\s*:\s*(\d+)')


@attribute("CKV_INV_418", ("aws_api_gateway_gateway_response",))
def errors_are_errors(response: Resource) -> Iterator[str]:
    """The status, and the one that a template writes into the body; without one it is AWS's for the type."""
    kind, status = response.get("response_type"), response.get("status_code")
    if kind is UNKNOWN:
        return
    digit = "5" if kind in _SERVER_ERRORS else "4"
    if status is not UNKNOWN and status and not re.fullmatch(rf"{digit}\d\d", str(status)):
        yield f"{kind} has the status {status}: it is an error, so give it one of {digit}00 to {digit}99."
    for _, template in _pairs(response, "response_templates"):
        for written in _STATUS_IN_BODY.findall(template):
            if status is not UNKNOWN and status and written != str(status):
                yield f"{kind} has the status {status}, and {written} in its body: write the same into both."


_ANY_ORIGIN = re.compile(r"""allow-origin["']?\s*[=:]\s*\\?["']+\*""", re.IGNORECASE)


_ORIGINS = (
    "aws_api_gateway_gateway_response",
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_lambda_function",
    "aws_s3_bucket_cors_configuration",
)


@relation("CKV_INV_408", _ORIGINS)
def named_origins(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In every place of an origin: headers, templates, functions' environments, buckets."""
    for resource in plan.of(*_ORIGINS):
        for subject in dict.fromkeys(_any_origin(resource)):
            yield resource.address, f"{subject} every origin (*)."


def _any_origin(resource: Resource) -> Iterator[str]:
    """The beginnings of messages about what allows every origin."""
    for name, value in _pairs(resource, "response_parameters"):
        if "access-control-allow-origin" in name.lower() and "*" in value:
            yield "Its header Access-Control-Allow-Origin allows"
    for path in ("request_templates", "response_templates"):
        if any(_ANY_ORIGIN.search(text) for _, text in _pairs(resource, path)):
            yield f"Its {path} allow"
    for name, value in _pairs(resource, "environment.variables"):
        if "ORIGIN" in name.upper() and "*" in value:
            yield f"Its environment variable {name} allows"
    cors_origins = (origin for origins in resource.all("cors_rule.allowed_origins") for origin in listed(origins))
    if any("*" in str(origin) for origin in cors_origins):
        yield "It allows"


def _pairs(resource: Resource, path: str) -> Iterator[tuple[str, str]]:
    """The entries of map attributes whose values are known texts."""
    for block in resource.all(path):
        for name, value in (mapping(block) or {}).items():
            if isinstance(value, str):
                yield str(name), value


@relation("CKV_INV_409", ("aws_api_gateway_deployment", "aws_api_gateway_stage"))
def deployed(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Stages serve a deployment of the plan, whose triggers and order are right and cover modules that add methods."""
    for stage in plan.of("aws_api_gateway_stage"):
        if plan.environment and not plan.links(stage, "deployment_id", "aws_api_gateway_deployment"):
            served = shown(stage.get("deployment_id"))
            yield stage.address, f"It serves the deployment {served} and never another: refer to the deployment's id."
    for deployment in plan.of("aws_api_gateway_deployment"):
        triggers = deployment.get("triggers")
        if triggers is not UNKNOWN and not triggers:
            yield deployment.address, "It has no triggers: it is created once and never again."
            continue
        if triggers is not UNKNOWN and not plan.references(deployment, "triggers"):
            yield deployment.address, "Its triggers are constants: they never change."
        block = plan.expression(deployment)
        dependencies = {str(name) for name in block.get("depends_on", ())}
        integrations = {
            f"{integration.type}.{integration.name}"
            for integration in plan.of("aws_api_gateway_integration")
            if integration.module == deployment.module and integration.type
        }
        hashed = set(plan.references(deployment, "triggers"))
        for name in sorted(integrations):
            if name not in dependencies and not any(reference.startswith(name) for reference in hashed):
                yield deployment.address, f"It does not wait for {name}: a new route may miss its first deployment."
        yield from ((deployment.address, message) for message in _forgotten_modules(plan, deployment))


def _forgotten_modules(plan: "PlanGraph", deployment: Resource) -> Iterator[str]:
    """Sibling modules that add methods to the API and are not part of the triggers."""
    if not deployment.module:
        return
    parent, here = deployment.module[:-1], deployment.module[-1][0]
    siblings = {
        method.module[len(parent)][0]
        for method in plan.of(*METHOD)
        if method.module[: len(parent)] == parent
        and len(method.module) > len(parent)
        and method.module[len(parent)][0] != here
    }
    arguments = plan.arguments(deployment.module)
    for name in sorted(siblings):
        if not any(reference.startswith(f"module.{name}") for reference in arguments):
            yield f"module.{name} adds methods, and no argument of module.{here} refers to it (deployment_triggers)."
