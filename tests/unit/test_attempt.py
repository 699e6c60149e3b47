"""The record of an attempt: what of an outcome stands in it, and how its reference is logged."""

from typing import Any

import pytest
from people import COMMON, message

from wooxy_async import Accepted, Cause, InDoubt, NotSent, Outcome, Rejected
from wooxy_async._rules.attempt import attempt_of, logged_reference
from wooxy_async._rules.redaction import mask_reference

GIVEN: dict[str, Any] = {**COMMON, "index": 7, "attempts": 2, "message": message(reference="order-17")}
LOST = Cause(kind="connection_lost", text="Lost.")


@pytest.mark.parametrize(
    ("outcome", "word", "cause"),
    [
        (Accepted(message_ids=("5d91",), **GIVEN), "accepted", None),
        (Rejected(errors=(), status=400, **GIVEN), "rejected", None),
        (NotSent(cause=LOST, **GIVEN), "not_sent", "connection_lost"),
        (InDoubt(cause=LOST, **GIVEN), "in_doubt", "connection_lost"),
    ],
)
def test_an_attempt_says_what_became_of_it(outcome: Outcome, word: str, cause: str | None) -> None:
    """With place, number, times and status, and without the text."""
    sent = outcome.message
    attempt = attempt_of(sent, outcome, status=503, elapsed=0.25, waited=1.5)
    assert (attempt.index, attempt.attempt, attempt.outcome, attempt.cause) == (7, 2, word, cause)
    assert (attempt.status, attempt.elapsed, attempt.waited) == (503, 0.25, 1.5)
    assert (attempt.reference, attempt.number) == ("order-17", f"…{sent.phone_number[-3:]}")


def test_a_reference_is_logged_as_a_digest_unless_it_is_wanted_whole() -> None:
    """In one line in both cases."""
    assert logged_reference("order\n17", whole=True) == r"'order\n17'"
    assert logged_reference("order\n17", whole=False) == mask_reference("order\n17")
    assert logged_reference(None, whole=True) == logged_reference(None, whole=False) == "None"
