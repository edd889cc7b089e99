"""LocalStack in Docker: ``localstack/compose.yaml``, one Compose project for each instance."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Literal

from harness.engine import localstack_adopted, ports
from harness.engine.base import ACCOUNT_ID
from harness.engine.localstack_adopted import AdoptedLocalStack
from harness.engine.localstack_host import functions_python
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT

FILE = ROOT / "localstack" / "compose.yaml"
PREFIX = "invoice-localstack-"
"""What every Compose project of ours begins with; the instance's name follows."""

DAEMON_PATIENCE_S = 1.5
"""Seconds for one answer of the docker command."""

START_DEADLINE_S = 300.0
"""Seconds for Compose to have it running and healthy, a first pull of the image included."""


def is_installed() -> bool:
    """Whether there is a docker command at all."""
    return shutil.which("docker") is not None


def why_not() -> str | None:
    """Why Docker cannot be used, in a few words; None if a daemon answers and Compose is there."""
    if not is_installed():
        return "there is no docker command"
    try:
        daemon = _docker("version", "--format", "{{.Server.Version}}", deadline_s=DAEMON_PATIENCE_S)
        if daemon.returncode != 0 or not daemon.stdout.strip():
            return _reason(daemon.stderr)
        compose = _docker("compose", "version", "--short", deadline_s=DAEMON_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return f"docker did not answer within {DAEMON_PATIENCE_S:g} s"
    except OSError as fault:
        return f"the docker command does not run: {fault.strerror}"
    return None if compose.returncode == 0 else "Docker's Compose plugin is missing"


def _reason(said: str) -> str:
    """Why there is no daemon, from what ``docker version`` complains of."""
    if "permission denied" in said.lower():
        return "this user has no permission for Docker's socket; the group docker has"
    last = said.strip().splitlines()[-1:]
    return f"no Docker daemon answers: {last[0].strip()[:160]}" if last else "no Docker daemon answers"


class LocalStackInDocker:
    """One instance of LocalStack in a container; see :class:`harness.engine.base.Engine`.

    Args:
        instance: Its name, part of the Compose project's.
        port: A loopback port, or ``"auto"``: 4566 if that is free, else any free one.
    """

    name = "localstack"
    account_id = ACCOUNT_ID
    has_snapshots = False
    is_the_only_one = False
    is_ours = True
    note: str | None = None

    def __init__(self, instance: str, *, port: int | Literal["auto"]) -> None:
        self.instance = instance
        self.project = f"{PREFIX}{instance}"
        self.log = BUILD / "engine" / instance / "engine.log"
        self._wanted_port = port

    @property
    def port(self) -> int:
        """The port of this computer that leads to it; raises HarnessError when it does not run."""
        published = self._compose("port", "localstack", "4566").stdout.strip()
        if not published:
            raise HarnessError(f"The engine {self.instance!r} does not run.", remedy="Start it: nox -s up")
        return int(published.rpartition(":")[2])

    @property
    def endpoint_url(self) -> str:
        """``http://127.0.0.1:<port>``; raises HarnessError when it does not run."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether its container runs."""
        return bool(self._compose("ps", "--quiet", "--status", "running").stdout.strip())

    @property
    def lambda_python(self) -> Path:
        """Functions run in AWS's own image there: they are packaged for an interpreter of the same version."""
        return functions_python()

    def environment(self) -> dict[str, str]:
        """What steers boto3, the AWS CLI and Terraform's provider there."""
        return self._reached().environment()

    def api_url(self, api_id: str, stage: str) -> str:
        """LocalStack's address of a stage that needs no name server."""
        return self._reached().api_url(api_id, stage)

    def last_errors(self, count: int = 5) -> list[str]:
        """The last lines of its log that are errors, newest last."""
        lines = self._compose("logs", "--no-color", "--no-log-prefix", "--tail", "500").stdout.splitlines()
        return [line for line in lines if " ERROR " in line[:60]][-count:]

    def start(self, from_snapshot: Path | None = None, *, tied: bool = False) -> None:  # noqa: ARG002 -- see below
        """Start it, and return once its health check holds.

        ``tied`` is not kept: the daemon owns the container. `nox -s down` finds what a killed run left by its project.

        Raises:
            HarnessError: A snapshot was asked for, the port is taken, or Compose failed; its last lines are told.
        """
        if from_snapshot is not None:
            raise HarnessError(
                "LocalStack cannot keep its state.", remedy="Apply anew, or use HARNESS_ENGINE=embedded."
            )
        self.stop()
        done = self._compose("up", "--detach", "--wait", deadline_s=START_DEADLINE_S, port=self._free_port())
        if done.returncode != 0:
            said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
            raise HarnessError(
                f"LocalStack did not start in Docker:\n{said}",
                remedy=f"Look at `docker compose -p {self.project} logs`. Newer tags want LOCALSTACK_AUTH_TOKEN.",
            )

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as it answers; raises HarnessError if it does not."""
        self._reached().wait_healthy(timeout_s)

    def release(self) -> None:
        """It goes on anyway: the daemon owns the container."""

    def snapshot(self, to: Path) -> None:
        """Raises HarnessError: the community edition keeps nothing."""
        self._reached().snapshot(to)

    def reset(self) -> None:
        """Forget every resource."""
        self._reached().reset()

    def stop(self) -> None:
        """Keep the log, then remove the containers, those of the functions included."""
        said = self._compose("logs", "--no-color", "--no-log-prefix").stdout
        if said:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_text(said, encoding="utf-8")
        done = self._compose("down", "--volumes", "--remove-orphans", "--timeout", "10", deadline_s=60)
        if done.returncode != 0:
            raise HarnessError(
                f"LocalStack did not stop in Docker: {(done.stderr or done.stdout).strip()[-300:]}",
                remedy=f"Stop it by hand: docker compose -p {self.project} down --volumes",
            )

    def _reached(self) -> AdoptedLocalStack:
        return localstack_adopted.AdoptedLocalStack(self.endpoint_url, self.instance)

    def _free_port(self) -> int:
        if self._wanted_port != "auto":
            if not ports.is_free(self._wanted_port):
                raise HarnessError(
                    f"Port {self._wanted_port} is taken by {ports.holder(self._wanted_port)}.",
                    remedy="Stop that process, or use another port: --port auto takes a free one.",
                )
            return self._wanted_port
        return ports.DEFAULT if ports.is_free(ports.DEFAULT) else ports.any_free()

    def _compose(
        self, *arguments: str, deadline_s: float = 30, port: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        settings = {"COMPOSE_PROJECT_NAME": self.project, **({} if port is None else {"LOCALSTACK_PORT": str(port)})}
        return _docker(*command(self.project, *arguments), deadline_s=deadline_s, **settings)


def command(project: str, *arguments: str) -> list[str]:
    """The words after ``docker`` that do something with a project's containers."""
    return ["compose", "--file", str(FILE), "--project-name", project, *arguments]


def leftovers() -> list[str]:
    """The instances of this checkout that are in Docker, whichever run started them."""
    if why_not() is not None:
        return []
    listed = _docker("compose", "ls", "--all", "--format", "json", deadline_s=10)
    return parse_projects(listed.stdout) if listed.returncode == 0 else []


def clean_leftovers() -> list[str]:
    """Stop everything that :func:`leftovers` finds, and return it for telling.

    Raises:
        HarnessError: One of them could not be stopped.
    """
    found = leftovers()
    for instance in found:
        LocalStackInDocker(instance, port="auto").stop()
    return found


def parse_projects(listed: str) -> list[str]:
    """The instances in what ``docker compose ls --format json`` lists: our projects, made from this very checkout."""
    return [
        str(project["Name"]).removeprefix(PREFIX)
        for project in json.loads(listed or "[]")
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
            remedy="Look at it with `docker ps`, restart Docker, or use HARNESS_ENGINE=embedded.",
        ) from None
