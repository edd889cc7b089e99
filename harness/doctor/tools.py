"""The programs and files that the harness uses: Terraform, its provider, Docker, Python 3.13."""

import os
from collections.abc import Iterator
from pathlib import Path

from harness.doctor.findings import Finding, Grade, good
from harness.engine import engine_name, localstack_docker, localstack_host, pythons
from harness.errors import HarnessError
from harness.paths import ROOT
from harness.terraform import binary, mirror

NO_DOWNLOAD = "HARNESS_NO_DOWNLOAD"


def terraform() -> Finding:
    """Terraform: nothing is downloaded to find out."""
    allowed = NO_DOWNLOAD not in os.environ
    os.environ.setdefault(NO_DOWNLOAD, "doctor")
    try:
        program = binary.find()
    except HarnessError as error:
        if os.environ.get("HARNESS_TERRAFORM") or not allowed:
            return Finding("Terraform", Grade.ERROR, error.what, error.remedy)
        text = f"None was found; {binary.PINNED} will be downloaded from {_releases()}."
        return Finding("Terraform", Grade.NOTE, text, f"Without a network: {binary.INSTALL}")
    finally:
        if allowed:
            del os.environ[NO_DOWNLOAD]
    return good("Terraform", f"{binary.version(program)} ({program})")


def _releases() -> str:
    return os.environ.get("HARNESS_TERRAFORM_MIRROR") or binary.RELEASES


def provider(lock_file: Path = ROOT / "live" / "dev" / ".terraform.lock.hcl") -> Finding:
    """Where Terraform's provider comes from.

    Args:
        lock_file: The lock of a live folder.
    """
    try:
        providers = mirror.locked_providers(lock_file)
        found = mirror.find(providers)
    except HarnessError as error:
        return Finding("provider", Grade.ERROR, error.what, error.remedy)
    names = ", ".join(f"{each.source} {each.version}" for each in providers)
    if found is None:
        text = f"{names}: no mirror on this computer has it; it is downloaded from the registry."
        return Finding("provider", Grade.NOTE, text, "Without a network: set HARNESS_TF_MIRROR to a mirror's folder.")
    return good("provider", f"{names} ({found})")


def localstack() -> Iterator[Finding]:
    """What real LocalStack needs: Docker, or Python 3.13. The default engine needs neither."""
    needed = Grade.ERROR if engine_name() == "localstack" and not os.environ.get("LOCALSTACK_ENDPOINT") else Grade.NOTE
    reason = localstack_docker.why_unusable()
    interpreter = pythons.find(localstack_host.PYTHON)
    needs_one = needed if reason and interpreter is None else Grade.NOTE
    if reason:
        yield Finding(
            "Docker", needs_one, f"{reason[0].upper()}{reason[1:]}.", "Only LocalStack in a container needs it."
        )
    else:
        yield good("Docker", "a daemon responds, and Compose is installed")
    if interpreter is None:
        fix = f"Only LocalStack without Docker needs it: uv python install {localstack_host.PYTHON}"
        yield Finding(f"Python {localstack_host.PYTHON}", needs_one, "None was found.", fix)
    else:
        yield good(f"Python {localstack_host.PYTHON}", str(interpreter))
