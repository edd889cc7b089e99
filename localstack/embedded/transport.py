"""Requests to the loopback port count as requests to AWS's TLS endpoints."""

import contextvars
from typing import Any

import ministack.app as ministack

from emulation.patch import patches, source_lacks

plain_http: contextvars.ContextVar[bool] = contextvars.ContextVar("plain_http", default=False)
"""True for a request that counts as one without TLS, because its header ``X-Forwarded-Proto`` is ``http``."""


@patches(ministack, "pin_request_origin", needed=source_lacks("plain_http"))
def secure_transport(original: Any) -> Any:
    """Requests satisfy policies that demand TLS (``aws:SecureTransport``), except with ``X-Forwarded-Proto: http``.

    AWS: clients speak TLS to its endpoints, so a policy that denies plain HTTP does not affect them.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport
    MiniStack: satisfies them only if its own port speaks TLS; a policy that denies plain HTTP rejects even Terraform.
    """

    def pin(source_ip: str, _secure: bool) -> None:
        original(source_ip, not plain_http.get())

    return pin
