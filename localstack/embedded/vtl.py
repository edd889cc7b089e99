"""A subset of Apache Velocity's template language, as API Gateway's mapping templates use it.

Directives: ``#set``, ``#if``/``#elseif``/``#else``/``#end``, ``#foreach``, comments. Expressions: references with
properties, methods and indices, ``||  &&  !  ==  !=  <  <=  >  >=  +  -  *  /  %``, strings, numbers, lists. Anything
else raises :class:`TemplateError`, so that a template cannot silently behave differently than on AWS.

References: https://velocity.apache.org/engine/1.7/user-guide.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import re
from collections.abc import Callable
from typing import Any

from embedded.vtl_values import AnyCase, Input, TemplateError, Util, step, text

__all__ = ["AnyCase", "Input", "TemplateError", "Util", "render", "text"]

Scope = dict[str, Any]
Node = Callable[[Scope, list[str]], None]
Expression = Callable[[Scope], Any]

_NAME = re.compile(r"[A-Za-z][\w-]*")
_UNSUPPORTED = ("break", "define", "evaluate", "include", "macro", "parse", "stop")
_DIRECTIVE = re.compile(rf"#(?:\{{(else|end)\}}|(set|if|elseif|else|end|foreach|{'|'.join(_UNSUPPORTED)})\b)[ \t]*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPERATORS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!="),
    ("<=", ">=", "<", ">"),
    ("+", "-"),
    ("*", "/", "%"),
)  # weakest first


def render(template: str, scope: Scope) -> str:
    """Evaluate a template.

    Args:
        template: The text of the template.
        scope: The top-level variables by name (``input``, ``context``, ``util``, ``stageVariables``); ``#set`` adds to
            it.

    Raises:
        TemplateError: The template is broken or outside the subset.
    """
    out: list[str] = []
    for node in _Parser(template).block(()):
        node(scope, out)
    return "".join(out)


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
        if word in _UNSUPPORTED:
            raise TemplateError(f"#{word} is not supported.")
        raise TemplateError(f"#{word} has no matching #if or #foreach.")

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
                return  # Velocity does not change the variable
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
            condition: Expression = _always
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
        """Read a reference, ``$!{name.property.method(...)[...]}``.

        Returns:
            Its value, whether it is quiet, and its plain path; None, with nothing read, if no name follows the dollar
            sign.
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
                node = step(node, name, evaluated)
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
        raise TemplateError(f"Not supported: {self._text[self._at : self._at + 30]!r}")

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
            raise TemplateError(f"expected {sign} before {self._text[self._at : self._at + 30]!r}")


def _always(_scope: Scope) -> bool:
    return True


def _literal(character: str) -> Node:
    return lambda _scope, out: out.append(character)


def _shown(value: Expression, quiet: bool, path: list[str], source: str) -> Node:
    def node(scope: Scope, out: list[str]) -> None:
        result = value(scope)
        if result is None and not quiet and path[0] not in scope:
            out.append(source)  # Velocity prints an unknown reference unchanged
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
