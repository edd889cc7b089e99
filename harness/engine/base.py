"""The engine interface. Code above this layer must not depend on a particular engine."""

import http.client
import secrets
import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.engine.ports import LOOPBACK

ACCOUNT_ID = "000000000000"
"""The account of every local engine; no real AWS account has this number."""

REGION = "us-east-1"
"""The region of every local engine."""

REGION_ENVIRONMENT: Mapping[str, str] = {
    "AWS_REGION": REGION,  # read by Terraform's provider
    "AWS_DEFAULT_REGION": REGION,  # read by boto3
}
"""The region of every local engine."""


UNLIMITED = sys.maxsize
"""So many accounts has an engine of which each instance is a separate one."""


@dataclass(frozen=True, slots=True)
class RootKeys:
    """The keys of a local engine's root user."""

    access_key_id: str
    secret_access_key: str

    @classmethod
    def random(cls) -> "RootKeys":
        """Keys that nobody can guess. The id does not look like one of AWS."""
        letters = string.ascii_uppercase + string.digits
        return cls("LOCAL" + "".join(secrets.choice(letters) for _ in range(15)), secrets.token_urlsafe(30))

    def environment(self) -> dict[str, str]:
        """The variables that boto3, the AWS CLI and Terraform read."""
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}


LOCALSTACK_KEYS = RootKeys("test", "test")
"""For a LocalStack without our guard (in Docker, or adopted); it verifies no signature."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where tools reach an engine's account, and with which keys.

    Attributes:
        port: The loopback port.
        keys: The keys of the root user.
        account_id: The account that everything is deployed to, 12 digits.
    """

    port: int
    keys: RootKeys
    account_id: str = ACCOUNT_ID

    @property
    def url(self) -> str:
        """The value for ``AWS_ENDPOINT_URL``: an address, so that boto3 and Terraform's provider use path-style S3."""
        return f"http://{LOOPBACK}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables that point boto3, the AWS CLI and Terraform's provider to the engine.

        `harness.isolation` removes the caller's own.
        """
        return {"AWS_ENDPOINT_URL": self.url, **REGION_ENVIRONMENT, **self.keys.environment()}

    def api_url(self, api_id: str, stage: str) -> str:
        """The URL of an API Gateway stage, without a slash at the end; AWS's ``invoke_url`` does not resolve here."""
        return f"{self.url}/_aws/execute-api/{api_id}/{stage}"

    def request(self, method: str, path: str, *, timeout_s: float = 30) -> tuple[int, bytes]:
        """Send a signed request to the engine itself, and return the response's status and body.

        Raises:
            OSError: It does not respond.
            http.client.HTTPException: It does not respond with HTTP.
        """
        request = AWSRequest(method, f"{self.url}{path}")
        credentials = Credentials(self.keys.access_key_id, self.keys.secret_access_key)
        SigV4Auth(credentials, "engine", REGION).add_auth(request)
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=timeout_s)
        try:
            connection.request(method, path, headers=dict(request.headers.items()))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Phrases:
    """What people read about an engine's life; the defaults are those of an engine that the harness starts.

    Attributes:
        start: The step that starts it.
        replace: It runs without the stack that it should hold, and is stopped before it is started again.
        stop: The step that stops it.
        keep: It keeps running after a command.
        stay: A command waits for Ctrl-C.
        gone: It stopped during that wait.
    """

    start: str = "Start the engine"
    replace: str = "Stopping the engine that an earlier run left running."
    stop: str = "Stop the engine"
    keep: str = "The stack keeps running. To stop it: ./noxw -s down"
    stay: str = "The stack runs until you press Ctrl-C."
    gone: str = "The engine was stopped by another process."


class Snapshots(Protocol):
    """The complete state of an engine, taken and started from."""

    def take(self, to: Path) -> None:
        """Write the state to a new folder; the engine keeps running.

        Raises:
            HarnessError: The folder exists, or the engine is not running.
        """

    def start(self, folder: Path, *, tied: bool = False) -> None:
        """Start the engine with the state in a folder that :meth:`take` wrote; otherwise like :meth:`Engine.start`."""


class Engine(Protocol):
    """A local AWS account: start it, wait for it, stop it."""

    @property
    def name(self) -> str:
        """The kind of engine, as ``HARNESS_ENGINE`` spells it."""

    @property
    def instance(self) -> str:
        """The name of this engine among those that run side by side."""

    @property
    def most_accounts(self) -> int:
        """How many instances at most are separate accounts; tests that share one have to take turns."""

    @property
    def note(self) -> str | None:
        """One line that its user should read beforehand, if there is any."""

    @property
    def phrases(self) -> Phrases:
        """What people read about its life."""

    @property
    def snapshots(self) -> Snapshots | None:
        """Its snapshots; None if it cannot save its state: tests then share an applied stack instead of cloning it."""

    @property
    def is_running(self) -> bool:
        """Whether it can be reached, or will be soon."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it is reached.

        Raises:
            HarnessError: The engine is not running.
        """

    @property
    def log(self) -> Path:
        """The file with its log, for people."""

    @property
    def lambda_python(self) -> Path:
        """An interpreter like the one that runs handlers: functions are packaged for it. Created on first use.

        Raises:
            HarnessError: It cannot be created.
        """

    def start(self, *, tied: bool = False) -> None:
        """Start it empty.

        Args:
            tied: Stop the engine when this process ends, even by SIGKILL, unless :meth:`release` was called.

        Raises:
            HarnessError: The port is taken, an environment cannot be created, or the engine stops at once.
        """

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as the engine responds.

        Args:
            timeout_s: Seconds to wait at most.

        Raises:
            HarnessError: It stopped, or did not respond in time; the last lines of its log are in the message.
        """

    def last_errors(self, count: int = 5) -> list[str]:
        """The engine's own last errors, newest last; Terraform's provider retries them silently for ten minutes."""

    def release(self) -> None:
        """Let a tied engine keep running after this process has ended."""

    def stop(self) -> str | None:
        """Stop the engine and everything that it started. Stopping a stopped engine does nothing.

        Returns:
            What keeps running nevertheless, in words for its user: an engine that the harness did not start.
        """
