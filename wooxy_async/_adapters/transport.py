"""The aiohttp session pool: carries a request, bounds its answer, and says what is known of it."""

from __future__ import annotations

import asyncio
import socket
import ssl as tls
from contextvars import ContextVar
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import ClientRequest, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from wooxy_async._adapters.payload import Body, StaleConnectionError, Watch
from wooxy_async._ports import Handover, Reply, TransportError
from wooxy_async._rules.outcomes import CauseKind
from wooxy_async._rules.redaction import Secret

ANSWER_MOST: Final = 64 * 1024
CONNECT_LIMIT: Final = 10.0  # seconds for DNS, TCP and TLS together
_PROXY_LOGIN: Final = 407
KEEPALIVE: Final = 15.0  # seconds; servers commonly close an idle connection after 60 or more

# Why no request left, from the narrowest aiohttp class to the widest. Whether one left is judged by the evidence alone.
_NOT_CONNECTED: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "the host name could not be resolved"),
    (aiohttp.ClientConnectorCertificateError, "the server's certificate is not trusted or names another host"),
    (aiohttp.ClientConnectorSSLError, "the TLS handshake failed"),
    (aiohttp.ClientProxyConnectionError, "the proxy could not be reached"),
    (aiohttp.ClientHttpProxyError, "the proxy refused the connection"),
    (aiohttp.ClientConnectorError, "the connection was refused or could not be made"),
    (UnicodeError, "the host name is no valid name"),
    (TimeoutError, "the connection was not made in time"),
)


_made: Final[ContextVar[list[socket.socket]]] = ContextVar("sockets made for one connection")


class _Socket(socket.socket):
    """Reads no more at once than an answer may be long.

    asyncio asks for 256 KiB each time, and the C library maps, shrinks and unmaps memory of that size for every answer.
    """

    __slots__ = ()

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        return super().recv(min(bufsize, ANSWER_MOST), flags)


def _make_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make a socket, and remember it for as long as its connection is being made."""
    made = _Socket(*info[:3])
    _made.get([]).append(made)
    return made


class _Connector(TCPConnector):
    """Hands out no connection that is readable, hung up or due to close before it is used.

    aiohttp keeps parsing a pooled connection: bytes that a server sends unasked become the answer to the next request.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(socket_factory=_make_socket, **options)
        self._watches: WeakKeyDictionary[ResponseHandler, Watch] = WeakKeyDictionary()
        self._is_uvloop = type(asyncio.get_running_loop()).__module__.startswith("uvloop")

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - the signature is aiohttp's
    ) -> Connection:
        """Take a connection for a request, and note in its evidence that one was taken."""
        sockets: list[socket.socket] = []
        # uvloop 0.23 closes the descriptor and leaves the socket object open when a connection breaks in its TLS
        # handshake; the object's finalizer then closes whoever has that descriptor by now, at worst with an abort of
        # libuv. asyncio closes its own.
        if self._is_uvloop:
            _made.set(sockets)  # for the task of this request
        while True:
            try:
                connection = await super().connect(req, traces, timeout)
            except BaseException:
                for made in sockets:
                    made.detach()
                raise
            protocol = cast("ResponseHandler", connection.protocol)
            watch = self._watches.get(protocol)
            if watch is None:
                watch = self._watches[protocol] = Watch(protocol)
            if not watch.is_stale(may_hold_ticket=not watch.used):
                break
            connection.close()
            if not watch.used:
                raise StaleConnectionError
        sockets.clear()
        watch.used = True
        body = cast("Body", req.body)
        body.watch = watch
        body.handover.connected = True
        return connection

    def close_now(self) -> None:
        """Close without waiting, for when there is no loop left to wait in."""
        self._close()


class AiohttpTransport:
    """Carries requests over a pool of connections that belongs to one event loop.

    Args:
        url: the method's address.
        token: the access token; goes into the request's header and nowhere else.
        ssl: a context for a private CA, or None for the system's.
        proxy: the address of an HTTP proxy, or None.
        fresh_connections: make a new connection for each request.
        answer_limit: seconds after which a request without an answer is cut.
    """

    def __init__(
        self,
        *,
        url: str,
        token: Secret,
        ssl: tls.SSLContext | None,
        proxy: str | None,
        fresh_connections: bool,
        answer_limit: float,
    ) -> None:
        self._url = URL(url)
        keep: dict[str, Any] = {"force_close": True} if fresh_connections else {"keepalive_timeout": KEEPALIVE}
        self._connector = _Connector(limit=0, ssl=ssl or True, **keep)
        self._session = ClientSession(
            connector=self._connector,
            headers={
                "Access-Token": token,
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # a bounded answer stays bounded
                "User-Agent": "wooxy_async",
            },
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=answer_limit, connect=CONNECT_LIMIT, ceil_threshold=2 * answer_limit + 5),
            auto_decompress=False,
            proxy=proxy,
        )

    async def post(self, body: bytes, handover: Handover) -> Reply:
        """Send a request and read its answer; see `Transport.post`."""
        payload = Body(body, handover)
        try:
            response = await self._session.post(self._url, data=payload, allow_redirects=False)
            reply = await _read(response)
        except BaseException as error:
            payload.abort()
            if not isinstance(error, Exception):
                raise
            if isinstance(error, aiohttp.ClientHttpProxyError) and error.status == _PROXY_LOGIN:
                return Reply(_PROXY_LOGIN, b"", None)
            failure = _failure(error, handover)  # whatever a library raises, the evidence decides what it means
        else:
            if len(reply.body) <= ANSWER_MOST and (handover.started or not handover.connected):
                return reply
            payload.abort()
            failure = _unusable(handover)
        raise failure

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    def abandon(self) -> None:
        """Give up the connections of a loop that is closed: nothing can be awaited there any more."""
        self._session.detach()
        self._connector.close_now()


async def _read(response: aiohttp.ClientResponse) -> Reply:
    """Read an answer whole, or as far as its bound and a piece more."""
    content = response.content
    try:
        body = await content.readany()
        while len(body) <= ANSWER_MOST and not content.at_eof():
            body += await content.readany()
    except BaseException:
        response.close()
        raise
    if len(body) > ANSWER_MOST:
        response.close()
    response.release()
    return Reply(response.status, body, response.headers.get("Retry-After"))


def _unusable(handover: Handover) -> TransportError:
    """Say why an answer does not count."""
    if handover.started:
        return TransportError("unreadable_answer", f"The answer was longer than {ANSWER_MOST:,} bytes.")
    return TransportError("not_connected", "The server spoke before it was asked; nothing was sent.")


def _failure(error: BaseException, handover: Handover) -> TransportError:
    """Say in our words what happened; the foreign exception is dropped, because its frames hold the token."""
    if handover.started:
        return TransportError(*_after_start(error))
    reason = next((text for kind, text in _NOT_CONNECTED if isinstance(error, kind)), "the connection was lost")
    return TransportError("not_connected", f"No connection to the server: {reason}.")


def _after_start(error: BaseException) -> tuple[CauseKind, str]:
    if isinstance(error, TimeoutError):
        return "no_answer", "The request was sent, and no whole answer came in time."
    if isinstance(error, aiohttp.ClientResponseError):
        return "unreadable_answer", "The request was sent, and the answer was no valid HTTP."
    return "connection_lost", "The request was sent, and the connection was lost before the answer was whole."
