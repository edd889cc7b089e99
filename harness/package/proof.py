"""Proof that a zip is complete: its handler is imported with nothing but the zip and the Lambda runtime's packages."""

import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from harness.errors import HarnessError

_IMPORT = """
import importlib, sys, time
handler, zipped, runtime = sys.argv[1:]
sys.path[:0] = [zipped, runtime]
module, _, name = handler.rpartition(".")
getattr(importlib.import_module(module), name)
print(time.process_time())
"""

_LAMBDA_ENV = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_TRACE_DISABLED": "1",
    "POWERTOOLS_SERVICE_NAME": "verify",
    "POWERTOOLS_METRICS_NAMESPACE": "Verify",
}


def import_handler(
    zipped: Path, handler: str, *, python: Path, runtime: Path, environment: Mapping[str, str] | None = None
) -> float:
    """Import a handler from its zip with an interpreter that sees nothing else but the runtime's packages.

    Args:
        zipped: The zip, built for this computer.
        handler: Terraform's ``handler``, such as ``create_invoice.handler.lambda_handler``.
        python: The interpreter.
        runtime: The folder with the packages that the Lambda runtime brings.
        environment: Variables that the function's settings need.

    Returns:
        The processor seconds of the import, the interpreter's start included.

    Raises:
        HarnessError: The import failed, or the module has no such function.
    """
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(zipped) as opened:
            opened.extractall(folder)
        process = subprocess.run(  # noqa: S603 - our own program
            [python, "-I", "-S", "-c", _IMPORT, handler, folder, str(runtime)],
            env={"PATH": os.defpath, **_LAMBDA_ENV, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if process.returncode != 0:
        tail = "\n".join(process.stderr.strip().replace(folder, "<zip>").splitlines()[-5:])
        if "ModuleNotFoundError" in process.stderr:
            raise HarnessError(
                f"{zipped.name} lacks a module that {handler} imports:\n{tail}",
                remedy="The import is not visible in the source. Write it as an import statement, or as "
                'importlib.import_module("its name").',
            )
        raise HarnessError(
            f"{handler} in {zipped.name} fails while it is imported:\n{tail}",
            remedy="Fix the handler. If settings are missing, set their environment variables.",
        )
    return float(process.stdout.split()[-1])
