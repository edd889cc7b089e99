"""Which LocalStack: one that listens already, one in Docker, or one that is a process of this computer."""

import os
from typing import Literal

from harness.engine import localstack_adopted, localstack_docker, pythons
from harness.engine.base import Engine
from harness.engine.localstack_host import PYTHON, LocalStackHost
from harness.errors import HarnessError


def left_alone(endpoint: str) -> bool:
    """Whether a LocalStack that we do not end answers there: one that was adopted."""
    try:
        return localstack_adopted.AdoptedLocalStack(endpoint, "main").is_running
    except HarnessError:
        return False


def localstack(instance: str, *, port: int | Literal["auto"]) -> Engine:
    """The first of these that this computer can have, not yet started.

    1. What listens at ``LOCALSTACK_ENDPOINT``, if that is set. It is adopted: never stopped.
    2. ``localstack/compose.yaml``, if a Docker daemon answers.
    3. LocalStack from PyPI, if there is a Python 3.13.

    Args:
        instance: Engines with different instance names run side by side (not at ``LOCALSTACK_ENDPOINT``).
        port: A loopback port, or ``"auto"``.

    Raises:
        HarnessError: None of them; the message says what is missing. It comes within five seconds.
    """
    if endpoint := os.environ.get("LOCALSTACK_ENDPOINT"):
        return localstack_adopted.AdoptedLocalStack(endpoint, instance)
    silence = localstack_docker.why_no_daemon()
    if silence is None:
        return localstack_docker.LocalStackInDocker(instance, port=port)
    if pythons.find(PYTHON) is None:
        raise HarnessError(
            f"HARNESS_ENGINE=localstack needs a Docker daemon ({silence}) or Python {PYTHON} "
            "(none on PATH, under pyenv or known to uv).",
            mend=f"Start Docker, or install Python {PYTHON} (uv python install {PYTHON}), or name a LocalStack that "
            "runs in LOCALSTACK_ENDPOINT.",
        )
    return LocalStackHost(instance, port=port)
