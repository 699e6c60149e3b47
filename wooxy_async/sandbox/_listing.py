"""What the sandbox tells of itself over HTTP: never the token."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec
from aiohttp import web

from wooxy_async.sandbox._records import Records, TakenMessage
from wooxy_async.sandbox._traffic import Traffic

_PIECE = 500  # messages that are encoded at once, so that a long listing does not hold the loop
_encode = msgspec.json.Encoder().encode


class SandboxStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What the server saw since it started, or since `Sandbox.reset()`.

    Args:
        requests: requests to the endpoint that were read whole, refused ones included.
        taken: messages taken.
        kept: how many of them are still listed.
        in_progress: requests in progress now.
        peak_in_progress: the most of one token that were in progress at once.
        violations: requests that arrived when ten of their token were in progress.
        duplicates: numbers that were taken more than once.
    """

    requests: int
    taken: int
    kept: int
    in_progress: int
    peak_in_progress: int
    violations: int
    duplicates: int


def statistics(records: Records, traffic: Traffic) -> SandboxStatistics:
    """Return the counts as they stand."""
    return SandboxStatistics(
        requests=records.requests,
        taken=records.taken,
        kept=len(records.messages),
        in_progress=traffic.in_progress,
        peak_in_progress=traffic.peak,
        violations=traffic.violations,
        duplicates=len(records.repeats),
    )


class Listing:
    """`GET /sandbox/messages` and `GET /sandbox/status`."""

    def __init__(self, records: Records, traffic: Traffic) -> None:
        self._records = records
        self._traffic = traffic

    async def status(self, _: web.Request) -> web.StreamResponse:
        """Answer with the statistics, one JSON object."""
        body = _encode(statistics(self._records, self._traffic))
        return web.Response(body=body, content_type="application/json")

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """Answer with a JSON array of the kept messages, one a line, oldest first.

        Query arguments choose among them: `number`, `domain`, `sender`, `tag` and `status` that they have, `text` that
        they contain; then `offset` (from the oldest, default 0) and `limit` (default all). `count=1` answers with how
        many there are instead, as {"count": 3}.
        """
        offset, limit = _count(request, "offset", 0), _count(request, "limit", None)
        stop = None if limit is None or offset is None else offset + limit
        messages = tuple(islice(_matching(request, self._records.messages), offset, stop))
        if _count(request, "count", 0):
            return web.Response(body=_encode({"count": len(messages)}), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for start in range(0, len(messages), _PIECE):
            lines = b",\n".join(map(_encode, messages[start : start + _PIECE]))
            await response.write((b",\n" if start else b"[\n") + lines)
        await response.write(b"\n]\n" if messages else b"[]\n")
        return response


_FILTERS: dict[str, Callable[[TakenMessage, str], bool]] = {
    "number": lambda message, value: message.number == value,
    "domain": lambda message, value: message.domain == value,
    "sender": lambda message, value: message.sender_id == value,
    "tag": lambda message, value: value in message.tags,
    "status": lambda message, value: message.status == value,
    "text": lambda message, value: value in message.text,
}
_PAGES = ("offset", "limit", "count")


def _matching(request: web.Request, messages: Iterable[TakenMessage]) -> Iterator[TakenMessage]:
    """Return the messages that all filters let pass.

    Raises:
        web.HTTPBadRequest: there is no such filter; a mistyped one would show too much.
    """
    for name in request.query:
        if name not in _FILTERS and name not in _PAGES:
            known = ", ".join((*_FILTERS, *_PAGES))
            raise web.HTTPBadRequest(text=f"{name[:40]!r} is no query argument. There are: {known}\n")
    wanted = [(_FILTERS[name], value) for name, value in request.query.items() if name in _FILTERS]
    return (message for message in messages if all(passes(message, value) for passes, value in wanted))


def _count(request: web.Request, name: str, default: int | None) -> int | None:
    given = request.query.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdecimal()):
        raise web.HTTPBadRequest(text=f"{name} must be 0 or a positive integer, not {given!r}\n")
    return int(given)
