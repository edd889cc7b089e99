"""An engine that is a supervised process of this computer.

The files of an instance are in ``build/engine/<instance>/``: ``engine.json`` (its port, its keys and the record of its
process), ``state/``, ``tmp/`` (unpacked Lambda code among others) and ``engine.log``. A server is a package below
``localstack/`` that is run with ``python -m`` and reads ``<PACKAGE>_PORTS``, ``<PACKAGE>_PORT_FILE`` and
``<PACKAGE>_TIED``.
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
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.engine import environments, ports
from harness.engine.base import UNLIMITED, Endpoint, Phrases, RootKeys
from harness.errors import HarnessError
from harness.isolation import NO_PROFILES
from harness.paths import BUILD, ROOT
from harness.process.locks import locked
from harness.process.supervisor import SupervisedProcess, Tie, spawn

FOLDER = BUILD / "engine"
"""The folder of the instances' folders."""

_RESERVED_NAMES = (*environments.LOCKS, "code")
_HOOK = ROOT / "harness" / "iam" / "hook"  # handlers load it if HARNESS_WATCH is set, to record their calls
_INSTANCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class LocalServer(ABC):
    """One instance of an engine as a local process; :class:`harness.engine.base.Engine` is the common interface.

    Instances with different names are independent and may be started at the same time by different processes.

    Args:
        instance: Its name: lower-case letters, digits, hyphens.
        port: A loopback port, or ``"auto"``: 4566 if that is free, else any free one.
    """

    name: ClassVar[str]
    most_accounts = UNLIMITED
    phrases = Phrases()
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
        self._process: SupervisedProcess | None = None  # if this object started it

    @property
    @abstractmethod
    def server_python(self) -> Path:
        """The interpreter that the server runs on. Created on first use."""

    @property
    @abstractmethod
    def lambda_python(self) -> Path:
        """The interpreter that handlers run on: it has what the Lambda runtime brings. Created on first use."""

    @abstractmethod
    def _settings(self) -> dict[str, str]:
        """The variables that only this kind of engine needs."""

    @abstractmethod
    def _root_keys(self) -> RootKeys:
        """The keys of the root user of an engine that is about to start."""

    @property
    def pid(self) -> int:
        """The server's process number; raises HarnessError if it is not running."""
        return int(self._description()["pid"])

    @property
    def endpoint(self) -> Endpoint:
        """Where it is reached; raises HarnessError if it is not running."""
        found = self._description()
        return Endpoint(found["port"], RootKeys(found["access_key_id"], found["secret_access_key"]))

    @property
    def is_running(self) -> bool:
        """True while its server process lives."""
        process = self._find()
        return process is not None and process.is_alive

    def last_errors(self, count: int = 5) -> list[str]:
        """The last errors in the log, responses with status 5xx among them, newest last."""
        return [line for line in self._log_lines() if re.search(r" (ERROR|CRITICAL) ", line[:60])][-count:]

    def start(self, *, tied: bool = False) -> None:
        """Start the server and return once it has its port; :meth:`wait_healthy` waits until it responds.

        Args:
            tied: Stop the engine when this process ends, even by SIGKILL, unless :meth:`release` was called.

        Raises:
            HarnessError: It already runs, the port is taken, or it stops at once.
        """
        self.start_with(lambda state: state.mkdir(), tied=tied)

    def start_with(self, restore: Callable[[Path], object], *, tied: bool) -> None:
        """Start with the state that a function writes into a folder, which does not exist yet."""
        python, handlers = self.server_python, self.lambda_python
        with locked(FOLDER / f"{self.instance}.lock"):
            if self.is_running:
                raise HarnessError(
                    f"The engine {self.instance!r} is already running: pid {self.pid}, port {self.endpoint.port}.",
                    remedy="Stop it first (./noxw -s down), or use another instance name.",
                )
            self.stop()  # Lambda workers of a server that was killed
            if self._requested_port != "auto":
                ports.require_free(self._requested_port)
            self._lay_out(restore)
            self._spawn(python, handlers, self._root_keys())
        if not tied:
            self.release()

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as it responds; raises HarnessError with the log's last lines if it does not."""
        deadline = time.monotonic() + timeout_s
        endpoint = self.endpoint
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if endpoint.request("GET", self.health_path)[0] == 200:
                    return
            if not self.is_running:
                raise self._failure("stopped before it responded")
            if time.monotonic() > deadline:
                raise self._failure(f"did not respond within {timeout_s:g} s")
            time.sleep(0.02)

    def release(self) -> None:
        """Let the engine keep running after this process has ended; its record is how ``./noxw -s down`` finds it."""
        if self._process is not None:
            self._process.release()

    def stop(self) -> None:
        """Stop the server and its Lambda workers; the log and the saved state stay on disk."""
        process = self._process or self._find()
        if process is not None:
            process.terminate()
        self._process = None
        (self.folder / "engine.json").unlink(missing_ok=True)

    def _lay_out(self, restore: Callable[[Path], object]) -> None:
        state, tmp = self.folder / "state", self.folder / "tmp"
        for path in (state, tmp):
            shutil.rmtree(path, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # state, logs and keys are the owner's alone
        restore(state)
        tmp.mkdir()

    def _spawn(self, python: Path, handlers: Path, keys: RootKeys) -> None:
        """Start the server tied to this process: if this one is killed before all is written, the server ends."""
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
            **NO_PROFILES,  # LocalStack calls itself by boto3
            **self._settings(),
            **keys.environment(),
            **{name: value for name, value in os.environ.items() if name in {*self.tunable, "HARNESS_WATCH"}},
        }
        with self.log.open("wb") as log:
            _, self._process = spawn(
                [python, "-m", self.package],
                purpose=f"the engine {self.instance!r}",
                env=environment,
                cwd=tmp,
                stdout=log,
                stderr=subprocess.STDOUT,
                tie=Tie.STDIN,
                leader_first=True,  # it saves its state and stops its workers
                traces=[self.folder / "engine.json", tmp],
            )
        self._describe(self._process, keys, port=0)
        port = self._await_port(self._process, tmp / "port")
        self._process.describe(f"the engine {self.instance!r} on port {port}")
        self._describe(self._process, keys, port=port)

    def _await_port(self, process: SupervisedProcess, file: Path, timeout_s: float = 30) -> int:
        deadline = time.monotonic() + timeout_s
        while not file.exists():
            if not process.is_alive:
                raise self._failure("stopped before it had a port")
            if time.monotonic() > deadline:
                self.stop()
                raise self._failure(f"had no port after {timeout_s:g} s")
            time.sleep(0.01)
        return int(file.read_text(encoding="ascii"))

    def _describe(self, process: SupervisedProcess, keys: RootKeys, *, port: int) -> None:
        description = {"instance": self.instance, "pid": process.pid, "port": port, **asdict(keys)}
        description["process"] = str(process.file)
        draft = self.folder / "engine.json.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.folder / "engine.json")

    def _description(self) -> dict[str, Any]:
        try:
            description: dict[str, Any] = json.loads((self.folder / "engine.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise HarnessError(
                f"The engine {self.instance!r} is not running.", remedy="To start it: ./noxw -s up"
            ) from None
        return description

    def _find(self) -> SupervisedProcess | None:
        """Its process, whoever started it; None if there is no record."""
        with contextlib.suppress(HarnessError):
            return SupervisedProcess.load(Path(self._description()["process"]))
        return None

    def _log_lines(self) -> list[str]:
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def _failure(self, what: str) -> HarnessError:
        tail = "\n".join(self._log_lines()[-12:]) or "(the log is empty)"
        return HarnessError(
            f"The engine {self.instance!r} {what}. Its last log lines:\n{tail}",
            remedy=f"Look for the cause in its log: {self.log}",
        )
