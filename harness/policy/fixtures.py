"""The rules' fixtures: for each, source (or a plan) that keeps it and source that breaks it.

``policy/fixtures/<rule>/pass.tf`` and ``fail.tf``, or ``.json`` for rules on what a plan would change. Comments at the
top say the rest: ``# environment: prod`` for rules that hold in some environments only, ``# fails: <address>, …`` for
exactly which resources break the rule, ``# not seen in source: <address>, …`` for those that only a plan tells.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.plan_tests.root import MODULES, Call, write
from harness.plan_tests.tftest_root import TftestRoot
from harness.policy.plans import FOLDER
from harness.policy.rule import PLAN, RULES
from harness.terraform.module import read

FIXTURES = ROOT / "policy" / "fixtures"
_HEAD = re.compile(r"^# (environment|fails|not seen in source): (.+)$", re.MULTILINE)
_INDEX = re.compile(r"\[[^\]]*\]$")


@dataclass(frozen=True)
class Fixture:
    """One side of a rule.

    Attributes:
        rule: The rule's id.
        side: ``pass`` or ``fail``.
        path: The file.
        environment: In which it is judged; empty for a module on its own.
        fails: The addresses that break the rule.
        unseen: Those of them that source does not tell, because checkov cannot render what they are made of.
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
        HarnessError: Something lies there that is no fixture, or a fixture does not say what breaks the rule.
    """
    found = []
    for path in sorted(folder.glob("*/*")):
        if path.stem not in {"pass", "fail"} or path.suffix not in {".tf", ".json"}:
            raise HarnessError(f"{path} is no fixture.", remedy="Name it pass.tf, fail.tf, pass.json or fail.json.")
        text = path.read_text(encoding="utf-8")
        head = json.loads(text) if path.suffix == ".json" else dict(_HEAD.findall(text))
        fails, unseen = (_addresses(head.get(name, [])) for name in ("fails", "not seen in source"))
        if bool(fails) != (path.stem == "fail") or not unseen <= fails:
            raise HarnessError(
                f"{path} says that {sorted(fails | unseen)} break the rule.", remedy="Only fail.* names any: # fails: …"
            )
        environment = head.get("environment", "")
        found.append(Fixture(path.parent.name, path.stem, path, environment, fails, unseen))
    return found


def _addresses(told: str | list[str]) -> frozenset[str]:
    return frozenset(one.strip() for one in (told.split(",") if isinstance(told, str) else told))


def sources(fixtures: Sequence[Fixture], folder: Path) -> dict[str, Path]:
    """Each fixture's source in a folder of its own; the name leads to it."""
    shutil.rmtree(folder, ignore_errors=True)
    folders = {}
    for one in fixtures:
        if one.path.suffix == ".tf":
            folders[one.name] = folder / one.name
            folders[one.name].mkdir(parents=True)
            shutil.copyfile(one.path, folders[one.name] / "main.tf")
    return folders


def planned(fixtures: Sequence[Fixture]) -> dict[str, PlanGraph]:
    """The plan of each fixture whose rule works on plans; all sources are planned together.

    Raises:
        HarnessError: Terraform refuses one.
    """
    on_plans = [one for one in fixtures if PLAN in RULES[one.rule].modes]
    folders = sources(on_plans, FOLDER / "fixture-modules")
    calls = [Call(name, read(folder), {}, siblings=MODULES) for name, folder in folders.items()]
    root = write(calls, FOLDER / "fixtures")
    answer = TftestRoot(FOLDER / "fixtures").planned()
    if answer.errors:
        told = "\n".join(f"{root.about(one) or 'root'}: {one}" for one in answer.errors)
        raise HarnessError(f"Terraform refuses fixtures:\n{told}", remedy="Fix what it names.")
    documents = {name: part(answer.document, root.names[name]) for name in folders}
    for one in on_plans:
        if one.path.suffix == ".json":
            documents[one.name] = json.loads(one.path.read_text(encoding="utf-8"))
    return {one.name: PlanGraph(documents[one.name], one.environment) for one in on_plans}


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
    """An address without its last key: checkov renders not every ``for_each``."""
    return _INDEX.sub("", address)
