"""What the plan specs write down: for each block, the arguments whose values a spec names.

A spec that expects ``aws_lambda_function.this: { publish: true }`` fails when the module plans another value, whoever
changed it. Only what a spec writes itself counts: not the number of resources, not an address without attributes.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.paths import ROOT
from harness.plan_tests.spec import load
from harness.terraform.module import Module, read

SPECS = ROOT / "tests" / "plan"

WrittenPath = tuple[str, ...]


@lru_cache
def written(folder: Path = SPECS) -> Mapping[str, frozenset[WrittenPath]]:
    """The paths of written values by definition, such as ``modules/lambda/aws_lambda_function.this``."""
    paths: dict[str, set[WrittenPath]] = {}
    for file in sorted(folder.glob("*/*.yaml")):
        module = read(ROOT / "modules" / file.parent.name)
        for case in load(file, module):
            for address, attributes in (case.expected.resources if case.expected else {}).items():
                definition = _definition(module, address)
                paths.setdefault(definition, set()).update(_leaves(attributes, ()))
    return {definition: frozenset(found) for definition, found in paths.items()}


def is_written(definition: str, argument: str) -> bool:
    """Whether a spec names the value of an argument, of a block around it, or of something in it."""
    path = tuple(argument.split("."))
    return any(path[: len(each)] == each or each[: len(path)] == path for each in written().get(definition, ()))


def _definition(module: Module, address: str) -> str:
    """``module.function["a"].aws_lambda_function.this`` as ``modules/lambda/aws_lambda_function.this``."""
    head, _, rest = address.partition(".")
    if head == "module":
        name = rest.partition(".")[0].partition("[")[0]
        inner = rest.split('"].', 1)[1] if rest.startswith(f'{name}["') else rest.partition(".")[2]
        source = next(block.attributes["source"].string for block in module.of("module") if block.name == name)
        return _definition(read((module.folder / str(source)).resolve()), inner)
    return f"modules/{module.name}/{address.partition('[')[0]}"


def _leaves(value: Any, path: WrittenPath) -> Iterator[WrittenPath]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*path, str(name)))
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for item in value:
            yield from _leaves(item, path)
    elif path:
        yield path
