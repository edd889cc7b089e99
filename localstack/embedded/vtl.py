"""A subset of Apache Velocity's template language, as API Gateway's mapping templates use it.

Directives: ``#set``, ``#if``/``#elseif``/``#else``/``#end``, ``#foreach``, comments. Expressions: references with
properties, methods and indices, ``||  &&  !  ==  !=  <  <=  >  >=  +  -  *  /  %``, strings, numbers, lists. What is
outside the subset raises :class:`TemplateError`: better loud here than silently different from AWS.

References: https://velocity.apache.org/engine/1.7/user-guide.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Node = Callable[[Scope, list[str]], None]
Expression = Callable[[Scope], Any]

_NAME = re.compile(r"[A-Za-z][\w-]*")
_DIRECTIVE = re.compile(r"#(?:\{(else|end)\}|(set|if|elseif|else|end|foreach)\b)[ \t]*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPERATORS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!="),
    ("<=", ">=", "<", ">"),
    ("+", "-"),
    ("*", "/", "%"),
)  # weakest first


class TemplateError(ValueError):
    """The template is not in the subset that is understood."""


class AnyCase(dict[str, Any]):
    """Header values by name, whatever its case: the server has lower-cased what the client sent."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a header, None if the request has none."""
        return next((value for name, value in self.items() if name.lower() == str(key).lower()), default)


class Input:
    """``$input``: the body and the parameters of the request."""

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self.body = body
        self._parameters = parameters

    def params(self, name: str | None = None) -> Any:
        """All parameters by kind, or the first of that name in path, query string and headers ("" if there is none)."""
        if name is None:
            return self._parameters
        found = (self._parameters[kind].get(name) for kind in ("path", "querystring", "header"))
        return next((value for value in found if value is not None), "")

    def path(self, path: str) -> Any:
        """The part of the JSON body that a simple JSONPath (``$.a.b[0]``) names, None if there is none."""
        node = json.loads(self.body) if self.body.strip() else None
        for key, index in re.findall(r"\.?([\w-]+)|\[(\d+)\]", path.lstrip("$")):
            if index and isinstance(node, list) and int(index) < len(node):
                node = node[int(index)]
            elif key and isinstance(node, dict):
                node = node.get(key)
            else:
                return None
        return node

    def json(self, path: str) -> str:
        """The same as JSON text."""
        return json.dumps(self.path(path), separators=(",", ":"), ensure_ascii=False)


class Util:
    """``$util``."""

    def escapeJavaScript(self, value: str) -> str:  # noqa: N802 -- Velocity's name
        """The text with quotes and control characters escaped."""
        return json.dumps(str(value), ensure_ascii=False)[1:-1].replace("'", "\\'")

    def parseJson(self, value: str) -> Any:  # noqa: N802
        """The value that a JSON text holds."""
        return json.loads(value)

    def urlEncode(self, value: str) -> str:  # noqa: N802
        """As ``application/x-www-form-urlencoded``."""
        return urllib.parse.quote_plus(str(value), safe="*").replace("~", "%7E")

    def urlDecode(self, value: str) -> str:  # noqa: N802
        """The reverse of ``urlEncode``."""
        return urllib.parse.unquote_plus(str(value))

    def base64Encode(self, value: str) -> str:  # noqa: N802
        """UTF-8 in base64."""
        return base64.b64encode(str(value).encode()).decode()

    def base64Decode(self, value: str) -> str:  # noqa: N802
        """The reverse of ``base64Encode``."""
        return base64.b64decode(str(value)).decode()


def render(template: str, scope: Scope) -> str:
    """Evaluate a template.

    Args:
        template: Its text.
        scope: The roots by name (``input``, ``context``, ``util``, ``stageVariables``); ``#set`` writes into it.

    Raises:
        TemplateError: The template is broken or outside the subset.
    """
    out: list[str] = []
    for node in _Parser(template).block(()):
        node(scope, out)
    return "".join(out)


def text(value: Any) -> str:
    """A value as it is written into the output."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "" if value is None else str(value)


class _Parser:
    def __init__(self, template: str) -> None:
        self._text = template
        self._at = 0

    # --- template text ---

    def block(self, ends: tuple[str, ...]) -> list[Node]:
        """Nodes up to the end of the text, or to one of the directives in ``ends``, which is left unread."""
        nodes: list[Node] = []
        while self._at < len(self._text):
            start = self._at
            if self._text.startswith("##", start):
                newline = self._text.find("\n", start)
                self._at = len(self._text) if newline < 0 else newline + 1
            elif self._text.startswith("#*", start):
                close = self._text.find("*#", start)
                self._at = len(self._text) if close < 0 else close + 2
            elif match := _DIRECTIVE.match(self._text, start):
                word = match[1] or match[2]
                if word in ends:
                    return nodes
                self._at = match.end()
                nodes.append(self._directive(word))
            elif self._text[start] == "$" and (reference := self._reference()) is not None:
                nodes.append(_shown(*reference, self._text[start : self._at]))
            else:
                self._at = start + 1
                nodes.append(_literal(self._text[start]))
        if ends:
            raise TemplateError(f"#{ends[-1]} is missing.")
        return nodes

    def _directive(self, word: str) -> Node:
        if word == "set":
            return self._set()
        if word == "if":
            return self._if()
        if word == "foreach":
            return self._foreach()
        raise TemplateError(f"#{word} without its beginning.")

    def _set(self) -> Node:
        self._expect("(")
        self._skip()
        reference = self._reference() if self._peek("$") else None
        if reference is None:
            raise TemplateError("#set needs a reference on its left side.")
        path = reference[2]
        self._expect("=")
        value = self._expression()
        self._expect(")")

        def node(scope: Scope, _out: list[str]) -> None:
            result = value(scope)
            if result is None:
                return  # Velocity leaves the variable as it was
            holder: Any = scope
            for name in path[:-1]:
                holder = holder.get(name) if isinstance(holder, dict) else None
            if not isinstance(holder, dict):
                raise TemplateError(f"#set cannot write ${'.'.join(path)}.")
            holder[path[-1]] = result

        return node

    def _if(self) -> Node:
        branches: list[tuple[Expression, list[Node]]] = []
        word = "if"
        while word != "end":
            condition = _always
            if word in {"if", "elseif"}:
                self._expect("(")
                condition = self._expression()
                self._expect(")")
            ends = ("end",) if word == "else" else ("elseif", "else", "end")
            branches.append((condition, self.block(ends)))
            word = self._closing()

        def node(scope: Scope, out: list[str]) -> None:
            for condition, nodes in branches:
                if _true(condition(scope)):
                    for inner in nodes:
                        inner(scope, out)
                    return

        return node

    def _foreach(self) -> Node:
        self._expect("(")
        self._skip()
        reference = self._reference() if self._peek("$") else None
        if reference is None:
            raise TemplateError("#foreach needs a variable.")
        name = reference[2][0]
        self._expect("in")
        items = self._expression()
        self._expect(")")
        body = self.block(("end",))
        self._closing()

        def node(scope: Scope, out: list[str]) -> None:
            values = items(scope) or []
            for item in values.values() if isinstance(values, dict) else values:
                scope[name] = item
                for inner in body:
                    inner(scope, out)

        return node

    def _closing(self) -> str:
        match = _DIRECTIVE.match(self._text, self._at)
        if match is None:
            raise TemplateError("#end is missing.")
        self._at = match.end()
        return match[1] or match[2]

    # --- references ---

    def _reference(self) -> tuple[Expression, bool, list[str]] | None:
        """Read ``$!{name.property.method(...)[...]}``: its value, whether quiet, and its plain path.

        None, with nothing read, if no name follows the dollar sign.
        """
        start = self._at
        self._at += 1
        quiet = self._take("!")
        braced = self._take("{")
        match = _NAME.match(self._text, self._at)
        if match is None:
            self._at = start
            return None
        self._at = match.end()
        root = match[0]
        path = [root]
        steps: list[tuple[str | None, list[Expression] | None]] = []
        while True:
            if self._peek(".") and (match := _NAME.match(self._text, self._at + 1)):
                self._at = match.end()
                arguments = self._arguments("(", ")") if self._peek("(") else None
                steps.append((match[0], arguments))
                path.append(match[0])
            elif self._peek("["):
                steps.append((None, self._arguments("[", "]")))
            else:
                break
        if braced and not self._take("}"):
            raise TemplateError(f"}} is missing after ${{{root}.")

        def value(scope: Scope) -> Any:
            node = scope.get(root)
            for name, arguments in steps:
                if node is None:
                    return None
                evaluated = None if arguments is None else [argument(scope) for argument in arguments]
                node = _step(node, name, evaluated)
            return node

        return value, quiet, path

    def _arguments(self, opening: str, closing: str) -> list[Expression]:
        self._expect(opening)
        arguments: list[Expression] = []
        while not self._ahead(closing):
            arguments.append(self._expression())
            if not self._ahead(closing):
                self._expect(",")
        self._expect(closing)
        return arguments

    # --- expressions ---

    def _expression(self, level: int = 0) -> Expression:
        if level == len(_OPERATORS):
            return self._operand()
        left = self._expression(level + 1)
        while operator := next((sign for sign in _OPERATORS[level] if self._ahead(sign)), None):
            self._expect(operator)
            left = _binary(operator, left, self._expression(level + 1))
        return left

    def _operand(self) -> Expression:
        self._skip()
        if self._take("!"):
            inner = self._operand()
            return lambda scope: not _true(inner(scope))
        if self._take("-"):
            inner = self._operand()
            return lambda scope: -inner(scope)
        if self._take("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if self._peek("["):
            items = self._arguments("[", "]")
            return lambda scope: [item(scope) for item in items]
        if self._peek("'") or self._peek('"'):
            return self._string()
        if self._peek("$") and (reference := self._reference()) is not None:
            return reference[0]
        return self._word()

    def _string(self) -> Expression:
        quote = self._text[self._at]
        close = self._text.find(quote, self._at + 1)
        if close < 0:
            raise TemplateError(f"A string that begins with {quote} does not end.")
        content = self._text[self._at + 1 : close]
        self._at = close + 1
        if quote == "'" or ("$" not in content and "#" not in content):
            return lambda _scope: content
        return lambda scope: render(content, scope)  # double quotes interpolate

    def _word(self) -> Expression:
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            number = float(match[0]) if "." in match[0] else int(match[0])
            return lambda _scope: number
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self._take(word):
                return lambda _scope, value=value: value  # type: ignore[misc]
        raise TemplateError(f"Not understood: {self._text[self._at : self._at + 30]!r}")

    # --- characters ---

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _peek(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _ahead(self, sign: str) -> bool:
        self._skip()
        return self._peek(sign)

    def _take(self, sign: str) -> bool:
        if not self._peek(sign):
            return False
        self._at += len(sign)
        return True

    def _expect(self, sign: str) -> None:
        self._skip()
        if not self._take(sign):
            raise TemplateError(f"{sign} expected before {self._text[self._at : self._at + 30]!r}")


def _always(_scope: Scope) -> bool:
    return True


def _literal(character: str) -> Node:
    return lambda _scope, out: out.append(character)


def _shown(value: Expression, quiet: bool, path: list[str], source: str) -> Node:
    def node(scope: Scope, out: list[str]) -> None:
        result = value(scope)
        if result is None and not quiet and path[0] not in scope:
            out.append(source)  # Velocity shows a reference that it does not know as it stands
        else:
            out.append(text(result))

    return node


def _true(value: Any) -> bool:
    """Velocity 1.7: false and null are false, everything else is true."""
    return value is not None and value is not False


def _binary(sign: str, left: Expression, right: Expression) -> Expression:
    if sign == "||":
        return lambda scope: _true(left(scope)) or _true(right(scope))
    if sign == "&&":
        return lambda scope: _true(left(scope)) and _true(right(scope))
    if sign in {"==", "!="}:
        return lambda scope: _equal(left(scope), right(scope)) == (sign == "==")
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "+": lambda a, b: a + b if isinstance(a, int | float) and isinstance(b, int | float) else text(a) + text(b),
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b if isinstance(a, float) or isinstance(b, float) else a // b,
        "%": lambda a, b: a % b,
    }
    return lambda scope: operations[sign](left(scope), right(scope))


def _equal(left: Any, right: Any) -> bool:
    """Values of different classes are compared as text."""
    return bool(left == right) if type(left) is type(right) else text(left) == text(right)


_STRING_METHODS: dict[str, Callable[..., Any]] = {
    "contains": lambda s, part: part in s,
    "endsWith": lambda s, part: s.endswith(part),
    "equals": lambda s, other: s == other,
    "equalsIgnoreCase": lambda s, other: s.lower() == str(other).lower(),
    "indexOf": lambda s, part: s.find(part),
    "isEmpty": lambda s: not s,
    "length": len,
    "matches": lambda s, pattern: re.fullmatch(pattern, s) is not None,
    "replace": lambda s, old, new: s.replace(old, new),
    "replaceAll": lambda s, pattern, new: re.sub(pattern, new, s),
    "split": lambda s, pattern: re.split(pattern, s),
    "startsWith": lambda s, part: s.startswith(part),
    "substring": lambda s, start, end=None: s[start:end],
    "toLowerCase": str.lower,
    "toString": str,
    "toUpperCase": str.upper,
    "trim": str.strip,
}
_LIST_METHODS: dict[str, Callable[..., Any]] = {
    "add": lambda items, item: items.append(item) or True,
    "contains": lambda items, item: item in items,
    "get": lambda items, index: items[index] if 0 <= index < len(items) else None,
    "isEmpty": lambda items: not items,
    "size": len,
}
_MAP_METHODS: dict[str, Callable[..., Any]] = {
    "containsKey": lambda m, key: m.get(key) is not None,
    "entrySet": lambda m: [{"key": key, "value": value} for key, value in m.items()],
    "get": lambda m, key: m.get(key),
    "isEmpty": lambda m: not m,
    "keySet": list,
    "put": lambda m, key, value: m.update({key: value}) or "",
    "size": len,
    "values": lambda m: list(m.values()),
}


def _step(node: Any, name: str | None, arguments: list[Any] | None) -> Any:
    """One property, method call or index further."""
    if name is None:
        return _step(node, "get", arguments)
    if isinstance(node, Input | Util):
        member = None if name.startswith("_") else getattr(node, name, None)
        if member is None or callable(member) != (arguments is not None):
            raise TemplateError(f"${type(node).__name__.lower()}.{name} is not understood.")
        return member(*arguments) if arguments is not None else member
    if arguments is None:
        return node.get(name) if isinstance(node, dict) else None
    methods = _MAP_METHODS if isinstance(node, dict) else _LIST_METHODS if isinstance(node, list) else _STRING_METHODS
    if name not in methods:
        raise TemplateError(f"The method {name}() is not understood.")
    return methods[name](node if isinstance(node, dict | list) else text(node), *arguments)
