"""Cost, canary and test messages: none too many."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from wooxy_async import ViberMessage
from wooxy_async.campaigns import CampaignError, Canary, Care, CostLimit, Prices, as_test, one_price, parse_canary
from wooxy_async.campaigns._canary import shares

GERMAN, AMERICAN, AUSTRIAN = "+4915123456789", "+12015550123", "+436641234567"


def _message(number: str) -> ViberMessage:
    return ViberMessage(domain="shop.example", phone_number=number, text="Hi", reference="row-1")


def test_nothing_goes_that_would_cost_too_much() -> None:
    """The sum is exact to the cent: the message that would exceed it stops the run, retries cost nothing."""
    limit = CostLimit(one_price("0,1"), Decimal("0.3"))
    care = Care(cost=limit)
    assert [care.judge(_message(GERMAN)).advice for _ in range(4)] == ["send", "send", "send", "stop"]
    assert limit.spent == Decimal("0.3")
    assert care.judge(_message(GERMAN), is_first=False).advice == "send"
    assert care.judge(_message(GERMAN)).reason == "the next message would cost more than may be spent"
    assert [CostLimit(one_price("0.1"), Decimal("0.3"), spent=Decimal("0.25")).take(GERMAN)] == [False]


def test_prices_are_by_country() -> None:
    """A country without a price is an error where there is a limit, never free."""
    limit = CostLimit(Prices({"DE": Decimal("0.07"), "*": Decimal("0.01")}), Decimal("0.08"))
    assert [limit.take(GERMAN), limit.take(AMERICAN), limit.take(AMERICAN)] == [True, True, False]
    with pytest.raises(CampaignError, match="there is no price for messages to US"):
        CostLimit(Prices({"DE": Decimal(1)}), Decimal(9)).take(AMERICAN)


def test_without_rules_everything_goes_as_it_is() -> None:
    """A run without options changes nothing."""
    message = _message(GERMAN)
    verdict = Care().judge(message)
    assert (verdict.advice, verdict.message, verdict.reason) == ("send", message, "")


def test_a_canary_is_as_large_as_it_says_and_over_all_countries() -> None:
    """One too many would be caught; the same seed takes the same rows, another one others."""
    numbers = [GERMAN] * 900 + [AMERICAN] * 90 + [AUSTRIAN] * 10
    counts = {"DE": 900, "US": 90, "AT": 10}

    def taken(seed: int) -> list[int]:
        canary = Canary(counts, 100, seed)
        return [at for at, number in enumerate(numbers) if canary.takes(number)]

    assert taken(1) == taken(1)
    assert taken(1) != taken(2)
    assert len(taken(1)) == 100
    assert Counter(numbers[at] for at in taken(1)) == {GERMAN: 90, AMERICAN: 9, AUSTRIAN: 1}
    assert not Canary({}, 5, 1).takes(GERMAN)


@given(
    st.dictionaries(st.sampled_from(["DE", "AT", "US", "FR", "GE"]), st.integers(1, 500), min_size=1),
    st.integers(1, 800),
)
def test_the_shares_of_a_sample_are_exact(counts: dict[str, int], size: int) -> None:
    """They add up to the size, none is more than there is, and every country has one as far as they go round."""
    found = shares(counts, size)
    assert sum(found.values()) == min(size, sum(counts.values()))
    assert all(0 < found[country] <= counts[country] for country in found)
    assert size < len(counts) or set(found) == set(counts)


@pytest.mark.parametrize(
    ("text", "size"), [("100", 100), ("1%", 10), ("0.01%", 1), ("5000", 1000), ("100%", 1000), (" 7 ", 7)]
)
def test_a_canary_is_a_count_or_a_share(text: str, size: int) -> None:
    """One message at least, and no more than there are."""
    assert parse_canary(text, 1000) == size


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "101%", "many", "", "NaN", "Infinity"])
def test_what_is_no_canary_is_refused(text: str) -> None:
    """A sample has a size."""
    with pytest.raises(CampaignError, match="is neither a count such as 100 nor a share such as 1%"):
        parse_canary(text, 1000)


def test_a_test_goes_to_one_s_own_phone_and_uses_no_key() -> None:
    """Its text is marked, and nothing leads back to a row."""
    test = as_test(_message(GERMAN), AMERICAN)
    assert (test.phone_number, test.text, test.reference) == (AMERICAN, "TEST: Hi", None)
