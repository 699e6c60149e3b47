"""What a campaign learns of its refusals: pairs of sender and country that are passed over, and a share too high."""

from __future__ import annotations

from people import COMMON

from wooxy_async import Accepted, ApiError, ErrorCode, Invalid, Outcome, Rejected, ViberMessage
from wooxy_async.campaigns._refusals import LOOKED_AT, PARKED_AT, ParkedPair, Refusals


def message(number: str = "+4915112345678", sender: str | None = "Shop") -> ViberMessage:
    """Return a message."""
    return ViberMessage(domain="shop.example", phone_number=number, text="Hi", sender_id=sender)


def refused(code: ErrorCode, *, by: ViberMessage | None = None) -> Rejected:
    """Return a refusal with one error."""
    return Rejected(**{**COMMON, "message": by or message()}, errors=(ApiError(code=code, text="no"),), status=200)


def accepted(by: ViberMessage | None = None) -> Accepted:
    """Return an outcome that is none."""
    return Accepted(**{**COMMON, "message": by or message()}, message_ids=())


def learned(*outcomes: Outcome) -> Refusals:
    """Return what was learned of outcomes."""
    refusals = Refusals()
    for outcome in outcomes:
        refusals.add(outcome)
    return refusals


def test_a_pair_is_passed_over_from_the_twentieth_refusal_in_a_row() -> None:
    """Of one sender and one country; another sender, and another country, are tried as before."""
    of_country = refused(ErrorCode.COUNTRY_NOT_ALLOWED_FOR_SENDER)
    assert not learned(*[of_country] * (PARKED_AT - 1)).passes_over(message())
    refusals = learned(*[of_country] * PARKED_AT)
    why = "The sender Shop was refused for DE 20 times in a row, so that this was not tried."
    assert refusals.passes_over(message()) == why
    assert refusals.passes_over(message("+4915112345679")) == why
    assert not refusals.passes_over(message(sender=None))
    assert not refusals.passes_over(message("+14155550123"))
    assert refusals.parked == (ParkedPair("Shop", "DE", 2),)


def test_one_that_is_accepted_ends_the_row() -> None:
    """Of the same pair; what becomes of others does not matter."""
    of_country = refused(ErrorCode.COUNTRY_NOT_ALLOWED)
    assert not learned(*[of_country] * 19, accepted(), of_country).passes_over(message())
    assert learned(*[of_country] * 19, accepted(message("+14155550123")), of_country).passes_over(message())
    other = refused(ErrorCode.DOMAIN_NOT_FOUND)
    assert not learned(*[other] * 30).passes_over(message())


def test_over_three_in_ten_of_the_last_answers_are_too_many() -> None:
    """Refusals for a country do not count, nor does what never left."""
    no, yes = refused(ErrorCode.PHONE_NUMBER_INVALID), accepted()
    share = int(LOOKED_AT * 0.3)
    assert not learned(*[no] * share, *[yes] * (LOOKED_AT - share)).are_too_many
    assert learned(*[no] * (share + 1), *[yes] * (LOOKED_AT - share - 1)).are_too_many
    assert not learned(*[no] * (LOOKED_AT - 1)).are_too_many
    assert not learned(*[no] * (share + 1), *[yes] * (LOOKED_AT - share)).are_too_many
    assert not learned(*[refused(ErrorCode.COUNTRY_NOT_ALLOWED)] * LOOKED_AT).are_too_many
    assert not learned(*[Invalid(**COMMON, problems=())] * LOOKED_AT).are_too_many
