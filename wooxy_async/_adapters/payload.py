"""The body of one request: it knows whether a byte of it was handed over."""

from __future__ import annotations

import os
import select
import socket
import weakref
from asyncio import WriteTransport
from contextlib import suppress
from typing import Final, NamedTuple, cast

from aiohttp import BytesPayload, ClientConnectionError
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from wooxy_async._ports import Handover
from wooxy_async._rules.redaction import Secret

# Poll events that mean the connection is dead; on a connection without TLS also anything to be read means that
# the server spoke before it was asked. Under TLS a readable socket may just hold a session ticket.
_DEAD: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)
_SPOKE: Final = select.POLLIN


class StaleConnectionError(ClientConnectionError):
    """The connection was found dead before anything was written to it."""


class Probe:
    """Looks at one connection before a request goes on it; the poll object is made once.

    Args:
        protocol: the connection's.
    """

    __slots__ = ("_is_tls", "_poll", "_protocol", "_transport", "used")

    def __init__(self, protocol: ResponseHandler) -> None:
        self.used = False  # it has carried a request before, so not even a TLS session ticket is due
        self._protocol = weakref.proxy(protocol)
        self._transport = transport = protocol.transport
        self._poll = select.poll()
        self._is_tls = False
        if transport is not None and not transport.is_closing():
            self._poll.register(transport.get_extra_info("socket").fileno(), _DEAD | _SPOKE)
            self._is_tls = transport.get_extra_info("sslcontext") is not None

    def is_stale(self, *, may_hold_ticket: bool) -> bool:
        """Return whether the connection is closing, hung up, or has something to say before it was asked."""
        # `should_close`: the loop has already read something on this connection that nobody asked for.
        if self._transport is None or self._transport.is_closing() or self._protocol.should_close:
            return True
        events = self._poll.poll(0)
        return bool(events) and not (may_hold_ticket and self._is_tls and not events[0][1] & _DEAD)

    @property
    def _descriptor(self) -> int:
        """The connection's descriptor, -1 where it is closed."""
        sock = None if self._transport is None else self._transport.get_extra_info("socket")
        return -1 if sock is None else int(sock.fileno())  # a lost TLS connection knows no socket any more

    def shut_down(self) -> None:
        """End the connection without its event loop."""
        # uvloop's stand-in for a socket cannot do it; the copy of the descriptor is the same connection.
        with suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as same:
            same.shutdown(socket.SHUT_RDWR)

    def replace(self, descriptor: int) -> None:
        """Put another file in the place of the connection's descriptor, in this process alone."""
        with suppress(OSError):  # it has ended
            os.dup2(descriptor, self._descriptor, inheritable=False)


class Credentials(NamedTuple):
    """A token, the only origin that it is sent to, and the login at the proxy before it, as its header writes it."""

    origin: URL
    token: Secret
    proxy_login: Secret | None


class Payload(BytesPayload):
    """A request's body that sets the flag *handed over*, and has it noted, right before its first write.

    Args:
        body: the encoded message.
        handover: the request's evidence.
        credentials: of the account.
    """

    def __init__(self, body: bytes, handover: Handover, credentials: Credentials) -> None:
        super().__init__(body, content_type="application/json")
        self.handover = handover
        self.credentials = credentials
        self.watch: Probe | None = None  # the connector's, of the connection that it took
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
        if not handover.may_start() or cast("Probe", self.watch).is_stale(may_hold_ticket=True):
            raise StaleConnectionError
        if not handover.start():
            raise StaleConnectionError
        self._transport = writer.transport
        await super().write_with_length(writer, content_length)
