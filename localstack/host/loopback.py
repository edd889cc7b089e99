"""The loopback socket that LocalStack listens on."""

import socket
from typing import Any

from localstack.aws.serving.twisted import TLSMultiplexerFactory
from localstack.runtime.server import twisted as server
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor, ssl

from emulation.patch import patches, source_has

bound: socket.socket | None = None
"""A socket that already listens when LocalStack starts; set by :func:`host.patching.patch_localstack`."""


@patches(server, "TwistedRuntimeServer.register", needed=source_has("reactor, host_and_port.port)"))
def bound_socket(_original: Any) -> Any:
    """The server listens on the loopback socket that is already bound, and on no other address.

    AWS: does not apply.
    LocalStack: binds every IPv4 address of the machine (``TCP4ServerEndpoint`` without an interface), whatever
    ``GATEWAY_LISTEN`` says.
    """

    def register(_self: Any, gateway: Any, _listen: Any, ssl_creds: tuple[str, str] | None = None) -> None:
        site: Any = TwistedGateway(gateway)
        if ssl_creds:
            certificate, key = ssl_creds
            context = ssl.DefaultOpenSSLContextFactory(key, certificate)
            context.getContext().use_certificate_chain_file(certificate)
            site = TLSMultiplexerFactory(context, False, site)  # noqa: FBT003 -- Twisted's signature
        assert bound is not None  # noqa: S101 -- patch_localstack sets it
        bound.setblocking(False)  # noqa: FBT003 -- Twisted's signature
        reactor.adoptStreamPort(bound.fileno(), socket.AF_INET, site)  # type: ignore[attr-defined]

    return register
