"""Campaigns and plans: every row is judged before anything leaves."""

import json
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from wooxy_async import Button, ViberMessage
from wooxy_async.campaigns import (
    Campaign,
    Contacts,
    ContactsError,
    PlanWarning,
    ReadyRow,
    TemplateError,
    UnsendableError,
    UnusableRow,
)

# Every kind of row that people's exports have.
ROWS = """phone,firstName,city,reference
+14155550101,José,Riga,order-1
+1 (415) 555-0102,"O'Brien","Kraków, Stare
Miasto",
 +14155550103 ,Zoë,,
n/a,Bo,Riga,
,Bo,Riga,
+380501234567,Bo,Riga,
+375294911911,Bo,Riga,
+7 912 345 67 89,Bo,Riga,
+1-415-555-0101,Twin,Riga,order-1b
+77010001234,Kazakh,Almaty,
+14155550104,too,few
+14155550105,too,many,cells,here
+14155550106,"broken"quote,Riga,
+14155550103,Twin,Riga,
"""
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def contacts(tmp_path: Path) -> Contacts:
    """A small file that holds every kind of row."""
    path = tmp_path / "contacts.csv"
    path.write_text(ROWS, encoding="utf-8-sig")
    return Contacts(path)


def _campaign(contacts: Contacts, **options: Any) -> Campaign:
    return Campaign(contacts, **{"domain": "shop.example", "text": "Hi {{firstName}} of {{city}}", **options})


def _unusable(campaign: Campaign) -> list[tuple[int, str, str]]:
    return [(row.row, row.kind, row.problems[0].rule) for row in campaign.rows() if isinstance(row, UnusableRow)]


def test_every_row_is_sendable_or_has_its_reason(contacts: Contacts) -> None:
    """Nothing is lost: what cannot be sent has a row number, a kind and a rule."""
    campaign = _campaign(contacts)
    assert _unusable(campaign) == [
        (4, "invalid", "no_digits"),
        (5, "invalid", "empty"),
        (6, "restricted", "restricted_country"),
        (7, "restricted", "restricted_country"),
        (8, "restricted", "restricted_country"),
        (9, "duplicate", "duplicate"),
        (11, "invalid", "broken_row"),
        (12, "invalid", "broken_row"),
        (13, "invalid", "broken_row"),
        (14, "duplicate", "duplicate"),
    ]


def test_the_plan_counts_the_whole_file(contacts: Contacts) -> None:
    """The counts add up to the rows, countries are told apart, and the first message is there to be looked at."""
    plan = _campaign(contacts).plan(examples=2)
    assert (plan.rows, plan.sendable, plan.invalid, plan.restricted, plan.duplicates) == (14, 4, 5, 3, 2)
    assert plan.restricted_by_country == {"BY": 1, "RU": 1, "UA": 1}
    assert [row.row for row in plan.examples] == [4, 5]
    assert plan.sample is not None
    assert (plan.sample.row, plan.sample.message.text) == (1, "Hi José of Riga")
    assert plan.warnings == (
        PlanWarning(field="city", rows=1, first_row=3, text="is empty and leaves a gap in the text", first_sheet_row=4),
    )


def test_the_messages_carry_e164_numbers_and_references(contacts: Contacts) -> None:
    """The number leaves in one spelling, and the reference leads back to the row."""
    messages = list(_campaign(contacts).messages())
    assert [(message.phone_number, message.reference) for message in messages] == [
        ("+14155550101", "order-1"),
        ("+14155550102", "row-2"),
        ("+14155550103", "row-3"),
        ("+77010001234", "row-10"),
    ]
    assert messages[1].text == "Hi O'Brien of Kraków, Stare\nMiasto"


def test_a_repeated_number_names_the_row_that_it_repeats(contacts: Contacts) -> None:
    """The first row of a number is sent, however the second is spelled."""
    twins = [row for row in _campaign(contacts).rows() if isinstance(row, UnusableRow) and row.kind == "duplicate"]
    assert [(row.row, row.repeats) for row in twins] == [(9, 1), (14, 3)]
    assert [(row.sheet_row, row.repeats_sheet_row) for row in twins] == [(10, 2), (15, 4)]
    assert twins[0].problems[0].remedy == "repeats the number of row 1, which is sent; each number is sent to once"


def test_every_row_is_sent_where_that_is_asked_for(contacts: Contacts) -> None:
    """With unique="none" a number gets as many messages as it has rows."""
    plan = _campaign(contacts, unique="none").plan()
    assert (plan.sendable, plan.duplicates) == (6, 0)


def test_a_row_that_is_not_sent_does_not_make_another_a_duplicate(tmp_path: Path) -> None:
    """Only a number that is sent to can be repeated."""
    path = tmp_path / "c.csv"
    path.write_text("phone,text\n+14155550101,\n+14155550101,Hello\n")
    plan = Campaign(Contacts(path), domain="shop.example", text="{{text}}").plan()
    assert (plan.sendable, plan.invalid, plan.duplicates) == (1, 1, 0)


def test_the_button_is_rendered_and_everything_else_is_handed_on(contacts: Contacts) -> None:
    """A message is what the campaign says, with the contact's values in text and button."""
    campaign = _campaign(
        contacts,
        sender_id="Shop",
        button=Button(text="For {{firstName}}", url="https://shop.example/{{city}}"),
        device="phone",
        ttl=1800,
        tags=["spring"],
    )
    assert next(iter(campaign.messages())) == ViberMessage(
        domain="shop.example",
        phone_number="+14155550101",
        text="Hi José of Riga",
        sender_id="Shop",
        button=Button(text="For José", url="https://shop.example/Riga"),
        device="phone",
        ttl=1800,
        tags=("spring",),
        reference="order-1",
    )


def test_long_texts_and_captions_are_warnings_never_errors(contacts: Contacts) -> None:
    """Wooxy's page sets no limit, so what other providers refuse is told and sent."""
    campaign = _campaign(contacts, text="x" * 1001, button=Button(text="y" * 31, url="https://shop.example"))
    plan = campaign.plan()
    assert plan.sendable == 4
    assert [(warning.field, warning.rows, warning.first_row) for warning in plan.warnings] == [
        ("text", 4, 1),
        ("button.text", 4, 1),
    ]


def test_what_every_message_would_break_is_refused_at_once(contacts: Contacts) -> None:
    """All mistakes of the campaign itself are told together, before a row is read."""
    with pytest.raises(UnsendableError) as caught:
        _campaign(contacts, domain="", ttl=5, tags=("_x",), device="tv", text=" ")
    assert [problem.field for problem in caught.value.problems] == ["domain", "text", "device", "ttl", "tags[0]"]
    assert "ttl: must be a whole number of seconds from 1800 to 259200" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own pickle


@pytest.mark.parametrize("option", [{"unique": "phone"}, {"phone_check": "strict"}])
def test_a_word_that_is_no_option_is_refused(contacts: Contacts, option: dict[str, str]) -> None:
    """A misspelled option is an error that lists the right ones."""
    with pytest.raises(ValueError, match="must be one of"):
        _campaign(contacts, **option)


def test_a_template_that_names_no_column_is_refused_before_anything_is_read(contacts: Contacts) -> None:
    """The error names the field; texts and buttons are checked alike."""
    with pytest.raises(TemplateError, match=r"^button\.url: \{\{orderId\}\} is no column"):
        _campaign(contacts, button=Button(text="Open", url="https://shop.example/{{orderId}}"))


def test_a_json_line_without_a_named_column_is_unusable(tmp_path: Path) -> None:
    """Objects may lack a field; the row is reported, and names it."""
    path = tmp_path / "c.jsonl"
    path.write_text('{"phone": "+14155550101", "name": "Bo"}\n{"phone": "+14155550102"}\n')
    rows = list(Campaign(Contacts(path), domain="shop.example", text="{{name}}").rows())
    assert isinstance(rows[1], UnusableRow)
    assert rows[1].problems[0].remedy == "has no 'name', which the template names"


def test_the_stricter_check_is_used_for_numbers(tmp_path: Path) -> None:
    """A number that is possible and not valid is refused by "valid"."""
    path = tmp_path / "c.csv"
    path.write_text("phone\n+447700900123\n")
    plans = [
        Campaign(Contacts(path), domain="shop.example", text="x", phone_check=check).plan()
        for check in ("possible", "valid")
    ]
    assert [plan.sendable for plan in plans] == [1, 0]
    assert plans[1].sample is None


def test_an_unusable_row_is_one_line_of_json(contacts: Contacts) -> None:
    """The line holds the row, the kind, and each problem with its remedy."""
    row = next(row for row in _campaign(contacts).rows() if isinstance(row, UnusableRow) and row.kind == "restricted")
    line = json.loads(row.to_json())
    assert (line["outcome"], line["row"], line["kind"], line["country"]) == ("unusable", 6, "restricted", "UA")
    assert line["problems"][0]["field"] == "phone_number"


def test_what_is_printed_of_rows_shows_no_number(contacts: Contacts) -> None:
    """Ready and unusable rows end up in logs; their numbers do not."""
    printed = repr(list(_campaign(contacts).rows()))
    assert "4155550101" not in printed
    assert "380501234567" not in printed


def test_a_file_that_changes_after_the_plan_is_not_sent(contacts: Contacts) -> None:
    """Messages are those that were planned, or none."""
    campaign = _campaign(contacts)
    campaign.plan()
    contacts.path.write_text("phone,firstName,city\n")
    with pytest.raises(ContactsError, match="was changed"):
        list(campaign.messages())


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Between row 2,000 and row 30,000 nothing is kept but the numbers seen."""
    path = tmp_path / "c.csv"
    path.write_text("phone,name\n" + "".join(f"+4915{at:09},Anna\n" for at in range(30_000)))
    rows = Campaign(Contacts(path), domain="shop.example", text="Hi {{name}}", unique="none").rows()
    tracemalloc.start()
    sizes = [tracemalloc.get_traced_memory()[0] for at, row in enumerate(rows) if at in {2_000, 29_999} and row]
    tracemalloc.stop()
    assert sizes[1] - sizes[0] < 100_000


def test_the_shared_file_is_judged_as_an_independent_reading_does() -> None:
    """2,000 rows as exports look: the same rows are invalid, restricted, repeated, and sendable."""
    expected = json.loads((DATA / "contacts.expected.json").read_text())
    campaign = Campaign(Contacts(DATA / "contacts.csv"), domain="shop.example", text="Hi {{firstName}}")
    rows = list(campaign.rows())
    for kind in ("invalid", "restricted", "duplicate"):
        found = [row.row for row in rows if isinstance(row, UnusableRow) and row.kind == kind]
        assert found == expected[f"{kind}_rows"]
    plan = campaign.plan()
    assert (plan.rows, plan.sendable) == (expected["rows"], expected["sendable"])
    assert plan.restricted_by_country == expected["restricted_by_country"]
    assert sum(isinstance(row, ReadyRow) for row in rows) == plan.sendable
