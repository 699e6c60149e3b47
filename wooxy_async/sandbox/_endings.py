"""How a request ends: the account's answer, an answer of the script's, or a lost connection."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import NoReturn, cast

import msgspec
from aiohttp import web

from wooxy_async.sandbox._faults import Ending, Fault
from wooxy_async.sandbox._traffic import Place

encode_answer = msgspec.json.Encoder().encode
_JSON = {"Content-Type": "application/json"}
_LINGER_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds: to close is to send RST, not FIN


class Answer(msgspec.Struct, frozen=True):
    """A status and a body of JSON, as they go out."""

    status: int
    body: bytes


class Exchange(msgspec.Struct, frozen=True):
    """One request that was read whole, the fault that it got, and what the account answers to it."""

    request: web.Request
    place: Place
    fault: Fault
    answer: Answer


def refuse_for_load(retry_after: float | None) -> web.Response:
    """Return the answer to the eleventh request: 429. Our reading; the page does not say what Wooxy does."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.12g}"}
    return web.Response(status=429, text="Too Many Requests", headers=headers)


def refuse_for_time() -> web.Response:
    """Return the answer to a request whose body did not end in time: 408, and the connection ends."""
    response = web.Response(status=408, text="Request Timeout: the body did not end in time.\n")
    response.force_close()
    return response


async def cut(request: web.Request, *, reset: bool) -> NoReturn:
    """End the connection without an answer, by RST or by FIN, and wait for the loop to cancel this handler."""
    # A handler whose connection is gone has been cancelled, so that one that still runs has a transport.
    transport = cast("asyncio.Transport", request.transport)
    if reset:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AT_ONCE)
        transport.abort()
    else:
        transport.close()
    await _until_lost()


async def _until_lost() -> NoReturn:
    while True:
        await asyncio.get_running_loop().create_future()


async def _answer(exchange: Exchange) -> web.StreamResponse:
    return web.Response(status=exchange.answer.status, body=exchange.answer.body, headers=_JSON)


async def _reply(exchange: Exchange) -> web.StreamResponse:
    fault = exchange.fault
    return web.Response(status=fault.status, body=fault.body, headers=fault.headers)


async def _answer_half(exchange: Exchange) -> web.StreamResponse:
    body = exchange.answer.body
    response = web.StreamResponse(status=exchange.answer.status, headers=_JSON)
    response.content_length = len(body)
    await response.prepare(exchange.request)
    await response.write(body[: len(body) // 2])
    exchange.place.working = False  # what there was to say has been said
    return await cut(exchange.request, reset=False)


async def _reset(exchange: Exchange) -> web.StreamResponse:
    return await cut(exchange.request, reset=True)


async def _close(exchange: Exchange) -> web.StreamResponse:
    return await cut(exchange.request, reset=False)


async def _keep_silent(_: Exchange) -> web.StreamResponse:
    return await _until_lost()


ENDINGS: dict[Ending, Callable[[Exchange], Awaitable[web.StreamResponse]]] = {
    "own answer": _answer,
    "reply": _reply,
    "half": _answer_half,
    "reset": _reset,
    "close": _close,
    "silence": _keep_silent,
}
