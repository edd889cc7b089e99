"""The Terraform program: found on this computer, or the pinned release, downloaded and checked.

The download must have the pinned checksum, and HashiCorp must have signed that checksum. The latter is checked if the
computer has GnuPG's ``gpgv``; a mirror need not have the signature.
"""

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

from packaging.version import InvalidVersion, Version

from harness.errors import HarnessError
from harness.paths import BUILD
from harness.process.locks import locked
from harness.terraform import signature

PINNED = "1.12.2"
"""The release that is downloaded if none is found (the same as in ``.terraform-version``)."""

MINIMUM = "1.11"
"""The oldest release that the live folders accept (S3's own lock files became stable with it)."""

RELEASES = "https://releases.hashicorp.com"
"""The server of the releases; ``HARNESS_TERRAFORM_MIRROR`` names another server with the same layout."""

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

DownloadProgress = Callable[[int, int | None], None]
"""Called with the bytes received so far and, if the server sends it, the total."""


def find(
    *,
    progress: DownloadProgress | None = None,
    checksums: Mapping[str, str] = SHA256,
    folder: Path | None = None,
    connect_s: float = _CONNECT_S,
) -> Path:
    """Find a Terraform that is new enough.

    The order is: ``HARNESS_TERRAFORM`` (any problem with it is an error), PATH, an earlier download, a download of the
    pinned release. ``HARNESS_NO_DOWNLOAD`` forbids the last step.

    Args:
        progress: Called while the download runs.
        checksums: The archives' SHA-256 by platform.
        folder: The folder for downloads; ``build/terraform`` by default.
        connect_s: Seconds that the server has to respond, name lookup included.

    Raises:
        HarnessError: None was found and none can be downloaded.
    """
    setting = os.environ.get("HARNESS_TERRAFORM")
    if setting:
        return _chosen_binary(Path(setting).expanduser())
    unusable = ""
    on_path = shutil.which("terraform")
    if on_path:
        path_version = version(Path(on_path))
        if path_version is not None and is_new_enough(path_version):
            return Path(on_path)
        unusable = f"{on_path} is " + (f"{path_version}, too old" if path_version else "not a working Terraform")
    installed = (folder or BUILD / "terraform") / PINNED / "terraform"
    if installed.is_file() and version(installed) == PINNED:
        return installed
    reason = f"No usable Terraform was found ({unusable or 'none on PATH'})"
    if os.environ.get("HARNESS_NO_DOWNLOAD"):
        raise HarnessError(f"{reason}, and HARNESS_NO_DOWNLOAD forbids the download.", remedy=INSTALL)
    return _download(installed, reason, progress=progress, checksums=checksums, connect_s=connect_s)


def version(binary: Path) -> str | None:
    """The version that ``terraform version`` prints, such as ``1.12.2``; None if it does not run here."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    try:
        process = subprocess.run(  # noqa: S603 - the Terraform in question
            [binary, "version", "-json"],
            env={**env, "CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=True,
        )
        number = json.loads(process.stdout)["terraform_version"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return str(number)


def is_new_enough(number: str, minimum: str = MINIMUM) -> bool:
    """Whether a version is at least the minimum; a pre-release (``1.11.0-rc1``) is older than its release."""
    try:
        return Version(number) >= Version(minimum)
    except InvalidVersion:
        return False


def platform_name() -> str:
    """This computer as HashiCorp names it, such as ``linux_amd64``."""
    machine = platform.machine().lower()
    machine = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}.get(machine, machine)
    return f"{platform.system().lower()}_{machine}"


def _chosen_binary(binary: Path) -> Path:
    """The binary that ``HARNESS_TERRAFORM`` names, or an error."""
    number = version(binary)
    if number is None:
        raise HarnessError(f"HARNESS_TERRAFORM={binary} is not a Terraform that runs here.", remedy=INSTALL)
    if not is_new_enough(number):
        raise HarnessError(f"HARNESS_TERRAFORM={binary} is Terraform {number}: too old.", remedy=INSTALL)
    return binary.absolute()


def _download(
    target: Path, reason: str, *, progress: DownloadProgress | None, checksums: Mapping[str, str], connect_s: float
) -> Path:
    """Download the release, compare the checksum, unpack next to the target and rename: it is never incomplete."""
    here = platform_name()
    if here not in checksums:
        raise HarnessError(
            f"{reason}, and there is no checked download for {here}: only for {', '.join(sorted(checksums))}.",
            remedy=INSTALL,
        )
    base = (os.environ.get("HARNESS_TERRAFORM_MIRROR") or RELEASES).rstrip("/")
    url = f"{base}/terraform/{PINNED}/terraform_{PINNED}_{here}.zip"
    if not url.startswith(("https://", "http://", "file://")):
        raise HarnessError(f"HARNESS_TERRAFORM_MIRROR={base} is not an address.", remedy="It starts with https://.")
    root = target.parent.parent
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / ".lock"):
        if target.is_file() and version(target) == PINNED:  # another process has downloaded it
            return target
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder:
            archive = Path(folder) / "terraform.zip"
            try:
                digest = _fetch(url, archive, progress=progress, connect_s=connect_s)
            except (OSError, HTTPException) as error:
                raise HarnessError(
                    f"{reason}, and {url} could not be downloaded: {_readable(error)}.",
                    remedy=INSTALL + " Behind a proxy, set HTTPS_PROXY.",
                ) from error
            if digest != checksums[here]:
                raise HarnessError(
                    f"{url} has SHA-256 {digest}, not {checksums[here]}: it was discarded.",
                    remedy="The download was incomplete or altered on the way: try again. Or: " + INSTALL,
                )
            _check_signature(base, f"terraform_{PINNED}_{here}.zip", digest, Path(folder), connect_s)
            with zipfile.ZipFile(archive) as opened_archive:
                unpacked = Path(opened_archive.extract("terraform", Path(folder)))
            unpacked.chmod(0o755)
            if version(unpacked) != PINNED:
                raise HarnessError(
                    f"The Terraform downloaded from {url} does not run on this computer.", remedy=INSTALL
                )
            target.parent.mkdir(exist_ok=True)
            unpacked.replace(target)
    return target


def _check_signature(base: str, archive: str, digest: str, folder: Path, connect_s: float) -> None:
    """Check that HashiCorp has signed the checksum of a downloaded archive, if this computer can.

    Raises:
        HarnessError: It has not, or its own server does not have the signature.
    """
    if signature.verifier() is None:
        return
    sums, signed = f"terraform_{PINNED}_SHA256SUMS", f"terraform_{PINNED}_SHA256SUMS.72D7468F.sig"
    for name in (sums, signed):
        url = f"{base}/terraform/{PINNED}/{name}"
        try:
            _fetch(url, folder / name, progress=None, connect_s=connect_s)
        except (OSError, HTTPException) as error:
            if base != RELEASES:
                return
            raise HarnessError(
                f"The signature of the download cannot be checked: {url} could not be downloaded: {_readable(error)}.",
                remedy="Try again. Or: " + INSTALL,
            ) from error
    signature.check((folder / sums).read_bytes(), (folder / signed).read_bytes(), archive, digest)


def _fetch(url: str, to: Path, *, progress: DownloadProgress | None, connect_s: float) -> str:
    """Copy the content of an address into a file. Returns its SHA-256."""
    digest = hashlib.sha256()
    received = 0
    with _open(url, connect_s) as response, to.open("wb") as file:
        length = getattr(response, "headers", {}).get("Content-Length")
        expected = int(length) if length else None
        while chunk := response.read(_CHUNK):
            received += len(chunk)
            digest.update(chunk)
            file.write(chunk)
            if progress:
                progress(received, expected)
    if expected is not None and received < expected:
        raise ConnectionError(f"only {received} of {expected} bytes arrived")
    return digest.hexdigest()


def _open(url: str, connect_s: float) -> IO[bytes]:
    """Open an address within a time that includes the name lookup, which a socket's own timeout leaves out."""
    outcome: queue.SimpleQueue[IO[bytes] | OSError | HTTPException] = queue.SimpleQueue()

    is_too_late = threading.Event()

    def attempt() -> None:
        try:
            response = urllib.request.urlopen(url, timeout=_READ_S)  # noqa: S310 - the scheme was checked
        except (OSError, HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            outcome.put(error)
        else:
            if is_too_late.is_set():
                response.close()
            outcome.put(response)

    threading.Thread(target=attempt, daemon=True).start()
    try:
        response = outcome.get(timeout=connect_s)
    except queue.Empty:
        is_too_late.set()
        raise TimeoutError(f"no response within {connect_s:.0f} s") from None
    if isinstance(response, OSError | HTTPException):
        raise response
    return response


def _readable(error: OSError | HTTPException) -> str:
    """An exception of urllib, in a form for people."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server responded with {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        return error.reason.strerror or str(error.reason)
    return str(error) or type(error).__name__
