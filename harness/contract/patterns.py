"""EventBridge's event patterns, evaluated as AWS documents them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

A field of a pattern is a list of alternatives; a value of an event that is an array fits if one of its elements does.
An operator that is not known here is an error: a pattern that nobody can read must not pass for one that fits nothing.
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

_ABSENT: Final = object()

_COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}


class UnknownPatternError(ValueError):
    """A pattern uses something that this does not evaluate."""


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event fits a pattern.

    Args:
        pattern: As ``event_pattern`` has it.
        event: The whole event: ``source``, ``detail-type``, ``detail`` …

    Raises:
        UnknownPatternError: The pattern uses an operator that is not known here, wherever in it.
    """
    _check(pattern)
    return _fits(pattern, event)


def _fits(pattern: Mapping[str, Any], event: Any) -> bool:
    return all(
        any(_fits(one, event) for one in wanted) if name == "$or" else _field(wanted, _value(event, name))
        for name, wanted in pattern.items()
    )


def _value(event: Any, name: str) -> Any:
    return event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT


def _field(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping):
        inside = found if isinstance(found, list) else [found]
        return any(_fits(wanted, one) for one in inside)
    return any(_alternative(one, found) for one in wanted)


def _alternative(wanted: Any, found: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return any(_same(wanted, one) for one in _elements(found))
    ((name, argument),) = wanted.items()
    if name == "exists":
        return bool(argument) is (found is not _ABSENT and not isinstance(found, Mapping))
    if name == "anything-but":  # of an array, each element has to be something else
        elements = list(_elements(found))
        return bool(elements) and not any(_excepted(argument, one) for one in elements)
    return any(_OPERATORS[name](argument, one) for one in _elements(found))


def _elements(found: Any) -> Iterator[Any]:
    if isinstance(found, list):
        for one in found:
            yield from _elements(one)
    elif found is not _ABSENT and not isinstance(found, Mapping):
        yield found


def _same(wanted: Any, found: Any) -> bool:
    """Texts letter by letter, numbers by their value; true is not 1."""
    if isinstance(wanted, bool) or isinstance(found, bool) or wanted is None or found is None:
        return wanted is found
    return bool(wanted == found) and isinstance(wanted, str) is isinstance(found, str)


def _excepted(argument: Any, found: Any) -> bool:
    if isinstance(argument, Mapping):
        ((name, inner),) = argument.items()
        return any(_OPERATORS[name](one, found) for one in (inner if isinstance(inner, list) else [inner]))
    return any(_same(one, found) for one in (argument if isinstance(argument, list) else [argument]))


def _prefix(argument: Any, found: Any) -> bool:
    if isinstance(argument, Mapping):
        text = argument["equals-ignore-case"]
        return isinstance(found, str) and found[: len(text)].lower() == text.lower()
    return isinstance(found, str) and found.startswith(argument)


def _suffix(argument: Any, found: Any) -> bool:
    if isinstance(argument, Mapping):
        text = argument["equals-ignore-case"]
        return isinstance(found, str) and found.lower().endswith(text.lower())
    return isinstance(found, str) and found.endswith(argument)


def _numeric(argument: Sequence[Any], found: Any) -> bool:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(_COMPARES[compare](found, bound) for compare, bound in pairs)


def _ignoring_case(argument: str, found: Any) -> bool:
    return isinstance(found, str) and found.lower() == argument.lower()


def _wildcard(argument: str, found: Any) -> bool:
    pieces = (re.escape(piece) for piece in argument.split("*"))
    return isinstance(found, str) and re.fullmatch(".*".join(pieces), found, re.DOTALL) is not None


def _cidr(argument: str, found: Any) -> bool:
    try:
        return ipaddress.ip_address(found) in ipaddress.ip_network(argument)
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
    """Refuse what cannot be evaluated, also where this event would not come to it."""
    if not isinstance(pattern, Mapping) or not pattern:
        raise UnknownPatternError(f"{path or 'the pattern'} is {pattern!r}: a pattern is an object with fields")
    for name, wanted in pattern.items():
        here = f"{path}.{name}".lstrip(".")
        if name == "$or":
            for one in wanted:
                _check(one, here)
        elif isinstance(wanted, Mapping):
            _check(wanted, here)
        elif not isinstance(wanted, list):
            raise UnknownPatternError(f"{here} is {wanted!r}: a field is a list of alternatives")
        else:
            for one in wanted:
                _check_alternative(one, here)


def _check_alternative(one: Any, path: str) -> None:
    if isinstance(one, list):
        raise UnknownPatternError(f"{path} has the alternative {one!r}: a list is none")
    if not isinstance(one, Mapping):
        return
    if len(one) != 1:
        raise UnknownPatternError(f"{path} has {one!r}: an alternative is one operator")
    ((name, argument),) = one.items()
    if name not in {*_OPERATORS, "anything-but", "exists"}:
        raise UnknownPatternError(f"{path} has the operator {name!r}, which is not known here")
    if not _is_known(name, argument):
        raise UnknownPatternError(f"{path} has {name} {argument!r}, which is not known here")


def _is_known(name: str, argument: Any) -> bool:
    """Whether the operator's argument has a form that is evaluated."""
    if name == "numeric":
        return isinstance(argument, list) and len(argument) % 2 == 0 and {*argument[::2]} <= _COMPARES.keys()
    if name == "anything-but" and isinstance(argument, Mapping):
        return len(argument) == 1 and argument.keys() <= _EXCEPTABLE
    if name in {"prefix", "suffix"} and isinstance(argument, Mapping):
        return argument.keys() == {"equals-ignore-case"}
    return not isinstance(argument, Mapping)
