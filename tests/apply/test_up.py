"""The documented way to work with a running stack: up, a shell, a plain plan, the printed commands, down."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest

from harness.paths import ROOT
from harness.terraform import binary
from tests.apply.stage import group
from tests.patience import HANG_S

pytestmark = group("up")

CSV = """\
invoice_number,customer_id,customer_name,issue_date,currency,description,quantity,unit_price,tax_rate
1001,C-1,Example Ltd,2026-11-02,EUR,Consulting,3,100.00,19
1002,C-2,Sample KK,2026-11-02,JPY,Tea,2,500,10
1003,C-1,Example Ltd,2026-11-02,EUR,Nothing,0,500,10
"""


def harness(build: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    caller_settings = {
        "AWS_PROFILE": "none-of-ours",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=ROOT,
        env={**os.environ, **caller_settings, "NO_PROXY": "", "HARNESS_BUILD_DIR": str(build)},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The separate build folder of a detached stack, whose path contains a space, and the output of `up`."""
    build = tmp_path_factory.mktemp("a checkout") / "build"
    file = build.parent / "three rows.csv"
    file.write_text(CSV, encoding="utf-8")
    up = harness(build, "up", "--detach", "--port", "auto", "--csv", str(file))
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield build, up.stdout
    finally:
        harness(build, "down")


def shell(build: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository's root, as a user does after ``source``."""
    script = f"source {shlex.quote(str(build / 'stack-dev.env'))} && {command}"
    bash = shutil.which("bash")
    assert bash
    caller = {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"], "AWS_PROFILE": "none-of-ours"}
    return subprocess.run(
        [bash, "-c", script], cwd=ROOT, env=caller, capture_output=True, text=True, check=False, timeout=HANG_S
    )


def test_up_prints_the_invoices_and_leaves_the_pdfs(running: tuple[Path, str]) -> None:
    build, output = running

    assert "357.00" in output
    assert "1100" in output
    assert "must not be zero" in output
    documents = sorted((build / "documents" / "dev").glob("*.pdf"))
    assert [path.name[:4] for path in documents] == ["1001", "1002"]
    assert "357.00" in pypdf.PdfReader(documents[0]).pages[0].extract_text()


def test_plain_terraform_in_that_shell_finds_nothing_to_change(running: tuple[Path, str]) -> None:
    build, _ = running
    terraform = shlex.quote(str(binary.find()))

    plan = shell(build, f"{terraform} -chdir=live/dev plan -detailed-exitcode -input=false -no-color")

    assert plan.returncode == 0, plan.stdout[-3000:] + plan.stderr
    assert "No changes" in plan.stdout


def test_printed_commands_work_when_pasted(running: tuple[Path, str]) -> None:
    build, output = running
    lines = [line.strip() for line in output.splitlines() if line.strip().startswith("curl ")]
    assert len(lines) == 4

    responses = [json.loads(shell(build, line).stdout) for line in lines]

    listed, read, created, paid = responses
    assert {item["invoiceNumber"] for item in listed["items"]} == {"1001", "1002"}
    assert read["invoiceNumber"] in {"1001", "1002"}
    assert created["total"] == "1071.00"
    assert (paid["invoiceId"], paid["status"]) == (read["invoiceId"], "paid")


def test_up_again_uses_the_running_stack_and_creates_nothing_twice(running: tuple[Path, str]) -> None:
    build, _ = running

    again = harness(build, "up", "--detach", "--csv", str(build.parent / "three rows.csv"))

    assert again.returncode == 0, again.stdout + again.stderr
    assert "Using the stack that already runs" in again.stdout
    assert "0 invoices, 2 duplicates, 1 rejected" in again.stdout


def test_no_file_of_the_live_folders_was_touched(running: tuple[Path, str]) -> None:
    assert running
    assert not list((ROOT / "live").rglob(".terraform"))
    assert not [path for path in (ROOT / "live").rglob("*") if path.suffix in {".tfstate", ".tfplan"}]


def test_down_stops_everything(running: tuple[Path, str]) -> None:
    build, _ = running

    down = harness(build, "down")

    assert down.returncode == 0
    assert "the engine 'dev'" in down.stdout
    assert not list(build.glob("stack-*"))
    assert "Nothing was running." in harness(build, "down").stdout
