"""A web application: hooks, the client's life, and its figures."""

import ssl
from collections.abc import AsyncIterator
from decimal import Decimal

from aiohttp import web

from wooxy_async import (
    AccountError,
    Attempt,
    ButtonField,
    InDoubt,
    Outcome,
    Priority,
    RetryPolicy,
    Statistics,
    ViberMessage,
    WooxyClient,
    __version__,
)
from wooxy_async.limits import Limiter, host

WOOXY = web.AppKey("WOOXY", WooxyClient)
FIELD: ButtonField = "button"
KEPT: list[bytes] = []


def on_attempt(attempt: Attempt) -> None:
    """Count a request."""
    print(attempt.outcome, attempt.cause, attempt.status, round(attempt.elapsed, 3))


async def on_outcome(outcome: Outcome) -> None:
    """Keep an outcome."""
    KEPT.append(outcome.to_json())


async def on_settled(outcome: Outcome) -> None:
    """Say what became of a doubt."""
    print(outcome.index, isinstance(outcome, InDoubt))


def make_client(limiter: Limiter | None = None) -> WooxyClient:
    """Return the client, for several workers on this machine."""
    return WooxyClient(
        limiter=limiter or host(directory="/run/shop"),
        max_concurrency=8,
        retry=RetryPolicy(attempts=2, wait_initial=0.1),
        button_field=FIELD,
        ssl=ssl.create_default_context(),
        drain=20,
        on_attempt=on_attempt,
        on_outcome=on_outcome,
        on_settled=on_settled,
    )


async def wooxy(app: web.Application) -> AsyncIterator[None]:
    """Open the client with the application, and close it with it."""
    async with make_client() as app[WOOXY]:
        yield


async def hello(request: web.Request) -> web.Response:
    """Send one message."""
    priority: Priority = "bulk" if "slow" in request.query else "urgent"
    message = ViberMessage(domain="shop.example", phone_number=request.query["number"], text="Hello")
    receipt = await request.app[WOOXY].send(message, timeout=5, priority=priority)
    return web.json_response({"ids": receipt.message_ids, "version": __version__})


async def health(request: web.Request) -> web.Response:
    """Say how the account does."""
    client = request.app[WOOXY]
    figures: Statistics = client.statistics()
    try:
        balance: Decimal = (await client.account_info(timeout=5)).balance
    except AccountError as error:
        return web.json_response({"error": str(error)}, status=503)
    return web.json_response({"balance": str(balance), "waiting": figures.waiting, "why": figures.paused_because})


def make_app() -> web.Application:
    """Return the application."""
    app = web.Application()
    app.cleanup_ctx.append(wooxy)
    app.router.add_post("/hello", hello)
    app.router.add_get("/health", health)
    return app
