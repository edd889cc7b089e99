"""Changes of texts that a plan holds: policies, event patterns, templates of preflights and formats of access logs.

Each function gets a text as it is planned, and yields an operator's name with the changed text. A change is what
somebody might do to make something work, or a slip: a condition that is dropped or reversed, a wildcard, a stranger.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.plan.iam_policy import POLICIES, RESOURCE_POLICIES
from harness.plan.resource import listed, parsed

TextChange = tuple[str, str]
"""The operator's name and the new text."""

_STRANGER = "999999999999"
_NEGATED = {
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
    "StringEquals": "StringNotEquals",
    "StringLike": "StringNotLike",
}
_PRINCIPALS: Mapping[str, Any] = {
    "everybody": "*",
    "another-account": {"AWS": f"arn:aws:iam::{_STRANGER}:root"},
    "another-service": {"Service": "ec2.amazonaws.com"},
    "canonical-user": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
    "federated": {"Federated": "accounts.example.com"},
}


def changes_of_policy(text: str) -> Iterator[TextChange]:
    """A policy, one thing in one statement at a time."""
    policy = parsed(text)
    if not isinstance(policy, Mapping):
        return
    statements = listed(policy.get("Statement"))
    for number, statement in enumerate(statements):
        rest = [each for at, each in enumerate(statements) if at != number]
        yield "drop-statement", json.dumps({**policy, "Statement": rest})
        for operator, changed in _changes_of_statement(statement):
            inserted = [*statements[:number], changed, *statements[number + 1 :]]
            yield operator, json.dumps({**policy, "Statement": inserted})


def _changes_of_statement(statement: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    denies = statement.get("Effect") == "Deny"
    yield "turn-effect", {**statement, "Effect": "Allow" if denies else "Deny"}
    yield from _changes_of_actions(statement, denies=denies)
    yield from _changes_of_resources(statement, denies=denies)
    if "Principal" in statement:
        if denies:
            yield "narrow-principal", {**statement, "Principal": {"AWS": f"arn:aws:iam::{_STRANGER}:root"}}
        else:
            yield from ((f"principal-{name}", {**statement, "Principal": who}) for name, who in _PRINCIPALS.items())
            yield "add-principal", {**statement, "Principal": _also(statement["Principal"])}
    yield from _changes_of_conditions(statement, denies=denies)


def _changes_of_actions(statement: Mapping[str, Any], *, denies: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    actions = [str(action) for action in listed(statement.get("Action"))]
    if not denies:
        yield "widen-action", {**statement, "Action": f"{actions[0].partition(':')[0]}:*"}
        yield "any-action", {**statement, "Action": "*"}
        yield "not-action", {**_without(statement, "Action"), "NotAction": "iam:CreateUser"}
    if len(actions) > 1:
        for action in actions:
            yield "drop-action", {**statement, "Action": [each for each in actions if each != action]}


def _changes_of_resources(statement: Mapping[str, Any], *, denies: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    resources = [str(resource) for resource in listed(statement.get("Resource"))]
    named = [resource for resource in resources if resource != "*"]
    if not named:
        return
    if not denies:
        yield "any-resource", {**statement, "Resource": "*"}
        yield "add-stranger", {**statement, "Resource": [*resources, _strangers(named[0])]}
    yield "other-resource", {**statement, "Resource": [_strangers(resource) for resource in named]}
    if len(named) > 1:
        for resource in named:
            yield "drop-resource", {**statement, "Resource": [each for each in resources if each != resource]}


def _strangers(arn: str) -> str:
    """The ARN of something of the same kind and account with another name."""
    head, _, name = arn.rpartition(":")
    kind, slash, rest = name.partition("/")
    if slash and kind in {"alias", "event-bus", "key", "rule", "table", "function"}:
        return f"{head}:{kind}/another-{rest}"
    return f"{head}:another-{name}" if not arn.endswith(":*") else f"{arn.removesuffix(':*')}-another:*"


def _also(principal: Any) -> Any:
    """A principal and somebody else of the same account."""
    more = {"AWS": "arn:aws:iam::000000000000:role/somebody"}
    return {**principal, **more} if isinstance(principal, Mapping) else {"AWS": [principal, more["AWS"]]}


def _changes_of_conditions(statement: Mapping[str, Any], *, denies: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    conditions = statement.get("Condition") or {}
    for test, tested in conditions.items():
        for key, values in tested.items():
            yield "drop-condition", _with_condition(statement, test, key)
            name = test.rpartition(":")[2]
            if name in _NEGATED:
                yield (
                    "negate-condition",
                    _with_condition(statement, test, key, test.replace(name, _NEGATED[name]), values),
                )
                like = name.replace("Equals", "Like")
                yield "any-value", _with_condition(statement, test, key, test.replace(name, like), "*")
                if not denies:
                    more = [*listed(values), _another(listed(values)[0])]
                    yield "add-value", _with_condition(statement, test, key, test, more)
                    yield "if-exists", _with_condition(statement, test, key, f"{test}IfExists", values)
            elif name == "Bool":
                reverse = "false" if "true" in [str(value).lower() for value in listed(values)] else "true"
                yield "negate-condition", _with_condition(statement, test, key, test, reverse)
            for value in listed(values) if len(listed(values)) > 1 else ():
                fewer = [each for each in listed(values) if each != value]
                yield "drop-value", _with_condition(statement, test, key, test, fewer)


def _another(value: Any) -> str:
    text = str(value)
    if text.isdigit():
        return _STRANGER
    return _strangers(text) if text.startswith("arn:") else f"another-{text}"


def _with_condition(
    statement: Mapping[str, Any], test: str, key: str, new_test: str = "", values: Any = None
) -> dict[str, Any]:
    """A statement without one condition, or with another one in its place."""
    changed = copy.deepcopy(dict(statement))
    del changed["Condition"][test][key]
    if not changed["Condition"][test]:
        del changed["Condition"][test]
    if new_test:
        changed["Condition"].setdefault(new_test, {})[key] = values
    if not changed["Condition"]:
        del changed["Condition"]
    return changed


def _without(mapping: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}


_OPERATORS: Mapping[str, Any] = {
    "any-prefix": {"prefix": ""},
    "any-wildcard": {"wildcard": "*"},
    "any-existing": {"exists": True},
    "anything-but": {"anything-but": "mutant"},
}


def changes_of_pattern(text: str) -> Iterator[TextChange]:
    """An event pattern, one field at a time."""
    pattern = parsed(text)
    if not isinstance(pattern, Mapping):
        return
    for field, values in pattern.items():
        yield "drop-field", json.dumps(_without(pattern, field))
        for name, operator in _OPERATORS.items():
            yield name, json.dumps({**pattern, field: [operator]})
        yield "add-alternative", json.dumps({**pattern, field: [*values, "another.example"]})
        yield "other-alternative", json.dumps({**pattern, field: ["another.example"]})
        for value in values if len(values) > 1 else ():
            yield "drop-alternative", json.dumps({**pattern, field: [each for each in values if each != value]})
    yield "filter-detail", json.dumps({**pattern, "detail": {"status": ["paid"]}})
    yield "one-account", json.dumps({**pattern, "account": [_STRANGER]})


_IF = re.compile(r"#if\(\$origin == .*\)")
_STATEMENT = re.compile(r"#set\(\$context\.responseOverride\.header\.[\w-]+ = [^\n]*\)\n?")


def changes_of_preflight(template: str) -> Iterator[TextChange]:
    """The template of a preflight's response: who is let in, and what is said of it."""
    if not (test := _IF.search(template)):
        return
    yield "if-true", template.replace(test[0], "#if(true)")
    yield "if-any", template.replace(test[0], "#if($origin)")
    yield "if-not", template.replace(test[0], test[0].replace("==", "!="))
    yield "add-origin", template.replace(test[0], f'{test[0][:-1]} || $origin == "https://another.example")')
    yield "drop-origin", template.replace(test[0], f"{test[0].partition(' || ')[0].rstrip(')')})")
    yield "any-origin", template.replace("Allow-Origin = $origin", 'Allow-Origin = "*"')
    yield "no-if", template.replace(test[0], "").removesuffix("#end")
    for line in _STATEMENT.findall(template):
        yield "drop-header", template.replace(line, "", 1)
    credentials = '#set($context.responseOverride.header.Access-Control-Allow-Credentials = "true")\n#end'
    yield "add-credentials", template.removesuffix("#end") + credentials


def changes_of_log_format(text: str) -> Iterator[TextChange]:
    """The format of an access log: the key itself, a header, and each entry taken away that an investigation needs."""
    entries = parsed(text)
    if not isinstance(entries, Mapping):
        return
    yield "log-key", text.replace("identity.apiKeyId", "identity.apiKey")
    yield "log-header", json.dumps({**entries, "more": "$input.params('x-api-key')"})
    yield "log-authorizer", json.dumps({**entries, "more": "$context.authorizer.claims.email"})
    for name in ("apiKeyId", "requestId", "requestTime", "status"):
        yield "drop-entry", json.dumps(_without(entries, name))
    yield "no-json", " ".join(map(str, entries.values()))


TextOperators = Callable[[str], Iterator[TextChange]]

TEXTS: Mapping[tuple[str, tuple[str | int, ...]], TextOperators] = {
    **{(kind, (path,)): changes_of_policy for kind, path in {**POLICIES, **RESOURCE_POLICIES}.items()},
    ("aws_iam_role", ("assume_role_policy",)): changes_of_policy,
    ("aws_cloudwatch_event_rule", ("event_pattern",)): changes_of_pattern,
    ("aws_api_gateway_integration_response", ("response_templates", "application/json")): changes_of_preflight,
    ("aws_api_gateway_stage", ("access_log_settings", 0, "format")): changes_of_log_format,
}
"""What changes a text, by resource type and argument."""
