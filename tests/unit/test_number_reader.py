"""Numbers without their +: read where the caller says whose they are and nothing else can be meant."""

from pathlib import Path
from typing import Any

import pytest

from wooxy_async.campaigns import Campaign, CampaignError, Contacts, Offer, Plan, ReadyRow, UnusableRow
from wooxy_async.campaigns._countries import _BY_START, _CACHED, country_of
from wooxy_async.campaigns._numbers import NumberReader, mobile_region_of


def _read(written: str, values: dict[str, str] | None = None, **options: Any) -> str:
    """Return the number that is read, or the rule that is broken."""
    found = NumberReader(**options).read(written, values or {})
    return found if isinstance(found, str) else found.rule


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0151 23456789", "+4915123456789"),
        ("(0151) 234-56789", "+4915123456789"),
        ("15123456789", "+4915123456789"),
        ("0049 151 23456789", "+4915123456789"),
        ("0049 (0)151 23456789", "+4915123456789"),
        ("+49 151 23456789", "+4915123456789"),
        ("+43 664 1234567", "+436641234567"),
        ("'+4915123456789", "+4915123456789"),
        ("'015123456789", "+4915123456789"),
        ("015123456789.0", "+4915123456789"),
        ("+4915123456789.0", "+4915123456789"),
        ("4915123456789", "missing_plus"),
        ("0043 664 1234567", "missing_plus"),
        ("0123", "missing_plus"),
        ("030/1234567 / 8", "missing_plus"),
        ("n/a", "no_digits"),
        ("4.49151E+11", "digits_lost"),
        ("4,9E+12", "digits_lost"),
        ("", "empty"),
        ("0380501234567", "missing_plus"),
    ],
)
def test_with_a_country_its_national_spellings_and_00_are_read(written: str, read: str) -> None:
    """Germany's numbers as Germans write them; what lost only its + was not asked for, others' numbers neither."""
    assert _read(written, country="DE") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("4915123456789", "+4915123456789"),
        ("436641234567", "+436641234567"),
        ("4915123456789.0", "+4915123456789"),
        ("0043 664 1234567", "+436641234567"),
        ("015123456789", "missing_plus"),
        ("15062354912", "missing_plus"),
        ("14155550123", "missing_plus"),
        ("380501234567", "missing_plus"),
    ],
)
def test_a_lost_plus_is_put_back_for_the_named_countries_alone(written: str, read: str) -> None:
    """15062354912 is valid in Canada with a bare + before it; nobody named Canada."""
    assert _read(written, assume_plus=True, countries=("DE", "AT")) == read


def test_without_options_a_number_without_plus_stays_a_problem() -> None:
    """Nothing is guessed, and what a spreadsheet did is named."""
    assert _read("015123456789") == "missing_plus"
    assert _read("4915123456789.0") == "decimals_added"
    assert _read("+4915123456789.0") == "decimals_added"
    assert _read("+4915123456789,00") == "decimals_added"
    assert _read("'+4915123456789") == "+4915123456789"


def test_a_number_that_can_be_read_in_two_ways_stays_a_problem() -> None:
    """1512 345 6789 is a number at home in Germany, and with a + before it one of Canada's neighbours."""
    assert _read("15062354912", country="DE") == "+4915062354912"
    assert _read("15062354912", country="DE", countries=("CA",)) == "unclear_reading"
    assert _read("15062354912", assume_plus=True, countries=("CA", "DE")) == "unclear_reading"
    assert _read("15062354912", assume_plus=True, countries=("CA",)) == "+15062354912"


def test_a_number_of_a_restricted_country_is_named_as_that() -> None:
    """A rescued number is sent to no sooner than another."""
    found = NumberReader(country="UA").read("050 123 4567", {})
    assert not isinstance(found, str)
    assert (found.rule, found.country) == ("restricted_country", "UA")


def test_each_row_can_have_its_country() -> None:
    """The column counts, and `country` where it is empty; what is no code is a problem of the row."""
    values = {"land": "at"}
    assert _read("0664 1234567", values, country="DE", country_column="land") == "+436641234567"
    assert _read("0151 23456789", {"land": ""}, country="DE", country_column="land") == "+4915123456789"
    assert _read("0664 1234567", {"land": ""}, country_column="land") == "missing_plus"
    assert _read("0664 1234567", {"land": "Austria"}, country_column="land") == "country"


def test_countries_are_codes_and_a_lost_plus_needs_some() -> None:
    """A wrong option is refused before a row is read."""
    with pytest.raises(CampaignError, match="country='Germany' is no country's two-letter code"):
        NumberReader(country="Germany")
    with pytest.raises(CampaignError, match="countries='XX' is no country's"):
        NumberReader(assume_plus=True, countries=("DE", "XX"))
    with pytest.raises(CampaignError, match=r"assume_plus=True needs countries=…"):
        NumberReader(assume_plus=True)


def _plan(tmp_path: Path, numbers: list[str], **options: Any) -> Plan:
    path = tmp_path / "c.csv"
    path.write_text("phone;land\n" + "".join(f'"{number}";\n' for number in numbers))
    return Campaign(Contacts(path), domain="shop.example", text="Hi", **options).plan()


def _follow(offer: Offer) -> dict[str, Any]:
    """Return the options of `Campaign` that an offer names."""
    if offer.country:
        return {"country": offer.country}
    return {"assume_plus": True, "countries": offer.countries}


NATIONAL = [f"0151 2345{at:04}" for at in range(50)]
LOST = [f"4915123{at:06}" for at in range(50)] + [f"43664123{at:04}" for at in range(20)]
ZEROS = [f"004915124{at:06}" for at in range(50)]


@pytest.mark.parametrize(
    ("numbers", "offers"),
    [
        (NATIONAL, [Offer(country=country, rows=50, tried=50) for country in ("CN", "DE")]),
        (ZEROS, [Offer(country="DE", rows=50, tried=50)]),
        (LOST, [Offer(countries=("DE", "AT"), rows=70, tried=70)]),
        (
            [*LOST, *ZEROS],
            [Offer(countries=("DE", "AT"), rows=120, tried=120), Offer(country="DE", rows=50, tried=120)],
        ),
        ([f"{number}.0" for number in LOST[:50]], [Offer(countries=("DE",), rows=50, tried=50)]),
        (["123"], []),
    ],
    ids=["national", "00", "lost +", "mixed", "decimals", "nothing"],
)
def test_the_options_that_would_read_them_are_offered_and_do_read_them(
    tmp_path: Path, numbers: list[str], offers: list[Offer]
) -> None:
    """The remedy names the option and how many rows it mends; followed, it mends as many."""
    plan = _plan(tmp_path, numbers)
    assert plan.sendable == 0
    (group,) = plan.groups
    assert list(group.offers) == offers
    for offer in offers:
        again = _plan(tmp_path, numbers, **_follow(offer))
        assert again.sendable == offer.rows


def test_the_countries_of_the_other_numbers_are_tried_first(tmp_path: Path) -> None:
    """A file of Austrian numbers is offered Austria, although its national spellings are valid elsewhere too."""
    numbers = [f"+43664123{at:04}" for at in range(30)] + [f"0664 223 {at:04}" for at in range(20)]
    (group,) = _plan(tmp_path, numbers).groups
    assert group.offers == (Offer(country="AT", rows=20, tried=20),)
    assert group.offers[0].arguments == 'country="AT"'
    assert Offer(countries=("DE",), rows=1, tried=1).arguments == "assume_plus=True, countries=('DE',)"


def test_a_country_column_must_be_one(tmp_path: Path) -> None:
    """A name that is no column is refused before a row is read."""
    with pytest.raises(CampaignError, match="country_column='country' is no column of the contacts"):
        _plan(tmp_path, NATIONAL, country_column="country")
    assert _plan(tmp_path, NATIONAL, country_column="land", country="DE").sendable == 50


def test_an_apostrophe_is_left_off_and_told(tmp_path: Path) -> None:
    """Spreadsheets mark text by it; the number behind it is whole."""
    plan = _plan(tmp_path, ["'+4915123456789", "+4915123456780"])
    assert plan.sendable == 2
    (warning,) = plan.warnings
    assert (warning.field, warning.rows, warning.first_sheet_row) == ("phone", 1, 2)
    assert "had an apostrophe before the number" in warning.text


def test_the_country_of_a_number_is_that_of_the_library() -> None:
    """A few digits tell it, for countries that share a calling code too."""
    numbers = ("+14155550123", "+15062354912", "+447400175290", "+447781123456", "+77010001234", "+393123456789")
    assert [country_of(number) for number in numbers] == ["US", "CA", "GB", "GG", "KZ", "IT"]
    assert mobile_region_of("+447781123456") == "GG"
    assert mobile_region_of("+493012345678") is None
    assert country_of("+80012345678") == "?"
    assert country_of("+000") == "?"
    assert country_of("+19990000000") == "US"


def test_countries_are_remembered_for_so_many_beginnings_of_numbers_only() -> None:
    """A million numbers of countries that share a calling code fill no memory, and each has its own country."""
    countries = {country_of(f"+{12_040_000 + at}0000"[:12]) for at in range(_CACHED + 1)}
    assert {"US", "CA"} <= countries
    assert len(_BY_START) <= _CACHED


def test_the_place_of_a_number_is_found_again_however_many_there_are() -> None:
    """Groups and warnings name rows as spreadsheets do."""
    from wooxy_async.campaigns._seen import SeenNumbers  # noqa: PLC0415

    seen = SeenNumbers()
    numbers = [10**11 + at * 7 for at in range(20_000)]
    assert [seen.first(number, at) for at, number in enumerate(numbers)] == list(range(20_000))
    assert [seen.first(number, 99_999) for number in numbers] == list(range(20_000))


def test_rows_and_groups_name_the_rows_of_the_spreadsheet(tmp_path: Path) -> None:
    """The header is row 1, and every group has its first rows."""
    plan = _plan(tmp_path, ["+4915123456789", "n/a", "+4915123456789", "x", "+380501234567"])
    assert [(group.kind, group.rule, group.first_rows) for group in plan.groups] == [
        ("invalid", "no_digits", (3, 5)),
        ("duplicate", "duplicate", (4,)),
        ("restricted", "restricted_country", (6,)),
    ]
    assert plan.groups[1].remedy == "repeats the number of an earlier row; each number is sent to once"
    assert plan.by_country == {"DE": 1}
    rows = list(Campaign(Contacts(tmp_path / "c.csv"), domain="shop.example", text="Hi").rows())
    assert [(type(row), row.sheet_row, row.line) for row in rows[:2]] == [(ReadyRow, 2, 2), (UnusableRow, 3, 3)]
