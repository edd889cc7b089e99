"""The loopback port stands for AWS's TLS endpoints."""

import contextvars
from typing import Any

import ministack.app as ministack

from emulation.patch import patches, source_lacks

plain_http: contextvars.ContextVar[bool] = contextvars.ContextVar("plain_http", default=False)
"""True for a request that says itself, by ``X-Forwarded-Proto: http``, that it came without TLS."""


@patches(ministack, "pin_request_origin", needed=source_lacks("plain_http"))
def secure_transport(original: Any) -> Any:
    """Policies that demand TLS (``aws:SecureTransport``) are met, unless a request asks to count as plain HTTP.

    AWS: clients speak TLS to its endpoints, so a policy that denies anything else never hits them.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport
    MiniStack: true only where its own port speaks TLS; a deny statement for plain HTTP refuses even Terraform.
    """

    def pin(source_ip: str, _secure: bool) -> None:
        original(source_ip, not plain_http.get())

    return pin
