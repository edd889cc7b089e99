"""An engine that is a process of this computer: start it, find it again, watch it, stop it.

The files of an instance are in ``build/engine/<instance>/``: ``engine.json`` (the process and its port), ``state/``,
``tmp/`` (unpacked Lambda code among others) and ``engine.log``. A server is a package below ``localstack/`` that is run
with ``python -m`` and reads ``<PACKAGE>_PORTS``, ``<PACKAGE>_PORT_FILE`` and ``<PACKAGE>_TIED``.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar, Literal

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.engine import environments, ports
from harness.engine.base import ACCOUNT_ID, REGION, REGION_ENVIRONMENT, RootKeys
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.process import process_table
from harness.process.locks import locked

FOLDER = BUILD / "engine"
"""The folder of the instances' folders."""

_RESERVED_NAMES = (*environments.NAMES, *environments.LOCALSTACK_NAMES, "code")
_HOOK = ROOT / "harness" / "iam" / "hook"  # handlers load it if HARNESS_WATCH is set, to record their calls
_INSTANCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class _Record:
    """``engine.json``: the server process of an instance."""

    instance: str
    pid: int
    born: str
    port: int
    access_key_id: str = ""
    secret_access_key: str = ""

    def keys(self) -> RootKeys:
        return RootKeys(self.access_key_id, self.secret_access_key)

    def server(self) -> process_table.Process | None:
        return process_table.same(self.pid, self.born)


@dataclass(frozen=True, slots=True)
class Leftover:
    """An engine that runs, or whose Lambda workers still run.

    Attributes:
        instance: Its name.
        port: The port that it serves, or served.
        processes: Its living processes: the server, if it lives, then its workers.
    """

    instance: str
    port: int
    processes: tuple[process_table.Process, ...]


class LocalServer(ABC):
    """One instance of an engine as a local process; :class:`harness.engine.base.Engine` is the common interface.

    Instances with different names are independent and may be started at the same time by different processes.

    Args:
        instance: Its name: lower-case letters, digits, hyphens.
        port: A loopback port, or ``"auto"``: 4566 if that is free, else any free one.
    """

    name: ClassVar[str]
    account_id = ACCOUNT_ID
    has_snapshots: ClassVar[bool]
    is_the_only_one = False
    is_ours = True
    note: str | None = None
    package: ClassVar[str]
    """The server's package below ``localstack/``."""
    health_path: ClassVar[str]
    """The path that returns status 200 as soon as the engine can be used."""
    tunable: ClassVar[frozenset[str]] = frozenset()
    """The caller's variables that the server gets, besides ``HARNESS_WATCH`` and a few that every program needs."""

    def __init__(self, instance: str = "main", *, port: int | Literal["auto"] = ports.DEFAULT) -> None:
        if not _INSTANCE_NAME.fullmatch(instance) or instance in _RESERVED_NAMES:
            raise HarnessError(
                f"{instance!r} cannot name an engine instance.",
                remedy=f"Use lower-case letters, digits and hyphens, and none of {', '.join(_RESERVED_NAMES)}.",
            )
        self.instance = instance
        self.folder = FOLDER / instance
        self.log = self.folder / "engine.log"
        self._requested_port = port
        self._child: subprocess.Popen[bytes] | None = None

    # --- properties ---------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port that it serves.

        Raises:
            HarnessError: It is not running.
        """
        return self._record().port

    @property
    def pid(self) -> int:
        """The server's process number; raises HarnessError if it is not running."""
        return self._record().pid

    @property
    def endpoint_url(self) -> str:
        """``http://127.0.0.1:<port>``; raises HarnessError if it is not running."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    @property
    @abstractmethod
    def server_python(self) -> Path:
        """The interpreter that the server runs on. Created on first use."""

    @property
    @abstractmethod
    def lambda_python(self) -> Path:
        """The interpreter that handlers run on: it has what the Lambda runtime brings. Created on first use."""

    @property
    def is_running(self) -> bool:
        """True while its server process lives."""
        record = _read_record(self.folder)
        return record is not None and record.server() is not None

    def environment(self) -> dict[str, str]:
        """The variables that point boto3, the AWS CLI and Terraform's provider to this engine."""
        return {"AWS_ENDPOINT_URL": self.endpoint_url, **REGION_ENVIRONMENT, **self._record().keys().environment()}

    def api_url(self, api_id: str, stage: str) -> str:
        """The URL of an API Gateway stage; AWS's own ``invoke_url`` does not resolve here."""
        return f"{self.endpoint_url}/_aws/execute-api/{api_id}/{stage}"

    def last_errors(self, count: int = 5) -> list[str]:
        """The last errors in the log, responses with status 5xx among them, newest last.

        Show them when Terraform hangs: its provider retries a 5xx silently for ten minutes.
        """
        return [line for line in self._log_lines() if re.search(r" (ERROR|CRITICAL) ", line[:60])][-count:]

    # --- life cycle ---------------------------------------------------------------------------------------------

    def start(self, from_snapshot: Path | None = None, *, tied: bool = False) -> None:
        """Start the server and return once it has its port; :meth:`wait_healthy` waits until it responds.

        Args:
            from_snapshot: A folder written by :meth:`snapshot`; without it the engine starts empty.
            tied: Stop the engine when this process ends, even by SIGKILL, unless :meth:`release` was called.

        Raises:
            HarnessError: It already runs, the port is taken, the snapshot is of another version, or it stops at once.
        """
        python, handlers = self.server_python, self.lambda_python
        with locked(FOLDER / f"{self.instance}.lock"):
            if (record := _read_record(self.folder)) is not None and record.server() is not None:
                raise HarnessError(
                    f"The engine {self.instance!r} is already running: pid {record.pid}, port {record.port}.",
                    remedy="Stop it first (./noxw -s down), or use another instance name.",
                )
            _clean(self.folder)
            self._check_port()
            self._lay_out(from_snapshot)
            self._spawn(python, handlers, self._root_keys())
            self._await_port()
        if not tied:
            self.release()

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as it responds; raises HarnessError with the log's last lines if it does not."""
        deadline = time.monotonic() + timeout_s
        while True:
            record = self._record()
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._request("GET", self.health_path)[0] == 200:
                    return
            if record.server() is None:
                raise self._failure("stopped before it responded")
            if time.monotonic() > deadline:
                raise self._failure(f"did not respond within {timeout_s:g} s")
            time.sleep(0.02)

    def release(self) -> None:
        """Let the engine keep running after this process has ended; its record is how ``./noxw -s down`` finds it."""
        if self._child is not None and self._child.stdin is not None and not self._child.stdin.closed:
            with contextlib.suppress(BrokenPipeError):  # it has ended by itself: `wait_healthy` reports why
                self._child.stdin.write(b"stay\n")
                self._child.stdin.close()

    def snapshot(self, to: Path) -> None:  # noqa: ARG002 -- for engines that have snapshots
        """Write the state to a new folder, from which any instance of the same version can start.

        Raises:
            HarnessError: The engine has no snapshots, or could not take one.
        """
        raise self._snapshot_error()

    @abstractmethod
    def reset(self) -> None:
        """Forget every resource and stop warm Lambda workers; the port stays."""

    def stop(self) -> None:
        """Stop the server and its Lambda workers; the log and the saved state stay on disk."""
        _clean(self.folder)
        if self._child is not None:
            if self._child.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._child.stdin.close()
            self._child.wait(timeout=10)
            self._child = None

    # --- steps --------------------------------------------------------------------------------------------------

    def _check_port(self) -> None:
        if self._requested_port == "auto" or ports.is_free(self._requested_port):
            return
        raise HarnessError(
            f"Port {self._requested_port} is taken by {ports.holder(self._requested_port)}.",
            remedy="Stop that process, or use another port: --port auto takes a free one.",
        )

    def _lay_out(self, from_snapshot: Path | None) -> None:
        state = self.folder / "state"
        for folder in (state, self.folder / "tmp"):
            shutil.rmtree(folder, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # state, logs and keys are the owner's alone
        if from_snapshot is not None:
            self._restore(from_snapshot, state)
        state.mkdir(parents=True, exist_ok=True)
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)

    def _restore(self, snapshot: Path, state: Path) -> None:  # noqa: ARG002 -- for engines that have snapshots
        """Fill the state folder, which does not exist yet, from a snapshot."""
        raise self._snapshot_error()

    @abstractmethod
    def _settings(self) -> dict[str, str]:
        """The variables that only this kind of engine needs."""

    @abstractmethod
    def _root_keys(self) -> RootKeys:
        """The keys of the root user of an engine that is about to start."""

    def _spawn(self, python: Path, handlers: Path, keys: RootKeys) -> None:
        """Start the server tied to this process: if this one is killed before it writes the record, the server ends."""
        tmp = self.folder / "tmp"
        preferred = [ports.DEFAULT, 0] if self._requested_port == "auto" else [self._requested_port]
        prefix = self.package.upper()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ},
            "PYTHONPATH": str(ROOT / "localstack"),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(tmp),
            f"{prefix}_PORTS": ",".join(map(str, preferred)),
            f"{prefix}_PORT_FILE": str(tmp / "port"),
            f"{prefix}_TIED": "1",
            "LAMBDA_PYTHON": str(handlers),
            "LAMBDA_HOOK": str(_HOOK),
            **self._settings(),
            **keys.environment(),
            **{name: value for name, value in os.environ.items() if name in {*self.tunable, "HARNESS_WATCH"}},
        }
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603 -- our own interpreter and package, no shell
                [str(python), "-m", self.package],
                env=environment,
                cwd=tmp,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its own group (with its workers), out of reach of the terminal's Ctrl-C
            )
        process = process_table.find(self._child.pid)
        if process is None:
            raise self._failure("stopped at once")
        self._write(_Record(self.instance, self._child.pid, process.born, 0, **asdict(keys)))

    def _await_port(self, timeout_s: float = 30) -> None:
        record = _read_record(self.folder)
        port_file = self.folder / "tmp" / "port"
        deadline = time.monotonic() + timeout_s
        while not port_file.exists():
            if record is None or record.server() is None:
                raise self._failure("stopped before it had a port")
            if time.monotonic() > deadline:
                self.stop()
                raise self._failure(f"had no port after {timeout_s:g} s")
            time.sleep(0.01)
        if record is not None:
            port = int(port_file.read_text(encoding="ascii"))
            self._write(_Record(**{**asdict(record), "port": port}))

    def _request(self, method: str, path: str) -> tuple[int, str]:
        record = self._record()
        request = AWSRequest(method, f"http://{ports.LOOPBACK}:{record.port}{path}")
        SigV4Auth(Credentials(record.access_key_id, record.secret_access_key), "engine", REGION).add_auth(request)
        connection = http.client.HTTPConnection(ports.LOOPBACK, record.port, timeout=30)
        try:
            connection.request(method, path, headers=dict(request.headers.items()))
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()

    def _record(self) -> _Record:
        record = _read_record(self.folder)
        if record is None:
            raise HarnessError(f"The engine {self.instance!r} is not running.", remedy="To start it: ./noxw -s up")
        return record

    def _write(self, record: _Record) -> None:
        draft = self.folder / "engine.json.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
        draft.replace(self.folder / "engine.json")

    def _log_lines(self) -> list[str]:
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def _snapshot_error(self) -> HarnessError:
        return HarnessError(
            f"The engine {self.name!r} cannot save its state.", remedy="Apply again, or use HARNESS_ENGINE=embedded."
        )

    def _failure(self, what: str) -> HarnessError:
        tail = "\n".join(self._log_lines()[-12:]) or "(the log is empty)"
        return HarnessError(
            f"The engine {self.instance!r} {what}. Its last log lines:\n{tail}",
            remedy=f"Look for the cause in its log: {self.log}",
        )


def leftovers() -> list[Leftover]:
    """Every instance under the build folder that has a living process, whoever started it."""
    running = []
    for file in sorted(FOLDER.glob("*/engine.json")):
        record = _read_record(file.parent)
        if record is not None and (alive := _alive(file.parent, record)):
            running.append(Leftover(record.instance, record.port, tuple(alive)))
    return running


def clean_leftovers() -> list[Leftover]:
    """Stop everything that :func:`leftovers` finds.

    Returns:
        The stopped engines, to be reported.
    """
    running = leftovers()
    for leftover in running:
        _clean(FOLDER / leftover.instance)
    return running


def _alive(folder: Path, record: _Record) -> list[process_table.Process]:
    """The server, if it lives, and its workers: members of its group that run a script in the engine's tmp folder."""
    server = record.server()
    workers = [
        process
        for process in process_table.running()
        if process.group == record.pid and process.pid != record.pid and str(folder / "tmp") in process.command
    ]
    return [*([server] if server else []), *workers]


def _clean(folder: Path) -> None:
    record = _read_record(folder)
    if record is None:
        return
    if record.server() is not None:
        # First only the server: it saves its state and stops its workers.
        process_table.stop(lambda: [server] if (server := record.server()) else [], grace_s=10)
    process_table.stop(lambda: _alive(folder, record), grace_s=0.5)
    with contextlib.suppress(ChildProcessError):  # usually it is another process's child
        os.waitpid(record.pid, os.WNOHANG)
    (folder / "engine.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "tmp", ignore_errors=True)


def _read_record(folder: Path) -> _Record | None:
    try:
        content = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    known = {field.name for field in fields(_Record)}  # other versions wrote other fields
    return _Record(**{name: value for name, value in content.items() if name in known})
