"""The REST API: keys, validation, models, preflights, CORS on errors, and deployments that cover every route."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource, is_false, is_true, listed, mapping, parsed, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

METHOD = ("aws_api_gateway_method",)
BODY_METHODS = frozenset({"ANY", "PATCH", "POST", "PUT"})
_API = "https://docs.aws.amazon.com/apigateway/latest/developerguide"
_ALLOW_ORIGIN = "gatewayresponse.header.access-control-allow-origin"


@attribute(
    Rule(
        id="CKV_INV_401",
        title="Every method but OPTIONS wants an API key",
        severity=Severity.CRITICAL,
        types=METHOD,
        rationale="A method without a key is open to the whole internet, and no usage plan bounds it.",
        guideline=f"{_API}/api-gateway-setup-api-key-with-console.html",
        remedy="Set api_key_required = true.",
    )
)
def keyed(method: Resource) -> Iterator[str]:
    """An authorizer does not stand in for the key: usage plans go by it."""
    verb = method.get("http_method")
    if verb is UNKNOWN or str(verb).upper() == "OPTIONS":
        return
    if is_false(method.get("api_key_required")):
        yield f"{verb} is open: api_key_required is {shown(method.get('api_key_required'))}."


@attribute(
    Rule(
        id="CKV_INV_402",
        title="Every method but OPTIONS has a request validator",
        severity=Severity.HIGH,
        types=METHOD,
        rationale="Without a validator API Gateway hands everything on: models and required parameters are only "
        "documentation.",
        guideline=f"{_API}/api-gateway-method-request-validation.html",
        remedy="Set request_validator_id to an aws_api_gateway_request_validator that checks parameters, and the body "
        "where there "
        "is one.",
    )
)
def validated(method: Resource) -> Iterator[str]:
    """An id that only the apply knows is one; an empty text is none."""
    verb, validator = method.get("http_method"), method.get("request_validator_id")
    if verb is not UNKNOWN and str(verb).upper() != "OPTIONS" and validator is not UNKNOWN and not validator:
        yield f"{verb} has no request validator."


@attribute(
    Rule(
        id="CKV_INV_403",
        title="Request validators validate",
        severity=Severity.HIGH,
        types=("aws_api_gateway_request_validator",),
        rationale="Both switches are off by default: a validator without either lets everything through.",
        guideline=f"{_API}/api-gateway-method-request-validation.html",
        remedy="Set validate_request_parameters = true, validate_request_body = true, or both.",
    )
)
def validates(validator: Resource) -> Iterator[str]:
    """At least one of the two."""
    if is_false(validator.get("validate_request_body")) and is_false(validator.get("validate_request_parameters")):
        yield "It checks neither the body nor the parameters."


@relation(
    Rule(
        id="CKV_INV_404",
        title="Methods that take a body have a model, and their validator checks it",
        severity=Severity.HIGH,
        types=METHOD,
        rationale="A body that nothing checks reaches the function whatever it is, and costs an invocation at least.",
        guideline=f"{_API}/request-response-data-mappings.html",
        remedy='Set request_models = { "application/json" = <model> } to a model whose schema has required, or '
        "properties and additionalProperties = false, and a validator with validate_request_body = true.",
        modes=frozenset({PLAN}),
    )
)
def modelled(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Models, their schemas and their validators, wherever they are declared."""
    models = {str(one.get("name")): one for one in plan.of("aws_api_gateway_model")}
    for method in plan.of(*METHOD):
        verb = str(method.get("http_method")).upper()
        for message in (
            _unchecked(plan, method, models) if verb in BODY_METHODS else _unchecked_parameters(plan, method)
        ):
            yield method.address, f"{verb}: {message}"


def _unchecked(plan: "PlanGraph", method: Resource, models: dict[str, Resource]) -> Iterator[str]:
    named = method.get("request_models")
    if named is not UNKNOWN:
        name = (named or {}).get("application/json")
        if not (name is UNKNOWN or name):
            yield "it has no model for application/json."
        elif isinstance(name, str):
            schema = parsed(models[name].get("schema")) if name in models else None
            if name in models and schema is UNKNOWN:
                yield f"the schema of its model {name} is unknown before the apply."
            elif not _restricts(schema, schema):
                yield f"its model {name} {'admits anything' if name in models else 'is not in this plan'}."
    validators = _validators(plan, method)
    if not all(is_true(one.get("validate_request_body")) for one in validators):
        yield "its validator does not check the body."


def _restricts(schema: object, whole: object, depth: int = 8) -> bool:
    """Whether a JSON Schema refuses an empty object or whatever else a sender makes up."""
    if not isinstance(schema, dict) or depth == 0:
        return False
    if "$ref" in schema:
        path = str(schema["$ref"])
        return not path.startswith("#") or _restricts(_within(whole, path), whole, depth - 1)
    kind, closed = schema.get("type"), schema.get("additionalProperties") is False and schema.get("properties")
    choices = [listed(schema[name]) for name in ("anyOf", "oneOf") if schema.get(name)]
    return bool(
        any(schema.get(name) for name in ("enum", "required", "minProperties"))
        or closed
        or str(kind) not in {"None", "array", "object"}
        or (kind == "array" and schema.get("items"))
        or any(_restricts(one, whole, depth - 1) for one in listed(schema.get("allOf")))
        or any(all(_restricts(one, whole, depth - 1) for one in some) for some in choices)
    )


def _within(whole: object, path: str) -> object:
    here = whole
    for step in path.lstrip("#/").split("/"):
        here = here.get(step) if isinstance(here, dict) else None
    return here


def _unchecked_parameters(plan: "PlanGraph", method: Resource) -> Iterator[str]:
    parameters = method.get("request_parameters")
    required = isinstance(parameters, dict) and any(value is True for value in parameters.values())
    validators = _validators(plan, method)
    if required and not all(is_true(one.get("validate_request_parameters")) for one in validators):
        yield "its validator does not check the parameters that it requires."


def _validators(plan: "PlanGraph", method: Resource) -> list[Resource]:
    """Those that a method may have, each of which must do: of several instances its own where each.key chooses."""
    path, kind = "request_validator_id", "aws_api_gateway_request_validator"
    written = plan.references(method, path)
    chosen = [
        after for one, after in zip(written, [*written[1:], ""], strict=False) if re.fullmatch(rf"{kind}\.[\w-]+", one)
    ]
    several = not any(one.startswith(f"{kind}.") and one.count(".") > 1 for one in written)
    if several and any(after != "each.key" for after in chosen):
        return [one for one in plan.of(kind) if one.module == method.module]
    return plan.links(method, path, kind)


@relation(
    Rule(
        id="CKV_INV_405",
        title="OPTIONS wants no key and reaches no function; every path that has methods answers it",
        severity=Severity.MEDIUM,
        types=(*METHOD, "aws_api_gateway_integration"),
        rationale="Browsers send preflights without keys; one that reaches a business function runs it "
        "unauthenticated, and without an answer no page may call the path (looked at in live folders).",
        guideline=f"{_API}/how-to-cors.html",
        remedy="Set api_key_required = false on OPTIONS and give it a MOCK integration; give every path one "
        "(module api-gateway-cors, resources = module.<api>.resources).",
        modes=frozenset({PLAN}),
    )
)
def preflights(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the verb of method and integration."""
    for method in plan.of(*METHOD):
        if str(method.get("http_method")).upper() == "OPTIONS" and is_true(method.get("api_key_required")):
            yield method.address, "OPTIONS wants an API key: browsers send none."
    for integration in plan.of("aws_api_gateway_integration"):
        verb = integration.get("http_method")
        if verb is UNKNOWN:  # aws_api_gateway_method.x.http_method is known; anything else is looked up
            verbs = {str(one.get("http_method")).upper() for one in plan.links(integration, "http_method", *METHOD)}
        else:
            verbs = {str(verb).upper()}
        if "OPTIONS" in verbs and integration.get("type") not in {"MOCK", UNKNOWN}:
            yield integration.address, f"OPTIONS goes to {shown(integration.get('type'))} instead of MOCK."
    if plan.environment:  # a module's example may leave the preflights to another module
        yield from ((address, "No OPTIONS method answers it.") for address in _unanswered(plan))


def _unanswered(plan: "PlanGraph") -> Iterator[str]:
    """Paths with methods, and those that may have some, which no preflight answers."""
    busy: dict[str, str] = {}
    untold, answered = set(), set()
    for method in plan.of(*METHOD):
        places = _places(plan, method)
        if str(method.get("http_method")).upper() in {"ANY", "OPTIONS"}:
            answered |= set(places)
        elif len(places) == 1:
            busy |= places
        else:
            untold.add(method.module)
    for path in plan.of("aws_api_gateway_resource"):
        if path.module in untold:
            busy[path.address] = path.address
    yield from (busy[place] for place in sorted(busy) if place not in answered)


def _places(plan: "PlanGraph", method: Resource) -> dict[str, str]:
    """The paths that a method may be on, by what tells them apart: each with the address to name."""
    paths = plan.of("aws_api_gateway_resource")
    here = method.get("resource_id")
    if isinstance(here, str):
        known_ = [one for one in paths if one.get("id") == here]
        return {one.address: one.address for one in known_} or {here: method.address}
    linked = plan.links(method, "resource_id", "aws_api_gateway_resource", "aws_api_gateway_rest_api")
    if not linked and method.index is not None:  # by its key, as module api-gateway-cors has it
        linked = [one for one in paths if one.index == method.index and one.module[:-1] == method.module[:-1]]
    return {one.address: one.address for one in linked}


@attribute(
    Rule(
        id="CKV_INV_406",
        title="API Gateway's own answers carry CORS headers",
        severity=Severity.MEDIUM,
        types=("aws_api_gateway_gateway_response",),
        rationale="Without them a browser hides a 403, 429 or 504 from the page, which then shows a network error.",
        guideline=f"{_API}/supported-gateway-response-types.html",
        remedy='Add "gatewayresponse.header.Access-Control-Allow-Origin" to response_parameters.',
    )
)
def errors_carry_cors(response: Resource) -> Iterator[str]:
    """Every response that is declared."""
    parameters = response.get("response_parameters")
    if parameters is UNKNOWN:
        return
    named = {str(name).lower(): value for name, value in (mapping(parameters) or {}).items()}
    origin = named.get(_ALLOW_ORIGIN)
    if origin is not UNKNOWN and not str(origin or "").strip(" '"):
        empty = "an empty" if origin else "no"
        yield f"{shown(response.get('response_type'))} has {empty} Access-Control-Allow-Origin."


@relation(
    Rule(
        id="CKV_INV_407",
        title="Every API has its two fallback answers",
        severity=Severity.MEDIUM,
        types=("aws_api_gateway_rest_api",),
        rationale="What has no answer of its own gets the fallback: undeclared, that is without CORS headers and in "
        "another shape.",
        guideline=f"{_API}/supported-gateway-response-types.html",
        remedy="Declare aws_api_gateway_gateway_response for DEFAULT_4XX and DEFAULT_5XX, with CORS headers.",
        modes=frozenset({PLAN}),
    )
)
def fallbacks(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """For each API, its own."""
    for api in plan.of("aws_api_gateway_rest_api"):
        has = {
            str(one.get("response_type"))
            for one in plan.of("aws_api_gateway_gateway_response")
            if api in plan.links(one, "rest_api_id", "aws_api_gateway_rest_api")
        }
        for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
            if kind not in has:
                yield api.address, f"It has no gateway response {kind}."


_ANY_ORIGIN = re.compile(r"""allow-origin["']?\s*[=:]\s*\\?["']+\*""", re.IGNORECASE)


@relation(
    Rule(
        id="CKV_INV_408",
        title="Production answers to named origins only",
        severity=Severity.HIGH,
        types=(
            "aws_api_gateway_gateway_response",
            "aws_api_gateway_integration",
            "aws_api_gateway_integration_response",
            "aws_lambda_function",
            "aws_s3_bucket_cors_configuration",
        ),
        rationale="With * the page of any stranger may call the API from its visitor's browser and read the answers.",
        guideline=f"{_API}/how-to-cors.html",
        remedy="Name the origins: allowed_origins in live/prod/terraform.tfvars, without *.",
        modes=frozenset({PLAN}),
        scope="prod",
    )
)
def named_origins(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Wherever an origin can stand: headers, templates, functions' settings, buckets."""
    for kind in _ORIGINS:
        for one in plan.of(kind):
            yield from ((one.address, f"{what} every origin (*).") for what in dict.fromkeys(_opened(one)))


_ORIGINS = (
    "aws_api_gateway_gateway_response",
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_lambda_function",
    "aws_s3_bucket_cors_configuration",
)


def _opened(one: Resource) -> Iterator[str]:
    for name, value in _pairs(one, "response_parameters"):
        if "access-control-allow-origin" in name.lower() and "*" in value:
            yield "Its header Access-Control-Allow-Origin allows"
    for path in ("request_templates", "response_templates"):
        if any(_ANY_ORIGIN.search(text) for _, text in _pairs(one, path)):
            yield f"Its {path} allow"
    for name, value in _pairs(one, "environment.variables"):
        if "ORIGIN" in name.upper() and "*" in value:
            yield f"Its environment variable {name} allows"
    if any("*" in str(origin) for origins in one.all("cors_rule.allowed_origins") for origin in listed(origins)):
        yield "It allows"


def _pairs(one: Resource, path: str) -> Iterator[tuple[str, str]]:
    """The entries of map attributes whose values are known texts."""
    for block in one.all(path):
        for name, value in (mapping(block) or {}).items():
            if isinstance(value, str):
                yield str(name), value


@relation(
    Rule(
        id="CKV_INV_409",
        title="A changed route is deployed",
        severity=Severity.HIGH,
        types=("aws_api_gateway_deployment",),
        rationale="A deployment is a snapshot: methods, integrations and answers that its triggers leave out are "
        "changed in the API "
        "and never reach the stage.",
        guideline="https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html",
        remedy="Let triggers hash everything that the routes are made from (also of modules that add methods: "
        "deployment_triggers), "
        "and let the deployment depend on every integration.",
        modes=frozenset({PLAN}),
    )
)
def deployed(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Triggers exist, the order is right, and each module that adds methods has its say in them."""
    for deployment in plan.of("aws_api_gateway_deployment"):
        triggers = deployment.get("triggers")
        if triggers is not UNKNOWN and not triggers:
            yield deployment.address, "It has no triggers: it is made once and never again."
            continue
        if triggers is not UNKNOWN and not plan.references(deployment, "triggers"):
            yield deployment.address, "Its triggers are constants: they never change."
        block = plan.expression(deployment)
        waits = {str(one) for one in block.get("depends_on", ())}
        own = {
            f"{one.type}.{one.name}"
            for one in plan.of("aws_api_gateway_integration")
            if one.module == deployment.module and one.type
        }
        heard = set(plan.references(deployment, "triggers"))
        for name in sorted(own):
            if name not in waits and not any(reference.startswith(name) for reference in heard):
                yield deployment.address, f"It does not wait for {name}: a new route may miss its first deployment."
        yield from ((deployment.address, message) for message in _unheard(plan, deployment))


def _unheard(plan: "PlanGraph", deployment: Resource) -> Iterator[str]:
    """Sibling modules that add methods to the API without a say in the triggers."""
    if not deployment.module:
        return
    parent, here = deployment.module[:-1], deployment.module[-1][0]
    siblings = {
        one.module[len(parent)][0]
        for one in plan.of(*METHOD)
        if one.module[: len(parent)] == parent and len(one.module) > len(parent) and one.module[len(parent)][0] != here
    }
    told = plan.arguments(deployment.module)
    for name in sorted(siblings):
        if not any(reference.startswith(f"module.{name}") for reference in told):
            yield f"module.{name} adds methods, and module.{here} is told nothing of it (deployment_triggers)."
