"""The third-party code: the locked wheels for a target, unpacked once into a folder under ``build/wheels/``."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.files import content_key
from harness.package.target import Platform
from harness.paths import BUILD, ROOT
from harness.process.locks import locked

REQUIREMENTS = ROOT / "requirements"
_FETCH_S = 600.0


@dataclass(frozen=True)
class Wheels:
    """Unpacked wheels.

    Attributes:
        functions: The folder of what functions may ship (``requirements/lambdas.txt``).
        runtime: The folder of what the Lambda runtime brings (``requirements/lambda-runtime.txt``); it never ships.
        key: Changes whenever the content changes.
    """

    functions: Path
    runtime: Path
    key: str


def installed(platform: Platform, *, requirements: Path = REQUIREMENTS, folder: Path | None = None) -> Wheels:
    """The wheels for a platform, fetched if the locks have changed since the last time.

    Args:
        platform: The platform that they are for.
        requirements: The folder of the two locks.
        folder: The folder to keep them in; ``build/wheels`` by default.

    Raises:
        HarnessError: They could not be fetched, or a hash differs from the lock's.
    """
    locks = {"functions": requirements / "lambdas.txt", "runtime": requirements / "lambda-runtime.txt"}
    key = f"{platform.key}-{content_key((' '.join(platform.tags), *locks.values()), root=requirements)[:12]}"
    root = folder or BUILD / "wheels"
    root.mkdir(parents=True, exist_ok=True)
    target = root / key
    with locked(root / ".lock"):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=root, prefix=".draft-") as scratch:
                for name, lock in locks.items():
                    _install(lock, Path(scratch) / "wheels" / name, platform)
                (Path(scratch) / "wheels").rename(target)
            for old in root.glob(f"{platform.key}-*"):
                if old != target:
                    shutil.rmtree(old)
    return Wheels(target / "functions", target / "runtime", key)


def _install(lock: Path, to: Path, platform: Platform) -> None:
    """Unpack a lock's wheels into a folder. Nothing is built, and every hash must match the lock's."""
    command = [_uv(), "pip", "install", "--quiet", "--no-progress", "--require-hashes", "--only-binary", ":all:"]
    command += ["--target", str(to), *platform.tags, "--python", str(platform.python), "--requirements", str(lock)]
    env = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "UV_TARGET", "UV_PYTHON"}}
    try:
        subprocess.run(  # noqa: S603 - uv, with our own arguments
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_FETCH_S, check=True
        )
    except subprocess.CalledProcessError as error:
        raise HarnessError(
            f"The wheels of {lock.name} for {platform.key} could not be installed:\n{_tail(error.stderr)}",
            remedy="Check that the package index is reachable (UV_INDEX_URL, HTTPS_PROXY). If a lock is outdated, "
            "refresh it: ./noxw -s lock",
        ) from None
    except subprocess.TimeoutExpired:
        raise HarnessError(
            f"The wheels of {lock.name} were not fetched within {_FETCH_S:.0f} s.",
            remedy="Check that the package index is reachable (UV_INDEX_URL, HTTPS_PROXY).",
        ) from None


def _uv() -> str:
    """The uv program: that of this environment, else one on PATH."""
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - only needed when wheels are fetched

        return os.fspath(find_uv_bin())
    except (ImportError, FileNotFoundError):
        on_path = shutil.which("uv")
    if not on_path:
        raise HarnessError(
            "The wheels cannot be fetched: uv is not installed.", remedy="Use ./noxw, whose environment has uv."
        )
    return on_path


def _tail(output: str, lines: int = 8) -> str:
    return "\n".join([line for line in output.splitlines() if line.strip()][-lines:])
