"""On an account Terraform is never ended before its state is written and unlocked: with Terraform and a slow S3."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.deploy.account import Account
from harness.errors import HarnessError
from harness.process import supervisor
from harness.terraform import binary, run
from harness.terraform.events import TerraformEvent
from harness.terraform.mirror import CliConfig

BACKEND = """
terraform {
  backend "s3" {
    bucket                      = "state"
    key                         = "prod/terraform.tfstate"
    region                      = "us-east-1"
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
  }
}

resource "terraform_data" "created" {
  input = "created before the interruption"
}

resource "terraform_data" "slow" {
  input = terraform_data.created.output

  provisioner "local-exec" {
    command = "sleep 60"
  }
}
"""
STATE, LOCK = "/state/prod/terraform.tfstate", "/state/prod/terraform.tfstate.tflock"


class SlowS3(ThreadingHTTPServer):
    """As much of S3 as a state needs. From `slow` on it takes seconds to store a state."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.slow_s = 0.0
        self.rejects_states = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def resources(self) -> list[str]:
        """The addresses in the stored state."""
        state = json.loads(self.objects.get(STATE, b'{"resources": []}'))
        return sorted(f"{resource['type']}.{resource['name']}" for resource in state["resources"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SlowS3

    def do_PUT(self) -> None:
        body, path = self._body(), self.path.partition("?")[0]
        if path == STATE:
            time.sleep(self.server.slow_s)  # what the test is about: a slow endpoint
        if self.headers.get("If-None-Match") == "*" and path in self.server.objects:
            return self._respond(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        if path == STATE and self.server.rejects_states:
            return self._respond(403, b"<Error><Code>AccessDenied</Code></Error>")
        self.server.objects[path] = body
        return self._respond(200)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in self.server.objects:
            return self._respond(200, self.server.objects[path])
        if "list-type=2" in self.path:
            return self._respond(200, b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")
        return self._respond(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_HEAD(self) -> None:
        self._respond(200 if self.path in self.server.objects else 404)

    def do_DELETE(self) -> None:
        self.server.objects.pop(self.path.partition("?")[0], None)
        self._respond(204)

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" not in (self.headers.get("Content-Encoding") or ""):
            return body
        size, _, rest = body.partition(b"\r\n")
        return rest[: int(size.partition(b";")[0], 16)]

    def _respond(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""


@pytest.fixture
def s3() -> Iterator[SlowS3]:
    server = SlowS3()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def variables(s3: SlowS3) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": s3.url,
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def terraform(tmp_path: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> run.Terraform:
    """A patient Terraform on a root whose state is in the slow S3; an impatient one would give up after 0.2 s."""
    monkeypatch.setattr(supervisor, "RUN", tmp_path / "run")
    monkeypatch.setattr(run, "_INTERRUPT_S", 0.2)
    monkeypatch.setattr(run, "_STOP_S", 0.2)
    root = tmp_path / "prod"
    root.mkdir()
    (root / "main.tf").write_text(BACKEND)
    config = tmp_path / "terraform.rc"
    config.write_text("disable_checkpoint = true\n")
    terraform = run.Terraform(
        root,
        env=variables,
        data_dir=tmp_path / "data",
        log_dir=tmp_path / "log",
        program=binary.find(),
        config=CliConfig(config, None, (), (), is_custom=True),
        patient=True,
    )
    terraform.init()
    return terraform


def interrupted(terraform: run.Terraform, s3: SlowS3) -> str:
    """The last line of an apply that gets a Ctrl-C while it creates the slow resource, and another one later."""
    second = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])

    def ctrl_c(event: TerraformEvent) -> None:
        if event.type == "apply_start" and event.address == "terraform_data.slow":
            s3.slow_s = 1.5
            second.start()
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as interrupt:
        terraform.apply(on_event=ctrl_c)
    second.cancel()
    return str(interrupt.value)


def test_after_ctrl_c_the_state_is_written_and_no_lock_is_left_however_slow_the_backend(
    terraform: run.Terraform, s3: SlowS3, capsys: pytest.CaptureFixture[str]
) -> None:
    last_line = interrupted(terraform, s3)

    assert s3.resources == ["terraform_data.created", "terraform_data.slow"]
    assert LOCK not in s3.objects
    assert last_line.startswith("Interrupted. Terraform has written its state and released the lock")
    shown = " ".join(capsys.readouterr().err.split())
    assert "finishes the operations in progress, writes its state and releases the lock" in shown
    assert "Not passed on: a second interrupt would end Terraform" in shown
    assert supervisor.records() == []


def test_a_state_that_the_backend_rejects_is_named_in_the_last_line(terraform: run.Terraform, s3: SlowS3) -> None:
    s3.rejects_states = True

    last_line = interrupted(terraform, s3)

    assert f"it is in {terraform.root}/errored.tfstate" in last_line
    assert "state push errored.tfstate" in last_line


def test_it_has_no_deadline(terraform: run.Terraform, s3: SlowS3) -> None:
    (terraform.root / "main.tf").write_text(BACKEND.replace("sleep 60", "true"))
    s3.slow_s = 0.5

    assert terraform.apply(deadline_s=0.1).added == 2


def test_killing_its_starter_lets_it_finish(
    terraform: run.Terraform, s3: SlowS3, variables: dict[str, str], tmp_path: Path
) -> None:
    """Nobody reads its events any more, and nobody signals it."""
    (terraform.root / "main.tf").write_text(BACKEND.replace("sleep 60", "sleep 1"))
    starter = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from harness.process import supervisor
        from harness.terraform import run
        from harness.terraform.mirror import CliConfig
        supervisor.RUN = Path({str(tmp_path / "run")!r})
        config = CliConfig(Path({str(tmp_path / "terraform.rc")!r}), None, (), (), is_custom=True)
        terraform = run.Terraform(
            Path({str(terraform.root)!r}), env={variables!r}, data_dir=Path({str(terraform.data_dir)!r}),
            log_dir=Path({str(tmp_path / "log")!r}), program=Path({str(terraform.program)!r}), config=config,
            patient=True,
        )
        terraform.apply(on_event=lambda event: print(event.type, event.address, flush=True))
    """)
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("apply_start terraform_data.slow" in line for line in process.stdout)

    process.kill()
    process.wait()
    process.stdout.close()

    (record,) = supervisor.records()
    eventually(lambda: not record.is_alive)
    assert s3.resources == ["terraform_data.created", "terraform_data.slow"]
    assert LOCK not in s3.objects
    assert supervisor.clean_leftovers() == []


def test_down_interrupts_it_once_and_does_not_kill_it(tmp_path: Path) -> None:
    signals = tmp_path / "signals"
    program = textwrap.dedent(f"""
        import pathlib, signal, sys, time
        def note(number, _):
            with open({str(signals)!r}, "a") as file: print(number, file=file)
        for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, note)
        print("ready", flush=True)
        while not pathlib.Path({str(tmp_path / "end")!r}).exists(): time.sleep(0.02)
    """)
    process, record = supervisor.spawn(
        [sys.executable, "-c", program],
        purpose="terraform apply prod",
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        tie=supervisor.Tie.NONE,
        folder=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.readline()

    first = supervisor.clean_leftovers(tmp_path, grace_s=0.2)
    supervisor.clean_leftovers(tmp_path, grace_s=0.2)

    assert first == [f"terraform apply prod (process {process.pid} still ends by itself)"]
    assert record.is_alive
    assert signals.read_text().split() == ["2"]
    (tmp_path / "end").touch()
    assert process.wait(5) == 0
    process.stdout.close()


def test_a_lock_is_reported_with_who_since_when_and_how_to_release_it(terraform: run.Terraform, s3: SlowS3) -> None:
    s3.objects[LOCK] = json.dumps(
        {
            "ID": "3c8e6a52-9d0f-4b7e-8a41-1f2e3d4c5b6a",
            "Operation": "OperationTypeApply",
            "Info": "",
            "Who": "ci@runner-7",
            "Version": "1.12.2",
            "Created": "2026-11-27T21:04:11Z",
            "Path": "state/prod/terraform.tfstate",
        }
    ).encode()

    with pytest.raises(HarnessError) as error:
        terraform.apply()

    assert "the state of prod is locked since 2026-11-27 21:04 UTC (" in error.value.what
    assert error.value.what.endswith("minutes ago) by ci@runner-7, who runs apply.")
    assert "terraform -chdir=live/prod force-unlock 3c8e6a52-9d0f-4b7e-8a41-1f2e3d4c5b6a" in error.value.remedy
    assert "docs/runbooks/stuck-lock.md" in error.value.remedy


def test_a_deploy_to_an_account_is_patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "permissions_boundary", lambda _: "")

    assert Account("111111111111").terraform("prod", tmp_path, tmp_path)._patient


def eventually(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.05)
