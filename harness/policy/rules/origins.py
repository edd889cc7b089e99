"""Web origins: preflights and functions let in the reviewed ones, and no others."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import Resource, mapping, shown
from harness.policy.rule import relation
from harness.policy.rules import reviewed

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_HEADER = r"\$context\.responseOverride\.header\."
_HARMLESS = re.compile(
    r'#set\(\$origin = \$input\.params\(\)\.header\.get\("[Oo]rigin"\)\)|#if\(!\$origin\)|#end'
    rf'|#set\({_HEADER}Vary = "Origin"\)'
    rf'|#set\({_HEADER}Access-Control-(?:Allow-Headers|Allow-Methods|Max-Age) = "[\w,-]+"\)'
)
"""Lines that admit nobody by themselves."""

_NEEDED = ("Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Max-Age", "Vary")
"""What a preflight's response needs besides the origin; ``Vary`` only where the origin is not the same for all."""

_TEST = re.compile(r'#if\((?P<test>\$origin == "[^"]+"(?: \|\| \$origin == "[^"]+")*)\)')
_ADMITTED = re.compile(r'\$origin == "([^"]+)"')
_GRANT = re.compile(rf'#set\({_HEADER}Access-Control-Allow-Origin = (?P<value>\$origin|"\*")\)')
_REPEATED = "method.request.header.Origin"
_ORIGIN_VARIABLE = "ALLOWED_ORIGINS"


@relation(
    "CKV_INV_415", ("aws_api_gateway_gateway_response", "aws_api_gateway_integration_response", "aws_lambda_function")
)
def reviewed_origins(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """The templates of preflights, line by line, API Gateway's own errors, and the variable of the functions."""
    allowed = reviewed.of(plan.environment).allowed_origins
    for response in plan.of("aws_api_gateway_integration_response"):
        for block in response.all("response_templates"):
            for text in (mapping(block) or {}).values():
                if isinstance(text, str):
                    yield from ((response.address, message) for message in _of_template(text, allowed))
    for error in plan.of("aws_api_gateway_gateway_response"):
        yield from ((error.address, message) for message in _of_error(error, allowed))
    for function in plan.of("aws_lambda_function"):
        yield from ((function.address, message) for message in _of_function(function, allowed))


def _of_error(error: Resource, allowed: frozenset[str]) -> Iterator[str]:
    """The headers of one of API Gateway's own errors, which holds nothing of an invoice.

    It cannot compare an origin with several. So its caller's may be repeated there if responses are kept apart by it
    and no page sends credentials.
    """
    headers = {
        str(name).lower().removeprefix("gatewayresponse.header."): value
        for block in error.all("response_parameters")
        for name, value in (mapping(block) or {}).items()
    }
    origin = headers.get("access-control-allow-origin")
    if isinstance(origin, str) and origin != _REPEATED and origin.strip("'") not in allowed:
        yield f"It lets in {origin}, which policy/environments.toml does not list."
    if origin == _REPEATED and (len(allowed) == 1 or headers.get("vary") != "'Origin'"):
        yield "It lets in whoever calls (method.request.header.Origin): name the one origin, or add Vary: Origin."
    for name in sorted({"access-control-allow-credentials", "access-control-allow-private-network"} & headers.keys()):
        yield f"It sets {name}: pages would call the API with what belongs to their visitors. Remove it."


def _of_function(function: Resource, allowed: frozenset[str]) -> Iterator[str]:
    for block in function.all("environment.variables"):
        value = (mapping(block) or {}).get(_ORIGIN_VARIABLE)
        if isinstance(value, str):
            foreign = sorted({origin.strip() for origin in value.split(",")} - allowed)
            if foreign:
                yield f"{_ORIGIN_VARIABLE} lets in {', '.join(foreign)}, which policy/environments.toml does not list."


def _of_template(template: str, allowed: frozenset[str]) -> Iterator[str]:
    """What a preflight's template lets in: line by line, so that a line of another form is a finding itself."""
    needed = [name for name in _NEEDED if name != "Vary" or "*" not in allowed]
    missing = [name for name in needed if not re.search(rf"#set\({_HEADER}{name} = ", template)]
    if missing and _GRANT.search(template):
        yield f"Its template sets no {', '.join(missing)}: browsers reject the call, or reuse another page's answer."
    tested: list[frozenset[str] | None] = []
    admitted: set[str] = set()
    for line in filter(None, map(str.strip, template.splitlines())):
        if match := _TEST.fullmatch(line):
            tested.append(frozenset(_ADMITTED.findall(match["test"])))
        elif line.startswith("#if(!$origin)"):
            tested.append(None)
        elif line == "#end":
            tested = tested[:-1]
        elif match := _GRANT.fullmatch(line):
            around = next((origins for origins in tested if origins), frozenset({"*"}))
            admitted |= around if match["value"] == "$origin" else {"*"}
        if not (_HARMLESS.fullmatch(line) or _TEST.fullmatch(line) or _GRANT.fullmatch(line)):
            yield f"Its template has the line {shown(line)}, which no reader of preflights knows."
    if foreign := sorted(admitted - allowed):
        yield f"Its template lets in {', '.join(foreign)}, which policy/environments.toml does not list."
    if missing := sorted(allowed - admitted):
        yield f"Its template does not let in {', '.join(missing)}."
