"""The table of a row's states, and what is kept of an outcome."""

from __future__ import annotations

import msgspec

from wooxy_async import Accepted, ApiError, Cause, ErrorCode, InDoubt, Invalid, Problem, Rejected, ViberMessage
from wooxy_async._rules.journal import CHANGES, MEANINGS, RowState, settlement

MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hi")


def test_every_state_has_a_meaning_and_is_reached() -> None:
    """No change stands twice, and what is sent comes out of *sending* alone, or out of doubt."""
    assert list(MEANINGS) == list(RowState)
    pairs = [(each.before, each.after) for each in CHANGES]
    assert len(set(pairs)) == len(pairs)
    assert {after for _, after in pairs} == set(RowState)
    into_accepted = {before for before, after in pairs if after is RowState.ACCEPTED}
    assert into_accepted == {RowState.SENDING, RowState.IN_DOUBT}
    assert RowState.PENDING not in {after for before, after in pairs if before is RowState.SENDING}


def test_what_is_kept_of_an_outcome_holds_neither_number_nor_text() -> None:
    """The row has them."""
    outcome = Accepted(index=3, message=MESSAGE, attempts=1, elapsed=0.5, message_ids=("a",))
    kept = settlement(outcome, 7.0)
    assert (kept.state, kept.at, kept.code) == (RowState.ACCEPTED, 7.0, None)
    assert msgspec.json.decode(kept.outcome) == {
        "outcome": "accepted",
        "attempts": 1,
        "elapsed": 0.5,
        "message_ids": ["a"],
        **({"confirmed_by": None} if "confirmed_by" in Accepted.__struct_fields__ else {}),
    }
    errors = (
        ApiError(code=ErrorCode.COUNTRY_NOT_ALLOWED_FOR_SENDER, text="no"),
        ApiError(code=ErrorCode.COUNTRY_NOT_ALLOWED, text="neither"),
    )
    refused = Rejected(index=3, message=MESSAGE, attempts=1, elapsed=0.5, errors=errors, status=200)
    assert settlement(refused, 7.0).code == ErrorCode.COUNTRY_NOT_ALLOWED_FOR_SENDER.value
    doubt = InDoubt(index=3, message=MESSAGE, attempts=1, elapsed=0.5, cause=Cause(kind="lost", text="x"))
    assert settlement(doubt, 7.0).state is RowState.IN_DOUBT


def test_an_outcome_that_shows_what_is_no_text() -> None:
    """A refused message may hold anything; it is kept as it can be."""
    odd = ViberMessage(domain="shop.example", phone_number="\udc80", text="Hi")
    problem = Problem(field="phone_number", value="\udc80", rule="format", remedy="no")
    kept = settlement(Invalid(index=0, message=odd, attempts=0, elapsed=0.0, problems=(problem,)), 1.0)
    assert kept.state is RowState.INVALID
    assert msgspec.json.decode(kept.outcome).keys() == {"outcome", "attempts", "elapsed", "problems"}
