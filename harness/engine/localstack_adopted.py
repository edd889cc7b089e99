"""A LocalStack that somebody else started: used as it is, never stopped."""

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from harness.engine import ports
from harness.engine.base import ACCOUNT_ID, LOCALSTACK_KEYS, LOOPBACK_NAMES, REGION_ENVIRONMENT
from harness.engine.localstack_host import functions_python
from harness.errors import HarnessError
from harness.paths import BUILD

PATIENCE_S = 4.0
"""Seconds for one question about its health."""

VERSION = "4.14"
"""What LocalStack is here wherever we start it ourselves."""


def _place(endpoint: str) -> tuple[str, int]:
    """Host and port of an endpoint; raises HarnessError unless it is a port of this computer."""
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname, url.port
    except ValueError:  # a port beyond 65535 or of letters, half an IPv6 address
        url, host, port = None, None, None
    if url is None or url.scheme != "http" or host not in LOOPBACK_NAMES or not port or url.path.strip("/"):
        raise HarnessError(
            f"LOCALSTACK_ENDPOINT={endpoint!r} is not the URL of a LocalStack on this computer.",
            remedy=f"Give http://{ports.LOOPBACK}:<port>, or unset it to have one started.",
        )
    return host, port


class AdoptedLocalStack:
    """What listens at ``LOCALSTACK_ENDPOINT``; see :class:`harness.engine.base.Engine`.

    Args:
        endpoint: Its URL: ``http``, a loopback host, a port.
        instance: Distinguishes files of ours only; all instances are this one account.

    Raises:
        HarnessError: The URL is not of that form: a stack with known keys must not be deployed over a network.
    """

    name = "localstack"
    account_id = ACCOUNT_ID
    has_snapshots = False
    is_the_only_one = True
    is_ours = False

    def __init__(self, endpoint: str, instance: str) -> None:
        self.instance = instance
        self._host, self._port = _place(endpoint)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def endpoint_url(self) -> str:
        """The URL as an address, so that boto3 and Terraform's provider use path-style S3."""
        return f"http://{ports.LOOPBACK}:{self._port}"

    @property
    def is_running(self) -> bool:
        """Whether it answers."""
        return self._health() is not None

    @property
    def note(self) -> str | None:
        """Whether it is of a version that nothing was tried with."""
        version = str((self._health() or {}).get("version", "unknown"))
        if version.startswith(f"{VERSION}."):
            return None
        return f"The LocalStack at {self.endpoint_url} is of version {version}; this was tried with {VERSION} only."

    @property
    def log(self) -> Path:
        """It is told there that somebody else keeps the log."""
        return BUILD / "engine" / self.instance / "engine.log"

    @property
    def lambda_python(self) -> Path:
        """Functions run in AWS's own image there: they are packaged for an interpreter of the same version."""
        return functions_python()

    def environment(self) -> dict[str, str]:
        """What steers boto3, the AWS CLI and Terraform's provider there."""
        return {"AWS_ENDPOINT_URL": self.endpoint_url, **REGION_ENVIRONMENT, **LOCALSTACK_KEYS.environment()}

    def api_url(self, api_id: str, stage: str) -> str:
        """LocalStack's address of a stage that needs no name server."""
        return f"{self.endpoint_url}/_aws/execute-api/{api_id}/{stage}"

    def last_errors(self, count: int = 5) -> list[str]:  # noqa: ARG002 -- the protocol's
        """Nothing: its log is not ours."""
        return []

    def start(self, from_snapshot: Path | None = None, *, tied: bool = False) -> None:  # noqa: ARG002 -- the protocol's
        """Check that it answers and is empty.

        Raises:
            HarnessError: It does not answer, or a snapshot was asked for.
        """
        if from_snapshot is not None:
            raise self._no_snapshots()
        self.wait_healthy(PATIENCE_S)

    def look(self) -> None:
        """Raise HarnessError unless it answers now: whoever asks for it says that it runs already."""
        self.wait_healthy(0)

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as it answers; raises HarnessError if it does not."""
        deadline = time.monotonic() + timeout_s
        while self._health() is None:
            if time.monotonic() > deadline:
                raise HarnessError(
                    f"Nothing that looks like LocalStack answers at {self.endpoint_url}.",
                    remedy="Start it, correct LOCALSTACK_ENDPOINT, or unset that to have one started.",
                )
            time.sleep(0.1)

    def release(self) -> None:
        """It goes on anyway."""

    def snapshot(self, to: Path) -> None:  # noqa: ARG002 -- the protocol's
        """Raises HarnessError: the community edition keeps nothing."""
        raise self._no_snapshots()

    def reset(self) -> None:
        """Forget every resource."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            connection.request("POST", "/_localstack/state/reset")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != 200:
            raise HarnessError(f"{self.endpoint_url} could not be reset (status {status}).", remedy="Restart it.")

    def stop(self) -> None:
        """Leave it alone."""

    def _health(self) -> dict[str, object] | None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/_localstack/health")
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return told if answer.status == 200 and isinstance(told, dict) and "services" in told else None

    def _no_snapshots(self) -> HarnessError:
        return HarnessError(
            f"The LocalStack at {self.endpoint_url} cannot keep its state.",
            remedy="Apply anew, or use HARNESS_ENGINE=embedded.",
        )
