"""Which LocalStack to use: one that listens already, one in Docker, or one as a process of this computer."""

import os
from typing import Literal

from harness.engine import localstack_adopted, localstack_docker, pythons
from harness.engine.base import Engine
from harness.engine.localstack_host import PYTHON, LocalStackHost
from harness.errors import HarnessError


def adopted_is_running(endpoint: str) -> bool:
    """Whether a LocalStack responds at an endpoint where one was adopted."""
    try:
        return localstack_adopted.AdoptedLocalStack(endpoint, "main").is_running
    except HarnessError:
        return False


def localstack(instance: str, *, port: int | Literal["auto"]) -> Engine:
    """The first of these that is possible on this computer, not yet started.

    1. The LocalStack at ``LOCALSTACK_ENDPOINT``, if that is set. It is adopted: never stopped.
    2. ``localstack/compose.yaml``, if a Docker daemon responds and its Compose plugin is installed.
    3. LocalStack from PyPI.

    Each needs a Python 3.13: functions are packaged for it.

    Args:
        instance: Engines with different instance names run side by side (not at ``LOCALSTACK_ENDPOINT``).
        port: A loopback port, or ``"auto"``.

    Raises:
        HarnessError: There is no Python 3.13, or nothing to adopt. The error is raised within five seconds.
    """
    endpoint = os.environ.get("LOCALSTACK_ENDPOINT")
    adopted = localstack_adopted.AdoptedLocalStack(endpoint, instance) if endpoint else None
    if pythons.find(PYTHON) is None:
        raise HarnessError(
            f"HARNESS_ENGINE=localstack needs Python {PYTHON}, with Docker and without: functions are packaged for it. "
            "None is on PATH, under pyenv or known to uv.",
            remedy=f"Install Python {PYTHON} (uv python install {PYTHON}), or use HARNESS_ENGINE=embedded.",
        )
    if adopted is not None:
        adopted.wait_healthy(0)  # it must already run
        return adopted
    reason = localstack_docker.why_unusable()
    if reason is None:
        return localstack_docker.LocalStackInDocker(instance, port=port)
    host = LocalStackHost(instance, port=port)
    if localstack_docker.is_installed():
        host.note = f"LocalStack runs without Docker ({reason}). {host.note}"
    return host
