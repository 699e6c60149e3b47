"""What a campaign says of its rows: fallbacks, fields that a row has of its own, and what may not be meant."""

from pathlib import Path
from typing import Any

import pytest
from spreadsheets import as_excel, rezipped

from wooxy_async import Button
from wooxy_async.campaigns import (
    Campaign,
    CampaignError,
    Contacts,
    ReadyRow,
    Template,
    TemplateError,
    UnsendableError,
    UnusableRow,
)


def _campaign(folder: Path, content: str, **options: Any) -> Campaign:
    path = folder / "c.csv"
    path.write_text(content)
    return Campaign(Contacts(path), **{"domain": "shop.example", "text": "Hi {{name|there}}", **options})


def _warnings(campaign: Campaign) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for warning in campaign.plan().warnings:
        found.setdefault(warning.field, []).append(warning.text)
    return found


def test_a_fallback_stands_where_the_column_is_empty(tmp_path: Path) -> None:
    """An empty name is no gap, and the row says that the fallback was taken."""
    campaign = _campaign(tmp_path, "phone,name\n+14155550101,Bo\n+14155550102,\n")
    rows = [row for row in campaign.rows() if isinstance(row, ReadyRow)]
    assert [row.message.text for row in rows] == ["Hi Bo", "Hi there"]
    assert [(row.fallbacks, row.blank) for row in rows] == [((), ()), (("name",), ())]
    assert campaign.plan().warnings == ()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{name|}}!", "!"),
        ("{{ name | my friend }}", "my friend"),
        ("{{name|a|b}}", "a|b"),
        ("{{name|{x}}}", None),
    ],
)
def test_a_fallback_is_what_stands_behind_the_first_bar(source: str, text: str | None) -> None:
    """Blanks around it are not kept, and it may be empty; braces are none."""
    if text is None:
        with pytest.raises(TemplateError, match=r"are no \{\{name\}\}"):
            Template(source, ["name"])
    else:
        assert Template(source, ["name"]).render({"name": ""}) == text
        assert Template(source, ["name"]).render({}) == text


def test_a_row_can_have_sender_ttl_device_and_tags_of_its_own(tmp_path: Path) -> None:
    """Mapped columns count; where a cell is empty the campaign's own value does."""
    campaign = _campaign(
        tmp_path,
        "phone,from,valid,where,topics\n+14155550101,Shop,7200,Phone,a; b|c\n+14155550102,,,,\n",
        text="Hi",
        sender_id="Other",
        tags=["x"],
        sender_column="from",
        ttl_column="valid",
        device_column="where",
        tags_column="topics",
    )
    sent = [(m.sender_id, m.ttl, m.device, m.tags) for m in campaign.messages()]
    assert sent == [("Shop", 7200, "phone", ("a", "b", "c")), ("Other", 3600, "all", ("x",))]


def test_a_value_of_a_row_that_breaks_a_rule_makes_the_row_unusable(tmp_path: Path) -> None:
    """Each row's own fields are checked as the campaign's are."""
    campaign = _campaign(
        tmp_path,
        "phone,ttl,device,tags,sender\n+14155550101,1h,,,\n+14155550102,,tv,,\n+14155550103,,,_a,\n+14155550104,60,,,{{x}}\n",
        text="Hi",
        ttl_column="ttl",
        device_column="device",
        tags_column="tags",
        sender_column="sender",
    )
    rows = [row for row in campaign.rows() if isinstance(row, UnusableRow)]
    assert [[problem.rule for problem in row.problems] for row in rows] == [
        ["ttl"],
        ["device"],
        ["reserved"],
        ["placeholder", "ttl"],
    ]


def test_a_mapped_column_must_be_one(tmp_path: Path) -> None:
    """A name that is no column is refused before a row is read."""
    with pytest.raises(CampaignError, match=r"sender_column='From' is no column of the contacts\. The columns"):
        _campaign(tmp_path, "phone\n+14155550101\n", text="Hi", sender_column="From")


def test_columns_that_look_like_fields_and_are_not_used_are_warned_of(tmp_path: Path) -> None:
    """`senderId` and `ttl` were ignored without a word; what a template names is used."""
    content = "phone,senderId,ttl,Tag,device\n+14155550101,Shop,7200,a,phone\n"
    warnings = _warnings(_campaign(tmp_path, content, text="On your {{device}}"))
    assert warnings == {
        "senderId": ["looks like a sender of each row, and is not used; sender_column='senderId' would use it"],
        "ttl": ["looks like a ttl of each row, and is not used; ttl_column='ttl' would use it"],
        "Tag": ["looks like a tags of each row, and is not used; tags_column='Tag' would use it"],
    }
    mapped = _campaign(
        tmp_path,
        content,
        text="Hi",
        sender_column="senderId",
        ttl_column="ttl",
        tags_column="Tag",
        device_column="device",
    )
    assert _warnings(mapped) == {}


def test_many_distinct_tags_need_consent(tmp_path: Path) -> None:
    """An account keeps the first hundred for ever: more than twenty are asked about."""
    rows = "".join(f"+141555501{at:02},t{at}\n" for at in range(21))
    plan = _campaign(tmp_path, "phone,tags\n" + rows, text="Hi", tags_column="tags").plan()
    assert (plan.distinct_tags, plan.needs_consent_to_tags) == (21, True)
    fewer = _campaign(tmp_path, "phone,tags\n" + rows[:-16], text="Hi", tags_column="tags").plan()
    assert (fewer.distinct_tags, fewer.needs_consent_to_tags) == (20, False)


def test_no_more_tags_are_counted_than_it_takes(tmp_path: Path) -> None:
    """A column of ids costs no memory."""
    rows = "".join(f"+14155{at:06},t{at}\n" for at in range(2_000))
    plan = _campaign(tmp_path, "phone,tags\n" + rows, text="Hi", tags_column="tags", phone_check="e164").plan()
    assert plan.distinct_tags == 1_000


def test_what_goes_out_as_it_stands_is_warned_of(tmp_path: Path) -> None:
    """NULL, #N/A, doubled blanks, single braces and control characters are sent, and told before."""
    campaign = _campaign(
        tmp_path,
        "phone,name,city\n+14155550101,NULL,\n+14155550102,#N/A,Riga\n+14155550103,B\x1bo,Riga\n",
        text="Hi {{name}} of {{city}} town, {name}",
        button=Button(text="For {{name}}\x07", url="https://shop.example"),
    )
    assert _warnings(campaign) == {
        "name": ["holds NULL, which goes out as it stands", "holds #N/A, which goes out as it stands"],
        "city": ["is empty and leaves a gap in the text"],
        "text": [
            "has two blanks in a row, as an empty column leaves them",
            "holds U+001B, a control character, which goes out as it stands",
            "holds {name} with single braces, which goes out as it stands; write {{name}}",
        ],
        "button.text": [
            "holds U+0007, a control character, which goes out as it stands",
            "holds U+001B, a control character, which goes out as it stands",
        ],
    }


def test_blanks_that_the_template_has_are_meant(tmp_path: Path) -> None:
    """Two blanks in the template are the author's."""
    assert _warnings(_campaign(tmp_path, "phone\n+14155550101\n", text="Hi.  Bye.")) == {}


def test_the_value_of_a_formula_that_is_used_is_warned_of(tmp_path: Path) -> None:
    """Only formulas in the number or in the text matter."""
    book = as_excel([["phone", "name", "sum"], ["+14155550101", "=A1", "=A1"]])
    saved = rezipped(
        book,
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<v></v>", b"<v>7</v>").replace(b"<v />", b"<v>7</v>").replace(b"<v/>", b"<v>7</v>"),
    )
    path = tmp_path / "c.xlsx"
    path.write_bytes(saved)
    campaign = Campaign(Contacts(path), domain="shop.example", text="Hi {{name}}")
    assert [message.text for message in campaign.messages()] == ["Hi 7"]
    assert _warnings(campaign) == {"name": ["is a formula; what goes is the value that it had when the file was saved"]}


def test_the_samples_differ(tmp_path: Path) -> None:
    """The longest text, one with a fallback and one in another script; fewer where there are fewer."""
    content = (
        "phone,name\n+14155550101,Bo\n+14155550102,\n+14155550103,Олена\n+14155550104,Maximiliane\n+14155550105,Al\n"
    )
    assert [row.sheet_row for row in _campaign(tmp_path, content).plan().samples] == [5, 3, 4]
    assert [row.sheet_row for row in _campaign(tmp_path, "phone,name\n+14155550101,Zoë\n").plan().samples] == [2]
    assert [
        row.sheet_row for row in _campaign(tmp_path, "phone,name\n+14155550101,A\n+14155550102,Abc\n").plan().samples
    ] == [3, 2]
    assert _campaign(tmp_path, "phone,name\nx,Bo\n").plan().samples == ()


def test_a_rendered_address_is_checked_row_by_row(tmp_path: Path) -> None:
    """A column of links may hold anything; what opens no page is a problem of its row."""
    campaign = _campaign(
        tmp_path,
        "phone,link\n+14155550101,https://shop.example/a\n+14155550102,javascript:alert(1)\n+14155550103,/x\n",
        text="Hi",
        button=Button(text="Open", url="{{link}}"),
    )
    rows = list(campaign.rows())
    assert [row.problems[0].rule for row in rows if isinstance(row, UnusableRow)] == ["not_address", "not_address"]
    assert isinstance(rows[0], ReadyRow)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"sender_id": "{{shop}}"}, "placeholder"),
        ({"tags": ["{{city}}"]}, "placeholder"),
        ({"button": Button(text="Open", url="/x/{{name}}")}, "not_address"),
        ({"domain": "https://shop.example/"}, "not_domain"),
        ({"text": 7}, "not_text"),
        ({"button": Button(text="Open", url=7)}, "not_text"),  # type: ignore[arg-type]
    ],
)
def test_what_would_be_wrong_in_every_message_is_refused_at_once(
    tmp_path: Path, options: dict[str, Any], rule: str
) -> None:
    """A placeholder works in text and button only, and an address does not become one by its values."""
    with pytest.raises(UnsendableError) as caught:
        _campaign(tmp_path, "phone,name\n+14155550101,Bo\n", **options)
    assert [problem.rule for problem in caught.value.problems] == [rule]


def test_a_value_with_braces_is_a_problem_of_its_row(tmp_path: Path) -> None:
    """A name that somebody's other program did not replace is not sent on."""
    (row,) = _campaign(tmp_path, "phone,name\n+14155550101,{{first_name}}\n").rows()
    assert isinstance(row, UnusableRow)
    assert row.problems[0].rule == "placeholder"
