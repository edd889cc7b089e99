"""The interface of engines asks for no more than an engine has: a second, small one implements it without a stub."""

import contextlib
import sys
import time
from pathlib import Path

import pytest
import urllib3

from harness.engine import REGION, Engine, ports
from harness.engine.base import UNLIMITED, Endpoint, Phrases, RootKeys
from harness.errors import HarnessError
from harness.process import supervisor
from harness.process.supervisor import SupervisedProcess, Tie
from harness.stack import lifecycle

SERVER = """
import http.server, os, sys, threading
threading.Thread(target=lambda: sys.stdin.readline() == "stay\\n" or os._exit(0), daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class ToyEngine:
    """A web server for the files of a folder."""

    name = "toy"
    most_accounts = UNLIMITED
    note = None
    phrases = Phrases()
    snapshots = None
    lambda_python = Path(sys.executable)

    def __init__(self, instance: str, folder: Path) -> None:
        self.instance = instance
        self.log = folder / "toy.log"
        self._port = 0
        self._process: SupervisedProcess | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_alive

    @property
    def endpoint(self) -> Endpoint:
        if not self.is_running:
            raise HarnessError("The toy is not running.", remedy="Start it.")
        return Endpoint(self._port, RootKeys("toy", "secret"))

    def start(self, *, tied: bool = False) -> None:
        self._port = ports.any_free()
        command = [sys.executable, "-c", SERVER, str(self._port)]
        with self.log.open("wb") as log:
            _, self._process = supervisor.spawn(
                command, purpose="the toy", env={}, cwd=self.log.parent, stderr=log, tie=Tie.STDIN
            )
        if not tied:
            self.release()

    def wait_healthy(self, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.endpoint.request("GET", "/")
                return
        raise HarnessError("The toy does not respond.", remedy=f"See {self.log}.")

    def last_errors(self, count: int = 5) -> list[str]:
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if '" 404 ' in line][-count:]

    def release(self) -> None:
        if self._process is not None:
            self._process.release()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(supervisor, "RUN", tmp_path / "run")
    return ToyEngine("toy", tmp_path)


def test_a_toy_has_the_members_of_the_interface_and_no_others() -> None:
    required = {name for name in dir(Engine) if not name.startswith("_")}

    instance_members = {"instance", "log"}
    assert {name for name in dir(ToyEngine) if not name.startswith("_")} | instance_members == required


def test_a_toy_goes_through_the_life_of_an_engine(toy: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN the commands start it
    lifecycle.start(toy)

    # THEN it responds where its environment points to
    endpoint = toy.endpoint
    environment = endpoint.environment()
    assert environment == {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "toy",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    assert urllib3.request("GET", environment["AWS_ENDPOINT_URL"]).status == 200
    assert urllib3.request("GET", endpoint.api_url("id", "v1")).status == 404
    assert len(toy.last_errors(1)) == 1

    # AND it is stopped with nothing left
    lifecycle.stop("toy", toy)
    assert not toy.is_running
    assert supervisor.records() == []
    assert "Stop the engine" in capsys.readouterr().out


@pytest.mark.parametrize("tied", [True, False])
def test_only_a_tied_engine_has_an_owner(toy: Engine, *, tied: bool) -> None:
    toy.start(tied=tied)
    try:
        (record,) = supervisor.records()

        assert (record.owner is not None) is tied
    finally:
        toy.stop()


def test_a_stopped_engine_has_no_endpoint(toy: Engine) -> None:
    toy.stop()

    with pytest.raises(HarnessError, match="not running"):
        _ = toy.endpoint
