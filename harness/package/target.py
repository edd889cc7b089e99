"""The targets of a zip: AWS Lambda on arm64, or the interpreter that runs handlers on this computer."""

import enum
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.errors import HarnessError

_PRINT_MARKERS = """
import json, os, platform, sys
print(json.dumps({
    "implementation_name": sys.implementation.name,
    "implementation_version": platform.python_version(),
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}))
"""

ARM64_MACHINE = 183  # e_machine EM_AARCH64, elf(5)


class Target(enum.Enum):
    """The two places where functions run."""

    AWS = "aws"
    """AWS Lambda, python3.13 on arm64: Amazon Linux 2023 has glibc 2.34, so wheels up to manylinux_2_34 run."""

    HOST = "host"
    """This computer, on a certain interpreter."""


@dataclass(frozen=True)
class Platform:
    """A target with all that decides which packages it gets.

    Attributes:
        target: The target.
        key: Its name in folder names.
        markers: The values of PEP 508's environment markers there.
        tags: The options with which ``uv pip install`` chooses wheels for it.
        python: The interpreter that decides what the tags leave open.
    """

    target: Target
    key: str
    markers: Mapping[str, str]
    tags: tuple[str, ...]
    python: Path


def platform_of(target: Target, python: Path | None) -> Platform:
    """The platform of a target.

    Args:
        target: The target.
        python: For `Target.HOST`, the interpreter that runs the handlers.

    Raises:
        HarnessError: The interpreter does not run.
    """
    if target is Target.AWS:
        options = ("--python-platform", "aarch64-manylinux_2_34", "--python-version", "3.13")
        return Platform(target, "aws-cp313-aarch64", _LAMBDA, options, Path(sys.executable))
    if python is None:
        raise ValueError("the host's packages need the interpreter that runs the handlers")
    markers = _markers_of(python)
    version = markers["python_version"].replace(".", "")
    key = f"host-{markers['implementation_name']}{version}-{markers['sys_platform']}-{markers['platform_machine']}"
    return Platform(target, key, markers, (), python)


@cache
def _markers_of(python: Path) -> dict[str, str]:
    try:
        process = subprocess.run(  # noqa: S603 - the handlers' interpreter
            [python, "-I", "-S", "-c", _PRINT_MARKERS], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise HarnessError(
            f"The handlers' interpreter {python} does not run: {error}.",
            remedy="Delete the build folder; the next run creates it again.",
        ) from error
    return {str(name): str(value) for name, value in json.loads(process.stdout).items()}


_LAMBDA = {
    "implementation_name": "cpython",
    "implementation_version": "3.13.0",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
}
