"""What changes the sandbox's state over HTTP; it needs a header that no web page sends by accident."""

from collections.abc import Callable

import msgspec
from aiohttp import web

from wooxy_async.sandbox._faults import Fault
from wooxy_async.sandbox._named import named_fault

HEADER = "X-Wooxy-Sandbox"
_MOST_TIMES = 1_000_000


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /sandbox/script`.

    Args:
        fault: its name, or several that happen one after the other.
        times: how often, 1 to 1,000,000; 1 by default.
        always: over and over, until another order or a reset.
        share: the share of the messages that it falls on, over 0 and up to 1, instead of the next ones.
        number: the messages to this number alone, in E.164.
    """

    fault: str | list[str]
    times: int = 1
    always: bool = False
    share: float | None = None
    number: str | None = None


_DECODER = msgspec.json.Decoder(Order)


class Control:
    """`POST /sandbox/script` and `POST /sandbox/reset`.

    Args:
        script: schedules faults, as `Sandbox.script`.
        reset: forgets what was seen, as `Sandbox.reset`.
    """

    def __init__(self, script: Callable[..., None], reset: Callable[[], None]) -> None:
        self._script = script
        self._reset = reset

    async def script(self, request: web.Request) -> web.StreamResponse:
        """Schedule faults."""
        _check(request)
        try:
            order = _DECODER.decode(await request.read())
            faults = self._faults(order)
            self._script(*faults, number=order.number, always=order.always, share=order.share)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise web.HTTPBadRequest(text=f'{error}. As in: {{"fault": "429", "times": 3}}\n') from None
        return web.json_response({"scheduled": len(faults)})

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Forget the messages, the counts and the script."""
        _check(request)
        self._reset()
        return web.json_response({"reset": True})

    def _faults(self, order: Order) -> list[Fault]:
        if not 1 <= order.times <= _MOST_TIMES:
            raise ValueError(f"times must be from 1 to {_MOST_TIMES:,}")
        names = [order.fault] if isinstance(order.fault, str) else order.fault
        return [named_fault(name) for name in names] * order.times


def _check(request: web.Request) -> None:
    if request.headers.get(HEADER) != "1":
        raise web.HTTPForbidden(text=f"What changes the sandbox needs the header {HEADER}: 1\n")
