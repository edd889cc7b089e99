"""A leaked API key is revoked: two rotations, after which neither the current key nor the one before it opens the API.

A rotation creates the next key and leaves the previous one valid, so that clients can change over. The second one
retires it. Nothing of Terraform's is changed. ``docs/runbooks/leaked-key.md`` shows how to use it.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from harness.console import ProgressStep, out
from harness.deploy.smoke_access import PlatformAccess
from harness.errors import HarnessError

DEADLINE_S = 300.0
"""Seconds for one rotation, and for the API to reject the key. AWS needs up to a minute for the latter."""

POLL_S = 1.0


def revoke(access: PlatformAccess, routes: Mapping[str, str]) -> None:
    """Rotate twice, and wait until the API rejects the key that was current.

    Args:
        access: The platform.
        routes: The API's routes, as ``<METHOD> <path>``.

    Raises:
        HarnessError: A rotation did not end, or the API still accepts the key.
    """
    secrets, secret = access.client("secretsmanager"), access.outputs["api_key_secret_arn"]
    leaked, path = access.api_key, _readable(routes)
    for which in ("Create the next key", "Retire the key that was current"):
        with ProgressStep(which):
            before = _version(secrets, secret)
            secrets.rotate_secret(SecretId=secret)
            _wait(lambda before=before: _version(secrets, secret) != before, "The rotation did not end.")  # type: ignore[misc]
    with ProgressStep("Wait until the API rejects the old key"):
        _wait(lambda: access.request("GET", path, leaked).status == 403, "The API still accepts the old key.")
    if access.request("GET", path, access.api_key).status != 200:
        raise HarnessError(
            "The API rejects the new key, too.", remedy=f"Run the smoke test: ./noxw -s smoke -- {access.environment}"
        )
    out.print(f"The old key is revoked. Clients get the new one from the secret {secret}.")


def _readable(routes: Mapping[str, str]) -> str:
    """The path of a route that only reads, and has no parameters."""
    return next(route.partition(" ")[2] for route in routes.values() if route.startswith("GET ") and "{" not in route)


def _version(secrets: Any, secret: str) -> tuple[str, str]:
    """The current version of the secret, and its key."""
    value = secrets.get_secret_value(SecretId=secret)
    return value["VersionId"], json.loads(value["SecretString"])["apiKeyId"]


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise HarnessError(otherwise, remedy="Look at the function's log: ./noxw -s logs -- --errors --since 10m")
        time.sleep(POLL_S)
