"""What the sandbox tells of itself over HTTP: never the token."""

from itertools import islice

import msgspec
from aiohttp import web

from wooxy_async.sandbox._records import Records
from wooxy_async.sandbox._traffic import Traffic

_PIECE = 500  # messages that are encoded at once, so that a long listing does not hold the loop
_encode = msgspec.json.Encoder().encode


class SandboxStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What the server saw since it started, or since `Sandbox.reset()`.

    Args:
        requests: Requests to the endpoint that were read whole, refused ones included.
        taken: Messages taken.
        kept: How many of them are still listed.
        in_progress: Requests in progress now.
        peak_in_progress: The most of one token that were in progress at once.
        violations: Requests that arrived when ten of their token were in progress.
        duplicates: Numbers that were taken more than once.
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

        Two query arguments choose among them: `offset` (from the oldest, default 0) and `limit` (default all).
        """
        offset, limit = _count(request, "offset", 0), _count(request, "limit", None)
        stop = None if limit is None or offset is None else offset + limit
        messages = tuple(islice(self._records.messages, offset, stop))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for start in range(0, len(messages), _PIECE):
            lines = b",\n".join(map(_encode, messages[start : start + _PIECE]))
            await response.write((b",\n" if start else b"[\n") + lines)
        await response.write(b"\n]\n" if messages else b"[]\n")
        return response


def _count(request: web.Request, name: str, default: int | None) -> int | None:
    given = request.query.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdecimal()):
        raise web.HTTPBadRequest(text=f"{name} must be 0 or a positive integer, not {given!r}\n")
    return int(given)
