"""EventBridge's event patterns, evaluated as AWS documents them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

A field of a pattern is a list of alternatives; a value of an event that is an array fits if one of its elements does.
An unknown operator is an error. Otherwise a pattern that this module cannot read would look like one that fits nothing.
"""

import ipaddress
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from harness.plan.arn import starred

_ABSENT: Final = object()

_COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}


class UnknownPatternError(ValueError):
    """A pattern uses something that this module does not evaluate."""


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event fits a pattern.

    Args:
        pattern: As ``event_pattern`` has it.
        event: The whole event: ``source``, ``detail-type``, ``detail`` …

    Raises:
        UnknownPatternError: The pattern has an unknown operator, even where this event does not reach it.
    """
    _check(pattern)
    return _fits(pattern, event)


def _fits(pattern: Mapping[str, Any], event: Any) -> bool:
    return all(
        any(_fits(branch, event) for branch in field) if name == "$or" else _field_fits(field, _value(event, name))
        for name, field in pattern.items()
    )


def _value(event: Any, name: str) -> Any:
    return event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT


def _field_fits(field: Any, value: Any) -> bool:
    if isinstance(field, Mapping):
        objects = value if isinstance(value, list) else [value]
        return any(_fits(field, element) for element in objects)
    return any(_alternative_fits(alternative, value) for alternative in field)


def _alternative_fits(alternative: Any, value: Any) -> bool:
    if not isinstance(alternative, Mapping):
        return any(_same(alternative, element) for element in _elements(value))
    ((name, argument),) = alternative.items()
    if name == "exists":
        return bool(argument) is (value is not _ABSENT and not isinstance(value, Mapping))
    if name == "anything-but":  # in an array, every element has to be something else
        elements = list(_elements(value))
        return bool(elements) and not any(_excepted(argument, element) for element in elements)
    return any(_OPERATORS[name](argument, element) for element in _elements(value))


def _elements(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _elements(element)
    elif value is not _ABSENT and not isinstance(value, Mapping):
        yield value


def _same(expected: Any, value: Any) -> bool:
    """Texts are compared letter by letter, numbers by their value; true is not 1."""
    if isinstance(expected, bool) or isinstance(value, bool) or expected is None or value is None:
        return expected is value
    return bool(expected == value) and isinstance(expected, str) is isinstance(value, str)


def _excepted(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        ((name, inner),) = argument.items()
        return any(_OPERATORS[name](each, value) for each in (inner if isinstance(inner, list) else [inner]))
    return any(_same(each, value) for each in (argument if isinstance(argument, list) else [argument]))


def _prefix(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        text = argument["equals-ignore-case"]
        return isinstance(value, str) and value[: len(text)].lower() == text.lower()
    return isinstance(value, str) and value.startswith(argument)


def _suffix(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        text = argument["equals-ignore-case"]
        return isinstance(value, str) and value.lower().endswith(text.lower())
    return isinstance(value, str) and value.endswith(argument)


def _numeric(argument: Sequence[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(_COMPARES[compare](value, bound) for compare, bound in pairs)


def _ignoring_case(argument: str, value: Any) -> bool:
    return isinstance(value, str) and value.lower() == argument.lower()


def _wildcard(argument: str, value: Any) -> bool:
    return isinstance(value, str) and starred(argument, value)


def _cidr(argument: str, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(argument)
    except ValueError:
        return False


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "cidr": _cidr,
    "equals-ignore-case": _ignoring_case,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
_EXCEPTABLE = frozenset({"equals-ignore-case", "prefix", "suffix", "wildcard"})


def _check(pattern: Any, path: str = "") -> None:
    """Reject what cannot be evaluated, even where this event does not reach it."""
    if not isinstance(pattern, Mapping) or not pattern:
        raise UnknownPatternError(f"{path or 'the pattern'} is {pattern!r}: a pattern is an object with fields")
    for name, field in pattern.items():
        here = f"{path}.{name}".lstrip(".")
        if name == "$or":
            for branch in field:
                _check(branch, here)
        elif isinstance(field, Mapping):
            _check(field, here)
        elif not isinstance(field, list):
            raise UnknownPatternError(f"{here} is {field!r}: a field is a list of alternatives")
        else:
            for alternative in field:
                _check_alternative(alternative, here)


def _check_alternative(alternative: Any, path: str) -> None:
    if isinstance(alternative, list):
        raise UnknownPatternError(f"{path} has the alternative {alternative!r}: a list is not an alternative")
    if not isinstance(alternative, Mapping):
        return
    if len(alternative) != 1:
        raise UnknownPatternError(f"{path} has {alternative!r}: an alternative is one operator")
    ((name, argument),) = alternative.items()
    if name not in {*_OPERATORS, "anything-but", "exists"}:
        raise UnknownPatternError(f"{path} has the operator {name!r}, which this module does not know")
    if not _is_known(name, argument):
        raise UnknownPatternError(f"{path} has {name} {argument!r}, which this module does not know")


def _is_known(name: str, argument: Any) -> bool:
    """Whether the operator's argument has a form that this module evaluates."""
    if name == "numeric":
        return isinstance(argument, list) and len(argument) % 2 == 0 and {*argument[::2]} <= _COMPARES.keys()
    if name == "anything-but" and isinstance(argument, Mapping):
        return len(argument) == 1 and argument.keys() <= _EXCEPTABLE
    if name in {"prefix", "suffix"} and isinstance(argument, Mapping):
        return argument.keys() == {"equals-ignore-case"}
    return not isinstance(argument, Mapping)
