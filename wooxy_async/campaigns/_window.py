"""When messages may go: hours of the recipients' days, in every time zone that their country has.

A country's zones are those of IANA's table. Area codes are never used: people take their numbers along.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from wooxy_async._rules.checks import MAX_TTL
from wooxy_async.campaigns._errors import CampaignError

MIN_LEFT: Final = 1_800  # seconds; Viber tries to deliver for no shorter time
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")  # noqa: RUF001  # people's dash
_DAY: Final = timedelta(days=1)
_LOOKS_AHEAD: Final = timedelta(seconds=MAX_TTL)
_HORIZON: Final = 366  # days
_DAYTIME: Final = "08:00-21:00"
# Countries of numbers that IANA's table has under another's name.
_SHARED: Final = {"XK": "RS", "AC": "SH", "TA": "SH"}


class SendingWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Hours in which messages may go, the same on each day that is allowed.

    From 00:00 to 24:00 is round the clock: it does not close between two days that are allowed.

    Args:
        opens: minutes after midnight, recipient's time.
        closes: likewise, after `opens`; 1,440 is midnight.
        days: weekdays, 0 for Monday.
        not_on: dates on which nothing goes.
    """

    opens: int
    closes: int
    days: frozenset[int] = frozenset(range(7))
    not_on: frozenset[date] = frozenset()

    def seconds_left(self, now: datetime, zones: Collection[str]) -> float:
        """Return for how many seconds it is open from now on in every zone; 0 where it is closed in one.

        Past 259,200 s, the longest that Viber tries to deliver, it does not look.

        Args:
            now: a time with its zone.
            zones: IANA names; none of them means that nobody knows, and it is closed.
        """
        return min((self._left(now, ZoneInfo(zone)) for zone in zones), default=0.0)

    def may_send(self, now: datetime, zones: Collection[str]) -> bool:
        """Return whether a request may start: it is open, and for 1,800 s more."""
        return self.seconds_left(now, zones) >= MIN_LEFT

    def next_opening(self, now: datetime, zones: Collection[str]) -> datetime | None:
        """Return from when on a request may start, in UTC; None if there is no such time within a year."""
        moment, end = now.astimezone(UTC), now.astimezone(UTC) + _HORIZON * _DAY
        while zones and moment < end:
            shut = [zone for zone in zones if self._left(moment, ZoneInfo(zone)) < MIN_LEFT]
            if not shut:
                return moment
            moment = max(self._next_start(moment, ZoneInfo(zone)) for zone in shut)
        return None

    def _left(self, now: datetime, zone: ZoneInfo) -> float:
        day = now.astimezone(zone).date()
        if not self._is_on(day):
            return 0.0
        start, end = self._bounds(day, zone)
        while self._is_round_the_clock and self._is_on(day + _DAY) and end - now < _LOOKS_AHEAD:
            day += _DAY
            _, end = self._bounds(day, zone)
        has_opened = self.opens == 0 or start <= now
        return (end - now).total_seconds() if has_opened and now < end else 0.0

    @property
    def _is_round_the_clock(self) -> bool:
        return (self.opens, self.closes) == (0, 24 * 60)

    def _is_on(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.not_on

    def _next_start(self, now: datetime, zone: ZoneInfo) -> datetime:
        day = now.astimezone(zone).date()
        start, _ = self._bounds(day, zone)
        return start if start > now else self._bounds(day + _DAY, zone)[0]

    def _bounds(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return a day's opening and closing in UTC: where clocks change, the shorter of what may be meant."""
        return max(_moments(day, self.opens, zone)), min(_moments(day, self.closes, zone))


def _moments(day: date, minutes: int, zone: ZoneInfo) -> list[datetime]:
    """Return the moments that a wall clock's time may be: two where clocks are changed."""
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]


def parse_window(hours: str, *, days: str | None = None, not_on: Collection[date] = ()) -> SendingWindow:
    """Return a window as people write it.

    Args:
        hours: as in "09:00-20:00"; it does not pass midnight, and is open for half an hour at least.
        days: as in "mon-fri,sun"; None is every day.
        not_on: dates on which nothing goes.

    Raises:
        CampaignError: it is none.
    """
    found = _HOURS.fullmatch(hours.strip())
    opens, closes = (60 * int(found[1]) + int(found[2]), 60 * int(found[3]) + int(found[4])) if found else (0, 0)
    is_clock = found is not None and int(found[2]) < 60 and int(found[4]) < 60 and closes <= 24 * 60  # noqa: PLR2004
    if not is_clock or closes - opens < MIN_LEFT // 60:
        raise CampaignError(f"{hours!r} is no window of half an hour or more within a day, as in 09:00-20:00.")
    weekdays = frozenset(range(7)) if days is None else _parse_days(days)
    return SendingWindow(opens=opens, closes=closes, days=weekdays, not_on=frozenset(not_on))


def _parse_days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first[:3] not in DAYS or (last or first)[:3] not in DAYS:
            raise CampaignError(f"{part!r} is no day, as in mon-fri,sun.")
        start, end = DAYS.index(first[:3]), DAYS.index((last or first)[:3])
        found |= {day % 7 for day in range(start, end + (7 if end < start else 0) + 1)}
    return frozenset(found)


def read_dates(path: str | os.PathLike[str]) -> frozenset[date]:
    """Read dates from a file, one a line as in 2026-12-24; what stands behind # is a remark.

    Raises:
        CampaignError: it cannot be read, or a line is no date.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise CampaignError(f"{path} cannot be read as a file of dates.") from None
    found = set()
    for number, line in enumerate(lines, 1):
        if text := line.partition("#")[0].strip():
            try:
                found.add(date.fromisoformat(text))
            except ValueError:
                raise CampaignError(f"{path}, line {number}: {text[:40]!r} is no date, as in 2026-12-24.") from None
    return frozenset(found)


def zones_of(country: str, *, narrowed_to: str | None = None) -> tuple[str, ...]:
    """Return the time zones of a country by IANA's table; none where it is not known.

    Args:
        country: its two-letter code.
        narrowed_to: the zone that a row names; it counts if it is one of the country's.

    Raises:
        CampaignError: there is no table on this machine.
    """
    zones = _table().get(_SHARED.get(country, country), ())
    return (narrowed_to,) if narrowed_to in zones and narrowed_to is not None else zones


def at_night(by_country: Mapping[str, int], now: datetime) -> dict[str, int]:
    """Return the recipients, by country, for whom it is before 8 or after 21 o'clock in a zone of their country."""
    day = parse_window(_DAYTIME)
    return {country: count for country, count in by_country.items() if not day.seconds_left(now, zones_of(country))}


@cache
def _table() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _table_text().splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found


def _table_text() -> str:
    try:
        text = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
        ZoneInfo("Europe/Berlin")
    except (ModuleNotFoundError, FileNotFoundError, ZoneInfoNotFoundError):
        raise CampaignError('time zones need the package tzdata: pip install "wooxy-async[cli]"') from None
    return text
