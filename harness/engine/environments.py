"""The engines' Python environments, made from hash locks with uv.

* ``venv``: MiniStack and what it needs (``requirements/engine.txt``).
* ``lambda-runtime``: what the AWS Lambda Python runtime brings (``requirements/lambda-runtime.txt``); handlers run
  on it, so that a dependency missing in a zip is missing here too.
* ``policy``: checkov and parliament, for the policy gate.
* ``localstack`` and ``localstack-functions``: the same two for LocalStack without Docker, on Python 3.13.

Each lies in a folder named after its lock's checksum and its interpreter, so a changed lock makes a new one and
never pulls a library from under a running engine. A half-made environment is never used: it is made beside, and
renamed when complete.
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

LOCALSTACK_NAMES = {"localstack": "localstack.txt", "localstack-functions": "localstack-functions.txt"}
"""LocalStack's, likewise."""

POLICY_NAMES = {"policy": "policy.txt"}
"""The policy gate's."""

_LOCKS = {**NAMES, **LOCALSTACK_NAMES, **POLICY_NAMES}


def ensure(name: str, *, base: Path | None = None) -> Path:
    """The interpreter of an environment, which is made first if need be.

    Args:
        name: A key of :data:`NAMES`, :data:`LOCALSTACK_NAMES` or :data:`POLICY_NAMES`.
        base: The interpreter to make it from; our own unless told otherwise.

    Raises:
        HarnessError: uv could not make it; its last lines are in the message.
    """
    lock = ROOT / "requirements" / _LOCKS[name]
    # Of our own interpreter, not of the environment that it runs in: that one may be deleted.
    own = Path(getattr(sys, "_base_executable", sys.executable))
    identity = f"{own}{sys.version}" if base is None else f"{base}{base.stat().st_mtime_ns}"
    base = base or own
    digest = hashlib.sha256(lock.read_bytes() + identity.encode()).hexdigest()[:12]
    home = _FOLDER / name / digest
    if home.is_dir():
        return home / "bin" / "python"
    with locked(_FOLDER / f"{name}.lock"):
        if not home.is_dir():
            _make(home, base, lock)
    return home / "bin" / "python"


def _make(home: Path, base: Path, lock: Path) -> None:
    half_made = home.with_name(f"{home.name}.half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    _uv("venv", "--python", str(base), "--no-project", str(half_made), lock=lock)
    python = str(half_made / "bin" / "python")
    install = ("pip", "install", "--python", python, "--require-hashes", "--no-deps", "--compile-bytecode")
    _uv(*install, "-r", str(lock), lock=lock)
    half_made.rename(home)


def _uv(*arguments: str, lock: Path) -> None:
    # A caller's UV_* settings (other indexes excepted) could change what a lock installs.
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
            f"The environment of {lock.name} could not be made:\n{last_lines}",
            remedy="Check the network and the package index (UV_INDEX_URL), then start again.",
        )
