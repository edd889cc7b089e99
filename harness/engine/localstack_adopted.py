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
"""Seconds for one request for its health."""

VERSION = "4.14"
"""The version of LocalStack that the harness starts itself."""


def _host_and_port(endpoint: str) -> tuple[str, int]:
    """Host and port of an endpoint; raises HarnessError unless it is a port of this computer."""
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname, url.port
    except ValueError:  # a port beyond 65535 or of letters, half an IPv6 address
        url, host, port = None, None, None
    if url is None or url.scheme != "http" or host not in LOOPBACK_NAMES or not port or url.path.strip("/"):
        raise HarnessError(
            f"LOCALSTACK_ENDPOINT={endpoint!r} is not the URL of a LocalStack on this computer.",
            remedy=f"Set it to http://{ports.LOOPBACK}:<port>, or unset it: the harness then starts one.",
        )
    return host, port


class AdoptedLocalStack:
    """The LocalStack at ``LOCALSTACK_ENDPOINT``; see :class:`harness.engine.base.Engine`.

    Args:
        endpoint: Its URL: ``http``, a loopback host, a port.
        instance: Names the harness's own files only; all instances are this one account.

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
        self._host, self._port = _host_and_port(endpoint)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def endpoint_url(self) -> str:
        """The URL as an address, so that boto3 and Terraform's provider use path-style S3."""
        return f"http://{ports.LOOPBACK}:{self._port}"

    @property
    def is_running(self) -> bool:
        """Whether it responds."""
        return self._health() is not None

    @property
    def note(self) -> str:
        """A warning that everybody may use it, and one if its version is not the tested one."""
        open_to_all = f"The LocalStack at {self.endpoint_url} verifies no keys: whoever reaches it may change it."
        version = str((self._health() or {}).get("version", "unknown"))
        if version.startswith(f"{VERSION}."):
            return open_to_all
        return f"{open_to_all} It is version {version}; only {VERSION} is tested."

    @property
    def log(self) -> Path:
        """The file of an engine's log, which does not exist here: whoever started LocalStack has its log."""
        return BUILD / "engine" / self.instance / "engine.log"

    @property
    def lambda_python(self) -> Path:
        """Functions run in AWS's own image there, so they are packaged for an interpreter of the same version."""
        return functions_python()

    def environment(self) -> dict[str, str]:
        """The variables that point boto3, the AWS CLI and Terraform's provider to this engine."""
        return {"AWS_ENDPOINT_URL": self.endpoint_url, **REGION_ENVIRONMENT, **LOCALSTACK_KEYS.environment()}

    def api_url(self, api_id: str, stage: str) -> str:
        """LocalStack's URL of a stage that needs no name server."""
        return f"{self.endpoint_url}/_aws/execute-api/{api_id}/{stage}"

    def last_errors(self, count: int = 5) -> list[str]:  # noqa: ARG002 -- the protocol's
        """Always empty: its log is not ours."""
        return []

    def start(self, from_snapshot: Path | None = None, *, tied: bool = False) -> None:  # noqa: ARG002 -- the protocol's
        """Check that it responds.

        Raises:
            HarnessError: It does not respond, or a snapshot was requested.
        """
        if from_snapshot is not None:
            raise self._snapshot_error()
        self.wait_healthy(PATIENCE_S)

    def check(self) -> None:
        """Raise HarnessError unless it responds now: it must already run."""
        self.wait_healthy(0)

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as it responds; raises HarnessError if it does not."""
        deadline = time.monotonic() + timeout_s
        while self._health() is None:
            if time.monotonic() > deadline:
                raise HarnessError(
                    f"No LocalStack responds at {self.endpoint_url}.",
                    remedy="Start it, correct LOCALSTACK_ENDPOINT, or unset it: the harness then starts one.",
                )
            time.sleep(0.1)

    def release(self) -> None:
        """Do nothing: it keeps running anyway."""

    def snapshot(self, to: Path) -> None:  # noqa: ARG002 -- the protocol's
        """Raise HarnessError: the community edition cannot save its state."""
        raise self._snapshot_error()

    def reset(self) -> None:
        """Forget every resource."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            connection.request("POST", "/_localstack/state/reset")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != 200:
            raise HarnessError(
                f"The LocalStack at {self.endpoint_url} could not be reset (status {status}).", remedy="Restart it."
            )

    def stop(self) -> None:
        """Do nothing: an adopted engine is left running."""

    def _health(self) -> dict[str, object] | None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/_localstack/health")
            response = connection.getresponse()
            health = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return health if response.status == 200 and isinstance(health, dict) and "services" in health else None

    def _snapshot_error(self) -> HarnessError:
        return HarnessError(
            f"The LocalStack at {self.endpoint_url} cannot save its state.",
            remedy="Apply again, or use HARNESS_ENGINE=embedded.",
        )
