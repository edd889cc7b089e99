"""The loopback socket that LocalStack listens on, with the guard in front."""

import os
import socket
from typing import Any

from localstack.aws.serving.twisted import TLSMultiplexerFactory
from localstack.runtime.server import twisted as server
from rolo.gateway.wsgi import WsgiGateway
from rolo.serving.twisted import HeaderPreservingWSGIResource, TwistedGateway
from twisted.internet import reactor, ssl

from emulation.patch import patches, source_has
from host.guard import Front, LocalStackKeys

bound: socket.socket | None = None
"""A socket that already listens when LocalStack starts; set by :func:`host.patching.patch_localstack`."""


@patches(server, "TwistedRuntimeServer.register", needed=source_has("reactor, host_and_port.port)"))
def bound_socket(_original: Any) -> Any:
    """The server listens on the loopback socket that is already bound, behind the guard, and on no other address.

    AWS: does not apply.
    LocalStack: binds every IPv4 address of the machine (``TCP4ServerEndpoint`` without an interface), whatever
    ``GATEWAY_LISTEN`` says.
    """

    def register(_self: Any, gateway: Any, _listen: Any, ssl_creds: tuple[str, str] | None = None) -> None:
        keys = LocalStackKeys(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        site: Any = TwistedGateway(gateway)
        # Without LocalStack's own WebSockets, which would bypass the guard: none of our services has one.
        front = Front(WsgiGateway(gateway), keys)
        site.resource = HeaderPreservingWSGIResource(reactor, reactor.getThreadPool(), front)
        if ssl_creds:
            certificate, key = ssl_creds
            context = ssl.DefaultOpenSSLContextFactory(key, certificate)
            context.getContext().use_certificate_chain_file(certificate)
            site = TLSMultiplexerFactory(context, False, site)  # noqa: FBT003 -- Twisted's signature
        assert bound is not None  # noqa: S101 -- patch_localstack sets it
        bound.setblocking(False)  # noqa: FBT003 -- Twisted's signature
        reactor.adoptStreamPort(bound.fileno(), socket.AF_INET, site)

    return register
