"""harness.terraform.binary: found, or downloaded completely and checked, or one clear error."""

import hashlib
import io
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.terraform import binary, signature

Install = Callable[[Path, str], Path]


def program(version: str) -> bytes:
    return f"""#!/bin/sh\necho '{{"terraform_version": "{version}"}}'\n""".encode()


def archive(version: str = binary.PINNED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("terraform", program(version))
        zipped.writestr("LICENSE.txt", "a licence")
    return packed.getvalue()


GPGV = signature.verifier()
needs_gpgv = pytest.mark.skipif(GPGV is None, reason="this computer has no GnuPG: signatures are not checked")
ARCHIVE = archive()
GOOD = {binary.platform_name(): hashlib.sha256(ARCHIVE).hexdigest()}


class Releases(ThreadingHTTPServer):
    """A release server on a loopback port; the test sets its response."""

    body = ARCHIVE
    status = 200
    cut_short_by = 0
    paths: list[str]
    signed: tuple[bytes, bytes] | None
    """The checksums and their signature; None for a mirror that has neither."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths = []
        self.signed = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Releases

    def do_GET(self) -> None:
        if "SHA256SUMS" in self.path:
            self._send_signed()
            return
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body[: len(self.server.body) - self.server.cut_short_by])

    def _send_signed(self) -> None:
        body = self.server.signed[self.path.endswith(".sig")] if self.server.signed else b""
        self.send_response(200 if self.server.signed else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A computer without Terraform."""
    for name in ("HARNESS_TERRAFORM", "HARNESS_NO_DOWNLOAD", "HARNESS_TERRAFORM_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    with Releases() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("HARNESS_TERRAFORM_MIRROR", server.url)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def install() -> Install:
    def at(folder: Path, version: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "terraform"
        file.write_bytes(program(version))
        file.chmod(0o755)
        return file

    return at


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.name != ".lock")


def test_the_terraform_on_path_is_used_if_it_is_new_enough(install: Install, tmp_path: Path) -> None:
    expected = install(tmp_path / "bin", "1.11.0")

    assert binary.find(folder=tmp_path / "made") == expected


def test_the_variable_wins_over_path(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "bin", "1.13.0")
    expected = install(tmp_path / "mine", "1.11.1")
    monkeypatch.setenv("HARNESS_TERRAFORM", str(expected))
    assert binary.find() == expected


def test_a_variable_that_names_an_old_version_is_an_error(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_TERRAFORM", str(install(tmp_path / "mine", "1.10.5")))

    with pytest.raises(HarnessError, match=r"is Terraform 1\.10\.5: too old"):
        binary.find()


def test_a_variable_that_names_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_TERRAFORM", str(tmp_path / "none"))

    with pytest.raises(HarnessError, match="is not a Terraform that runs here"):
        binary.find()


def test_without_terraform_the_pinned_release_is_downloaded_once(releases: Releases, tmp_path: Path) -> None:
    progress: list[tuple[int, int | None]] = []

    path = binary.find(checksums=GOOD, folder=tmp_path / "made", progress=lambda *so_far: progress.append(so_far))

    assert path == tmp_path / "made" / binary.PINNED / "terraform"
    assert binary.version(path) == binary.PINNED
    assert releases.paths == [f"/terraform/{binary.PINNED}/terraform_{binary.PINNED}_{binary.platform_name()}.zip"]
    assert progress[-1] == (len(ARCHIVE), len(ARCHIVE))
    assert binary.find(checksums=GOOD, folder=tmp_path / "made") == path
    assert len(releases.paths) == 1, "downloaded twice"
    assert names_in(tmp_path / "made") == [binary.PINNED, "terraform"]


def test_a_terraform_on_path_that_is_too_old_leads_to_a_download(
    install: Install, releases: Releases, tmp_path: Path
) -> None:
    install(tmp_path / "bin", "1.5.7")

    assert binary.find(checksums=GOOD, folder=tmp_path / "made").parent.name == binary.PINNED
    assert releases.paths


def test_an_archive_with_another_checksum_is_discarded(releases: Releases, tmp_path: Path) -> None:
    releases.body = archive("1.12.2-evil")

    with pytest.raises(HarnessError, match="discarded") as error:
        binary.find(checksums=GOOD, folder=tmp_path / "made")

    assert GOOD[binary.platform_name()] in str(error.value)
    assert names_in(tmp_path / "made") == []


def test_a_download_that_breaks_off_leaves_nothing(releases: Releases, tmp_path: Path) -> None:
    releases.cut_short_by = 7

    with pytest.raises(HarnessError, match=f"only {len(ARCHIVE) - 7} of {len(ARCHIVE)} bytes arrived"):
        binary.find(checksums=GOOD, folder=tmp_path / "made")

    assert names_in(tmp_path / "made") == []


def test_a_release_that_the_server_does_not_have_is_an_error(releases: Releases, tmp_path: Path) -> None:
    releases.status = 404

    with pytest.raises(HarnessError, match="the server responded with 404 Not Found"):
        binary.find(checksums=GOOD, folder=tmp_path / "made")

    assert names_in(tmp_path / "made") == []


def test_a_program_that_does_not_run_here_is_not_installed(releases: Releases, tmp_path: Path) -> None:
    releases.body = archive("0.1")
    checksums = {binary.platform_name(): hashlib.sha256(releases.body).hexdigest()}

    with pytest.raises(HarnessError, match="does not run on this computer"):
        binary.find(checksums=checksums, folder=tmp_path / "made")

    assert names_in(tmp_path / "made") == []


def test_callers_at_the_same_time_download_once(releases: Releases, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(binary.find, checksums=GOOD, folder=tmp_path / "made") for _ in range(6)]
        assert {call.result() for call in calls} == {tmp_path / "made" / binary.PINNED / "terraform"}
    assert len(releases.paths) == 1


def test_a_damaged_earlier_download_is_replaced(install: Install, releases: Releases, tmp_path: Path) -> None:
    install(tmp_path / "made" / binary.PINNED, "garbage").write_text("garbage")

    assert binary.version(binary.find(checksums=GOOD, folder=tmp_path / "made")) == binary.PINNED
    assert len(releases.paths) == 1


def test_a_platform_without_a_checksum_is_named(releases: Releases, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=f"no checked download for {binary.platform_name()}: only for plan9_mips"):
        binary.find(checksums={"plan9_mips": "0"}, folder=tmp_path / "made")
    assert releases.paths == []


def test_downloads_can_be_forbidden(releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_NO_DOWNLOAD", "true")

    with pytest.raises(HarnessError, match=r"none on PATH.*HARNESS_NO_DOWNLOAD forbids") as error:
        binary.find(checksums=GOOD, folder=tmp_path / "made")

    assert "https://developer.hashicorp.com/terraform/install" in error.value.remedy
    assert releases.paths == []


def test_no_terraform_and_no_network_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("HARNESS_TERRAFORM_MIRROR", f"http://127.0.0.1:{port}")

    with pytest.raises(HarnessError, match="could not be downloaded: Connection refused") as error:
        binary.find(checksums=GOOD, folder=tmp_path / "made")

    assert "HARNESS_TERRAFORM" in error.value.remedy
    assert "Traceback" not in str(error.value)


def test_a_server_that_never_responds_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HARNESS_TERRAFORM_MIRROR", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(HarnessError, match="no response within"):
            binary.find(checksums=GOOD, folder=tmp_path / "made", connect_s=0.2)
        assert time.monotonic() - started < 5


@needs_gpgv
def test_a_download_with_a_bad_signature_is_discarded(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.signed = (b"checksums", b"no signature")
    monkeypatch.setattr(signature, "verifier", lambda: GPGV)

    with pytest.raises(HarnessError, match="are not signed by HashiCorp"):
        binary.find(checksums=GOOD, folder=tmp_path)

    assert not (tmp_path / binary.PINNED).exists()


@needs_gpgv
def test_hashicorps_own_server_must_have_the_signature(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARNESS_TERRAFORM_MIRROR")
    monkeypatch.setattr(binary, "RELEASES", releases.url)
    monkeypatch.setattr(signature, "verifier", lambda: GPGV)

    with pytest.raises(HarnessError, match=r"The signature of the download cannot be checked: .* 404"):
        binary.find(checksums=GOOD, folder=tmp_path)


def test_without_gnupg_the_checksum_decides(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.signed = (b"checksums", b"no signature")
    monkeypatch.setattr(signature, "verifier", lambda: None)

    assert binary.find(checksums=GOOD, folder=tmp_path).is_file()


def test_a_mirror_that_is_not_an_address_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_TERRAFORM_MIRROR", "releases.example.com")

    with pytest.raises(HarnessError, match="is not an address"):
        binary.find(checksums=GOOD, folder=tmp_path / "made")


@pytest.mark.parametrize(
    ("number", "enough"),
    [
        ("1.11.0", True),
        ("1.11.4", True),
        ("1.12.2", True),
        ("2.0.0", True),
        ("1.13.0-beta1", True),
        ("1.10.9", False),
        ("1.11.0-rc1", False),
        ("0.15.0", False),
        ("1.9.20", False),
        ("unknown", False),
    ],
)
def test_versions_are_compared_by_number(number: str, enough: bool) -> None:  # noqa: FBT001
    assert binary.is_new_enough(number) is enough


def test_the_pinned_release_is_the_one_in_the_file_of_version_managers() -> None:
    assert (Path(__file__).parents[4] / ".terraform-version").read_text().strip() == binary.PINNED
