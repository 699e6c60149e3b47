"""The body of one request: it knows whether a byte of it was handed over."""

from __future__ import annotations

import select
from asyncio import BaseTransport, WriteTransport
from typing import Final

from aiohttp import BytesPayload, ClientConnectionError
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler

from wooxy_async._ports import Handover

# Poll events that mean the connection is dead; on a connection without TLS also anything to be read means that
# the server spoke before it was asked. Under TLS a readable socket may just hold a session ticket.
_DEAD: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)
_SPOKE: Final = select.POLLIN


class StaleConnectionError(ClientConnectionError):
    """The connection was found dead before anything was written to it."""


def is_stale(transport: BaseTransport | None, *, reused: bool) -> bool:
    """Return whether a connection is closing, hung up, or has something to say before it was asked.

    Args:
        transport: the connection's transport.
        reused: it has carried a request before, so not even a TLS session ticket is due.
    """
    if transport is None or transport.is_closing():
        return True
    may_hold_ticket = not reused and transport.get_extra_info("sslcontext") is not None
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), _DEAD if may_hold_ticket else _DEAD | _SPOKE)
    return bool(poll.poll(0))


class Body(BytesPayload):
    """A request's body that sets the flag *handed over* right before its first write.

    Args:
        body: the encoded message.
        handover: the request's evidence.
    """

    def __init__(self, body: bytes, handover: Handover) -> None:
        super().__init__(body, content_type="application/json")
        self.handover = handover
        self._transport: WriteTransport | None = None

    def abort(self) -> None:
        """Cut the connection at once, if the body went out on one.

        A graceful close may take a TLS connection half a minute, in which the server goes on working.
        """
        if self._transport is not None:
            self._transport.abort()

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body, unless the connection died or the request was called off."""
        handover = self.handover
        # `should_close`: the loop has already read something on this connection that nobody asked for.
        protocol = getattr(writer, "protocol", None)
        spoke = isinstance(protocol, ResponseHandler) and protocol.should_close
        if spoke or not handover.may_start() or is_stale(writer.transport, reused=False):
            raise StaleConnectionError
        handover.started = True
        self._transport = writer.transport
        await super().write_with_length(writer, content_length)
