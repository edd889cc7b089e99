"""Plans of live folders, kept: planned once for each state of the sources, judged as often as wanted.

The key of a plan covers everything that it is made from (the modules, the live folder with its values and its provider
lock, the names of the functions, Terraform's version, the code that plans), so an edit anywhere makes another plan, and
no session ever judges one that the checkout does not describe.
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
"""Where they are kept. A plan may hold secrets: its owner alone may read it."""

KEPT = 3
"""Plans kept of each live folder; older ones are deleted when a new one is written."""

_PLANNERS = ("plan/store.py", "policy/offline_aws.py", "policy/plans.py", "terraform/run.py")


def key_of(folder: Path) -> str:
    """The fingerprint of everything that the plan of a live folder is made from.

    Args:
        folder: Such as ``live/dev``; the modules lie beside ``live``.
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
    """The plan that was kept under a key, as ``terraform show -json`` printed it; None if there is none.

    Args:
        name: The live folder's.
        key: Of `key_of`.
    """
    try:
        kept = json.loads(_file(name, key).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    plan: Mapping[str, Any] | None = kept["plan"] if kept.get("key") == key else None
    return plan


def save(name: str, key: str, plan: Mapping[str, Any]) -> None:
    """Keep a plan, whole or not at all."""
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
