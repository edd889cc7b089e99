"""The first commands of README.md on ordinary computers: `machines` has what they are made of.

=============================  =====================================================================================
the computer                   the test
=============================  =====================================================================================
pip installs for the user      `test_the_menu_is_shown_wherever_pip_would_install`
git writes CRLF                `test_a_checkout_of_a_git_that_writes_crlf_works`
a proxy wants a password       `test_a_proxy_that_wants_a_password_is_named`, and the first run below
AWS settings of the user       the first run: FIPS in a variable and in the profile, a service's own endpoint
home folder not writable       the first run
umask 077                      the first run
blanks, quotes, other letters  the first run, in the path of the checkout
TMPDIR on another file system  the first run
LANG=C                         the first run
a path with a symbolic link    the first run
no IPv6, no network            the second run
the clock is wrong             `test_zips_do_not_depend_on_the_clock`
paths of some lengths          `test_the_gate_passes_wherever_the_checkout_is`
=============================  =====================================================================================
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apply import machines
from tests.apply.stage import group

pytestmark = [pytest.mark.drill, group("machines")]

FIPS_PROFILE = """\
[default]
use_fips_endpoint = true
use_dualstack_endpoint = true
services = elsewhere

[services elsewhere]
s3 =
  endpoint_url = http://elsewhere.invalid
"""

CSV = """\
invoice_number,customer_id,customer_name,issue_date,currency,description,quantity,unit_price,tax_rate
1001,C-1,Example Ltd,2026-11-02,EUR,Consulting,3,100.00,19
1002,C-2,Zażółć 株式会社,2026-11-02,JPY,Tea,2,500,10
"""


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in a folder that many people have: their name and their language are in it."""
    folder = tmp_path_factory.mktemp("machines") / 'Büro\'s "neue" $Kopie 日本'
    folder.mkdir()
    (folder / "rows.csv").write_text(CSV, encoding="utf-8")
    (folder / "aws-config").write_text(FIPS_PROFILE, encoding="utf-8")
    (folder / "link").symlink_to(machines.checkout(folder / "clone"))  # as macOS's /tmp, which is /private/tmp
    return folder / "link"


@pytest.mark.parametrize("settings", [{"PIP_USER": "1"}, {"PIP_CONFIG_FILE": "pip.conf"}], ids=["PIP_USER", "pip.conf"])
def test_the_menu_is_shown_wherever_pip_would_install(tmp_path: Path, settings: dict[str, str]) -> None:
    clone = machines.checkout(tmp_path / "clone")
    (clone / "pip.conf").write_text("[global]\nuser = yes\n", encoding="ascii")

    menu = machines.noxw(clone, "-l", **settings)

    assert menu.returncode == 0, menu.stderr
    assert "* suite -> " in menu.stdout


def test_a_checkout_of_a_git_that_writes_crlf_works(tmp_path: Path) -> None:
    clone = machines.checkout(tmp_path / "clone", "-c", "core.autocrlf=true", "-c", "core.eol=crlf")

    menu = machines.noxw(clone, "-l")

    assert menu.returncode == 0, menu.stderr
    assert "* suite -> " in menu.stdout


def test_a_proxy_that_wants_a_password_is_named(tmp_path: Path) -> None:
    clone = machines.checkout(tmp_path / "clone")
    index = {"PIP_INDEX_URL": "https://index.invalid/simple", "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": ""}

    with machines.rejecting_proxy() as proxy:
        menu = machines.noxw(clone, "-l", **index, **proxy.settings, PIP_RETRIES="1")

    assert menu.returncode == 1
    assert "nox could not be installed" in menu.stderr
    assert "407 Proxy Authentication Required" in menu.stderr
    assert not list((clone / ".noxw").glob("new.*"))


def test_the_first_run_works_on_an_awkward_computer(awkward: Path) -> None:
    temporary = machines.other_file_system(awkward) or awkward.parent
    settings = {
        "AWS_CONFIG_FILE": str(awkward.parent / "aws-config"),
        "AWS_ENDPOINT_URL_S3": "http://elsewhere.invalid",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "HOME": machines.UNWRITABLE_HOME,
        "LANG": "C",
        "LC_ALL": "C",
        "NO_PROXY": machines.registry_hosts(),
        "PIP_USER": "1",
        "TMPDIR": tempfile.mkdtemp(dir=temporary),
    }

    with machines.rejecting_proxy() as proxy:
        up = machines.noxw(awkward, *up_once(awkward), umask=0o077, timeout_s=580, **{**proxy.settings, **settings})
    shutil.rmtree(settings["TMPDIR"])

    assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
    assert "Zażółć" in up.stdout
    assert len(list((awkward / "build" / "documents" / "dev").glob("*.pdf"))) == 2
    assert proxy.requests == []


def test_the_second_run_needs_neither_ipv6_nor_any_network(awkward: Path) -> None:
    if not (awkward / "build" / "documents").is_dir():
        pytest.skip("the first run has not created the environments")

    up = machines.run(machines.offline(["./noxw", *up_once(awkward)]), awkward, timeout_s=580, UV_OFFLINE="1")

    assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
    assert "Zażółć" in up.stdout


@pytest.mark.parametrize("years", [-9, 9])
def test_zips_do_not_depend_on_the_clock(awkward: Path, tmp_path: Path, years: int) -> None:
    zips = awkward / "build" / "artifacts" / "local"
    if not zips.is_dir():
        pytest.skip("the first run has not built the zips")
    before = {path.name: path.read_bytes() for path in zips.glob("*.zip")}
    shutil.rmtree(zips)
    clock = {"LD_PRELOAD": machines.clock_library(tmp_path), "CLOCK_SHIFT_S": str(years * 365 * 86400)}

    built = machines.noxw(awkward, "-s", "package", "-R", "--", "--target", "local", UV_OFFLINE="1", **clock)

    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    assert len(before) == 7
    assert {path.name: path.read_bytes() for path in zips.glob("*.zip")} == before


@pytest.fixture(params=[14, 18])
def short_path(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder with a path of so many characters: with those, a path inside was 40 long, as secret keys are."""
    base = Path(tempfile.gettempdir()).resolve()
    missing = request.param - len(str(base)) - 1
    if missing < 4:
        pytest.skip(f"{base} is too long for a path of {request.param} characters")
    folder = base / next(tempfile._get_candidate_names()).ljust(missing, "a")[-missing:].replace("_", "a")  # type: ignore[attr-defined]
    try:
        yield machines.checkout(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_gate_passes_wherever_the_checkout_is(short_path: Path) -> None:
    gate = machines.run([sys.executable, "-m", "harness.policy"], short_path, timeout_s=580)

    assert gate.returncode == 0, gate.stdout[-3000:] + gate.stderr
    assert ": 0 to fix" in gate.stdout


def up_once(checkout: Path) -> list[str]:
    return ["-s", "up", "--", "--once", "--port", "auto", "--csv", str(checkout.parent / "rows.csv")]
