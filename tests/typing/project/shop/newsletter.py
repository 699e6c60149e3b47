"""Many messages, and a file of contacts."""

from collections.abc import AsyncIterator, Iterator
from typing import assert_never

from wooxy_async import (
    Accepted,
    InDoubt,
    Invalid,
    NotSent,
    Outcome,
    OutcomeStream,
    PhoneCheck,
    Problem,
    Rejected,
    ViberMessage,
    WooxyClient,
)
from wooxy_async.campaigns import Campaign, Contacts, Plan, UnusableRow


def messages(numbers: list[str]) -> Iterator[ViberMessage]:
    """Yield a message for each number."""
    for at, number in enumerate(numbers):
        yield ViberMessage(domain="shop.example", phone_number=number, text="Hello", reference=f"row-{at}")


async def from_a_database(numbers: AsyncIterator[str]) -> AsyncIterator[ViberMessage]:
    """Yield a message for each number."""
    async for number in numbers:
        yield ViberMessage(domain="shop.example", phone_number=number, text="Hello", tags=("spring",))


def word(outcome: Outcome) -> str:
    """Return an outcome in a word."""
    match outcome:
        case Accepted(message_ids=ids):
            return ", ".join(ids)
        case Rejected(errors=errors, status=status):
            return f"{status}: {errors[0].code}"
        case Invalid(problems=problems):
            return ", ".join(problem.field for problem in problems)
        case NotSent(cause=cause, retry_after=seconds):
            return f"{cause.kind}, again in {seconds or 0:.0f} s"
        case InDoubt(cause=cause, may_settle=may_settle):
            return f"{cause.text} {'(may settle)' if may_settle else ''}"
        case _:
            assert_never(outcome)


async def send_all(client: WooxyClient, numbers: list[str]) -> dict[str | None, str]:
    """Send to all, and return what became of each."""
    words: dict[str | None, str] = {}
    stream: OutcomeStream
    async with client.send_many(messages(numbers), priority="bulk") as stream:
        async for outcome in stream:
            words[outcome.message.reference] = word(outcome)
    for outcome in stream.undelivered:
        words[outcome.message.reference] = word(outcome)
    return words


async def send_file(client: WooxyClient, path: str, check: PhoneCheck = "valid") -> tuple[Plan, list[bytes]]:
    """Send to a file of contacts."""
    campaign = Campaign(
        Contacts(path, number_column="phone"),
        domain="shop.example",
        text="Hi {{firstName}}",
        tags=["spring"],
        phone_check=check,
    )
    plan = campaign.plan()
    problems: list[Problem] = []
    for row in campaign.rows():
        if isinstance(row, UnusableRow):
            problems += row.problems
    return plan, [outcome.to_json() async for outcome in client.send_many(campaign.messages())]
