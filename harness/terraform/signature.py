"""The signature of a Terraform release: HashiCorp signs the checksums of its archives.

The archive's checksum is pinned in this repository, and decides whether it is used. The signature shows in addition
that HashiCorp has published that checksum: a wrong one that got into this repository would not be signed.
https://www.hashicorp.com/trust/security
"""

import base64
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.errors import HarnessError

KEY = Path(__file__).with_name("hashicorp.asc")
"""HashiCorp's public key for releases (https://www.hashicorp.com/.well-known/pgp-key.txt), valid until 2030."""

FINGERPRINT = "C874011F0AB405110D02105534365D9472D7468F"
"""The key's fingerprint."""

_TIME_LIMIT_S = 20.0


def verifier() -> str | None:
    """GnuPG's verifier, if this computer has it."""
    return shutil.which("gpgv")


def check(sums: bytes, signature: bytes, archive: str, digest: str, *, key: Path = KEY) -> None:
    """Check that HashiCorp has published an archive with this checksum.

    Args:
        sums: The release's ``SHA256SUMS``.
        signature: Its detached signature.
        archive: The archive's name.
        digest: The archive's SHA-256.
        key: The signer's public key, armoured.

    Raises:
        HarnessError: The signature is not the signer's, or the signed checksums do not have this one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = {"keyring.gpg": _dearmoured(key.read_text(encoding="ascii")), "sums": sums, "sums.sig": signature}
        for name, content in files.items():
            (folder / name).write_bytes(content)
        keyring, signed = str(folder / "keyring.gpg"), [str(folder / "sums.sig"), str(folder / "sums")]
        process = subprocess.run(  # noqa: S603 - GnuPG, on our own files
            [verifier() or "gpgv", "--homedir", scratch, "--keyring", keyring, "--status-fd", "1", *signed],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIME_LIMIT_S,
            check=False,
        )
    if process.returncode != 0 or "[GNUPG:] VALIDSIG " not in process.stdout:
        reason = process.stderr.strip().splitlines()[-1:] or ["gpgv reports nothing"]
        raise HarnessError(
            f"The checksums of {archive} are not signed by HashiCorp ({reason[0]}): the download was discarded.",
            remedy="It was altered on the way, or by the mirror: try again with another network or mirror.",
        )
    if f"{digest}  {archive}" not in sums.decode("ascii", errors="replace").splitlines():
        raise HarnessError(
            f"HashiCorp has not signed the checksum {digest} of {archive}: the download was discarded.",
            remedy="The checksum in harness/terraform/binary.py may be wrong: compare it with HashiCorp's SHA256SUMS.",
        )


def _dearmoured(text: str) -> bytes:
    """The packets in an armoured key (RFC 4880, 6.2): base64 between an empty line and the checksum line."""
    body = text.partition("\n\n")[2]
    return base64.b64decode("".join(line for line in body.splitlines() if not line.startswith(("=", "-----"))))
