"""Hooks at the borders of their client: without a loop, with a loop that was closed, in a child of fork."""

import asyncio
import time
from typing import Any

import pytest
from people import message

from wooxy_async import Accepted, Outcome, RetryPolicy
from wooxy_async._client.hooks import Hooks
from wooxy_async._client.settings import make_settings

OUTCOME = Accepted(index=3, message=message(3), attempts=1, elapsed=0.1, message_ids=("id",))


def hooks_of(on_outcome: Any) -> Hooks:
    """Return the hooks of a client that has one."""
    return Hooks(
        make_settings(
            access_token="0123456789abcdef",
            base_url=None,
            account=None,
            max_concurrency=10,
            timeout=30.0,
            max_bulk=None,
            max_waiting=None,
            answer_limit=60.0,
            loss_hold=5.0,
            retry=RetryPolicy(),
            phone_check="possible",
            button_field="buttons",
            ssl=None,
            proxy=None,
            fresh_connections=False,
            allow_http=False,
            patience=900.0,
            drain=10.0,
            hook_timeout=10.0,
            on_attempt=None,
            on_outcome=on_outcome,
            on_settled=None,
            clock=time,
            log_references=False,
        )
    )


@pytest.mark.parametrize("is_closed", [False, True])
def test_without_a_loop_a_hook_is_logged(caplog: pytest.LogCaptureFixture, *, is_closed: bool) -> None:
    """What cannot be awaited any more is logged with index and outcome, and Python warns of no lost coroutine."""

    async def on_outcome(_outcome: Outcome) -> None:
        raise AssertionError

    hooks = hooks_of(on_outcome)
    if is_closed:
        hooks.loop = asyncio.new_event_loop()
        hooks.loop.close()
    hooks.call("on_outcome", OUTCOME, object())
    assert "on_outcome was not done" in caplog.text
    assert "message 3" in caplog.text
    assert hooks.have_room(lambda: None)


@pytest.mark.parametrize("is_inherited", [False, True])
def test_a_child_of_fork_leaves_hooks_to_its_parent(caplog: pytest.LogCaptureFixture, *, is_inherited: bool) -> None:
    """What the parent of the process goes on with is dropped without a word; what died with its loop is logged."""

    async def on_outcome(_outcome: Outcome) -> None:
        raise AssertionError

    loop = asyncio.new_event_loop()
    hooks = hooks_of(on_outcome)
    hooks.loop = loop
    hooks.call("on_outcome", OUTCOME, object())
    [line] = hooks._lines.values()
    line.worker._log_destroy_pending = False
    hooks.abandon(is_inherited=False)  # its loop is open: it goes on
    assert hooks._lines
    if not is_inherited:
        loop.close()
    hooks.abandon(is_inherited=is_inherited)
    assert ("was not done" in caplog.text) is not is_inherited
    assert not hooks._lines
    loop.close()


def test_another_loop_neither_waits_for_hooks_nor_ends_them(caplog: pytest.LogCaptureFixture) -> None:
    """What is called from the loop of another thread leaves the hooks of the client's own loop alone."""
    told: list[Outcome] = []

    async def on_outcome(outcome: Outcome) -> None:
        told.append(outcome)

    async def close() -> None:
        await asyncio.wait_for(hooks.ended(), 60)
        await hooks.abort()

    loop = asyncio.new_event_loop()
    hooks = hooks_of(on_outcome)
    hooks.loop = loop
    hooks.call("on_outcome", OUTCOME, object())
    asyncio.run(close())
    assert told == []
    loop.run_until_complete(hooks.ended())
    loop.close()
    assert (told, caplog.text) == ([OUTCOME], "")
