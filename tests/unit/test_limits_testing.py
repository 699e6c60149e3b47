"""The checks for limiters of others hold ours, and tell of each bug in a sentence."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_limiter as toys
from clocks import JumpingLoop, NetworkedJumpingLoop

import wooxy_async.limits.testing as checks
from wooxy_async.limits import Limiter, ProcessLimiter
from wooxy_async.limits._host import HostLimiter

SHORT = 1.0  # seconds of patience with what never comes
HANGS = "(1 s were not enough)."
BY_THE_CLOCK = (checks.check_cap, checks.check_deadline)  # a deadline is no time of the loop's
MAKERS: dict[str, Callable[[Path], checks.MakeLimiter]] = {
    "process": lambda _place: lambda account: ProcessLimiter(f"token-of-{account}"),
    "host": lambda place: (
        lambda account: HostLimiter(f"token-of-{account}", url="https://api.wooxy.com", directory=str(place))
    ),
    "toy": lambda _place: make_of(toys.Toy),
}


def make_of(kind: type[toys.Toy]) -> checks.MakeLimiter:
    """Return what makes limiters of a kind."""
    accounts: dict[str, toys.ToyAccount] = {}

    def make(name: str) -> Limiter:
        made: Limiter = kind(accounts.setdefault(name, toys.ToyAccount()))  # type: ignore[assignment]
        return made

    return make


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MAKERS)
async def test_sound_limiters_pass(name: str, check: checks.Check, tmp_path: Path) -> None:
    """Each check lets our own limiters pass, and the least one that can be written."""
    await check(MAKERS[name](tmp_path))


MUTANTS: list[tuple[type[toys.Toy], checks.Check, str]] = [
    (toys.Eleven, checks.check_cap, "an eleventh slot was given out while ten were in use"),
    (toys.Apart, checks.check_cap, "an eleventh slot was given out while ten were in use"),
    (toys.Nine, checks.check_cap, "only 9 of the ten slots of a new account could be had (1 s were not enough)."),
    (toys.Leaking, checks.check_cap, "of 200 messages some never get a slot (1 s were not enough)."),
    (toys.Level, checks.check_priority, "bulk got a slot while an urgent message waited"),
    (toys.Stack, checks.check_turns, "messages that came as ['0', '1', '2', '3', '4'] were served as ['4', "),
    (
        toys.Leaking,
        checks.check_turns,
        "a slot that was given back is not given to a message that waits (1 s were not enough).",
    ),
    (toys.Mute, checks.check_turns, "statistics() does not count a message that waits (1 s were not enough)."),
    (toys.Generous, checks.check_deadline, "a slot was given out while all ten were in use"),
    (toys.Starving, checks.check_share_of_bulk, "bulk waited for 200 turns of urgent messages in a row"),
    (toys.Deaf, checks.check_deadline, "a message with a deadline waits past it (1 s were not enough)."),
    (toys.Hasty, checks.check_deadline, "s before its deadline"),
    (toys.Lingering, checks.check_deadline, "a message whose deadline has passed still waits (1 s were not enough)."),
    (
        toys.Keeping,
        checks.check_cancelled_waiter,
        "a waiter that was cancelled keeps its turn, or the slot that it was given (1 s were not enough).",
    ),
    (toys.Forgetful, checks.check_closed_slot, "statistics() counts 0 closed slots, not 1"),
    (
        toys.Shut,
        checks.check_closed_slot,
        "a slot that was to stay closed for a moment never opens (1 s were not enough).",
    ),
    (
        toys.Keeping,
        checks.check_many_cancelled,
        "after 1,000 cancelled waiters only 0 of the ten slots could be had (1 s were not enough).",
    ),
    (toys.Lingering, checks.check_many_cancelled, "waiters that were cancelled still wait (1 s were not enough)."),
    (
        toys.Boasting,
        checks.check_statistics,
        "says (10, 10, 0, 4) for total, borrowed, closed and waiting, where (10, 5",
    ),
    (toys.Swallowing, checks.check_lease, "an error in the block of a slot does not come out of it"),
    (toys.Doubting, checks.check_lease, "holds() of a lease that was just given is False"),
    (toys.Expired, checks.check_lease, "remaining() of a lease that was just given is not above 0"),
    (toys.Lost, checks.check_lease, "a lease that was just given is lost"),
    (
        toys.Selfish,
        checks.check_aclose,
        "after another limiter of the account was closed only 0 of the ten slots could be had (1 s were not enough).",
    ),
    (toys.Stuck, checks.check_aclose, "the limiter cannot be closed (1 s were not enough)."),
    (toys.Doubting, checks.check_failing_release, "the outcome is NotSent, not Accepted"),
    *((toys.Leaking, check, HANGS) for check in checks.CLIENT_CHECKS),
]


@pytest.mark.parametrize(
    ("kind", "check", "told"), MUTANTS, ids=lambda value: getattr(value, "__name__", None) if callable(value) else ""
)
def test_broken_limiters_are_told_what_is_wrong(kind: type[toys.Toy], check: checks.Check, told: str) -> None:
    """Each limiter with a bug fails the check for it, with a sentence that names the bug; patience takes no time."""
    hangs = told.endswith(HANGS)
    loop = NetworkedJumpingLoop if check in checks.CLIENT_CHECKS else JumpingLoop
    factory = loop if hangs and check not in BY_THE_CLOCK else None
    patience = SHORT if hangs else checks.PATIENCE
    with asyncio.Runner(loop_factory=factory) as runner, pytest.raises(AssertionError, match=re.escape(told)):
        runner.run(check(make_of(kind), patience=patience))


async def test_a_slot_that_opens_early_is_told() -> None:
    """A limiter whose statistics count a closed slot, and that gives it out before its time, is caught by the clock."""

    class Early(toys.Toy):
        def give(self, slot: toys.ToySlot, keep: float) -> None:
            super().give(slot, keep / 3)

    with pytest.raises(AssertionError, match=r"a slot that was to stay closed for 0\.3 s was given out after 0\.1"):
        await checks.check_closed_slot(make_of(Early))


def test_every_check_is_listed() -> None:
    """Whoever runs all of them runs those that have a name in public."""
    named = {name for name in checks.__all__ if name.startswith("check_")}
    assert {check.__name__ for check in checks.CHECKS} == named


async def test_an_eleventh_in_a_crowd_is_told() -> None:
    """A limiter that gives out ten one by one, and more in a crowd, is caught by the count."""

    class Crowded(toys.Toy):
        @property
        def size(self) -> int:  # type: ignore[override]
            return 10 if len(self.account.waiting) < 20 else 12

    with pytest.raises(AssertionError, match="12 slots of one account were in use at once; 10 are the cap"):
        await checks.check_cap(make_of(Crowded))


async def test_a_timeout_of_the_limiters_own_comes_out() -> None:
    """A TimeoutError that is not the check's is not taken for its patience."""

    class Failing(toys.Toy):
        async def aclose(self) -> None:
            raise TimeoutError("mine")

    began = time.monotonic()
    with pytest.raises(TimeoutError, match="mine"):
        await checks.check_turns(make_of(Failing))
    assert time.monotonic() - began < checks.PATIENCE
