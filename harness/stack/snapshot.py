"""Snapshots of a deployed environment: applied once, started as often as needed.

Fifty-five seconds of an apply are a fixed wait inside the AWS provider; a clone of the applied engine starts in two.
A snapshot's key covers everything that goes into it: an edit of a module, a live folder, a function, the engine or
Terraform's version leads to a new one. So no test ever runs on a stack that differs from its sources.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.engine import Engine, engine_for
from harness.engine.base import Snapshots
from harness.errors import HarnessError
from harness.package import Artifact
from harness.paths import BUILD, ROOT
from harness.process.locks import locked
from harness.settings import PLATFORM
from harness.stack.deployment import Deployment, Stack, artifacts_of, build_for
from harness.terraform import binary
from harness.terraform.run import TerraformError

KEPT = 2
"""Snapshots kept per environment; older ones are deleted when a new one is taken."""

STRICT = "HARNESS_STRICT"
"""The variable with the embedded engine's strict switches."""


@dataclass(frozen=True)
class Snapshot:
    """An applied environment on disk.

    Attributes:
        folder: Holds the engine's state and the stack's description.
    """

    folder: Path

    @property
    def engine_state(self) -> Path:
        """The folder that an engine starts from."""
        return self.folder / "engine"

    @property
    def stack(self) -> Stack:
        """The description of the stack where it was applied; `Stack.on` describes it on a clone."""
        return Stack.model_validate_json((self.folder / "stack.json").read_text(encoding="utf-8"))

    @contextmanager
    def clone(self, instance: str) -> Iterator[tuple[Stack, Engine]]:
        """Start a separate engine from this snapshot, and stop it at the end.

        Args:
            instance: A name that no other running engine of this checkout has.
        """
        engine = engine_for(instance=instance, port="auto")
        _snapshots(engine).start(self.engine_state, tied=True)
        try:
            engine.wait_healthy(timeout_s=60)
            yield self.stack.on(engine), engine
        finally:
            engine.stop()


class CloneSource(Protocol):
    """An applied environment that tests can use more than once, in the way that its engine allows."""

    def clone(self, instance: str) -> AbstractContextManager[tuple[Stack, Engine]]:
        """A stack that the caller may change at will; it is discarded at the end.

        Clones of a `Snapshot` are separate copies: no engine sees the others.
        """


@dataclass(frozen=True)
class Original:
    """An applied environment on an engine without snapshots. Its only clone is itself, so its last user takes it.

    Attributes:
        stack: Its description.
        engine: The engine that it runs on; the caller that applied it stops the engine.
    """

    stack: Stack
    engine: Engine

    @contextmanager
    def clone(self, instance: str) -> Iterator[tuple[Stack, Engine]]:  # noqa: ARG002 -- there is no second instance
        """The stack itself."""
        yield self.stack, self.engine


@dataclass(frozen=True)
class FreshApply:
    """An environment on an engine without snapshots: each clone is a separate apply.

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
    """The fingerprint of everything that an applied environment is built from."""
    strict = os.environ.get(STRICT, "")
    digest = hashlib.sha256(f"{binary.version(binary.find())}\0{PLATFORM.state_bucket_prefix}\0{strict}\0".encode())
    folders = [
        ROOT / "modules",
        ROOT / "live" / environment,
        ROOT / "localstack" / "embedded",
        ROOT / "localstack" / "emulation",
        ROOT / "harness" / "engine",
    ]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if _is_source(path)]
    code = [ROOT / "harness" / "stack" / "snapshot.py", ROOT / "harness" / "stack" / "deployment.py"]
    for path in [*files, *code, *(ROOT / "requirements" / f"{lock}.txt" for lock in ("engine", "lambda-runtime"))]:
        digest.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for artifact in artifacts:
        digest.update(f"{artifact.function}\0{artifact.sha256}\n".encode())
    return digest.hexdigest()[:16]


def take(deployment: Deployment, stack: Stack, artifacts: list[Artifact], key: str) -> CloneSource:
    """Take a snapshot of an applied environment; on an engine without snapshots, return the environment itself.

    Args:
        deployment: The applied deployment.
        stack: Its description.
        artifacts: The zips that it was applied with.
        key: The result of `key_of` from *before* the apply.

    Raises:
        HarnessError: The sources were edited meanwhile, so it is unknown which version the stack was built from.
    """
    if deployment.engine.snapshots is None:
        return Original(stack, deployment.engine)
    with locked(_folder(deployment.environment) / "lock"):
        return _keep(deployment, stack, artifacts, key)


def clone_source(environment: str) -> CloneSource:
    """The snapshot of an environment as the checkout describes it now; applied first if there is none yet.

    On an engine without snapshots: a `FreshApply`, which applies for each clone.

    Safe to call from several processes at once: one applies, the others wait for it.

    Raises:
        HarnessError: The apply failed, or the sources were edited while it ran.
    """
    engine = engine_for(instance=f"snapshot-{environment}", port="auto")
    if engine.snapshots is None:
        return FreshApply(environment)
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
            return _keep(deployment, completed(deployment), artifacts, key)
        finally:
            engine.stop()


def completed(deployment: Deployment) -> Stack:
    """Apply; with strict switches a second time, if the first one fails.

    An engine that is as late as AWS fails a first apply, and the second one completes it: localstack/README.md, "Strict
    switches".
    """
    try:
        return deployment.apply()
    except TerraformError:
        if not os.environ.get(STRICT):
            raise
    deployment.prepare()
    return deployment.apply()


def _keep(deployment: Deployment, stack: Stack, artifacts: list[Artifact], key: str) -> Snapshot:
    """Write a snapshot, completely or not at all; the caller holds the lock."""
    if key_of(deployment.environment, artifacts) != key:
        raise HarnessError(
            f"The sources of {deployment.environment!r} were edited while they were applied.",
            remedy="Finish the edits, then run it again.",
        )
    folder = _folder(deployment.environment) / key
    draft = folder.with_name(f".{key}.draft")
    for stale in (folder, draft):
        shutil.rmtree(stale, ignore_errors=True)
    draft.mkdir(parents=True)
    _snapshots(deployment.engine).take(draft / "engine")
    (draft / "stack.json").write_text(stack.model_dump_json(), encoding="utf-8")
    draft.rename(folder)
    for old in sorted(_complete(deployment.environment), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old)
    return Snapshot(folder)


def _snapshots(engine: Engine) -> Snapshots:
    if engine.snapshots is None:
        raise HarnessError(
            f"The engine {engine.name!r} cannot save its state.", remedy="Apply again, or use HARNESS_ENGINE=embedded."
        )
    return engine.snapshots


def _folder(environment: str) -> Path:
    return BUILD / "snapshots" / environment


def _complete(environment: str) -> list[Path]:
    return [path for path in _folder(environment).iterdir() if (path / "stack.json").exists()]


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and ".terraform" not in path.parts
