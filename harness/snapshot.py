"""A deployed environment, kept: applied once, started as often as wanted.

Fifty-five seconds of an apply are a fixed wait inside the AWS provider; a clone of the applied engine starts in two.
The key of a snapshot covers everything that goes into it, so an edit of a module, a live folder, a function, the engine
or Terraform's version makes a new one; nothing is ever tested on a stack that its sources do not describe.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.engine import EmbeddedEngine, engine_for
from harness.locks import locked
from harness.package import Artifact
from harness.paths import BUILD, ROOT
from harness.stack import Deployment, Stack, artifacts_of, build_for
from harness.terraform import binary

KEPT = 2
"""Snapshots kept per environment; older ones are deleted when a new one is made."""


@dataclass(frozen=True)
class Snapshot:
    """An applied environment on disk.

    Attributes:
        folder: Holds the engine's state and the stack's description.
    """

    folder: Path

    @property
    def engine_state(self) -> Path:
        """What an engine starts from."""
        return self.folder / "engine"

    @property
    def stack(self) -> Stack:
        """The stack as it was described where it was applied; `Stack.on` moves it to a clone."""
        return Stack.model_validate_json((self.folder / "stack.json").read_text(encoding="utf-8"))

    @contextmanager
    def clone(self, instance: str) -> Iterator[tuple[Stack, EmbeddedEngine]]:
        """Start an engine of its own from this snapshot, and stop it at the end.

        Args:
            instance: A name that no other running engine of this checkout has.
        """
        engine = engine_for(instance=instance, port="auto")
        engine.start(from_snapshot=self.engine_state, tied=True)
        try:
            engine.wait_healthy(timeout_s=60)
            yield self.stack.on(engine), engine
        finally:
            engine.stop()


def key_of(environment: str, artifacts: list[Artifact]) -> str:
    """The fingerprint of everything that an applied environment is made from."""
    digest = hashlib.sha256(str(binary.find()).encode())
    folders = [
        ROOT / "modules",
        ROOT / "live" / environment,
        ROOT / "localstack" / "embedded",
        ROOT / "harness" / "engine",
    ]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if _is_source(path)]
    own = [Path(__file__), ROOT / "harness" / "stack.py"]
    for path in [*files, *own, *(ROOT / "requirements" / f"{lock}.txt" for lock in ("engine", "lambda-runtime"))]:
        digest.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for artifact in artifacts:
        digest.update(f"{artifact.function}\0{artifact.sha256}\n".encode())
    return digest.hexdigest()[:16]


def take(deployment: Deployment, stack: Stack, artifacts: list[Artifact]) -> Snapshot:
    """Keep the state of an engine that holds an applied environment, under the environment's key."""
    folder = _folder(deployment.environment) / key_of(deployment.environment, artifacts)
    shutil.rmtree(folder, ignore_errors=True)
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    deployment.engine.snapshot(draft / "engine")
    (draft / "stack.json").write_text(stack.model_dump_json(), encoding="utf-8")
    draft.rename(folder)
    for old in sorted(_complete(deployment.environment), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old)
    return Snapshot(folder)


def deployed(environment: str) -> Snapshot:
    """The snapshot of an environment as the checkout describes it now; applied first if there is none yet.

    Safe to call from several processes at once: one applies, the others wait for it.
    """
    parent = _folder(environment)
    parent.mkdir(parents=True, exist_ok=True)
    with locked(parent / "lock"):
        engine = engine_for(instance=f"snapshot-{environment}", port="auto")
        artifacts = build_for(engine)
        ready = parent / key_of(environment, artifacts)
        if ready.exists():
            return Snapshot(ready)
        engine.start(tied=True)
        try:
            engine.wait_healthy(timeout_s=60)
            deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / engine.instance)
            deployment.prepare()
            return take(deployment, deployment.apply(), artifacts)
        finally:
            engine.stop()


def _folder(environment: str) -> Path:
    return BUILD / "snapshots" / environment


def _complete(environment: str) -> list[Path]:
    return [path for path in _folder(environment).iterdir() if (path / "stack.json").exists()]


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and ".terraform" not in path.parts
