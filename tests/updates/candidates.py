"""To which values an argument can be changed: from its type, its value, AWS's models and the rest of the stack."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.mutation.generated import enumeration
from harness.mutation.provider_schema import BlockSchema
from harness.plan.resource import Resource
from tests.updates.literal import LiteralResource, Path_, Row, leaves


@dataclass(frozen=True)
class Candidate:
    """A changed argument.

    Attributes:
        resource: The resource before the change.
        path: The argument.
        value: The new value; None if the argument is removed.
    """

    resource: LiteralResource
    path: Path_
    value: Any

    @property
    def argument(self) -> str:
        """The argument without the numbers of blocks, such as ``rule.filter.prefix``."""
        return ".".join(step for step in self.path if isinstance(step, str))

    @property
    def name(self) -> str:
        """Such as ``aws_sqs_queue.delay_seconds``."""
        return f"{self.resource.type}.{self.argument}"

    @property
    def changed(self) -> LiteralResource:
        """The resource after the change."""
        return self.resource.with_value(self.path, self.value)


@dataclass(frozen=True)
class Candidates:
    """The candidates of a stack."""

    resources: Sequence[LiteralResource]
    schemas: Mapping[str, BlockSchema]
    rows: Mapping[str, Row]

    def __iter__(self) -> Iterator[Candidate]:
        """All of them: several values of one argument, and several resources of one type."""
        for resource in self.resources:
            row = self.rows.get(resource.type, Row())
            for path, kind, before, optional in leaves(self.schemas[resource.type], resource.arguments):
                argument = ".".join(step for step in path if isinstance(step, str))
                if argument in row.not_updated:
                    continue
                if argument in row.values:
                    values: Iterable[Any] = row.values[argument]
                else:
                    values = self._values(resource, path, kind, before, optional=optional)
                for value in values:
                    if value != before:
                        yield Candidate(resource, path, value)

    def _values(
        self, resource: LiteralResource, path: Path_, kind: Any, before: Any, *, optional: bool
    ) -> Iterator[Any]:
        if kind is None:
            yield None
        elif kind == "bool":
            yield not before
        elif before is None:
            yield from self._unset(resource, path, kind)
        elif kind == "number":
            yield from (before + 1, before - 1, before * 2, before // 2)
        elif kind == "string":
            yield from self._texts(resource, path, before)
            if optional:
                yield None
        elif kind == ["map", "bool"]:
            yield {**before, f"{next(iter(before))}-updated": False}
        elif isinstance(kind, list) and kind[0] == "map":
            yield {**before, "Updated": "yes"}
            yield {name: f"{value} " for name, value in before.items()}
        elif isinstance(kind, list) and kind[1] == "string":
            yield from self._lists(resource, path, before)

    def _unset(self, resource: LiteralResource, path: Path_, kind: Any) -> Iterator[Any]:
        if kind == "string":
            yield from _enumerated(resource, path)
            if path[-1] == "description":
                yield "Updated"
        elif kind == ["map", "string"] and path[-1] == "tags":
            yield {"Updated": "yes"}

    def _texts(self, resource: LiteralResource, path: Path_, before: str) -> Iterator[str]:
        if values := _enumerated(resource, path):
            yield from values
        elif before.startswith("arn:"):
            yield from self._arns_like(before)
        elif before.startswith("{"):
            yield from _documents(before)
        else:
            yield f"{before}-updated"
            yield f"{before}x"

    def _lists(self, resource: LiteralResource, path: Path_, before: Sequence[str]) -> Iterator[list[str]]:
        for value in [*_enumerated(resource, path), *(other for text in before for other in self._arns_like(text))]:
            if value not in before:
                yield [*before, value]
        yield list(before[:-1])

    def _arns_like(self, text: str) -> list[str]:
        """Up to two other ARNs of the same kind of thing."""
        if not text.startswith("arn:"):
            return []
        return [other for other in self._arns if other != text and _kind(other) == _kind(text)][:2]

    @cached_property
    def _arns(self) -> list[str]:
        arns = {each.instance["attributes"].get("arn") or "" for each in self.resources}
        return sorted(arn for arn in arns if arn.startswith("arn:"))


def _kind(arn: str) -> tuple[str, str]:
    """Service and kind of resource: ``arn:aws:iam::1:role/x`` is (iam, role)."""
    parts = [*arn.split(":", 5), "", ""]
    return parts[2], parts[5].split("/")[0].split(":")[0] if "/" in parts[5] or ":" in parts[5] else ""


def _enumerated(resource: LiteralResource, path: Path_) -> tuple[str, ...]:
    """The values that AWS's models list."""
    planned = Resource(
        address=resource.address,
        type=resource.type,
        values=resource.arguments,
        name=resource.name,
        index=None,
        module=(),
        definition=resource.address,
        data=False,
        sensitive={},
    )
    return enumeration(planned, path)


def _documents(text: str) -> Iterator[str]:
    """A JSON document that means more or less the same, but is another."""
    try:
        document = json.loads(text)
    except ValueError:
        yield f"{text} "
        return
    if isinstance(statements := document.get("Statement"), list):
        again = {**statements[0], "Sid": "Updated"}
        yield json.dumps({**document, "Statement": [*statements, again]})
    elif "source" in document or "detail-type" in document:
        yield json.dumps({**document, "region": ["us-east-1"]})
    else:
        yield json.dumps({**document, "description": "Updated"})
        yield json.dumps({**document, "periodOverride": "inherit"})
