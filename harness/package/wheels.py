"""The third-party code: the locked wheels for a target, unpacked once into a folder under ``build/wheels/``."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.package.target import Platform
from harness.paths import BUILD, ROOT
from harness.process.locks import locked

REQUIREMENTS = ROOT / "requirements"
_FETCH_S = 600.0


@dataclass(frozen=True)
class Wheels:
    """Unpacked wheels.

    Attributes:
        functions: What functions may ship (``requirements/lambdas.txt``).
        runtime: What the Lambda runtime brings by itself (``requirements/lambda-runtime.txt``): never shipped.
        key: Changes whenever the content does.
    """

    functions: Path
    runtime: Path
    key: str


def installed(platform: Platform, *, requirements: Path = REQUIREMENTS, folder: Path | None = None) -> Wheels:
    """The wheels for a platform, fetched if the locks have changed since the last time.

    Args:
        platform: What they are for.
        requirements: The folder of the two locks.
        folder: Where they are kept; ``build/wheels`` unless told otherwise.

    Raises:
        HarnessError: They could not be fetched, or a hash is not the lock's.
    """
    locks = {"functions": requirements / "lambdas.txt", "runtime": requirements / "lambda-runtime.txt"}
    digest = hashlib.sha256(" ".join(platform.tags).encode())
    for lock in locks.values():
        digest.update(lock.read_bytes())
    key = f"{platform.key}-{digest.hexdigest()[:12]}"
    root = folder or BUILD / "wheels"
    root.mkdir(parents=True, exist_ok=True)
    place = root / key
    with locked(root / ".lock"):
        if not place.is_dir():
            with tempfile.TemporaryDirectory(dir=root, prefix=".making-") as scratch:
                for name, lock in locks.items():
                    _install(lock, Path(scratch) / "made" / name, platform)
                (Path(scratch) / "made").rename(place)
            for old in root.glob(f"{platform.key}-*"):
                if old != place:
                    shutil.rmtree(old)
    return Wheels(place / "functions", place / "runtime", key)


def _install(lock: Path, to: Path, platform: Platform) -> None:
    """Unpack a lock's wheels into a folder; nothing is built, and every hash must be the lock's."""
    command = [_uv(), "pip", "install", "--quiet", "--no-progress", "--require-hashes", "--only-binary", ":all:"]
    command += ["--target", str(to), *platform.tags, "--python", str(platform.python), "--requirements", str(lock)]
    env = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "UV_TARGET", "UV_PYTHON"}}
    try:
        subprocess.run(  # noqa: S603 - uv, with our own arguments
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_FETCH_S, check=True
        )
    except subprocess.CalledProcessError as problem:
        raise HarnessError(
            f"The wheels of {lock.name} for {platform.key} could not be installed:\n{_end_of(problem.stderr)}",
            remedy="Is the package registry reachable (UV_INDEX_URL, HTTPS_PROXY)? A changed lock is refreshed by "
            "`nox -s lock`.",
        ) from None
    except subprocess.TimeoutExpired:
        raise HarnessError(
            f"The wheels of {lock.name} were not fetched within {_FETCH_S:.0f} s.",
            remedy="Is the package registry reachable (UV_INDEX_URL, HTTPS_PROXY)?",
        ) from None


def _uv() -> str:
    """The uv program: the one of this environment, else one on PATH."""
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - only needed when wheels are fetched

        return os.fspath(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if not found:
        raise HarnessError("uv, which fetches the wheels, is not installed.", remedy="Run by ./noxw, which brings it.")
    return found


def _end_of(said: str, lines: int = 8) -> str:
    return "\n".join([line for line in said.splitlines() if line.strip()][-lines:])
