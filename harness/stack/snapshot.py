"""A deployed environment, kept: applied once, started as often as wanted.

Fifty-five seconds of an apply are a fixed wait inside the AWS provider; a clone of the applied engine starts in two.
The key of a snapshot covers everything that goes into it, so an edit of a module, a live folder, a function, the engine
or Terraform's version makes a new one; nothing is ever tested on a stack that its sources do not describe.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.engine import Engine, engine_for
from harness.errors import HarnessError
from harness.package import Artifact
from harness.paths import BUILD, ROOT
from harness.process.locks import locked
from harness.stack.deployment import Deployment, Stack, artifacts_of, build_for
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
    def clone(self, instance: str) -> Iterator[tuple[Stack, Engine]]:
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


class Deployed(Protocol):
    """An applied environment, however its engine lets it be had more than once."""

    def clone(self, instance: str) -> AbstractContextManager[tuple[Stack, Engine]]:
        """A stack to do anything with, gone at the end; `Snapshot` copies, where an engine cannot see the others."""


@dataclass(frozen=True)
class Original:
    """An applied environment on an engine that keeps nothing: there is only the one, so its last user takes it.

    Attributes:
        stack: Its description.
        engine: Where it runs; whoever applied it stops that.
    """

    stack: Stack
    engine: Engine

    @contextmanager
    def clone(self, instance: str) -> Iterator[tuple[Stack, Engine]]:  # noqa: ARG002 -- there is no second instance
        """The stack itself."""
        yield self.stack, self.engine


@dataclass(frozen=True)
class Anew:
    """An environment on an engine that keeps nothing: each clone is an apply of its own.

    Attributes:
        environment: The live folder's name.
    """

    environment: str

    @contextmanager
    def clone(self, instance: str) -> Iterator[tuple[Stack, Engine]]:
        """Start an engine, apply, and stop the engine at the end."""
        engine = engine_for(instance=instance, port="auto")
        build_for(engine)
        engine.start(tied=True)
        try:
            engine.wait_healthy(timeout_s=60)
            deployment = Deployment(self.environment, engine, artifacts_of(engine), BUILD / "terraform" / instance)
            deployment.prepare()
            yield deployment.apply(), engine
        finally:
            engine.stop()


def key_of(environment: str, artifacts: list[Artifact]) -> str:
    """The fingerprint of everything that an applied environment is made from."""
    digest = hashlib.sha256(f"{binary.version(binary.find())}\0".encode())
    folders = [
        ROOT / "modules",
        ROOT / "live" / environment,
        ROOT / "localstack" / "embedded",
        ROOT / "localstack" / "emulation",
        ROOT / "harness" / "engine",
    ]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if _is_source(path)]
    own = [ROOT / "harness" / "stack" / "snapshot.py", ROOT / "harness" / "stack" / "deployment.py"]
    for path in [*files, *own, *(ROOT / "requirements" / f"{lock}.txt" for lock in ("engine", "lambda-runtime"))]:
        digest.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for artifact in artifacts:
        digest.update(f"{artifact.function}\0{artifact.sha256}\n".encode())
    return digest.hexdigest()[:16]


def take(deployment: Deployment, stack: Stack, artifacts: list[Artifact], key: str) -> Deployed:
    """Keep the state of an engine that holds an applied environment; where it cannot, the environment itself.

    Args:
        deployment: What was applied.
        stack: Its description.
        artifacts: The zips that it was applied with.
        key: What `key_of` said *before* the apply.

    Raises:
        HarnessError: The sources were edited meanwhile: nobody can say which of them the stack was made from.
    """
    if not deployment.engine.has_snapshots:
        return Original(stack, deployment.engine)
    with locked(_folder(deployment.environment) / "lock"):
        return _keep(deployment, stack, artifacts, key)


def deployed(environment: str) -> Deployed:
    """The snapshot of an environment as the checkout describes it now; applied first if there is none yet.

    On an engine that keeps nothing, what applies it when it is wanted.

    Safe to call from several processes at once: one applies, the others wait for it.

    Raises:
        HarnessError: The apply failed, or the sources were edited while it ran.
    """
    engine = engine_for(instance=f"snapshot-{environment}", port="auto")
    if not engine.has_snapshots:
        return Anew(environment)
    parent = _folder(environment)
    with locked(parent / "lock"):
        artifacts = build_for(engine)
        key = key_of(environment, artifacts)
        if (parent / key).exists():
            return Snapshot(parent / key)
        engine.start(tied=True)
        try:
            engine.wait_healthy(timeout_s=60)
            deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / engine.instance)
            deployment.prepare()
            return _keep(deployment, deployment.apply(), artifacts, key)
        finally:
            engine.stop()


def _keep(deployment: Deployment, stack: Stack, artifacts: list[Artifact], key: str) -> Snapshot:
    """Write a snapshot whole or not at all; the caller holds the lock."""
    if key_of(deployment.environment, artifacts) != key:
        raise HarnessError(
            f"The sources of {deployment.environment!r} were edited while they were applied.",
            remedy="Run it again once nobody edits them.",
        )
    folder = _folder(deployment.environment) / key
    draft = folder.with_name(f".{key}.draft")
    for stale in (folder, draft):
        shutil.rmtree(stale, ignore_errors=True)
    draft.mkdir(parents=True)
    deployment.engine.snapshot(draft / "engine")
    (draft / "stack.json").write_text(stack.model_dump_json(), encoding="utf-8")
    draft.rename(folder)
    for old in sorted(_complete(deployment.environment), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old)
    return Snapshot(folder)


def _folder(environment: str) -> Path:
    return BUILD / "snapshots" / environment


def _complete(environment: str) -> list[Path]:
    return [path for path in _folder(environment).iterdir() if (path / "stack.json").exists()]


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and ".terraform" not in path.parts
