"""The examples in the modules' READMEs, as modules that can be planned together with the cases."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.plan_tests.root import MODULES, ModuleCall
from harness.terraform.module import Module, read

_FENCE = re.compile(r"^```hcl\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(r'(?P<head>^\s*source\s*=\s*")\./modules/', re.MULTILINE)
_PROVIDER = re.compile(r'^provider "aws" \{.*?^\}\n', re.MULTILINE | re.DOTALL)
_ALIAS = re.compile(r"=\s*(?P<alias>aws\.\w+)")


def examples(readme: Path) -> Iterator[tuple[int, str]]:
    """The ``hcl`` blocks of a README: each with the line of its fence, counted from 1."""
    text = readme.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match["code"]


def call_of(readme: Path, line: int, code: str, folder: Path, *, beside: Sequence[str] = ()) -> ModuleCall:
    """An example as a call of a module that consists of it.

    The sources of its module calls are adapted (``./modules/x`` to ``../x``), and its provider blocks removed: the
    runner has its own, with dummy keys.

    Args:
        readme: The example's file.
        line: The example's line.
        code: The example.
        folder: The folder in which the module is written.
        beside: More configuration that it needs, such as the variables that it refers to.
    """
    name = f"{readme.parent.name}-example-{line}"
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    body = _PROVIDER.sub("", _SOURCE.sub(r"\g<head>../", code))
    (target / "main.tf").write_text("\n".join([body, *beside]), encoding="utf-8")
    aliases = sorted({match["alias"] for match in _ALIAS.finditer(body)})
    (target / "versions.tf").write_text(
        'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n'
        f"      configuration_aliases = [{', '.join(aliases)}]\n    }}\n  }}\n}}\n",
        encoding="utf-8",
    )
    module: Module = read(target)
    return ModuleCall(f"{readme.parent.name}/README.md:{line}", module, {}, siblings=MODULES)
