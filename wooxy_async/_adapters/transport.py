"""The aiohttp session pool: carries a request, bounds its answer, and says what is known of it."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl as tls
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from time import monotonic  # aiohttp's pool keeps its times by it, whatever clock the client has
from typing import Any, Final, cast
from weakref import WeakKeyDictionary, WeakSet

import aiohttp
from aiohttp import (
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    RequestInfo,
    TCPConnector,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from wooxy_async._adapters.payload import Credentials, Payload, Probe, StaleConnectionError
from wooxy_async._adapters.reasons import why_not_connected
from wooxy_async._adapters.unpacking import unpacked
from wooxy_async._ports import Handover, Reply, TransportError
from wooxy_async._rules.outcomes import CauseKind
from wooxy_async._rules.redaction import Secret
from wooxy_async._runtime import foreign
from wooxy_async._runtime.turns import after_what_arrived

MAX_REPLY_BYTES: Final = 64 * 1024
CONNECT_LIMIT: Final = 10.0  # seconds for DNS, TCP and TLS together
_PROXY_LOGIN: Final = 407
KEEPALIVE: Final = 15.0  # seconds; servers commonly close an idle connection after 60 or more
QUIET: Final = 0.005  # seconds in which a stray second answer shows itself
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # what comes packed nevertheless is unpacked within the bound
    "User-Agent": "wooxy_async",
}
# All that may leave beside the token; trace hooks add others to a request (traceparent, baggage, sentry-trace …).
_OUR_HEADERS: Final = (*_HEADERS, "Host", "Content-Type", "Content-Length", "Connection")
_TOKEN_HEADER: Final = "Access-Token"  # noqa: S105 - a header's name
_LOGIN_HEADER: Final = "Proxy-Authorization"


_made: Final[ContextVar[list[socket.socket]]] = ContextVar("sockets made for one connection")
_transports: Final[WeakSet[AiohttpTransport]] = WeakSet()


class _Socket(socket.socket):
    """Reads no more at once than an answer may be long.

    asyncio asks for 256 KiB each time, and the C library maps, shrinks and unmaps memory of that size for every answer.
    """

    __slots__ = ()

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        return super().recv(min(bufsize, MAX_REPLY_BYTES), flags)


def _make_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make a socket, and remember it for as long as its connection is being made."""
    made = _Socket(*info[:3])
    _made.get([]).append(made)
    return made


class _Request(ClientRequest):
    """Puts the token into the bytes of its own request, and nowhere else.

    A session's default headers go to the proxy as well, with its CONNECT, and trace hooks see them and add their own.
    So aiohttp knows a request without the token, and only what is serialised holds it, without what hooks have added.
    """

    _shown: CIMultiDict[str] | None = None

    async def send(self, conn: Connection) -> ClientResponse:
        """Write the head of the request; its body is written by `Body`."""
        given = self.headers
        self.headers = written = CIMultiDict((name, given[name]) for name in _OUR_HEADERS if name in given)
        self._shown = given.copy()
        credentials = cast("Payload", self.body).credentials
        if self.url.origin() == credentials.origin:
            written[_TOKEN_HEADER] = credentials.token.reveal()
        if credentials.proxy_login is not None and not self.is_ssl():  # else it has gone out with CONNECT
            written[_LOGIN_HEADER] = credentials.proxy_login.reveal()
        try:
            return await super().send(conn)
        finally:
            self.headers = given
            written.clear()  # frames of aiohttp may hold it

    @property
    def request_info(self) -> RequestInfo:
        """What responses and exceptions say of their request."""
        headers = self.headers if self._shown is None else self._shown
        return RequestInfo(self.url, self.method, CIMultiDictProxy(headers), self.original_url)

    async def _on_headers_request_sent(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await super()._on_headers_request_sent(method, url, headers if self._shown is None else self._shown)


class _Connector(TCPConnector):
    """Hands out no connection that is readable, hung up or due to close before it is used.

    aiohttp keeps parsing a pooled connection: bytes that a server sends unasked become the answer to the next request.
    So a connection rests for `QUIET` after an answer; that takes some more connections than slots.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(socket_factory=_make_socket, **options)
        self._watches: WeakKeyDictionary[ResponseHandler, Probe] = WeakKeyDictionary()
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
                connection = await self._connect(req, traces, timeout)
            except BaseException:
                for made in sockets:
                    made.detach()
                raise
            protocol = cast("ResponseHandler", connection.protocol)
            watch = self._watches.get(protocol)
            if watch is None:
                watch = self._watches[protocol] = Probe(protocol)
            if not watch.is_stale(may_hold_ticket=not watch.used):
                break
            connection.close()
            if not watch.used:
                raise StaleConnectionError
        sockets.clear()
        watch.used = True
        body = cast("Payload", req.body)
        body.watch = watch
        body.handover.connected = True
        return connection

    async def _connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:  # noqa: ASYNC109 - likewise
        try:
            return await super().connect(req, traces, timeout)
        except aiohttp.ClientHttpProxyError as error:
            status, message = error.status, error.message
        # Trace hooks are given the exception, and aiohttp's own shows the proxy's password in its repr.
        raise aiohttp.ClientHttpProxyError(req.request_info, (), status=status, message=message)

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """Take a connection out of the pool; the one that has rested longest stands first."""
        if (resting := self._conns.get(key)) and monotonic() - resting[0][1] < QUIET:
            return None
        return await super()._get(key, traces)

    def close_now(self) -> None:
        """Close without waiting, for when there is no loop left to wait in."""
        self._close()

    def abort(self) -> None:
        """End the connections without a loop: the server sees their end, and no selector is touched."""
        for watch in self._watches.values():
            watch.shut_down()

    def disown(self) -> None:
        """Let a forked child have none of its parent's connections, whatever is done with them here.

        Its descriptors stand for the same connections, and its selector is the same epoll: to close one here takes it
        out of the parent's. With something else in their place nothing reaches the parent.
        """
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is wanted, between fork and exec
            for watch in self._watches.values():
                watch.replace(nothing.fileno())
        self._closed = True  # for aiohttp's own finalizers


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
        proxy: Secret | None,
        fresh_connections: bool,
        answer_limit: float,
    ) -> None:
        self.is_inherited = False
        self._url = url
        self._proxy, login = _without_login(proxy)
        self._credentials = Credentials(URL(url).origin(), token, login)
        self._answer_limit = answer_limit
        self._loop = asyncio.get_running_loop()
        self._connector = _Connector(
            limit=0,
            ssl=True if ssl is None else ssl,
            force_close=fresh_connections,
            **({} if fresh_connections else {"keepalive_timeout": KEEPALIVE}),
        )
        self._session = ClientSession(
            connector=self._connector,
            request_class=_Request,
            headers=_HEADERS,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, connect=CONNECT_LIMIT, ceil_threshold=2 * CONNECT_LIMIT),
            auto_decompress=False,  # aiohttp's own has no bound for a whole answer
        )
        _transports.add(self)

    async def post(self, body: bytes, handover: Handover, url: str | None = None) -> Reply:
        """Send a request and read its answer; see `Transport.post`."""
        payload, loop = Payload(body, handover, self._credentials), self._loop
        del body  # personal; a frame that is shown shows its locals
        try:
            async with asyncio.timeout(None) as limit:
                # aiohttp's own time-out cancels in the very turn in which it reads what lay in the kernel.
                handover.end = end = partial(after_what_arrived, loop, lambda: _expire(limit))
                ending = loop.call_later(self._answer_limit, end)
                try:
                    response = await self._session.post(
                        url or self._url,
                        data=payload,
                        allow_redirects=False,
                        proxy=self._proxy,
                        proxy_headers=_login(self._credentials),
                    )
                    reply = await _read(response)
                finally:
                    ending.cancel()
                    handover.end = None
        except BaseException as error:
            if loop.is_closed():  # the coroutine of a dead loop is being closed, whatever that makes libraries raise
                raise GeneratorExit from error
            payload.abort()
            if foreign.ends_this_task(error):
                raise
            if isinstance(error, aiohttp.ClientHttpProxyError) and error.status == _PROXY_LOGIN:
                return Reply(_PROXY_LOGIN, b"", None)
            failure = _failure(error, handover)  # whatever a library raises, the evidence decides what it means
        else:
            if len(reply.body) <= MAX_REPLY_BYTES and (handover.started or not handover.connected):
                return reply
            payload.abort()
            failure = _unusable(handover)
        raise failure

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    def abort(self) -> None:
        """End all connections in the eyes of the server; see `Transport.abort`."""
        self._connector.abort()

    def abandon(self) -> None:
        """Give up the connections; see `Transport.abandon`."""
        if self._loop.is_closed():
            self.abort()
        self._session.detach()
        self._connector.close_now()

    def disown(self) -> None:
        """Let a forked child have none of its parent's connections."""
        self.is_inherited = True
        self._connector.disown()
        self._session.detach()


def _disown_all() -> None:
    for transport in _transports:
        transport.disown()


getattr(os, "register_at_fork", lambda **_hooks: None)(after_in_child=_disown_all)


def _without_login(proxy: Secret | None) -> tuple[URL | None, Secret | None]:
    """Return a proxy's address and its login apart: aiohttp shows the address in reprs and warnings."""
    if proxy is None:
        return None, None
    url = URL(proxy.reveal())
    if url.user is None:
        return url, None
    login = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    return url.with_user(None), Secret(f"Basic {login}")


def _login(credentials: Credentials) -> dict[str, str] | None:
    """Return the headers of the CONNECT to a proxy."""
    login = credentials.proxy_login
    return None if login is None else {_LOGIN_HEADER: login.reveal()}


def _expire(limit: asyncio.Timeout) -> None:
    """End what runs under a time-out, unless it has ended."""
    with suppress(RuntimeError):
        limit.reschedule(0)


async def _read(response: aiohttp.ClientResponse) -> Reply:
    """Read an answer whole, or as far as its bound and a piece more."""
    content = response.content
    try:
        body = await content.readany()
        while len(body) <= MAX_REPLY_BYTES and not content.at_eof():
            body += await content.readany()
    except BaseException:
        response.close()
        raise
    if len(body) > MAX_REPLY_BYTES:
        response.close()
    elif encoding := response.headers.get("Content-Encoding"):
        body = unpacked(body, encoding, MAX_REPLY_BYTES)
    response.release()
    return Reply(response.status, body, response.headers.get("Retry-After"))


def _unusable(handover: Handover) -> TransportError:
    """Say why an answer does not count."""
    if handover.started:
        return TransportError("unreadable_answer", f"The answer was longer than {MAX_REPLY_BYTES:,} bytes.")
    return TransportError("not_connected", "The server spoke before it was asked; nothing was sent.")


def _failure(error: BaseException, handover: Handover) -> TransportError:
    """Say in our words what happened; the foreign exception is dropped, because its frames hold the token."""
    if handover.is_lost:
        return TransportError("lease_lost", "The request was sent, and cut off because the limiter lost its slot.")
    if handover.started:
        return TransportError(*_after_start(error))
    reason, detail = why_not_connected(error)
    return TransportError("not_connected", f"No connection to the server: {reason}.", detail)


def _after_start(error: BaseException) -> tuple[CauseKind, str]:
    if isinstance(error, TimeoutError):
        return "no_answer", "The request was sent, and no whole answer came in time."
    if isinstance(error, aiohttp.ClientResponseError):
        return "unreadable_answer", "The request was sent, and the answer was no valid HTTP."
    return "connection_lost", "The request was sent, and the connection was lost before the answer was whole."
