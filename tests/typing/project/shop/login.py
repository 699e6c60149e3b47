"""One message at a time: login codes."""

from datetime import UTC, datetime, timedelta

from wooxy_async import (
    Button,
    Cause,
    CauseKind,
    ErrorCode,
    InDoubtError,
    InvalidMessageError,
    NotSentError,
    RejectedError,
    SenderError,
    ViberMessage,
)
from wooxy_async.testing import Sender

AGAIN: frozenset[CauseKind] = frozenset({"no_slot", "throttled", "not_connected"})


def code_for(number: str, code: str, tags: list[str]) -> ViberMessage:
    """Return the message, good for five minutes."""
    return ViberMessage(
        domain="shop.example",
        phone_number=number,
        text=f"Your code is {code}",
        button=Button(text="Open", url="https://shop.example/login"),
        sender_id="Shop",
        device="phone",
        ttl=1800,
        tags=tags,
        reference=f"login-{code}",
        not_after=datetime.now(UTC) + timedelta(minutes=5),
    )


async def send_code(client: Sender, number: str, code: str) -> tuple[str, ...] | str:
    """Return Wooxy's ids, or what to tell the person."""
    try:
        receipt = await client.send(code_for(number, code, ["login"]), timeout=10, priority="urgent")
    except InvalidMessageError as error:
        return "; ".join(f"{problem.field}: {problem.remedy}" for problem in error.outcome.problems)
    except SenderError as error:
        return f"The sender: {error}"
    except RejectedError as error:
        known = [each.code for each in error.errors if each.code is not ErrorCode.UNKNOWN]
        return ", ".join(known) or error.errors[0].text
    except NotSentError as error:
        cause: Cause = error.outcome.cause
        return "Again in a moment." if cause.kind in AGAIN else cause.detail or cause.text
    except InDoubtError as error:
        return f"Look at your phone ({error.outcome.cause.text})."
    return receipt.message_ids
