"""LocalStack without Docker: its code from PyPI, started by ``localstack/host``, one process on one loopback port."""

import os
from pathlib import Path

from harness.engine import environments, pythons
from harness.engine.base import RootKeys
from harness.engine.local_server import LocalServer
from harness.errors import HarnessError

PYTHON = "3.13"
"""The Python that LocalStack 4.14.0 runs on; the functions' runtime in Terraform is the same."""


class LocalStackHost(LocalServer):
    """One instance of LocalStack as a process of this computer."""

    name = "localstack"
    snapshots = None  # the community edition cannot save its state
    note = "LocalStack does not enforce IAM: the keys of any function may do everything in it."
    package = "host"
    health_path = "/_localstack/health"
    tunable = frozenset({"LAMBDA_KEEPALIVE_MS", "LAMBDA_RETRY_BASE_DELAY", "HOST_ALARM_PERIOD", "LS_LOG", "DEBUG"})

    @property
    def server_python(self) -> Path:
        """The interpreter that the server runs on: it has LocalStack. Raises HarnessError without a Python 3.13."""
        return environments.ensure("localstack", base=_python())

    @property
    def lambda_python(self) -> Path:
        """The interpreter that handlers run on: it has boto3, AWS's runtime client and nothing else."""
        return functions_python()

    def _root_keys(self) -> RootKeys:
        return RootKeys.random()

    def _settings(self) -> dict[str, str]:
        # plux caches plug-ins by interpreter and path, and never looks again: so each environment has a separate cache.
        cache = self.server_python.parent.parent / "plux"
        return {
            "HOST_FOLDER": str(self.folder / "tmp"),
            "XDG_CACHE_HOME": str(cache),
            "PYTHONWARNINGS": "ignore",
            **{name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ},
        }


def functions_python() -> Path:
    """The interpreter that functions are packaged for on every kind of LocalStack: their runtime is Python 3.13.

    Raises:
        HarnessError: There is no Python 3.13.
    """
    return environments.ensure("localstack-functions", base=_python())


def _python() -> Path:
    interpreter = pythons.find(PYTHON)
    if interpreter is None:
        raise HarnessError(
            f"LocalStack's functions run on Python {PYTHON}, and none was found on PATH, under pyenv or by uv.",
            remedy=f"Install it (uv python install {PYTHON}), or use HARNESS_ENGINE=embedded.",
        )
    return interpreter
