"""Stored plans of live folders: planned once for each state of the sources, judged as often as needed.

The key of a plan covers everything that it depends on: the modules, the live folder with its values and its provider
lock, the names of the functions, Terraform's version, and the code that plans. So every edit leads to a new plan, and
no session judges a plan that does not match the checkout.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.files import content_key, write_whole
from harness.paths import BUILD, ROOT
from harness.terraform import binary

FOLDER = BUILD / "plans"
"""The folder of stored plans. A plan may hold secrets: only its owner may read it."""

KEPT = 3
"""Stored plans of each live folder; older ones are deleted when a new one is written."""

_PLANNERS = ("plan/store.py", "policy/offline_aws.py", "policy/plans.py", "terraform/run.py")


def key_of(folder: Path) -> str:
    """The fingerprint of everything that the plan of a live folder depends on.

    Args:
        folder: Such as ``live/dev``; the modules are beside ``live``.
    """
    checkout = folder.parent.parent
    functions = sorted(handler.parent.name for handler in (ROOT / "lambdas").glob("*/handler.py"))
    planners = ((ROOT / "harness" / name).read_bytes() for name in _PLANNERS)
    sources = (path for source in (checkout / "modules", folder) for path in _sources(source))
    parts: list[str | bytes | Path] = [str(binary.version(binary.find())), " ".join(functions), *planners, *sources]
    return content_key(parts, root=checkout)[:24]


def load(name: str, key: str) -> Mapping[str, Any] | None:
    """The plan that is stored under a key, as ``terraform show -json`` printed it; None if there is none.

    Args:
        name: The live folder's name.
        key: The result of `key_of`.
    """
    try:
        stored = json.loads(_file(name, key).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    plan: Mapping[str, Any] | None = stored["plan"] if stored.get("key") == key else None
    return plan


def save(name: str, key: str, plan: Mapping[str, Any]) -> None:
    """Store a plan, completely or not at all."""
    write_whole(_file(name, key), json.dumps({"key": key, "plan": plan}), mode=0o600)
    others = sorted(FOLDER.glob(f"{name}.*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[KEPT:]:
        old.unlink(missing_ok=True)


def _file(name: str, key: str) -> Path:
    return FOLDER / f"{name}.{key}.json"


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".terraform" not in path.parts:
            yield path
