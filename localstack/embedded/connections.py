"""Connections end when their clients end them."""

from typing import Any

from hypercorn.asyncio import tcp_server

from emulation.patch import patches, source_lacks


@patches(tcp_server, "TCPServer._read_data", needed=source_lacks("idle_task"))
def closed_with_its_client(original: Any) -> Any:
    """A connection that its client has closed is closed here too.

    AWS: does so. Hypercorn: keeps it until the time for idle connections is over, here a day (`__main__.serve`). Each
    one keeps an open file, and a server that may have no more of them answers nobody.
    """

    async def read(self: Any) -> None:
        try:
            await original(self)
        finally:
            await self.idle_task.stop()

    return read
