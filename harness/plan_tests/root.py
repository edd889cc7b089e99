"""The root that calls a module once for each case: one configuration, one plan.

Every case gets a copy of its module (and of the modules that it calls) in a separate folder. Terraform's messages then
always name the case: an error of a default value, or of a precondition, contains nothing but the rule's position.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan_tests.reading import Tagged
from harness.terraform.events import Diagnostic
from harness.terraform.module import Module

MODULES = ROOT / "modules"
LOCK = ROOT / "live" / "dev" / ".terraform.lock.hcl"
"""The lock file of a live folder: plan tests use the same provider."""

REGION = "us-east-1"
SECOND_REGION = "us-west-2"
"""The region of every further provider configuration (``aws.replica``) that a module takes."""

_CASE = re.compile(r"cases/(case_\d+)/")
_ADDRESS = re.compile(r"\bmodule\.(case_\d+)\b")
_NAMES_ITS_MODULES = re.compile(r'source\s*=\s*"\.\./([\w-]+)"')

_PROVIDER = """\
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}
"""


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module.

    Attributes:
        key: Identifies the call.
        module: The module that is called.
        inputs: Its arguments.
        siblings: The folder of the modules that it calls as ``../<name>``.
    """

    key: str
    module: Module
    inputs: Mapping[str, Any]
    siblings: Path = MODULES


@dataclass
class CaseRoot:
    """A configuration on disk.

    Attributes:
        folder: Its folder.
        names: The name of each call's module block, such as ``case_12``, by the call's key.
        lines: The line in ``main.tf`` at which each block starts, in order.
    """

    folder: Path
    names: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def about(self, diagnostic: Diagnostic) -> str | None:
        """The key of the call that a diagnostic is about; None if the diagnostic does not show it."""
        text = f"{diagnostic.file}\n{diagnostic.detail}"
        match = _CASE.search(text) or _ADDRESS.search(f"{diagnostic.address}\n{diagnostic.detail}")
        name = match[1] if match else None
        if name is None and diagnostic.file == "main.tf":
            name = next((block for line, block in reversed(self.lines) if line <= diagnostic.line), None)
        return next((key for key, block in self.names.items() if block == name), None)


def write(calls: Sequence[ModuleCall], folder: Path) -> CaseRoot:
    """Write the root of some calls. It replaces the folder's previous content.

    Raises:
        HarnessError: The live folder's lock file is missing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not LOCK.is_file():
        raise HarnessError(f"{LOCK} is missing.", remedy="It belongs in the repository: `git checkout` restores it.")
    shutil.copyfile(LOCK, folder / ".terraform.lock.hcl")
    root = CaseRoot(folder)
    text = "".join(_head(calls))
    for number, call in enumerate(calls):
        name = f"case_{number}"
        root.names[call.key] = name
        root.lines.append((text.count("\n") + 1, name))
        _copy(call, folder / "cases" / name)
        text += "".join(_block(call, name))
    (folder / "main.tf").write_text(text, encoding="utf-8")
    return root


def _head(calls: Sequence[ModuleCall]) -> Iterator[str]:
    yield 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n\n'
    yield f'provider "aws" {{\n  region = "{REGION}"\n{_PROVIDER}\n'
    for alias in sorted({alias for call in calls for alias in call.module.provider_aliases}):
        provider, _, name = alias.partition(".")
        yield f'provider "{provider}" {{\n  alias  = "{name}"\n  region = "{SECOND_REGION}"\n{_PROVIDER}\n'
    yield "# Its id is known only after apply: for inputs that come from other resources.\n"
    yield 'resource "terraform_data" "unknown" {}\n'


def _block(call: ModuleCall, name: str) -> Iterator[str]:
    yield f'\n# {call.key}\nmodule "{name}" {{\n  source = "./cases/{name}/{call.module.name}"\n'
    if call.module.provider_aliases:
        pairs = ", ".join(f"{alias} = {alias}" for alias in ("aws", *call.module.provider_aliases))
        yield f"  providers = {{ {pairs} }}\n"
    for argument, value in call.inputs.items():
        yield f"  {argument} = {hcl(value)}\n"
    yield f'}}\n\noutput "{name}" {{\n  value     = module.{name}\n  sensitive = true\n}}\n'


def hcl(value: Any) -> str:
    """A value as an HCL expression, in one line; ``${`` in a text is not a template."""
    if isinstance(value, Tagged):
        return str(value.value) if value.tag == "hcl" else hcl(value.value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_quoted(str(key))} = {hcl(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(hcl(element) for element in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    plain = json.dumps(text, ensure_ascii=False).replace("\\b", "\\u0008").replace("\\f", "\\u000c")
    return plain.replace("${", "$${").replace("%{", "%%{")


def _copy(call: ModuleCall, to: Path) -> None:
    """Copy the called module, and the modules that it calls, next to each other as in ``modules/``."""
    waiting = [call.module.folder]
    while waiting:
        folder = waiting.pop()
        if not (to / folder.name).exists():
            shutil.copytree(folder, to / folder.name, ignore=shutil.ignore_patterns("README.md", ".*"))
            waiting += [call.siblings / name for name in _modules_called(folder)]


def _modules_called(folder: Path) -> list[str]:
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf")))
    return list(dict.fromkeys(_NAMES_ITS_MODULES.findall(text)))
