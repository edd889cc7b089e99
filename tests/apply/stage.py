"""Engines and readers for the apply tests.

Most of the tests' time is fixed waits inside the provider. So they run side by side on more workers than cores, each on
its own engine. The tests of one stack form a group, which one worker runs in order.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.docs import runbooks
from harness.docs.runbooks import BlockRun
from harness.engine import Engine, engine_for
from harness.stack.deployment import Deployment, artifacts_of, build_for


def group(name: str) -> pytest.MarkDecorator:
    """The mark of a group: its tests run on one worker, in order, and share what was applied there."""
    return pytest.mark.xdist_group(name)


@contextlib.contextmanager
def started(instance: str) -> Iterator[Engine]:
    """An empty engine of that name, which is stopped at the end of the block."""
    engine = engine_for(instance=instance, port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy(timeout_s=60)
        yield engine
    finally:
        engine.stop()


@dataclass(frozen=True)
class Reader:
    """Runs a runbook's commands in a folder that looks like the checkout but has its own build folder.

    Attributes:
        root: The folder that the commands run in.
        deployment: The deployment that ``source build/stack-<environment>.env`` points the shell to.
    """

    root: Path
    deployment: Deployment

    def types(self, document: str, *, deadline_s: float = 900) -> list[BlockRun]:
        """Run all commands of ``docs/runbooks/<document>``, in order, and return each block's output."""
        return runbooks.run(
            self.root / "docs" / "runbooks" / document, self.root, runbooks.fresh_environment(), deadline_s=deadline_s
        )


def prepared(environment: str, engine: Engine, work: Path, artifacts: Path | None = None) -> Deployment:
    """A deployment that is initialised and not yet applied; the zips are built first unless `artifacts` has them."""
    if artifacts is None:
        build_for(engine)
    deployment = Deployment(environment, engine, artifacts or artifacts_of(engine), work)
    deployment.prepare()
    return deployment
