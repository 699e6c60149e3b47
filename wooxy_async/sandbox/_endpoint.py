"""The endpoint that takes messages: counts, reads, judges, plays the fault that is due, and ends the request by it."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from random import Random
from typing import NoReturn, cast

import msgspec
from aiohttp import web

from wooxy_async.sandbox._delay import Delay
from wooxy_async.sandbox._faults import Ending, Fault, Script
from wooxy_async.sandbox._judge import Judge
from wooxy_async.sandbox._message import Body
from wooxy_async.sandbox._records import Records
from wooxy_async.sandbox._traffic import Seat, Traffic

encode_answer = msgspec.json.Encoder().encode
_JSON = {"Content-Type": "application/json"}
_LINGER_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds: to close is to send RST, not FIN
_NO_FAULT = Fault.none()


class Answer(msgspec.Struct, frozen=True):
    """A status and a body of JSON, as they go out."""

    status: int
    body: bytes


class Exchange(msgspec.Struct, frozen=True):
    """One request that was read whole, the fault that it got, and what the account answers to it."""

    request: web.Request
    place: Seat
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


async def drop(request: web.Request, *, reset: bool) -> NoReturn:
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
    return await drop(exchange.request, reset=False)


async def _reset(exchange: Exchange) -> web.StreamResponse:
    return await drop(exchange.request, reset=True)


async def _close(exchange: Exchange) -> web.StreamResponse:
    return await drop(exchange.request, reset=False)


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


class Endpoint:
    """`POST /v3/viber/send`.

    The order of a request: its headers arrive and it is counted; it gets its fault; it is read; it is judged and,
    if nothing is wrong, taken; the latency passes; it is answered. So a message may be taken although its client
    never hears of it, as with any real server.

    Args:
        judge: what the account says.
        records: where taken messages go.
        traffic: where requests are counted.
        script: the faults that are due.
        latency: how long an answer takes.
        draws: where drawn latencies come from.
        body_timeout: seconds from a request's headers within which its body must end.
        retry_after: what the eleventh request is told to wait, in seconds; `None` tells it nothing.
    """

    def __init__(
        self,
        *,
        judge: Judge,
        records: Records,
        traffic: Traffic,
        script: Script,
        latency: Delay,
        draws: Random,
        body_timeout: float,
        retry_after: float | None,
    ) -> None:
        self._judge = judge
        self._records = records
        self._traffic = traffic
        self._script = script
        self._latency = latency
        self._draws = draws
        self._body_timeout = body_timeout
        self._retry_after = retry_after

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        token = _token(request)
        with Seat(self._traffic, token, request.task) as place:
            fault = None if place.over_cap else self._script.on_arrival()
            if fault is not None and fault.before_reading:
                return await drop(request, reset=True)
            try:
                async with asyncio.timeout(self._body_timeout):
                    raw = await request.read()
            except TimeoutError:
                return refuse_for_time()
            place.working = True
            self._count()
            if place.over_cap:
                return refuse_for_load(self._retry_after)
            fault, answer = self._judged(token, request.content_type, raw, fault)
            await self._pass_time(fault.seconds)
            return await ENDINGS[fault.ending](Exchange(request, place, fault, answer))

    def _count(self) -> None:
        self._records.read()

    def _judged(self, token: str, content_type: str, raw: bytes, fault: Fault | None) -> tuple[Fault, Answer]:
        body = self._judge.read(content_type, raw)
        fault = fault or self._script.on_reading(body and body.phone_number) or _NO_FAULT
        return fault, self._decide(token, body, fault)

    def _decide(self, token: str, body: Body | None, fault: Fault) -> Answer:
        """Take the message if it may be taken, and return what the account answers."""
        findings = self._judge.findings(token, body, fault.errors)
        if findings or body is None:
            refusal = self._judge.refusal(findings, token, body)
            return Answer(fault.status or refusal.status, encode_answer(refusal.body))
        message_id = self._records.next_id()
        if fault.taken:
            self._records.take(message_id, body, taken_at=self._traffic.elapsed(), status=fault.name)
        return Answer(200, encode_answer({"result": True, "viber_message_ids": [message_id]}))

    async def _pass_time(self, extra: float) -> None:
        seconds = self._latency.draw(self._draws) + extra
        if seconds > 0:
            await asyncio.sleep(seconds)


class AccountEndpoint(Endpoint):
    """`POST /v3/account/info`: name and balance, for whoever has the token; any body will do."""

    def _count(self) -> None:
        self._records.read_account_info()

    def _judged(self, token: str, content_type: str, raw: bytes, fault: Fault | None) -> tuple[Fault, Answer]:
        del content_type, raw
        fault = fault or _NO_FAULT
        status, body = self._judge.account_info(token, fault.errors)
        return fault, Answer(fault.status or status, encode_answer(body))


def _token(request: web.Request) -> str:
    """Return the token; none, or one that cannot be a token, is an empty string."""
    token = request.headers.get("Access-Token", "")
    return token if token.isascii() else ""
