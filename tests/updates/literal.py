"""A running stack's resources as a configuration of one flat root, in which every argument is a literal.

In the modules an argument comes from locals, other resources and loops. Here each of them can be changed alone, and
nothing else changes with it. The root adopts the resources as they are: its state has the same objects under new names,
so its first plan is empty.
"""

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.engine import REGION
from harness.mutation.provider_schema import BlockSchema
from harness.terraform.events import Diagnostic

VALUES = Path(__file__).parent / "values.toml"
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'
_COMPUTED = frozenset({"id", "tags_all", "timeouts", "region"})

Path_ = tuple[str | int, ...]
"""Where an argument is: names, and the numbers of blocks."""


@dataclass(frozen=True)
class Row:
    """What the table has of a resource type.

    Attributes:
        base: Arguments that the state does not have, or not as they are written.
        leave_out: Arguments that conflict with others, though the state has both.
        values: The value to change an argument to, where none can be derived.
        spread: Over how many resources the updates are spread, at least.
        not_read: Arguments that the provider does not read back, each with the reason.
        not_updated: Arguments that cannot be changed on a stack in use, each with the reason.
    """

    base: Mapping[str, Any] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    spread: int = 1
    not_read: Mapping[str, str] = field(default_factory=dict)
    not_updated: Mapping[str, str] = field(default_factory=dict)


def table(path: Path = VALUES) -> dict[str, Row]:
    """The table, by resource type."""
    return {kind: Row(**row) for kind, row in tomllib.loads(path.read_text(encoding="utf-8")).items()}


@dataclass(frozen=True)
class LiteralResource:
    """A resource of a stack.

    Attributes:
        name: Its label in the flat root.
        origin: Its address in the stack.
        type: Its type.
        arguments: What is written of it.
        instance: The entry of the state.
    """

    name: str
    origin: str
    type: str
    arguments: Mapping[str, Any]
    instance: Mapping[str, Any] = field(repr=False)

    @property
    def address(self) -> str:
        """Its address in the flat root."""
        return f"{self.type}.{self.name}"

    def named(self, name: str) -> "LiteralResource":
        """The same under another label."""
        return replace(self, name=name)

    def with_value(self, path: Path_, value: Any) -> "LiteralResource":
        """The same with another value of an argument; null removes it."""
        return replace(self, arguments=changed(self.arguments, path, value))


def changed(values: Any, path: Path_, value: Any) -> Any:
    """Values with another one at a path; null removes what is there."""
    step, *rest = path
    if isinstance(step, int):
        items = list(values)
        items[step] = changed(items[step], tuple(rest), value) if rest else value
        return items
    others = {name: each for name, each in values.items() if name != step}
    if rest:
        return {**others, step: changed(values[step], tuple(rest), value)}
    return others if value is None else {**others, step: value}


def resources_of(state: Mapping[str, Any], schemas: Mapping[str, BlockSchema]) -> list[LiteralResource]:
    """Every resource in the main region.

    Args:
        state: What ``terraform state pull`` prints.
        schemas: The provider's, by type.
    """
    rows = table()
    found = []
    for entry in state["resources"]:
        if entry["mode"] != "managed" or entry["type"] not in schemas or "replica" in entry["provider"]:
            continue
        row = rows.get(entry["type"], Row())
        for instance in entry["instances"]:
            attributes = instance["attributes"]
            written = {**_written(schemas[entry["type"]], attributes), **row.base}
            arguments = {name: value for name, value in written.items() if name not in row.leave_out}
            origin = f"{entry.get('module', '')}.{entry['type']}.{entry['name']}".lstrip(".")
            key = instance.get("index_key")
            address = origin if key is None else f"{origin}[{json.dumps(key)}]"
            found.append(LiteralResource(f"r{len(found)}", address, entry["type"], arguments, instance))
    return found


def _written(schema: BlockSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a block with a value; zeros of optional numbers stand for none."""
    written: dict[str, Any] = {}
    for argument in schema.arguments:
        value = values.get(argument.name)
        empty = value in (None, "", [], {}) or (argument.type == "number" and argument.optional and value == 0)
        skipped = argument.optional and (argument.name in _COMPUTED or empty)
        if not (skipped or argument.deprecated):
            written[argument.name] = value
    for name, block in schema.blocks.items():
        value = values.get(name)
        if name in _COMPUTED or not value:
            continue
        blocks = value if isinstance(value, list) else [value]
        written[name] = [_written(block, each) for each in blocks]
    return written


def chosen(
    resources: Iterable[LiteralResource], schemas: Mapping[str, BlockSchema], rows: Mapping[str, Row]
) -> list[LiteralResource]:
    """Of each type the resources that have all of its arguments between them."""
    by_type: dict[str, list[LiteralResource]] = defaultdict(list)
    for each in resources:
        by_type[each.type].append(each)
    taken = []
    for kind, candidates in by_type.items():
        named = {each.name: {name for name in _names(schemas[kind], each) if name} for each in candidates}
        covered: set[str] = set()
        for number, each in enumerate(sorted(candidates, key=lambda each: -len(named[each.name]))):
            if named[each.name] - covered or number < rows.get(kind, Row()).spread:
                covered |= named[each.name]
                taken.append(each)
    return taken


def _names(schema: BlockSchema, resource: LiteralResource) -> Iterator[str]:
    """The arguments that have a value, without the numbers of blocks."""
    for path, _, value, _ in leaves(schema, resource.arguments):
        yield "" if value is None else ".".join(step for step in path if isinstance(step, str))


@dataclass(frozen=True)
class FlatRoot:
    """The folder of the flat root.

    Attributes:
        folder: It is written here.
        tags: The tags that the provider gives to all resources.
        head: The versions of the format and of Terraform that its state names.
    """

    folder: Path
    tags: Mapping[str, str]
    head: Mapping[str, Any]

    @property
    def state(self) -> Path:
        """Its state."""
        return self.folder / "terraform.tfstate"

    @property
    def _file(self) -> Path:
        return self.folder / "main.tf.json"

    def write(self, resources: Iterable[LiteralResource]) -> None:
        """Write the configuration."""
        blocks: dict[str, dict[str, Any]] = {}
        for each in resources:
            blocks.setdefault(each.type, {})[each.name] = _escaped(each.arguments)
        aws = {"region": REGION, "max_retries": 3, "default_tags": [{"tags": dict(self.tags)}]}
        document = {
            "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
            "provider": {"aws": aws},
            "resource": blocks,
        }
        self._file.write_text(json.dumps(document, indent=1), encoding="utf-8")

    def name_of(self, error: Diagnostic) -> str:
        """The label of the resource that an error is about."""
        if error.address:
            return error.address.rpartition(".")[2]
        above = self._file.read_text(encoding="utf-8").splitlines()[: error.line]
        labels = (re.match(r' {3}"(\w+)": \{', line) for line in reversed(above))
        return next((label[1] for label in labels if label), "")

    def adopt(self, resources: Iterable[LiteralResource]) -> None:
        """Write a state that has these resources, as the stack's state has them."""
        kept = ("schema_version", "attributes", "private")
        entries = [
            {
                "mode": "managed",
                "type": each.type,
                "name": each.name,
                "provider": PROVIDER,
                "instances": [{name: each.instance[name] for name in kept if name in each.instance}],
            }
            for each in resources
        ]
        document = {**self.head, "serial": 1, "lineage": "updates", "outputs": {}, "resources": entries}
        self.state.write_text(json.dumps(document), encoding="utf-8")


def common_tags(state: Mapping[str, Any]) -> dict[str, str]:
    """The tags that every resource with tags has from the provider."""
    common: dict[str, str] | None = None
    for entry in state["resources"]:
        for instance in entry["instances"] if entry["mode"] == "managed" else ():
            every = instance["attributes"].get("tags_all") or {}
            own = instance["attributes"].get("tags") or {}
            inherited = {name: value for name, value in every.items() if name not in own}
            if inherited:
                common = inherited if common is None else dict(common.items() & inherited.items())
    return common or {}


def _escaped(value: Any) -> Any:
    """A value in which Terraform finds no template."""
    if isinstance(value, str):
        return re.sub(r"([$%])\{", r"\1\1{", value)
    if isinstance(value, Mapping):
        return {_escaped(name): _escaped(each) for name, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value


def leaves(schema: BlockSchema, values: Mapping[str, Any], path: Path_ = ()) -> Iterator[tuple[Path_, Any, Any, bool]]:
    """Every argument of a resource: its path, its type (None for a block), its value, whether it may be left out."""
    for argument in schema.arguments:
        if not (argument.deprecated or (argument.optional and argument.name in _COMPUTED)):
            yield (*path, argument.name), argument.type, values.get(argument.name), argument.optional
    for name, block in schema.blocks.items():
        for number, inner in enumerate(values.get(name) or ()):
            if number == 0 and block.optional:
                yield (*path, name), None, values[name], True
            yield from leaves(block, inner, (*path, name, number))
