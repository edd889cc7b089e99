"""The engine interface. Code above this layer must not depend on a particular engine."""

import secrets
import string
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ACCOUNT_ID = "000000000000"
"""The account of every local engine; no real AWS account has this number."""

REGION = "us-east-1"
"""The region of every local engine."""

REGION_ENVIRONMENT: Mapping[str, str] = {
    "AWS_REGION": REGION,  # read by Terraform's provider
    "AWS_DEFAULT_REGION": REGION,  # read by boto3
}
"""The region of every local engine."""


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

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
"""Hosts that no request may reach through a proxy."""

REMOVED_VARIABLES: tuple[str, ...] = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
"""Variables of a caller's shell that would win over, or mix with, an engine's own variables."""


def isolate(environment: MutableMapping[str, str]) -> None:
    """Remove the caller's AWS identity from an environment and keep loopback off proxies; for local engines only.

    boto3 reads more than its arguments. A profile that does not exist is an error even beside explicit keys, a
    service's own endpoint wins over the one for all services, and a proxy is used for loopback too.

    Args:
        environment: Usually ``os.environ``, which is changed.
    """
    for name in [*environment]:
        if name in REMOVED_VARIABLES or name.startswith("AWS_ENDPOINT_URL"):
            del environment[name]
    for name in ("NO_PROXY", "no_proxy"):
        others = [host for host in environment.get(name, "").split(",") if host and host not in LOOPBACK_NAMES]
        environment[name] = ",".join([*LOOPBACK_NAMES, *others])


class Engine(Protocol):
    """A local AWS account: start it, wait for it, point tools at it, save or drop its state, stop it."""

    @property
    def name(self) -> str:
        """The kind of engine, as ``HARNESS_ENGINE`` spells it."""

    @property
    def instance(self) -> str:
        """The name of this engine among those that run side by side."""

    @property
    def account_id(self) -> str:
        """The account that everything is deployed to, 12 digits."""

    @property
    def has_snapshots(self) -> bool:
        """Whether :meth:`snapshot` works; without it, tests share an applied stack instead of cloning it."""

    @property
    def is_the_only_one(self) -> bool:
        """Whether all instances are this one account: tests that change it then have to take turns."""

    @property
    def is_ours(self) -> bool:
        """Whether :meth:`stop` stops it; an adopted engine is left running."""

    @property
    def note(self) -> str | None:
        """One line that its user should read beforehand, if there is any."""

    @property
    def is_running(self) -> bool:
        """Whether it can be reached, or will be soon."""

    @property
    def log(self) -> Path:
        """The file with its log, for people."""

    @property
    def lambda_python(self) -> Path:
        """An interpreter like the one that runs handlers: functions are packaged for it.

        Raises:
            HarnessError: It cannot be created.
        """

    @property
    def port(self) -> int:
        """The loopback port that leads to it.

        Raises:
            HarnessError: The engine is not running.
        """

    @property
    def endpoint_url(self) -> str:
        """The value for ``AWS_ENDPOINT_URL``, without a slash at the end.

        Raises:
            HarnessError: The engine is not running.
        """

    def start(self, from_snapshot: Path | None = None, *, tied: bool = False) -> None:
        """Start empty, or with the state that :meth:`snapshot` wrote to a folder.

        Args:
            from_snapshot: The folder.
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

    def environment(self) -> dict[str, str]:
        """The variables to export; :data:`REMOVED_VARIABLES` are those to remove."""

    def api_url(self, api_id: str, stage: str) -> str:
        """The URL of an API Gateway stage, without a slash at the end."""

    def last_errors(self, count: int = 5) -> list[str]:
        """The engine's own last errors, newest last; Terraform's provider retries them silently."""

    def release(self) -> None:
        """Let a tied engine keep running after this process has ended."""

    def snapshot(self, to: Path) -> None:
        """Write the complete state to a new folder; the engine keeps running.

        Raises:
            HarnessError: The folder exists, or the engine is not running.
        """

    def reset(self) -> None:
        """Forget every resource; the engine keeps running on its port."""

    def stop(self) -> None:
        """Stop the engine and everything that it started. Stopping a stopped engine does nothing."""
