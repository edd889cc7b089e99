"""A LocalStack that somebody else started: used as it is, never stopped."""

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from harness.engine.base import LOCALSTACK_KEYS, Endpoint, Phrases
from harness.engine.localstack_host import functions_python
from harness.engine.ports import LOOPBACK
from harness.errors import HarnessError
from harness.isolation import LOOPBACK_NAMES
from harness.paths import BUILD

PATIENCE_S = 4.0
"""Seconds for one request for its health."""

VERSION = "4.14"
"""The version of LocalStack that the harness starts itself."""


def left_running(endpoint: str) -> str:
    """What the end of a command leaves at an endpoint, in words for its user."""
    return f"the LocalStack at {endpoint}, with everything in it. The harness adopted it and did not start it."


def _port(endpoint: str) -> int:
    """The port of an endpoint; raises HarnessError unless it is a port of this computer."""
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname, url.port
    except ValueError:  # a port beyond 65535 or of letters, half an IPv6 address
        url, host, port = None, None, None
    if url is None or url.scheme != "http" or host not in LOOPBACK_NAMES or not port or url.path.strip("/"):
        raise HarnessError(
            f"LOCALSTACK_ENDPOINT={endpoint!r} is not the URL of a LocalStack on this computer.",
            remedy=f"Set it to http://{LOOPBACK}:<port>, or unset it: the harness then starts one.",
        )
    return port


class AdoptedLocalStack:
    """The LocalStack at ``LOCALSTACK_ENDPOINT``; see :class:`harness.engine.base.Engine`.

    Args:
        endpoint: Its URL: ``http``, a loopback host, a port.
        instance: Names the harness's own files only; all instances are this one account.

    Raises:
        HarnessError: The URL is not of that form: a stack with known keys must not be deployed over a network.
    """

    name = "localstack"
    most_accounts = 1
    snapshots = None  # the community edition cannot save its state

    def __init__(self, endpoint: str, instance: str) -> None:
        self.instance = instance
        self.endpoint = Endpoint(_port(endpoint), LOCALSTACK_KEYS)
        self.log = BUILD / "engine" / instance / "engine.log"  # never written: whoever started LocalStack has its log
        self.phrases = Phrases(
            start="Check the adopted LocalStack",
            replace=f"Using the LocalStack at {self.endpoint.url} as it is.",
            stop="Leave the adopted LocalStack",
            keep=f"The stack stays in the LocalStack at {self.endpoint.url}, which the harness did not start.",
            stay="Ctrl-C ends this command; the stack stays.",
            gone=f"The LocalStack at {self.endpoint.url} no longer responds.",
        )

    @property
    def is_running(self) -> bool:
        """Whether it responds."""
        return self._health() is not None

    @property
    def note(self) -> str:
        """A warning that everybody may use it, and one if its version is not the tested one."""
        open_to_all = f"The LocalStack at {self.endpoint.url} verifies no keys: whoever reaches it may change it."
        version = str((self._health() or {}).get("version", "unknown"))
        if version.startswith(f"{VERSION}."):
            return open_to_all
        return f"{open_to_all} It is version {version}; only {VERSION} is tested."

    @property
    def lambda_python(self) -> Path:
        """Functions run in AWS's own image there, so they are packaged for an interpreter of the same version."""
        return functions_python()

    def last_errors(self, count: int = 5) -> list[str]:  # noqa: ARG002 -- the protocol's
        """Always empty: its log is not ours."""
        return []

    def start(self, *, tied: bool = False) -> None:  # noqa: ARG002 -- the protocol's
        """Check that it responds; raises HarnessError if it does not."""
        self.wait_healthy(PATIENCE_S)

    def wait_healthy(self, timeout_s: float = 60) -> None:
        """Return as soon as it responds; raises HarnessError if it does not."""
        deadline = time.monotonic() + timeout_s
        while self._health() is None:
            if time.monotonic() > deadline:
                raise HarnessError(
                    f"No LocalStack responds at {self.endpoint.url}.",
                    remedy="Start it, correct LOCALSTACK_ENDPOINT, or unset it: the harness then starts one.",
                )
            time.sleep(0.1)

    def release(self) -> None:
        """Do nothing: it keeps running anyway."""

    def stop(self) -> str:
        """Leave it running, and say so."""
        return left_running(self.endpoint.url)

    def _health(self) -> dict[str, object] | None:
        try:
            status, body = self.endpoint.request("GET", "/_localstack/health", timeout_s=PATIENCE_S)
            health = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        return health if status == 200 and isinstance(health, dict) and "services" in health else None
