"""The checks for limiters of users' own hold the one over Redis or Valkey."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from valkey_server import Valkey, valkey

from wooxy_async.limits import SLOTS, Limiter, redis
from wooxy_async.limits._choice import make_limiter
from wooxy_async.limits.testing import CLIENT_CHECKS, LIMITER_CHECKS, Check


@pytest.fixture
async def engine() -> AsyncIterator[Valkey]:
    """A Valkey."""
    async with valkey() as server:
        yield server


@pytest.mark.parametrize("checks", [LIMITER_CHECKS, CLIENT_CHECKS], ids=["limiter", "client"])
async def test_checks_hold_the_limiter_over_hosts(checks: tuple[Check, ...], engine: Valkey) -> None:
    """All of them at once, because each waits a lease until its new account is granted something."""
    choice = redis(engine.url, lease=3)

    def make(account: str) -> Limiter:
        return make_limiter(
            choice,
            token=account,
            url="https://api.wooxy.com",
            share=SLOTS,
            loss_hold=0.05,
            answer_limit=60.0,
            clock=time,
            account=None,
        )

    async with asyncio.TaskGroup() as group:
        for check in checks:
            group.create_task(check(make), name=check.__name__)
