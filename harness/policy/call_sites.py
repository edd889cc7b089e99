"""Where a value of a module's resource is written: the call of the module, or the entry that the call passes on.

A finding on ``module.platform.module.function["a"].aws_iam_role_policy.this`` is about a block of the module lambda.
What has to be changed may be there, or where a caller writes the statement that the finding names.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.plan.graph import ModulePath, PlanGraph, module_path
from harness.policy.blocks import Blocks
from harness.policy.finding import Finding

_STATEMENT = re.compile(r"\bstatement (?P<sid>\w+)")


def written_at(plan: PlanGraph, finding: Finding, blocks: Blocks) -> str:
    """The file and line in the innermost caller of a resource's module; empty for a resource of the root.

    Args:
        plan: The plan that the finding is on.
        finding: The finding.
        blocks: The blocks of the checkout.
    """
    path = module_path(finding.address)
    if len(path) < 2:  # the root's own call passes everything on
        return ""
    folder, (name, key) = folder_of(plan, path[:-1]), path[-1]
    sid = _STATEMENT.search(finding.message)
    if sid and isinstance(key, str):
        for file, line in _entries(blocks.root / folder, key, sid["sid"]):
            return f"{file.relative_to(blocks.root).as_posix()}:{line}"
    place = blocks.place(f"{folder}/module.{name}")
    return f"{place[0]}:{place[1]}" if place else ""


def folder_of(plan: PlanGraph, path: ModulePath) -> str:
    """The folder of a module of a plan, relative to the checkout."""
    address = ".".join(f"module.{name}" for name, _ in path)
    return plan.definition(f"{address}.aws_any.this").rpartition("/")[0]


def _entries(folder: Path, key: str, entry: str) -> Iterator[tuple[Path, int]]:
    """The lines at which an entry begins in an object that is the value of a key: ``KEY = { … ENTRY = …``."""
    begins, contains = (re.compile(rf'^\s*"?{re.escape(name)}"?\s*=\s') for name in (key, entry))
    for file in sorted(folder.glob("*.tf")):
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if not begins.match(line):
                continue
            indent = len(line) - len(line.lstrip())
            for at, inner in enumerate(lines[number + 1 :], number + 2):
                if inner.strip() and len(inner) - len(inner.lstrip()) <= indent:
                    break
                if contains.match(inner):
                    yield file, at
