"""What is asked right before each request: whether it may go, now, to this person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

import msgspec

from wooxy_async._rules.messages import ViberMessage
from wooxy_async.campaigns._cost import CostLimit
from wooxy_async.campaigns._countries import country_of
from wooxy_async.campaigns._suppression import SuppressionList
from wooxy_async.campaigns._window import MIN_LEFT, SendingWindow, zones_of

Advice: TypeAlias = Literal["send", "suppressed", "wait", "pause", "stop"]
_MOMENT: Final = timedelta(microseconds=1)
_LOOKED_AT_EVERY: Final = timedelta(days=1)
TEST_MARK: Final = "TEST: "


class CareVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a message may go.

    Args:
        advice: "send"; "suppressed": it must not, now and later; "wait": not before `until`; "pause": nothing may go
            until the reason is gone, ask again; "stop": nothing more may go.
        message: what may go, its `ttl` and `not_after` within the window; the same message otherwise.
        reason: in words, for all but "send".
        until: when to ask again; None with "wait" means never within a year.
    """

    advice: Advice
    message: ViberMessage
    reason: str = ""
    until: datetime | None = None


class _Hours(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the window in some zones; a country has up to thirty, and each message asks.

    Args:
        seen: when it was looked at.
        good_until: until when it holds.
        latest: the last moment at which a request may start; None where it is shut.
        opens: when it opens, if it is shut.
    """

    seen: datetime
    good_until: datetime
    latest: datetime | None = None
    opens: datetime | None = None


class Care:
    """The rules of one run. `judge` is called when a row is claimed, and again right before each of its requests.

    Args:
        suppressed: lists of numbers that nothing goes to.
        window: when messages may go; None is always.
        cost: what they may cost; None is any sum.
        now: the time, with its zone.
    """

    def __init__(
        self,
        *,
        suppressed: Sequence[SuppressionList] = (),
        window: SendingWindow | None = None,
        cost: CostLimit | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._suppressed = suppressed
        self._window = window
        self._cost = cost
        self._now = now
        self._known: dict[tuple[str, ...], _Hours] = {}

    def judge(self, message: ViberMessage, *, zone: str | None = None, is_first: bool = True) -> CareVerdict:
        """Return whether a message may go now.

        Args:
            message: its number as E.164.
            zone: the recipient's time zone, where the row names one.
            is_first: whether this is its first request; only that is counted as cost.
        """
        number = message.phone_number
        for listed in self._suppressed:
            if reason := listed.refresh():
                return CareVerdict(advice="pause", message=message, reason=reason)
            if number in listed:
                return CareVerdict(advice="suppressed", message=message, reason=f"is on the list {listed.path.name}")
        verdict = self._judge_time(message, zone)
        if verdict.advice == "send" and is_first and self._cost is not None and not self._cost.take(number):
            return CareVerdict(
                advice="stop", message=message, reason="the next message would cost more than may be spent"
            )
        return verdict

    def _judge_time(self, message: ViberMessage, zone: str | None) -> CareVerdict:
        if self._window is None:
            return CareVerdict(advice="send", message=message)
        now, country = self._now(), country_of(message.phone_number)
        hours = self._hours(self._window, now, zones_of(country, narrowed_to=zone))
        if hours.latest is None or now > hours.latest:
            reason = f"the window is closed in {country}"
            return CareVerdict(advice="wait", message=message, reason=reason, until=hours.opens)
        return CareVerdict(advice="send", message=_within(message, now, hours.latest))

    def _hours(self, window: SendingWindow, now: datetime, zones: tuple[str, ...]) -> _Hours:
        known = self._known.get(zones)
        if known is not None and known.seen <= now <= known.good_until:
            return known
        left = window.seconds_left(now, zones)
        if left >= MIN_LEFT:
            latest = now + timedelta(seconds=left - MIN_LEFT)
            known = _Hours(seen=now, good_until=latest, latest=latest)
        else:
            opens = window.next_opening(now, zones)
            until = (opens or now + _LOOKED_AT_EVERY) - _MOMENT
            known = _Hours(seen=now, good_until=until, opens=opens)
        self._known[zones] = known
        return known


def _within(message: ViberMessage, now: datetime, latest: datetime) -> ViberMessage:
    """Return a message that Viber does not deliver after the window, and of which no request starts near its end."""
    left = (latest - now).total_seconds() + MIN_LEFT
    not_after = latest if message.not_after is None else min(latest, message.not_after)
    return msgspec.structs.replace(message, ttl=min(message.ttl, int(left)), not_after=not_after)


def as_test(message: ViberMessage, to: str) -> ViberMessage:
    """Return a message for one's own phone, marked as a test; it has no reference, so that it uses no key.

    Args:
        message: what would go to a recipient.
        to: one's own number.
    """
    return msgspec.structs.replace(
        message, phone_number=to, text=f"{TEST_MARK}{message.text}", reference=None, not_after=None
    )
