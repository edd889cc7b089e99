"""The Terraform program: found on this computer, or the pinned release downloaded and its checksum compared."""

import hashlib
import json
import os
import platform
import queue
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import IO

from harness.errors import HarnessError
from harness.paths import BUILD
from harness.process.locks import locked

PINNED = "1.12.2"
"""The release that is downloaded when none is found (the same as ``.terraform-version``)."""

MINIMUM = "1.11"
"""The oldest release that the live folders accept (S3's own lock files became stable with it)."""

RELEASES = "https://releases.hashicorp.com"
"""Where releases come from; ``HARNESS_TERRAFORM_MIRROR`` names another server of the same layout."""

SHA256: Mapping[str, str] = {
    "linux_amd64": "1eaed12ca41fcfe094da3d76a7e9aa0639ad3409c43be0103ee9f5a1ff4b7437",
    "linux_arm64": "f8a0347dc5e68e6d60a9fa2db361762e7943ed084a773f28a981d988ceb6fdc9",
    "darwin_amd64": "c65aa74bed1dbb1c48ba4bbab11f08e7f7eeb54a422146561490275340468f19",
    "darwin_arm64": "1ca02f336ff4f993d6441806d38a0bcc0bbca0e3c877b84c9c2dc80cfcd0dc8b",
}
"""Checksums of the pinned release's archives, as HashiCorp publishes them in ``terraform_1.12.2_SHA256SUMS``."""

INSTALL = (
    f"Install Terraform {MINIMUM} or newer (https://developer.hashicorp.com/terraform/install), "
    "or set HARNESS_TERRAFORM to the path of one."
)

_CONNECT_S = 8.0
_READ_S = 30.0
_CHUNK = 1 << 18

Progress = Callable[[int, int | None], None]
"""Told the bytes received so far and, when the server says it, how many there will be."""


def find(
    *,
    progress: Progress | None = None,
    checksums: Mapping[str, str] = SHA256,
    folder: Path | None = None,
    connect_s: float = _CONNECT_S,
) -> Path:
    """A Terraform that is new enough.

    Looked for in this order: ``HARNESS_TERRAFORM`` (which must then be right), PATH, an earlier download, a download
    of the pinned release. ``HARNESS_NO_DOWNLOAD`` forbids the last.

    Args:
        progress: Called as the download goes on.
        checksums: SHA-256 by platform of the archives.
        folder: Where downloads are installed; ``build/terraform`` unless told otherwise.
        connect_s: How long the server may take to answer, name lookup included, in seconds.

    Raises:
        HarnessError: None was found and none can be downloaded.
    """
    chosen = os.environ.get("HARNESS_TERRAFORM")
    if chosen:
        return _as_chosen(Path(chosen).expanduser())
    passed_over = ""
    on_path = shutil.which("terraform")
    if on_path:
        found = version(Path(on_path))
        if found is not None and new_enough(found):
            return Path(on_path)
        passed_over = f"{on_path} is " + (f"{found}, too old" if found else "not a working Terraform")
    installed = (folder or BUILD / "terraform") / PINNED / "terraform"
    if installed.is_file() and version(installed) == PINNED:
        return installed
    before = f"No usable Terraform was found ({passed_over or 'none on PATH'})"
    if os.environ.get("HARNESS_NO_DOWNLOAD"):
        raise HarnessError(f"{before}, and HARNESS_NO_DOWNLOAD forbids the download.", remedy=INSTALL)
    return _download(installed, before, progress=progress, checksums=checksums, connect_s=connect_s)


def version(binary: Path) -> str | None:
    """What ``terraform version`` answers, such as ``1.12.2``; None if the file is not a Terraform that runs here."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    try:
        asked = subprocess.run(  # noqa: S603 - the Terraform in question
            [binary, "version", "-json"],
            env={**env, "CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=True,
        )
        answer = json.loads(asked.stdout)["terraform_version"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return str(answer)


def new_enough(found: str, minimum: str = MINIMUM) -> bool:
    """Whether a version is at least the minimum; a pre-release (``1.11.0-rc1``) counts as the one before it."""
    numbers, _, pre_release = found.partition("-")
    try:
        have = tuple(int(part) for part in numbers.split("."))
    except ValueError:
        return False
    need = tuple(int(part) for part in minimum.split("."))
    padded = need + (0,) * (len(have) - len(need))
    return have > padded if pre_release else have >= padded


def platform_name() -> str:
    """This computer as HashiCorp names it, such as ``linux_amd64``."""
    machine = platform.machine().lower()
    machine = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}.get(machine, machine)
    return f"{platform.system().lower()}_{machine}"


def _as_chosen(binary: Path) -> Path:
    """The binary that ``HARNESS_TERRAFORM`` names, or why not."""
    found = version(binary)
    if found is None:
        raise HarnessError(f"HARNESS_TERRAFORM={binary} is not a Terraform that runs here.", remedy=INSTALL)
    if not new_enough(found):
        raise HarnessError(f"HARNESS_TERRAFORM={binary} is Terraform {found}: too old.", remedy=INSTALL)
    return binary.absolute()


def _download(
    target: Path, before: str, *, progress: Progress | None, checksums: Mapping[str, str], connect_s: float
) -> Path:
    """Fetch the pinned release, compare, unpack beside the target and rename: never a half-made binary."""
    here = platform_name()
    if here not in checksums:
        raise HarnessError(
            f"{before}, and there is no checked download for {here}: only for {', '.join(sorted(checksums))}.",
            remedy=INSTALL,
        )
    base = (os.environ.get("HARNESS_TERRAFORM_MIRROR") or RELEASES).rstrip("/")
    url = f"{base}/terraform/{PINNED}/terraform_{PINNED}_{here}.zip"
    if not url.startswith(("https://", "http://", "file://")):
        raise HarnessError(f"HARNESS_TERRAFORM_MIRROR={base} is not an address.", remedy="It starts with https://.")
    root = target.parent.parent
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / ".lock"):
        if target.is_file() and version(target) == PINNED:  # another process was here first
            return target
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder:
            archive = Path(folder) / "terraform.zip"
            try:
                digest = _fetch(url, archive, progress=progress, connect_s=connect_s)
            except (OSError, HTTPException) as problem:
                raise HarnessError(
                    f"{before}, and {url} could not be downloaded: {_plainly(problem)}.",
                    remedy=INSTALL + " Behind a proxy, set HTTPS_PROXY.",
                ) from problem
            if digest != checksums[here]:
                raise HarnessError(
                    f"{url} has SHA-256 {digest}, not {checksums[here]}: it was thrown away.",
                    remedy="The download was cut short or altered on the way: try again. Or: " + INSTALL,
                )
            with zipfile.ZipFile(archive) as opened:
                unpacked = Path(opened.extract("terraform", Path(folder)))
            unpacked.chmod(0o755)
            if version(unpacked) != PINNED:
                raise HarnessError(
                    f"The Terraform downloaded from {url} does not run on this computer.", remedy=INSTALL
                )
            target.parent.mkdir(exist_ok=True)
            unpacked.replace(target)
    return target


def _fetch(url: str, to: Path, *, progress: Progress | None, connect_s: float) -> str:
    """Copy an address into a file and return the SHA-256 of what came."""
    digest = hashlib.sha256()
    received = 0
    with _open(url, connect_s) as answer, to.open("wb") as file:
        length = getattr(answer, "headers", {}).get("Content-Length")
        expected = int(length) if length else None
        while chunk := answer.read(_CHUNK):
            received += len(chunk)
            digest.update(chunk)
            file.write(chunk)
            if progress:
                progress(received, expected)
    if expected is not None and received < expected:
        raise ConnectionError(f"only {received} of {expected} bytes came")
    return digest.hexdigest()


def _open(url: str, connect_s: float) -> IO[bytes]:
    """Open an address within a time that counts the name lookup too, which sockets' own time-outs leave out."""
    outcome: queue.SimpleQueue[IO[bytes] | OSError | HTTPException] = queue.SimpleQueue()

    too_late = threading.Event()

    def attempt() -> None:
        try:
            answer = urllib.request.urlopen(url, timeout=_READ_S)  # noqa: S310 - the scheme was checked
        except (OSError, HTTPException) as problem:
            if isinstance(problem, urllib.error.HTTPError):
                problem.close()
            outcome.put(problem)
        else:
            if too_late.is_set():
                answer.close()
            outcome.put(answer)

    threading.Thread(target=attempt, daemon=True).start()
    try:
        answer = outcome.get(timeout=connect_s)
    except queue.Empty:
        too_late.set()
        raise TimeoutError(f"no answer within {connect_s:.0f} s") from None
    if isinstance(answer, OSError | HTTPException):
        raise answer
    return answer


def _plainly(problem: OSError | HTTPException) -> str:
    """An exception of urllib as a person would say it."""
    if isinstance(problem, urllib.error.HTTPError):
        return f"the server answered {problem.code} {problem.reason}"
    if isinstance(problem, urllib.error.URLError) and isinstance(problem.reason, OSError):
        return problem.reason.strerror or str(problem.reason)
    return str(problem) or type(problem).__name__
