"""The engines' Python environments, created with uv from locks with hashes.

* ``venv``: MiniStack and its dependencies (``requirements/engine.txt``).
* ``lambda-runtime``: the packages of the AWS Lambda Python runtime (``requirements/lambda-runtime.txt``). Handlers run
  on it, so a dependency that is missing in a zip is missing here too.
* ``localstack`` and ``localstack-functions``: the same two for LocalStack, on Python 3.13.
* ``policy``: checkov and parliament, for the policy gate.

Each is in a folder named after its lock's checksum and its interpreter. So a changed lock leads to a new environment
and never removes a library from a running engine. An incomplete environment is never used: it is built beside the
final folder and renamed when it is complete.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.process.locks import locked

_FOLDER = BUILD / "engine"
NAMES = {"venv": "engine.txt", "lambda-runtime": "lambda-runtime.txt"}
"""The embedded engine's environments, each with its lock file under ``requirements/``."""

LOCKS = {
    **NAMES,
    "localstack": "localstack.txt",
    "localstack-functions": "localstack-functions.txt",
    "policy": "policy.txt",
}
"""All environments, likewise."""


def ensure(name: str, *, base: Path | None = None) -> Path:
    """The interpreter of an environment, which is created first if necessary.

    Args:
        name: A key of :data:`LOCKS`.
        base: The interpreter to create it from; the current one by default.

    Raises:
        HarnessError: uv could not create it; its last lines are in the message.
    """
    lock = ROOT / "requirements" / LOCKS[name]
    # The base interpreter, not that of the environment that this runs in: the environment may be deleted.
    current = Path(getattr(sys, "_base_executable", sys.executable))
    identity = f"{current}{sys.version}" if base is None else f"{base}{base.stat().st_mtime_ns}"
    base = base or current
    digest = hashlib.sha256(lock.read_bytes() + identity.encode()).hexdigest()[:12]
    home = _FOLDER / name / digest
    if home.is_dir():
        return home / "bin" / "python"
    with locked(_FOLDER / f"{name}.lock"):
        if not home.is_dir():
            _create(home, base, lock)
    return home / "bin" / "python"


def _create(home: Path, base: Path, lock: Path) -> None:
    draft = home.with_name(f"{home.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    _uv("venv", "--python", str(base), "--no-project", str(draft), lock=lock)
    python = str(draft / "bin" / "python")
    install = ("pip", "install", "--python", python, "--require-hashes", "--no-deps", "--compile-bytecode")
    _uv(*install, "-r", str(lock), lock=lock)
    draft.rename(home)


def _uv(*arguments: str, lock: Path) -> None:
    # A caller's UV_* settings could change what a lock installs, except those for the index, the cache and the network.
    kept = ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_CACHE_DIR", "UV_OFFLINE", "UV_NATIVE_TLS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("UV_") or k in kept}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(  # noqa: S603 -- uv from our own environment, no shell
        [find_uv_bin(), *arguments, "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=ROOT,
    )
    if done.returncode != 0:
        last_lines = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise HarnessError(
            f"The Python environment of requirements/{lock.name} could not be created:\n{last_lines}",
            remedy="Check the network and the package index (UV_INDEX_URL), then try again.",
        )
