"""The fuse: what it lets through, and what it refuses to be."""

import re

import pytest

from wooxy_async._rules.fuse import read_fuse
from wooxy_async._rules.wire import recipient

HERE = {"base_url": "127.0.0.1", "proxy": "localhost"}
ELSEWHERE = {"base_url": "127.0.0.1", "proxy": "proxy.example", "dns": "dns.example"}


def to(number: str) -> bytes:
    """Return a request's body."""
    return b'{"domain":"shop.example","phoneNumber":"%b","text":"Hi"}' % number.encode()


def test_the_recipient_is_read_from_what_would_leave() -> None:
    """From the very bytes."""
    assert recipient(to("+4366412345678")) == "+4366412345678"


def test_loopback_stops_all_where_one_machine_is_another() -> None:
    """And names the first argument that leads there."""
    assert read_fuse("WOOXY_ONLY", " loopback ", HERE).stops(to("+4366412345678")) is None
    assert read_fuse("WOOXY_ONLY", "loopback", ELSEWHERE).stops(to("+4366412345678")) == (
        "WOOXY_ONLY=loopback keeps messages on this machine, and proxy leads to another."
    )


@pytest.mark.parametrize(
    ("number", "passes"),
    [
        ("+4366412345678", True),
        ("+436641234567", False),
        ("+43664123456789", False),
        ("+4369912345", True),
        ("+43698123456", False),
        ("+4914155550", False),
    ],
)
def test_numbers_pass_as_they_are_and_prefixes_as_beginnings(number: str, passes: bool) -> None:
    """Wherever the machine is."""
    stopped = read_fuse("WOOXY_ONLY", "+4366412345678, +43699*", ELSEWHERE).stops(to(number))
    assert stopped == (
        None if passes else "WOOXY_ONLY lets messages go to certain numbers only, and this is none of them."
    )


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("", 1),
        ("loopback,+4366412345678", 1),
        ("+4366412345678,loopback", 2),
        ("+4366412345678,,+43699*", 2),
        ("4366412345678", 1),
        ("+0664*", 1),
        ("+123456", 1),
        ("+1234567890123456", 1),
        ("*", 1),
        ("+43699*1", 1),
    ],
)
def test_what_says_nothing_clear_is_refused(value: str, place: int) -> None:
    """With the place of the part, and all that is right."""
    sentence = (
        'FUSE must be "loopback" alone, or numbers and prefixes with commas between them, as in '
        "+4366412345678,+43699*: "
        "each is + and digits without blanks or zeros at their start, 7 to 15 of them, or fewer and a * at the end; "
        f"part {place} of it is neither. Unset it where everything may leave."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_fuse("FUSE", value, HERE)


@pytest.mark.parametrize("value", ["+1234567", "+123456789012345", "+1*", "+12345678901234*"])
def test_the_shortest_and_longest_are_read(value: str) -> None:
    """Of numbers and of prefixes."""
    assert read_fuse("WOOXY_ONLY", value, HERE).stops(to(value.rstrip("*"))) is None
