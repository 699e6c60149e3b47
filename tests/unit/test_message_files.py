"""Messages in files: TOML and plain text."""

from pathlib import Path

import pytest

from wooxy_async import Button
from wooxy_async.campaigns import Campaign, CampaignError, Contacts, read_message_file, read_text_file

WHOLE = """
domain = "shop.example"
text = '''
Hi {{name|there}},
your order is ready.'''
sender = "Shop"
device = "phone"
ttl = 7200
tags = ["spring"]
[button]
text = "Open"
url = "https://shop.example/{{id}}"
[columns]
ttl = "valid"
country = "land"
"""


def _written(folder: Path, content: str | bytes) -> Path:
    path = folder / "message.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_file_says_what_a_campaign_takes(tmp_path: Path) -> None:
    """Its fields are the campaign's, and a campaign of them renders."""
    options = read_message_file(_written(tmp_path, WHOLE)).options()
    assert options == {
        "domain": "shop.example",
        "text": "Hi {{name|there}},\nyour order is ready.",
        "sender_id": "Shop",
        "device": "phone",
        "ttl": 7200,
        "tags": ("spring",),
        "button": Button(text="Open", url="https://shop.example/{{id}}"),
        "ttl_column": "valid",
        "country_column": "land",
    }
    contacts = tmp_path / "c.csv"
    contacts.write_text("phone,name,id,valid,land\n015123456789,,7,1800,DE\n")
    (message,) = Campaign(Contacts(contacts), **options).messages()
    assert (message.phone_number, message.ttl, message.text[:9]) == ("+4915123456789", 1800, "Hi there,")


def test_what_a_file_leaves_out_is_no_argument(tmp_path: Path) -> None:
    """Defaults stay those of the campaign, and options of a command line can fill in."""
    assert read_message_file(_written(tmp_path, "")).options() == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('txt = "Hi"', "unknown field `txt`. Did you mean text? A message has: domain, text, sender, button"),
        ('[columns]\nphone = "x"', "unknown field `phone` - at `$.columns`."),
        ('ttl = "1h"', "Expected `int | null`, got `str` - at `$.ttl`."),
        ("text = Hi", "is no TOML ("),
        (b'text = "\xff"', "is no TOML ("),
        ("#" * 2_000_000, "has more than 1,048,576 bytes, which no message has."),
    ],
)
def test_what_is_no_message_is_refused_with_what_would_be(tmp_path: Path, content: str | bytes, said: str) -> None:
    """A mistyped field is never ignored."""
    with pytest.raises(CampaignError) as caught:
        read_message_file(_written(tmp_path, content))
    assert said in str(caught.value)


def test_a_text_file_is_the_text(tmp_path: Path) -> None:
    """The editor's byte-order mark and last line end are none of it."""
    assert read_text_file(_written(tmp_path, "\ufeffHi {{name}}\r\nBye\n")) == "Hi {{name}}\nBye"
    with pytest.raises(CampaignError, match="is not UTF-8"):
        read_text_file(_written(tmp_path, b"\xff"))
    with pytest.raises(CampaignError, match="cannot be read"):
        read_text_file(tmp_path / "none.txt")
