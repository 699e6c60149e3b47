"""Sending windows: open in every zone of the recipient's country, or shut."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from wooxy_async import ViberMessage
from wooxy_async.campaigns import CampaignError, Care, SendingWindow, at_night, parse_window, read_dates, zones_of

NINE_TO_EIGHT = parse_window("09:00-20:00")
# Forty countries with the zones that people live in, written down by hand, and a number of each.
COUNTRIES = {
    "+4915123456789": ["Europe/Berlin"],
    "+436641234567": ["Europe/Vienna"],
    "+447400175290": ["Europe/London"],
    "+353851234567": ["Europe/Dublin"],
    "+33612345678": ["Europe/Paris"],
    "+34612345678": ["Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"],
    "+351912345678": ["Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"],
    "+393123456789": ["Europe/Rome"],
    "+41781234567": ["Europe/Zurich"],
    "+48512345678": ["Europe/Warsaw"],
    "+420601123456": ["Europe/Prague"],
    "+36201234567": ["Europe/Budapest"],
    "+40712034567": ["Europe/Bucharest"],
    "+359431234567": ["Europe/Sofia"],
    "+306912345678": ["Europe/Athens"],
    "+905012345678": ["Europe/Istanbul"],
    "+37121234567": ["Europe/Riga"],
    "+37061234567": ["Europe/Vilnius"],
    "+37251234567": ["Europe/Tallinn"],
    "+358412345678": ["Europe/Helsinki"],
    "+46701234567": ["Europe/Stockholm"],
    "+4740612345": ["Europe/Oslo"],
    "+4534412345": ["Europe/Copenhagen"],
    "+381601234567": ["Europe/Belgrade"],
    "+37362112345": ["Europe/Chisinau"],
    "+995555123456": ["Asia/Tbilisi"],
    "+37477123456": ["Asia/Yerevan"],
    "+994401234567": ["Asia/Baku"],
    "+77710009998": ["Asia/Almaty", "Asia/Aqtau", "Asia/Oral"],
    "+972502345678": ["Asia/Jerusalem"],
    "+201001234567": ["Africa/Cairo"],
    "+27711234567": ["Africa/Johannesburg"],
    "+818012345678": ["Asia/Tokyo"],
    "+84912345678": ["Asia/Ho_Chi_Minh"],
    "+639051234567": ["Asia/Manila"],
    "+61412345678": ["Australia/Sydney", "Australia/Perth", "Australia/Adelaide", "Australia/Brisbane"],
    "+6421234567": ["Pacific/Auckland", "Pacific/Chatham"],
    "+12015550123": ["America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "America/Anchorage"],
    "+15062345678": ["America/St_Johns", "America/Vancouver", "America/Toronto"],
    "+5511961234567": ["America/Sao_Paulo", "America/Manaus", "America/Noronha"],
}
CHANGES = (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))


def _moments() -> Iterator[datetime]:
    """Yield every ten minutes of the days around the changes of the clocks."""
    for change in (*CHANGES, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC)):
        start = change - timedelta(days=1)
        yield from (start + timedelta(minutes=10 * step) for step in range(3 * 24 * 6))


@pytest.fixture
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[float, tuple[int, int]]]]:
    """Give hour and minute by zone and moment, as the C library tells them."""
    found: dict[str, dict[float, tuple[int, int]]] = {}
    stamps = [moment.timestamp() for moment in _moments()]
    with resources.as_file(resources.files("tzdata").joinpath("zoneinfo")) as folder:
        for zone in {zone for zones in COUNTRIES.values() for zone in zones}:
            monkeypatch.setenv("TZ", f":{folder / zone}")
            time.tzset()
            found[zone] = {stamp: (time.localtime(stamp).tm_hour, time.localtime(stamp).tm_min) for stamp in stamps}
    yield found
    monkeypatch.undo()
    time.tzset()


def test_no_message_goes_out_at_a_recipient_s_night(wall_clock: dict[str, dict[float, tuple[int, int]]]) -> None:
    """Forty countries, all changes of the clocks: what may go is between nine and eight in each zone, ttl included."""
    now = [datetime.now(UTC)]
    care = Care(window=NINE_TO_EIGHT, now=lambda: now[0])
    sent = dict.fromkeys(COUNTRIES, 0)
    for moment in _moments():
        now[0] = moment
        for number, zones in COUNTRIES.items():
            verdict = care.judge(ViberMessage(domain="a.example", phone_number=number, text="Hi", ttl=86_400))
            if verdict.advice != "send":
                assert verdict.until is not None
                assert verdict.until > moment
                continue
            sent[number] += 1
            ttl, latest = verdict.message.ttl, verdict.message.not_after
            assert latest is not None
            assert ttl >= 1_800
            assert latest >= moment
            for zone in zones:
                hour, minute = wall_clock[zone][moment.timestamp()]
                assert 9 <= hour < 20
                left = (20 - hour) * 3600 - minute * 60
                assert ttl <= left
                assert (latest - moment).total_seconds() <= left - 1_800
    assert min(sent.values()) > 100


def test_where_it_is_shut_it_opens_when_it_says() -> None:
    """At the opening a request may start, and ten minutes before it none."""
    for moment in (*CHANGES, datetime(2026, 7, 1, 23, 30, tzinfo=UTC)):
        for country in ("DE", "US", "AU", "KZ", "PT", "NZ"):
            zones = zones_of(country)
            opening = NINE_TO_EIGHT.next_opening(moment, zones)
            assert opening is not None
            assert NINE_TO_EIGHT.may_send(opening, zones)
            if opening > moment:
                assert not NINE_TO_EIGHT.may_send(opening - timedelta(minutes=10), zones)


def test_the_last_half_hour_waits_for_the_next_day() -> None:
    """1,800 s are the least that Viber tries to deliver."""
    berlin = ("Europe/Berlin",)
    at = datetime(2026, 7, 1, 17, 30, tzinfo=UTC)  # 19:30 there
    assert NINE_TO_EIGHT.may_send(at, berlin)
    assert not NINE_TO_EIGHT.may_send(at + timedelta(seconds=1), berlin)
    assert NINE_TO_EIGHT.next_opening(at + timedelta(seconds=1), berlin) == datetime(2026, 7, 2, 7, tzinfo=UTC)
    assert NINE_TO_EIGHT.next_opening(at, berlin) == at


def test_round_the_clock_is_open_at_midnight_too() -> None:
    """In no zone it closes between two days, whether clocks change there or not; before a day off it does."""
    always = parse_window("00:00-24:00")
    zones = {"America/Havana"}.union(*COUNTRIES.values())
    of_cairo = datetime(2026, 4, 23, 21, tzinfo=UTC), datetime(2026, 10, 29, 20, tzinfo=UTC)  # clocks change at 24:00
    of_havana = datetime(2026, 11, 1, 4, tzinfo=UTC)  # from 01:00 back to 00:00
    changes = [start + timedelta(minutes=10 * step) for start in (*of_cairo, of_havana) for step in range(12)]
    for moment in (*changes, *list(_moments())[::3]):
        assert always.seconds_left(moment, zones) >= 72 * 3600
    without_sunday = parse_window("00:00-24:00", days="mon-sat")
    friday, saturday = datetime(2026, 7, 3, 21, 45, tzinfo=UTC), datetime(2026, 7, 4, 21, 45, tzinfo=UTC)
    assert without_sunday.seconds_left(friday, ["Europe/Berlin"]) == 24.25 * 3600
    assert without_sunday.seconds_left(saturday, ["Europe/Berlin"]) == 900
    assert without_sunday.next_opening(saturday, ["Europe/Berlin"]) == datetime(2026, 7, 5, 22, tzinfo=UTC)


def test_days_and_dates_are_the_recipient_s() -> None:
    """Monday begins in New Zealand while it is Sunday in Berlin."""
    window = parse_window("09:00-20:00", days="mon-fri", not_on=[date(2026, 7, 6)])
    sunday = datetime(2026, 7, 12, 22, tzinfo=UTC)
    assert window.may_send(sunday, ("Pacific/Auckland",))
    assert not window.may_send(sunday, ("Europe/Berlin",))
    friday = datetime(2026, 7, 3, 18, 30, tzinfo=UTC)
    assert window.next_opening(friday, ("Europe/Berlin",)) == datetime(2026, 7, 7, 7, tzinfo=UTC)


def test_a_country_whose_zones_have_no_hour_in_common_is_never_open() -> None:
    """Then nothing goes, and nobody waits for ever without a word; the same where no zone is known."""
    short = parse_window("09:00-10:00")
    now = datetime(2026, 7, 1, tzinfo=UTC)
    assert short.next_opening(now, zones_of("US")) is None
    assert short.next_opening(now, ()) is None
    assert not short.may_send(now, ())
    care = Care(window=NINE_TO_EIGHT, now=lambda: now)
    verdict = care.judge(ViberMessage(domain="a.example", phone_number="+80012345678", text="Hi"))
    assert (verdict.advice, verdict.until) == ("wait", None)


def test_a_row_may_name_its_zone() -> None:
    """A zone of the country narrows it; another one does not count."""
    assert zones_of("US", narrowed_to="America/New_York") == ("America/New_York",)
    assert len(zones_of("US", narrowed_to="Europe/Berlin")) > 20
    assert zones_of("XK") == ("Europe/Belgrade",)
    assert zones_of("?") == ()
    now = datetime(2026, 7, 1, 14, tzinfo=UTC)  # 10 in New York, 4 in Honolulu
    care = Care(window=NINE_TO_EIGHT, now=lambda: now)
    message = ViberMessage(domain="a.example", phone_number="+12015550123", text="Hi", not_after=now)
    assert care.judge(message).advice == "wait"
    verdict = care.judge(message, zone="America/New_York")
    assert (verdict.advice, verdict.message.not_after) == ("send", now)


@pytest.mark.parametrize("text", ["9-20", "20:00-09:00", "09:00-09:20", "09:60-20:00", "09:00-24:30", "nine"])
def test_hours_that_are_no_window_are_refused(text: str) -> None:
    """It lies within a day, and is open for half an hour."""
    with pytest.raises(CampaignError, match="is no window of half an hour or more"):
        parse_window(text)


def test_windows_days_and_dates_are_read_as_people_write_them(tmp_path: Path) -> None:
    """Dashes, blanks, week ends, remarks."""
    assert parse_window(" 9:00 – 24:00 ") == SendingWindow(opens=540, closes=1440)  # noqa: RUF001
    assert parse_window("09:00-20:00", days="Sat-Mon, wednesday").days == {5, 6, 0, 2}
    with pytest.raises(CampaignError, match="'xyz' is no day"):
        parse_window("09:00-20:00", days="mon,xyz")
    path = tmp_path / "dates.txt"
    path.write_text("\ufeff2026-12-24 # Christmas\n\n# none\n2027-01-01\n")
    assert read_dates(path) == {date(2026, 12, 24), date(2027, 1, 1)}
    path.write_text("2026-12-24\n24.12.2026\n")
    with pytest.raises(CampaignError, match=r"line 2: '24\.12\.2026' is no date"):
        read_dates(path)
    with pytest.raises(CampaignError, match="cannot be read as a file of dates"):
        read_dates(tmp_path / "none")


def test_who_has_night_now_is_counted() -> None:
    """Where no window was given, a person wants to know."""
    night = datetime(2026, 7, 1, 22, tzinfo=UTC)
    assert at_night({"DE": 3, "JP": 2, "NZ": 1}, night) == {"DE": 3, "JP": 2}


def test_the_extra_is_named_where_there_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without tzdata nothing is guessed."""
    from wooxy_async.campaigns._window import _table_text  # noqa: PLC0415

    monkeypatch.setitem(__import__("sys").modules, "tzdata", None)
    with pytest.raises(CampaignError, match=r'pip install "wooxy-async\[cli\]"'):
        _table_text()
    assert os.environ
