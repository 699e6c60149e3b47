"""Answers that belong to nobody: a server that answers twice, and how often the second one is taken for the next's."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterable
from typing import Any, Final

from benchmarks.driving import run
from benchmarks.interface import Case, Plot, Results, Scale, Table
from benchmarks.spread import NOTHING
from benchmarks.work import TOKEN, message_maker

TITLE: Final = "Stray second answers that were believed"
ORDER: Final = 6
_DELAYS: Final = (
    0.0,
    1.0,
    2.0,
    4.0,
    6.0,
    8.0,
    12.0,
)  # milliseconds between the two answers
_CONNECTIONS: Final = {"kept": False, "fresh": True}
_AT_ONCE: Final = {"two at once": 2, "ten at once": 10}
_PER_CASE: Final = 720
_LATENCY: Final = 0.02
_STRAY: Final = "stray"
_HEAD_END: Final = b"\r\n\r\n"


def cases(scale: Scale) -> Iterable[Case]:
    """Yield each delay with connections that are kept and with fresh ones."""
    for delay in _DELAYS[: 1 if scale.quick else None]:
        for (name, fresh), (load, slots) in itertools.product(_CONNECTIONS.items(), _AT_ONCE.items()):
            yield Case(
                question="strays",
                name=f"{delay:g} ms, {name}, {load}",
                peer="wooxy_send",
                count=20 if scale.quick else _PER_CASE,
                options={"delay": delay / 1e3, "fresh": float(fresh), "slots": slots},
                once=True,
            )


def measure(case: Case, url: str) -> dict[str, float]:
    """Send, and count what was accepted with an id that was another's."""
    del url  # the server that answers twice is this question's own
    believed = run(_measure(case), case.loop)
    return {"believed": float(believed)}


async def _measure(case: Case) -> int:
    from wooxy_async import Accepted, WooxyClient  # noqa: PLC0415 - the measured process alone

    server = await asyncio.start_server(_answering_twice(case.options["delay"]), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    fresh, slots = bool(case.options["fresh"]), int(case.options["slots"])
    url = f"http://{host}:{port}"
    client = WooxyClient(TOKEN, base_url=url, max_concurrency=slots, fresh_connections=fresh)
    believed = 0
    async for outcome in client.send_many(map(message_maker(), range(case.count))):
        believed += isinstance(outcome, Accepted) and _STRAY in outcome.message_ids
    await client.aclose()
    server.close()
    return believed


def _answering_twice(delay: float) -> Any:
    def answer(name: str) -> bytes:
        body = b'{"result":true,"viber_message_ids":["%b"]}' % name.encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        strays = []
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(_HEAD_END):
                length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(_LATENCY)
                writer.write(answer("own"))
                strays.append(asyncio.get_running_loop().call_later(delay, writer.write, answer(_STRAY)))
        for stray in strays:
            stray.cancel()
        writer.close()

    return serve


def tables(results: Results) -> list[Table]:
    """Return how many were believed, by delay and kind of connection."""
    names = results.names("strays")
    delays = list(dict.fromkeys(name.partition(",")[0] for name in names))
    rows = [
        [f"{kind} connections, {load}", *(_shown(results, f"{delay}, {kind}, {load}") for delay in delays)]
        for kind, load in itertools.product(_CONNECTIONS, _AT_ONCE)
    ]
    note = (
        f"Of {_PER_CASE} messages to a server that answers after 20 ms, and once more so long after the first answer. "
        "Fresh: `fresh_connections=True`."
    )
    return [Table(TITLE, ["", *delays], rows if names else [], note)]


def _shown(results: Results, name: str) -> str:
    counted = results.rounds_of("strays", name, "wooxy_send", "believed")
    return f"{counted[0]:g}" if counted else NOTHING


def plots(_results: Results) -> list[Plot]:
    """Return nothing: the table says it."""
    return []
