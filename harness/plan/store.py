"""Stored plans of live folders: planned once for each state of the sources, judged as often as needed.

The key of a plan covers everything that it depends on: the modules, the live folder with its values and its provider
lock, the names of the functions, Terraform's version, and the code that plans. So every edit leads to a new plan, and
no session judges a plan that does not match the checkout.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
    digest = hashlib.sha256(f"{binary.version(binary.find())}\n".encode())
    for handler in sorted((ROOT / "lambdas").glob("*/handler.py")):
        digest.update(f"{handler.parent.name}\n".encode())
    for source in (checkout / "modules", folder):
        for path in _sources(source):
            digest.update(f"{path.relative_to(checkout)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for name in _PLANNERS:
        digest.update((ROOT / "harness" / name).read_bytes())
    return digest.hexdigest()[:24]


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
    FOLDER.mkdir(parents=True, exist_ok=True)
    draft = FOLDER / f".{name}.{os.getpid()}.tmp"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"key": key, "plan": plan}, file)
    draft.replace(_file(name, key))
    others = sorted(FOLDER.glob(f"{name}.*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[KEPT:]:
        old.unlink(missing_ok=True)


def _file(name: str, key: str) -> Path:
    return FOLDER / f"{name}.{key}.json"


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".terraform" not in path.parts:
            yield path
