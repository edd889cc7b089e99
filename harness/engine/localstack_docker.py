"""LocalStack in Docker: ``localstack/compose.yaml``, one Compose project for each instance."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Literal

from harness.engine import ports
from harness.engine.base import LOCALSTACK_KEYS, UNLIMITED, Endpoint, Phrases
from harness.engine.localstack_adopted import AdoptedLocalStack
from harness.engine.localstack_host import functions_python
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.settings import PLATFORM

FILE = ROOT / "localstack" / "compose.yaml"
PREFIX = PLATFORM.compose_project_prefix
"""The beginning of the harness's Compose project names; the instance's name follows."""

DAEMON_PATIENCE_S = 1.5
"""Seconds for one response of the docker command."""

START_DEADLINE_S = 300.0
"""Seconds for Compose until LocalStack runs and is healthy, a first pull of the image included."""


def is_installed() -> bool:
    """Whether there is a docker command."""
    return shutil.which("docker") is not None


def why_unusable() -> str | None:
    """Why Docker cannot be used, in a few words; None if a daemon responds and Compose is installed."""
    if not is_installed():
        return "there is no docker command"
    try:
        daemon = _docker("version", "--format", "{{.Server.Version}}", deadline_s=DAEMON_PATIENCE_S)
        if daemon.returncode != 0 or not daemon.stdout.strip():
            return _reason(daemon.stderr)
        compose = _docker("compose", "version", "--short", deadline_s=DAEMON_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return f"docker did not respond within {DAEMON_PATIENCE_S:g} s"
    except OSError as error:
        return f"the docker command cannot be run: {error.strerror}"
    return None if compose.returncode == 0 else "Docker's Compose plugin is missing"


def _reason(message: str) -> str:
    """Why there is no daemon, from the error message of ``docker version``."""
    if "permission denied" in message.lower():
        return "this user has no permission for Docker's socket; the group docker has"
    last = message.strip().splitlines()[-1:]
    return f"no Docker daemon responds: {last[0].strip()[:160]}" if last else "no Docker daemon responds"


class LocalStackInDocker:
    """One instance of LocalStack in a container; see :class:`harness.engine.base.Engine`.

    Args:
        instance: Its name, part of the Compose project's.
        port: A loopback port, or ``"auto"``: 4566 if that is free, else any free one.
    """

    name = "localstack"
    most_accounts = UNLIMITED
    phrases = Phrases()
    snapshots = None  # the community edition cannot save its state
    note = "LocalStack in Docker verifies no keys: any process of this computer may change it and run code there."

    def __init__(self, instance: str, *, port: int | Literal["auto"]) -> None:
        self.instance = instance
        self.project = f"{PREFIX}{instance}"
        self.log = BUILD / "engine" / instance / "engine.log"
        self._requested_port = port

    @property
    def endpoint(self) -> Endpoint:
        """The port of this computer that leads to it; raises HarnessError if it is not running."""
        published = self._compose("port", "localstack", "4566").stdout.strip()
        if not published:
            raise HarnessError(f"The engine {self.instance!r} is not running.", remedy="To start it: ./noxw -s up")
        return Endpoint(int(published.rpartition(":")[2]), LOCALSTACK_KEYS)

    @property
    def is_running(self) -> bool:
        """Whether its container runs."""
        return bool(self._compose("ps", "--quiet", "--status", "running").stdout.strip())

    @property
    def lambda_python(self) -> Path:
        """Functions run in AWS's own image there, so they are packaged for an interpreter of the same version."""
        return functions_python()

    def last_errors(self, count: int = 5) -> list[str]:
        """The last errors in its log, newest last."""
        lines = self._compose("logs", "--no-color", "--no-log-prefix", "--tail", "500").stdout.splitlines()
        return [line for line in lines if " ERROR " in line[:60]][-count:]

    def start(self, *, tied: bool = False) -> None:  # noqa: ARG002 -- see below
        """Start it, and return once its health check passes.

        ``tied`` has no effect: the daemon owns the container. ``./noxw -s down`` finds what a killed run left behind by
        its project.

        Raises:
            HarnessError: The port is taken, or Compose failed (with its last lines).
        """
        self.stop()
        started = self._compose("up", "--detach", "--wait", deadline_s=START_DEADLINE_S, port=self._free_port())
        if started.returncode != 0:
            tail = "\n".join((started.stderr or started.stdout).strip().splitlines()[-8:])
            raise HarnessError(
                f"LocalStack did not start in Docker:\n{tail}",
                remedy=f"Look at `docker compose -p {self.project} logs`. Newer tags need LOCALSTACK_AUTH_TOKEN.",
            )

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as it responds; raises HarnessError if it does not."""
        AdoptedLocalStack(self.endpoint.url, self.instance).wait_healthy(timeout_s)

    def release(self) -> None:
        """Do nothing: it keeps running anyway, since the daemon owns the container."""

    def stop(self) -> None:
        """Save the log, then remove the containers, those of the functions included."""
        log = self._compose("logs", "--no-color", "--no-log-prefix").stdout
        if log:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_text(log, encoding="utf-8")
        stopped = self._compose("down", "--volumes", "--remove-orphans", "--timeout", "10", deadline_s=60)
        if stopped.returncode != 0:
            raise HarnessError(
                f"LocalStack did not stop in Docker: {(stopped.stderr or stopped.stdout).strip()[-300:]}",
                remedy=f"Stop it by hand: docker compose -p {self.project} down --volumes",
            )

    def _free_port(self) -> int:
        if self._requested_port != "auto":
            ports.require_free(self._requested_port)
            return self._requested_port
        return ports.DEFAULT if ports.is_free(ports.DEFAULT) else ports.any_free()

    def _compose(
        self, *arguments: str, deadline_s: float = 30, port: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        settings = {"COMPOSE_PROJECT_NAME": self.project, **({} if port is None else {"LOCALSTACK_PORT": str(port)})}
        return _docker(*command(self.project, *arguments), deadline_s=deadline_s, **settings)


def command(project: str, *arguments: str) -> list[str]:
    """The arguments of ``docker`` for a Compose command on a project's containers."""
    return ["compose", "--file", str(FILE), "--project-name", project, *arguments]


def leftovers() -> list[str]:
    """The instances of this checkout that are in Docker, whichever run started them."""
    if why_unusable() is not None:
        return []
    listed = _docker("compose", "ls", "--all", "--format", "json", deadline_s=10)
    return parse_projects(listed.stdout) if listed.returncode == 0 else []


def clean_leftovers() -> list[str]:
    """Stop everything that :func:`leftovers` finds, and return its names, to be reported.

    Raises:
        HarnessError: One of them could not be stopped.
    """
    instances = leftovers()
    for instance in instances:
        LocalStackInDocker(instance, port="auto").stop()
    return instances


def parse_projects(text: str) -> list[str]:
    """The instances in the output of ``docker compose ls --format json``: our projects, started from this checkout."""
    return [
        str(project["Name"]).removeprefix(PREFIX)
        for project in json.loads(text or "[]")
        if str(project["Name"]).startswith(PREFIX)
        and FILE.resolve() in [Path(file).resolve() for file in str(project["ConfigFiles"]).split(",")]
    ]


def _docker(*arguments: str, deadline_s: float, **settings: str) -> subprocess.CompletedProcess[str]:
    docker = shutil.which("docker")
    if docker is None:
        raise HarnessError("There is no docker command.", remedy="Install Docker, or let LocalStack run without it.")
    started = time.monotonic()
    try:
        return subprocess.run(  # noqa: S603 -- the user's own docker, no shell
            [docker, *arguments],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=deadline_s,
        )
    except subprocess.TimeoutExpired:
        if "version" in arguments[:2]:
            raise
        raise HarnessError(
            f"`docker {' '.join(arguments)}` did not end within {time.monotonic() - started:.0f} s.",
            remedy="Look at the containers with `docker ps`, restart Docker, or use HARNESS_ENGINE=embedded.",
        ) from None
