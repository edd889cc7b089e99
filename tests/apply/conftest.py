"""What the apply tests share; see `stage`."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine import engine_for, environments
from harness.paths import BUILD, ROOT
from harness.stack.deployment import Deployment, build_for, write_shell
from tests.apply.stage import Reader


@pytest.fixture(scope="session")
def fresh_build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a build folder that has what any run makes first: the engine's environments and the wheels.

    They are linked, for they never change in place. `test_up` starts from nothing.
    """

    def make() -> Path:
        build = tmp_path_factory.mktemp("killed") / "build"
        build_for(engine_for(instance="apply-wheels", port="auto"))
        for made in (*(environments.ensure(name).parent.parent for name in environments.NAMES), BUILD / "wheels"):
            shutil.copytree(made, build / made.relative_to(BUILD), symlinks=True, copy_function=os.link)
        return build

    return make


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Deployment], Reader]:
    """Makes somebody who types commands at a deployment."""

    def make(deployment: Deployment) -> Reader:
        root = tmp_path_factory.mktemp("reader")
        for name in ("docs", "live", "modules"):
            (root / name).symlink_to(ROOT / name)
        variables = {**deployment.engine.endpoint.environment(), **deployment.shell()}
        shell = root / "build" / f"stack-{deployment.environment}.env"
        write_shell(shell, variables, terraform=deployment.own_terraform)
        return Reader(root, deployment)

    return make
