"""The examples in the modules' READMEs, made into modules that can be planned along with the cases."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.plan_tests.root import MODULES, Call
from harness.terraform.module import Module, read

_FENCE = re.compile(r"^```hcl\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(r'(?P<head>^\s*source\s*=\s*")\./modules/', re.MULTILINE)
_PROVIDER = re.compile(r'^provider "aws" \{.*?^\}\n', re.MULTILINE | re.DOTALL)
_ALIAS = re.compile(r"=\s*(?P<alias>aws\.\w+)")


def examples(readme: Path) -> Iterator[tuple[int, str]]:
    """The ``hcl`` blocks of a README: each with the line of its fence, counted from 1."""
    text = readme.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found["code"]


def call_of(readme: Path, line: int, code: str, folder: Path, *, beside: Sequence[str] = ()) -> Call:
    """An example as a call of a module that consists of it.

    The sources of its module calls are made to fit (``./modules/x`` to ``../x``) and its provider blocks left out: the
    runner has its own, with made-up keys.

    Args:
        readme: Where it stands.
        line: At which line.
        code: What it says.
        folder: Where the module is written.
        beside: More configuration that it needs, such as the variables that it refers to.
    """
    name = f"{readme.parent.name}-example-{line}"
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    body = _PROVIDER.sub("", _SOURCE.sub(r"\g<head>../", code))
    (target / "main.tf").write_text("\n".join([body, *beside]), encoding="utf-8")
    aliases = sorted({found["alias"] for found in _ALIAS.finditer(body)})
    (target / "versions.tf").write_text(
        'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n'
        f"      configuration_aliases = [{', '.join(aliases)}]\n    }}\n  }}\n}}\n",
        encoding="utf-8",
    )
    module: Module = read(target)
    return Call(f"{readme.parent.name}/README.md:{line}", module, {}, siblings=MODULES)
