"""The checksums of a Terraform release must be signed by HashiCorp; tests sign with a key of their own."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.terraform import signature

pytestmark = pytest.mark.skipif(
    not (shutil.which("gpg") and shutil.which("gpgv")), reason="this computer has no GnuPG: signatures are not checked"
)

ARCHIVE = "terraform_1.12.2_linux_amd64.zip"
DIGEST = "1eaed12ca41fcfe094da3d76a7e9aa0639ad3409c43be0103ee9f5a1ff4b7437"
SUMS = f"{DIGEST}  {ARCHIVE}\n{'0' * 64}  terraform_1.12.2_darwin_amd64.zip\n".encode()


@dataclass(frozen=True)
class Signer:
    """Somebody with a key."""

    home: Path

    def gpg(self, *arguments: str | Path, text: bytes = b"") -> bytes:
        """Run GnuPG with this key only."""
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        ]
        return subprocess.run([*command, *arguments], input=text, capture_output=True, check=True).stdout

    @property
    def key(self) -> Path:
        """The public key."""
        file = self.home / "public.asc"
        file.write_bytes(self.gpg("--armor", "--export"))
        return file

    def sign(self, text: bytes) -> bytes:
        """A detached signature."""
        return self.gpg("--detach-sign", text=text)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    home = Path(tmp_path_factory.mktemp("g"))
    home.chmod(0o700)
    signer = Signer(home)
    signer.gpg("--quick-generate-key", "somebody@example.com", "ed25519", "sign", "never")
    yield signer
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


def test_signed_checksums_pass(signer: Signer) -> None:
    signature.check(SUMS, signer.sign(SUMS), ARCHIVE, DIGEST, key=signer.key)


def test_checksums_that_were_changed_after_signing_are_an_error(signer: Signer) -> None:
    changed = SUMS.replace(DIGEST.encode(), b"f" * 64)

    with pytest.raises(HarnessError, match=r"are not signed by HashiCorp .*BAD signature"):
        signature.check(changed, signer.sign(SUMS), ARCHIVE, "f" * 64, key=signer.key)


def test_the_signature_of_somebody_else_is_an_error(signer: Signer) -> None:
    with pytest.raises(HarnessError, match="are not signed by HashiCorp"):
        signature.check(SUMS, signer.sign(SUMS), ARCHIVE, DIGEST)


def test_a_checksum_that_is_not_among_the_signed_ones_is_an_error(signer: Signer) -> None:
    with pytest.raises(HarnessError, match=f"HashiCorp has not signed the checksum {'f' * 64}"):
        signature.check(SUMS, signer.sign(SUMS), ARCHIVE, "f" * 64, key=signer.key)


def test_something_that_is_no_signature_is_an_error(signer: Signer) -> None:
    with pytest.raises(HarnessError, match="are not signed by HashiCorp"):
        signature.check(SUMS, b"<html>", ARCHIVE, DIGEST, key=signer.key)


def test_the_key_in_the_repository_is_hashicorps(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    shown = Signer(tmp_path).gpg("--with-colons", "--show-keys", signature.KEY).decode().splitlines()

    keys = [line.split(":") for line in shown]
    assert next(fields[9] for fields in keys if len(fields) > 9 and len(fields[9]) == 40) == signature.FINGERPRINT
    assert {fields[1] for fields in keys if fields[0] in {"pub", "sub"}} == {"-"}, (
        "It has expired: get the renewed key."
    )
