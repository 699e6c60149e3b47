"""The endpoint that takes messages: counts, reads, judges, and plays the fault that is due."""

import asyncio
from random import Random

from aiohttp import web

from wooxy_async.sandbox._delay import Delay
from wooxy_async.sandbox._endings import ENDINGS, Answer, Exchange, cut, encode_answer, refuse_for_load, refuse_for_time
from wooxy_async.sandbox._faults import Fault
from wooxy_async.sandbox._judge import Judge
from wooxy_async.sandbox._message import Body
from wooxy_async.sandbox._records import Records
from wooxy_async.sandbox._script import Script
from wooxy_async.sandbox._traffic import Place, Traffic

_NO_FAULT = Fault.none()


class Endpoint:
    """`POST /v3/viber/send`.

    The order of a request: its headers arrive and it is counted; it gets its fault; it is read; it is judged and,
    if nothing is wrong, taken; the latency passes; it is answered. So a message may be taken although its client
    never hears of it, as with any real server.

    Args:
        judge: What the account says.
        records: Where taken messages go.
        traffic: Where requests are counted.
        script: The faults that are due.
        latency: How long an answer takes.
        draws: Where drawn latencies come from.
        body_timeout: Seconds from a request's headers within which its body must end.
        retry_after: What the eleventh request is told to wait, in seconds; `None` tells it nothing.
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
        with Place(self._traffic, token, request.task) as place:
            fault = None if place.over_cap else self._script.on_arrival()
            if fault is not None and fault.before_reading:
                return await cut(request, reset=True)
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
