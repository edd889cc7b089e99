"""What every engine offers: the one line above which nothing knows which engine it runs on."""

import secrets
import string
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ACCOUNT_ID = "000000000000"
"""The account of every local engine; no real AWS account has this number."""

REGION = "us-east-1"

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
"""What LocalStack takes; it verifies no signature."""

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
"""What no proxy may be asked for."""

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
"""What a caller's shell may hold that would win over, or mix with, an engine's own variables."""


def isolate(environment: MutableMapping[str, str]) -> None:
    """Free a process from its caller's AWS identity and keep loopback off proxies; for local engines only.

    boto3 reads more than the arguments that it is given: a profile that does not exist is a fault even beside explicit
    keys, a service's own endpoint wins over the one of all services, and a proxy is used for loopback too.

    Args:
        environment: Usually ``os.environ``, which is changed.
    """
    for name in [*environment]:
        if name in REMOVED_VARIABLES or name.startswith("AWS_ENDPOINT_URL"):
            del environment[name]
    for name in ("NO_PROXY", "no_proxy"):
        others = [host for host in environment.get(name, "").split(",") if host and host not in LOOPBACK_NAMES]
        environment[name] = ",".join([*LOOPBACK_NAMES, *others])


def aws_environment(caller: Mapping[str, str], engine: "Engine") -> dict[str, str]:
    """The caller's environment, steered to an engine: what child processes (Terraform, the AWS CLI) get.

    Args:
        caller: Usually ``os.environ``.
        engine: The engine to reach.

    Returns:
        A copy without the caller's AWS identity (:data:`REMOVED_VARIABLES` and every service's own
        ``AWS_ENDPOINT_URL_*``) and with :meth:`Engine.environment` laid over it.
    """
    kept = {
        name: value
        for name, value in caller.items()
        if name not in REMOVED_VARIABLES and not name.startswith("AWS_ENDPOINT_URL")
    }
    return {**kept, **engine.environment()}


class Engine(Protocol):
    """An AWS account to deploy to: start it, wait, point tools at it, keep or drop its state, stop it."""

    @property
    def name(self) -> str:
        """As ``HARNESS_ENGINE`` spells it."""

    @property
    def instance(self) -> str:
        """Which of several engines that run side by side."""

    @property
    def account_id(self) -> str:
        """The account that everything is deployed to, 12 digits."""

    @property
    def has_snapshots(self) -> bool:
        """Whether :meth:`snapshot` works; where it does not, tests share an applied stack instead of cloning it."""

    @property
    def is_the_only_one(self) -> bool:
        """Whether every instance is this very account: tests that change it then have to take turns."""

    @property
    def is_ours(self) -> bool:
        """Whether :meth:`stop` ends it; somebody else's is left running."""

    @property
    def note(self) -> str | None:
        """What its user should know beforehand, in a line, if anything."""

    @property
    def is_running(self) -> bool:
        """Whether it can be reached, or is about to be."""

    @property
    def log(self) -> Path:
        """Where it writes what it has to say, for people."""

    @property
    def lambda_python(self) -> Path:
        """An interpreter like the one that runs handlers: functions are packaged for it.

        Raises:
            HarnessError: It cannot be made.
        """

    @property
    def port(self) -> int:
        """The loopback port that leads to it.

        Raises:
            HarnessError: The engine does not run.
        """

    @property
    def endpoint_url(self) -> str:
        """What ``AWS_ENDPOINT_URL`` must be, without a slash at the end.

        Raises:
            HarnessError: The engine does not run.
        """

    def start(self, from_snapshot: Path | None = None, *, tied: bool = False) -> None:
        """Start empty, or with the state that :meth:`snapshot` left in a folder.

        Args:
            from_snapshot: The folder.
            tied: End the engine when this process ends, even by SIGKILL, unless it is let go by :meth:`release`.

        Raises:
            HarnessError: The port is taken, an environment cannot be made, or the engine stops at once.
        """

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as the engine answers.

        Args:
            timeout_s: Seconds to wait at most.

        Raises:
            HarnessError: It stopped, or did not answer in time; the last lines of its log are in the message.
        """

    def environment(self) -> dict[str, str]:
        """The variables to export; see :func:`aws_environment` for those to remove."""

    def api_url(self, api_id: str, stage: str) -> str:
        """Where an API Gateway stage answers, without a slash at the end."""

    def last_errors(self, count: int = 5) -> list[str]:
        """The engine's last faults of its own, newest last; Terraform's provider would retry them in silence."""

    def release(self) -> None:
        """Let a tied engine go on after this process has ended."""

    def snapshot(self, to: Path) -> None:
        """Write the whole state to a new folder; the engine keeps running.

        Raises:
            HarnessError: The folder exists, or the engine does not run.
        """

    def reset(self) -> None:
        """Forget every resource; the engine keeps running on its port."""

    def stop(self) -> None:
        """Stop the engine and everything that it started. Stopping a stopped engine does nothing."""
