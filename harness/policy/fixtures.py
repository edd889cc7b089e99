"""The rules' fixtures: for each rule, source (or a plan) that keeps it, and source (or a plan) that breaks it.

They are ``policy/fixtures/<rule>/pass.tf`` and ``fail.tf``, or ``.json`` for rules on what a plan would change.
Comments at the top name the rest: ``# environment: prod`` for rules that hold in some environments only,
``# fails: <address>, …`` for exactly the resources that break the rule, and ``# not seen in source: <address>, …`` for
those that only a plan shows.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.plan.graph import PlanGraph
from harness.plan_tests.root import MODULES, ModuleCall, write
from harness.plan_tests.tftest_root import TftestRoot
from harness.policy.judge import RULES
from harness.policy.rule import FOLDER as FIXTURES
from harness.policy.rule import PLAN
from harness.terraform.module import read

_HEAD = re.compile(r"^# (environment|fails|not seen in source): (.+)$", re.MULTILINE)
_INDEX = re.compile(r"\[[^\]]*\]$")


@dataclass(frozen=True)
class Fixture:
    """One side of a rule.

    Attributes:
        rule: The rule's id.
        side: ``pass`` or ``fail``.
        path: The file.
        environment: The environment in which it is judged; empty for a module alone.
        fails: The addresses that break the rule.
        unseen: Those of them that source does not show, because checkov cannot render their values.
    """

    rule: str
    side: str
    path: Path
    environment: str
    fails: frozenset[str]
    unseen: frozenset[str]

    @property
    def name(self) -> str:
        """Such as ``CKV_INV_201-fail``."""
        return f"{self.rule}-{self.side}"


def load(folder: Path = FIXTURES) -> list[Fixture]:
    """Every fixture.

    Raises:
        HarnessError: A file is not a fixture, or a fixture does not name what breaks the rule.
    """
    fixtures = []
    for path in sorted(folder.glob("*/*")):
        if path.name == "rule.toml":
            continue
        if path.stem not in {"pass", "fail"} or path.suffix not in {".tf", ".json"}:
            raise HarnessError(f"{path} is not a fixture.", remedy="Name it pass.tf, fail.tf, pass.json or fail.json.")
        text = path.read_text(encoding="utf-8")
        head = json.loads(text) if path.suffix == ".json" else dict(_HEAD.findall(text))
        fails, unseen = (_addresses(head.get(name, [])) for name in ("fails", "not seen in source"))
        if bool(fails) != (path.stem == "fail") or not unseen <= fails:
            raise HarnessError(
                f"{path} names {sorted(fails | unseen)} as breaking the rule.",
                remedy="Only fail.* may and must name resources: # fails: …",
            )
        environment = head.get("environment", "")
        fixtures.append(Fixture(path.parent.name, path.stem, path, environment, fails, unseen))
    return fixtures


def _addresses(value: str | list[str]) -> frozenset[str]:
    addresses = value.split(",") if isinstance(value, str) else value
    return frozenset(address.strip() for address in addresses)


def sources(fixtures: Sequence[Fixture], folder: Path) -> dict[str, Path]:
    """Copy each fixture's source to its own folder; returns the folders by the fixtures' names."""
    shutil.rmtree(folder, ignore_errors=True)
    folders = {}
    for fixture in fixtures:
        if fixture.path.suffix == ".tf":
            folders[fixture.name] = folder / fixture.name
            folders[fixture.name].mkdir(parents=True)
            shutil.copyfile(fixture.path, folders[fixture.name] / "main.tf")
    return folders


def planned(fixtures: Sequence[Fixture], folder: Path) -> dict[str, PlanGraph]:
    """The plan of each fixture whose rule works on plans; all sources are planned together.

    Args:
        fixtures: The fixtures.
        folder: For one process at a time. The root is ``root`` in it, and stays initialised.

    Raises:
        HarnessError: Terraform cannot plan one.
    """
    on_plans = [fixture for fixture in fixtures if PLAN in RULES[fixture.rule].modes]
    folders = sources(on_plans, folder / "modules")
    calls = [ModuleCall(name, read(folder), {}, siblings=MODULES) for name, folder in folders.items()]
    root = write(calls, folder / "root")
    result = TftestRoot(folder / "root").planned()
    if result.errors:
        errors = "\n".join(f"{root.about(error) or 'root'}: {error}" for error in result.errors)
        raise HarnessError(f"Terraform cannot plan fixtures:\n{errors}", remedy="Fix what it names.")
    documents = {name: part(result.document, root.names[name]) for name in folders}
    for fixture in on_plans:
        if fixture.path.suffix == ".json":
            documents[fixture.name] = json.loads(fixture.path.read_text(encoding="utf-8"))
    return {fixture.name: PlanGraph(documents[fixture.name], fixture.environment) for fixture in on_plans}


def part(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The plan of one module call, as if the module had been the root."""
    prefix = f"module.{name}"
    return {
        "format_version": document["format_version"],
        "complete": document.get("complete", True),
        "resource_changes": [*_moved(document, prefix)],
        "configuration": {
            "provider_config": document["configuration"].get("provider_config", {}),
            "root_module": document["configuration"]["root_module"]["module_calls"][name]["module"],
        },
    }


def _moved(document: Mapping[str, Any], prefix: str) -> Iterator[dict[str, Any]]:
    for entry in document.get("resource_changes", ()):
        if entry["address"].startswith(f"{prefix}."):
            module = str(entry["module_address"]).removeprefix(prefix).removeprefix(".")
            yield {**entry, "address": entry["address"].removeprefix(f"{prefix}."), "module_address": module}


def without_index(address: str) -> str:
    """An address without its last key: checkov does not render every ``for_each``."""
    return _INDEX.sub("", address)
