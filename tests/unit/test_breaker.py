"""The breaker: a stream does not burn its campaign. Time is simulated: the loop jumps to its next timer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from clocks import JumpingLoop, LoopClock
from people import COMMON

from wooxy_async import (
    Accepted,
    ApiError,
    AuthenticationError,
    Cause,
    DomainError,
    ErrorCode,
    InDoubt,
    InDoubtError,
    NotSent,
    NotSentError,
    Outage,
    Outcome,
    Rejected,
    RejectedError,
)
from wooxy_async._client.breaker import ALIKE_IN_A_ROW, PROBE_DOUBTS_MAX, TROUBLES_IN_A_ROW, CircuitBreaker
from wooxy_async.limits._pace import Pace

TAKEN = Accepted(message_ids=(), **COMMON)
DOWN = NotSent(cause=Cause(kind="not_connected", text="Refused."), **COMMON)
LOST = InDoubt(cause=Cause(kind="server_error", text="HTTP 503."), **COMMON)
PROXY = NotSent(cause=Cause(kind="proxy", text="HTTP 407."), **COMMON)
Scenario = Callable[[Callable[..., CircuitBreaker]], Awaitable[None]]


async def silent() -> None:
    """Say nothing of the API: the next probe is a message."""


def simulate(scenario: Scenario) -> list[float]:
    """Run a scenario with breakers on simulated time; return when they called `changed`."""
    changes: list[float] = []

    async def run() -> None:
        clock = LoopClock()
        await scenario(
            lambda patience=900.0: CircuitBreaker(
                patience, lambda: changes.append(clock.monotonic()), clock, Pace(clock), 60.0
            )
        )

    with asyncio.Runner(debug=True, loop_factory=JumpingLoop) as runner:
        runner.run(run())
    return changes


async def attempt(breaker: CircuitBreaker, *outcomes: Outcome) -> list[float]:
    """Make one attempt after the other; return when each was admitted."""
    admitted = []
    for outcome in outcomes:
        await breaker.admit(silent)
        admitted.append(round(asyncio.get_running_loop().time(), 3))
        breaker.report(outcome, outcome)
    return admitted


def refusal(code: str = "UNKNOWN", text: str = "no", status: int = 403, **values: str) -> Rejected:
    """Return a refusal with one error."""
    return Rejected(errors=(ApiError(code=ErrorCode[code], text=text, values=values),), status=status, **COMMON)


def test_an_outage_says_since_when_why_and_until_when() -> None:
    """For people who watch a stream that does not move; nothing is told while Wooxy answers."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make(100.0)
        assert breaker.outage is None
        await attempt(breaker, *[DOWN] * (TROUBLES_IN_A_ROW - 1))
        assert breaker.outage is None
        await attempt(breaker, LOST)
        assert breaker.outage == Outage(
            lasted=0.0, kind="server_error", because="HTTP 503.", next_try_in=0.5, gives_up_in=100.0
        )
        await asyncio.sleep(0.25)
        waiting = breaker.outage
        assert waiting is not None
        assert (waiting.lasted, waiting.next_try_in, waiting.gives_up_in) == pytest.approx((0.25, 0.25, 99.75))
        await breaker.admit(silent)
        probing = breaker.outage
        assert probing is not None
        assert probing.next_try_in == 0.0
        breaker.report(TAKEN, TAKEN)
        assert breaker.outage is None

    simulate(scenario)


def test_probes_are_made_with_growing_pauses() -> None:
    """After five troubles the API is down: probes go after 0.5, 1, 2 … seconds, at most 60."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        assert await attempt(breaker, *[DOWN] * (TROUBLES_IN_A_ROW - 1)) == [0, 0, 0, 0]
        assert not breaker.is_down
        assert await attempt(breaker, *[DOWN] * 10) == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5, 123.5, 183.5]
        assert breaker.is_down
        assert breaker.fatal is None

    simulate(scenario)


def test_after_five_doubts_no_message_probes() -> None:
    """Each message that probes may be left in doubt: after five no more goes, and the stream ends at its patience."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        admitted = await attempt(breaker, *[LOST] * (TROUBLES_IN_A_ROW + PROBE_DOUBTS_MAX))
        assert admitted == [0, 0, 0, 0, 0, 0.5, 1.5, 3.5, 7.5, 15.5]
        asked: list[float] = []

        async def sound() -> bool:
            asked.append(LoopClock().monotonic())
            return True

        waiting = asyncio.create_task(breaker.admit(sound))
        await asyncio.wait({waiting}, timeout=880)
        assert breaker.fatal is None
        await asyncio.wait({waiting}, timeout=100)
        assert isinstance(breaker.fatal, InDoubtError)
        assert str(breaker.fatal).startswith("Wooxy has given no valid reply for 900 s")
        assert "may have been delivered" in str(breaker.fatal)
        assert (waiting.done(), asked) == (False, [])
        waiting.cancel()

    assert simulate(scenario)[-1] == 900


def test_doubts_count_within_one_outage() -> None:
    """A valid reply begins anew."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        for _ in range(3):
            await attempt(breaker, *[LOST] * (TROUBLES_IN_A_ROW + PROBE_DOUBTS_MAX - 1), TAKEN)
        assert breaker.fatal is None

    simulate(scenario)


def test_a_probe_without_a_message_comes_first() -> None:
    """While it is not sound the pauses grow and no message goes; each sound one lets one message go."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        answers = [False, False, True, None, False, True]
        asked: list[float] = []

        async def ask() -> bool | None:
            asked.append(LoopClock().monotonic())
            return answers[len(asked) - 1]

        await attempt(breaker, *[DOWN] * 5)
        admitted = []
        for outcome in (DOWN, DOWN, TAKEN):
            await breaker.admit(ask)
            admitted.append(LoopClock().monotonic())
            breaker.report(outcome, outcome)
        assert asked == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
        assert admitted == [3.5, 7.5, 31.5]
        assert not breaker.is_down

    simulate(scenario)


def test_probes_that_fail_without_a_message_end_the_stream_with_the_last_message() -> None:
    """What ends it is the outcome of the last message that was tried, not that of a probe, which has none."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make(patience=3.0)
        await attempt(breaker, *[DOWN] * TROUBLES_IN_A_ROW)

        async def failing() -> bool:
            return False

        waiting = asyncio.create_task(breaker.admit(failing))
        await asyncio.wait({waiting}, timeout=4)
        assert isinstance(breaker.fatal, NotSentError)
        assert breaker.fatal.outcome is DOWN
        waiting.cancel()

    assert simulate(scenario)[-1] == 3


def test_a_probe_that_is_cancelled_leaves_nothing() -> None:
    """The next one probes at once."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *[DOWN] * 5)

        async def hang() -> bool:
            await asyncio.sleep(1e6)
            return True

        task = asyncio.create_task(breaker.admit(hang))
        await asyncio.wait({task}, timeout=10)
        task.cancel()
        await asyncio.wait({task})
        await breaker.admit(silent)
        assert LoopClock().monotonic() == 10

    simulate(scenario)


def test_one_stream_of_an_account_probes_at_a_time() -> None:
    """While one probes, its message included, the others wait; a probe whose end is never told ends by itself."""

    async def scenario(_make: Callable[..., CircuitBreaker]) -> None:
        clock = LoopClock()
        pace = Pace(clock)
        first, second = (CircuitBreaker(900.0, lambda: None, clock, pace, 60.0) for _stream in range(2))
        for breaker in (first, second):
            await attempt(breaker, *[DOWN] * 5)
        await first.admit(silent)
        assert clock.monotonic() == 0.5
        waiting = asyncio.create_task(second.admit(silent))
        await asyncio.wait({waiting}, timeout=20)
        assert not waiting.done()
        first.report(DOWN, DOWN)
        await waiting
        assert clock.monotonic() < 21
        await first.admit(silent)  # the second one's end is never told
        assert 79 < clock.monotonic() < 83

    simulate(scenario)


def test_a_valid_reply_ends_the_trouble() -> None:
    """One valid reply of any kind, a refusal included, and the API is up; five more troubles make it down again."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        for sound in (TAKEN, refusal()):
            await attempt(breaker, *[DOWN] * 6, sound)
            assert not breaker.is_down
            began = asyncio.get_running_loop().time()
            assert await attempt(breaker, *[DOWN] * 6) == [*[began] * 5, began + 0.5]
            await attempt(breaker, TAKEN)

    simulate(scenario)


def test_one_probe_at_a_time() -> None:
    """While a probe is under way, however long, nobody else is admitted; its success admits all."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *[DOWN] * 5)
        waiting = {asyncio.create_task(breaker.admit(silent)) for _ in range(3)}
        done, waiting = await asyncio.wait(waiting, timeout=200)
        assert len(done) == 1
        breaker.report(DOWN, DOWN)
        done, waiting = await asyncio.wait(waiting, timeout=200)
        assert len(done) == 1
        breaker.report(TAKEN, TAKEN)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*waiting)
        assert asyncio.get_running_loop().time() == began

    simulate(scenario)


def test_what_was_under_way_comes_back_before_the_first_probe() -> None:
    """Ten attempts that fail together are ten troubles; the first probe goes when the last of them is back."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        for _ in range(10):
            await breaker.admit(silent)
        for _ in range(9):
            breaker.report(LOST, LOST)
        probe = asyncio.create_task(breaker.admit(silent))
        done, _ = await asyncio.wait({probe}, timeout=300)
        assert not done
        breaker.report(LOST, LOST)
        await asyncio.wait_for(probe, 60)

    simulate(scenario)


def test_patience_ends_the_stream() -> None:
    """The last probe goes when patience ends, not 60 seconds later; its failure ends the stream and says why."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make(100.0)
        assert (await attempt(breaker, *[DOWN] * 12))[-2:] == [31.5, 63.5]
        assert breaker.fatal is None
        assert await attempt(breaker, DOWN) == [100.0]
        assert type(breaker.fatal) is NotSentError
        assert "no valid reply for 100 s" in str(breaker.fatal)
        assert "it is safe" in str(breaker.fatal)
        assert breaker.fatal.outcome is DOWN

    simulate(scenario)


def test_patience_begins_with_the_first_trouble_in_a_row() -> None:
    """A success in between, and patience begins anew."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make(100.0)
        await attempt(breaker, *[DOWN] * 12, TAKEN)
        assert (await attempt(breaker, *[DOWN] * 12))[-1] > 100
        assert breaker.fatal is None

    simulate(scenario)


def test_without_patience_the_first_trouble_ends_the_stream() -> None:
    """Patience of 0 seconds is none."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make(0.0)
        await attempt(breaker, DOWN)
        assert isinstance(breaker.fatal, NotSentError)

    simulate(scenario)


ALIKE = [
    (refusal(), RejectedError),
    (refusal("DOMAIN_NOT_FOUND", "Domain d not found in your account"), DomainError),
    (refusal("SENDER_NOT_APPROVED", "Sender with senderId s not approved"), RejectedError),
    (refusal("TAG_NOT_REGISTERED", "Tag t is not registered in account tags"), RejectedError),
    (refusal("BAD_REQUEST", "Bad Request"), RejectedError),
    (PROXY, NotSentError),
]


@pytest.mark.parametrize(("outcome", "error"), ALIKE)
def test_twenty_refusals_alike_end_the_stream(outcome: Outcome, error: type[Exception]) -> None:
    """Twenty in a row that concern domain, sender, tag or nothing documented end the stream, nineteen do not."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *[outcome] * (ALIKE_IN_A_ROW - 1))
        assert breaker.fatal is None
        await attempt(breaker, outcome)
        assert isinstance(breaker.fatal, error)
        assert "20 messages in a row were refused alike" in str(breaker.fatal)

    assert simulate(scenario) == [0.0] * 20


@pytest.mark.parametrize(
    "other",
    [TAKEN, refusal(text="never"), refusal("TEXT_EMPTY", "t"), refusal("TAG_NOT_REGISTERED", "u"), PROXY],
    ids=["accepted", "another text", "concerns one message", "a tag", "another kind"],
)
def test_another_answer_between_begins_the_count_anew(other: Outcome) -> None:
    """Nineteen alike, another answer, nineteen alike: the stream goes on."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        nineteen = [refusal()] * (ALIKE_IN_A_ROW - 1)
        await attempt(breaker, *nineteen, other, *nineteen)
        assert breaker.fatal is None

    simulate(scenario)


@pytest.mark.parametrize("text", ["PHONE_NUMBER_INVALID", "COUNTRY_NOT_ALLOWED", "TTL_INVALID"])
def test_refusals_of_single_messages_never_end_the_stream(text: str) -> None:
    """What concerns a recipient or a message says nothing about the next one."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *[refusal(text)] * 100)
        assert breaker.fatal is None

    simulate(scenario)


DIFFERENT = {
    "undocumented texts": [refusal(text=f"number {at} is blocked") for at in range(100)],
    "domains": [refusal("DOMAIN_NOT_FOUND", "Domain not found", domain=f"{at}.example") for at in range(100)],
    "tags": [refusal("TAG_NOT_REGISTERED", "Tag", tag=f"t{at}") for at in range(100)],
}


@pytest.mark.parametrize("refusals", DIFFERENT.values(), ids=DIFFERENT)
def test_refusals_that_differ_never_end_the_stream(refusals: list[Outcome]) -> None:
    """Each text that is not documented, and each value of a documented one, is a refusal of its own."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *refusals)
        assert breaker.fatal is None

    simulate(scenario)


def test_alike_is_the_error_with_its_value_whatever_the_words() -> None:
    """The same domain is refused alike under several spellings of the text and several statuses."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        for at in range(ALIKE_IN_A_ROW):
            await attempt(breaker, refusal("DOMAIN_NOT_FOUND", f"No {at}", 400 + at % 2, domain="shop.example"))
        assert isinstance(breaker.fatal, DomainError)

    simulate(scenario)


def test_a_bare_401_refuses_the_account() -> None:
    """A 401 without a documented error ends the stream at once, as an authentication error."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, refusal(text="<h1>Unauthorized</h1>", status=401))
        assert type(breaker.fatal) is AuthenticationError

    simulate(scenario)


@pytest.mark.parametrize("last", [DOWN, refusal("USER_NOT_ENABLED")], ids=["not connected", "refused"])
def test_what_ends_a_stream_says_of_a_message_what_its_outcome_is(last: Outcome) -> None:
    """A message in doubt is not called safe to send again because its last attempt was refused or not made."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make(0.0)
        await breaker.admit(silent)
        breaker.report(last, LOST)
        assert isinstance(breaker.fatal, InDoubtError)
        assert breaker.fatal.outcome is LOST
        assert "safe to send" not in str(breaker.fatal)

    simulate(scenario)


def test_an_attempt_that_tells_nothing_keeps_nobody_waiting() -> None:
    """While the API is down, a probe that ends without a report lets the next go."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *[DOWN] * 5)
        await breaker.admit(silent)
        waiting = asyncio.create_task(breaker.admit(silent))
        await asyncio.sleep(0)
        breaker.withdraw()
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(waiting, 1)
        assert asyncio.get_running_loop().time() == began

    simulate(scenario)


def test_a_trouble_between_refusals_neither_counts_nor_resets() -> None:
    """An API that alternates between refusing everything and failing is given up, too."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *[refusal(), LOST] * (ALIKE_IN_A_ROW - 1))
        assert breaker.fatal is None
        await attempt(breaker, refusal())
        assert isinstance(breaker.fatal, RejectedError)

    simulate(scenario)


@pytest.mark.parametrize("code", ["AUTHORIZATION_TOKEN_INVALID", "ACCESS_TOKEN_UNKNOWN", "USER_NOT_ENABLED"])
def test_a_refusal_of_the_account_ends_the_stream_at_once(code: str) -> None:
    """The first refusal of token or account is the last, and stays so whatever comes after."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, refusal(code), TAKEN)
        assert isinstance(breaker.fatal, AuthenticationError)
        assert str(breaker.fatal).startswith("Wooxy refuses the account, so the stream ends.")

    simulate(scenario)


def test_an_attempt_that_need_not_wait_is_admitted_at_once_and_is_under_way() -> None:
    """While the API is up, and not while it is down; no probe goes beside it."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        assert [breaker.admit_now(), breaker.admit_now()] == [True, True]
        await attempt(breaker, *[DOWN] * TROUBLES_IN_A_ROW)
        assert breaker.admit_now() is False
        probing = asyncio.create_task(breaker.admit(silent))
        for _ in range(2):
            await asyncio.sleep(60)
            assert not probing.done()
            breaker.withdraw()  # one of the first two, which have had no outcome yet
        await asyncio.wait_for(probing, 60)

    simulate(scenario)


def test_a_stream_is_ended_from_outside_once() -> None:
    """The first reason stays; who waits to be admitted hears of it."""

    async def scenario(make: Callable[..., CircuitBreaker]) -> None:
        breaker = make()
        await attempt(breaker, *[DOWN] * TROUBLES_IN_A_ROW)
        waiting = asyncio.create_task(breaker.admit(silent))
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        breaker.end(PROXY, "The proxy asks for a login.")
        breaker.end(DOWN, "Wooxy is down.")
        assert isinstance(breaker.fatal, NotSentError)
        assert breaker.fatal.outcome is PROXY
        assert str(breaker.fatal).startswith("The proxy asks for a login.")
        await asyncio.wait({waiting}, timeout=0.01)
        assert asyncio.get_running_loop().time() - began <= 0.01
        waiting.cancel()

    simulate(scenario)
