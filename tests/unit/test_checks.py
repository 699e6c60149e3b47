"""The local rules: each is found, all at once, and said without repeating what is wrong."""

import json
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

import msgspec
import pytest

from wooxy_async import MAX_BODY_BYTES, Button, Problem, ViberMessage
from wooxy_async._rules.checks import prepare, problems

GOOD = ViberMessage(domain="shop.example", phone_number="+1 (415) 555-0123", text="Hello")
OPEN = Button(text="Open", url="https://shop.example/")


class Word(str):
    """A subclass of str, as numpy and pandas hand out."""

    __slots__ = ()


class Nowhere(tzinfo):
    """A time zone that fails."""

    def utcoffset(self, _moment: datetime | None, /) -> timedelta:
        """Fail."""
        raise RuntimeError("nowhere")


class Device(StrEnum):
    """A caller's own constants."""

    PHONE = "phone"


class Unspeakable:
    """A value whose own repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def changed(**fields: Any) -> ViberMessage:
    """Return the good message with other fields."""
    return msgspec.structs.replace(GOOD, **fields)


BROKEN = [
    ({"domain": ""}, "domain", "empty"),
    ({"domain": " \n\u2003"}, "domain", "empty"),
    ({"domain": None}, "domain", "not_text"),
    ({"domain": b"shop.example"}, "domain", "not_text"),
    ({"domain": "shop\0.example"}, "domain", "nul"),
    ({"domain": "https://shop.example/"}, "domain", "not_domain"),
    ({"domain": "store"}, "domain", "not_domain"),
    ({"domain": "shop..example"}, "domain", "not_domain"),
    ({"domain": "shop.example."}, "domain", "not_domain"),
    ({"domain": "my_shop.example"}, "domain", "not_domain"),
    ({"domain": "shop .example"}, "domain", "not_domain"),
    ({"domain": "x" * 250 + ".com"}, "domain", "not_domain"),
    ({"text": "Hi {{name}}"}, "text", "placeholder"),
    ({"text": "Hi {{{firstName|there}}}"}, "text", "placeholder"),
    ({"sender_id": "{{shop}}"}, "sender_id", "placeholder"),
    ({"tags": ("{{city}}",)}, "tags[0]", "placeholder"),
    ({"button": Button(text="For {{name}}", url="https://x")}, "button.text", "placeholder"),
    ({"button": Button(text="Open", url="https://x/{{id}}")}, "button.url", "placeholder"),
    ({"button": Button(text="Open", url="javascript:alert(1)")}, "button.url", "not_address"),
    ({"button": Button(text="Open", url="/login")}, "button.url", "not_address"),
    ({"button": Button(text="Open", url="shop.example")}, "button.url", "not_address"),
    ({"button": Button(text="Open", url="https:///x")}, "button.url", "not_address"),
    ({"button": Button(text="Open", url="https://x /y")}, "button.url", "not_address"),
    ({"button": Button(text="Open", url="ftp://x/y")}, "button.url", "not_address"),
    ({"text": ""}, "text", "empty"),
    ({"text": 17171717}, "text", "not_text"),
    ({"text": "half \ud83d smile"}, "text", "surrogate"),
    ({"text": "zero \0"}, "text", "nul"),
    ({"text": "x" * MAX_BODY_BYTES}, "text", "too_large"),
    ({"text": "é" * (MAX_BODY_BYTES // 2)}, "text", "too_large"),
    ({"sender_id": ""}, "sender_id", "empty"),
    ({"sender_id": 17171717}, "sender_id", "not_text"),
    ({"button": Button(text=" ", url="https://x")}, "button.text", "empty"),
    ({"button": Button(text="Open", url="")}, "button.url", "empty"),
    ({"button": Button(text="Open", url="https://\udc80")}, "button.url", "surrogate"),
    ({"button": {"text": "Open", "url": "https://x"}}, "button", "not_button"),
    ({"button": False}, "button", "not_button"),
    ({"device": "desktop"}, "device", "device"),
    ({"device": "ALL"}, "device", "device"),
    ({"device": ["all"]}, "device", "device"),
    ({"device": None}, "device", "device"),
    ({"ttl": 1799}, "ttl", "ttl"),
    ({"ttl": 259201}, "ttl", "ttl"),
    ({"ttl": True}, "ttl", "ttl"),
    ({"ttl": 3600.5}, "ttl", "ttl"),
    ({"ttl": "7200s"}, "ttl", "ttl"),
    ({"ttl": 10**5000}, "ttl", "ttl"),
    ({"ttl": float("nan")}, "ttl", "ttl"),
    ({"tags": "autumn"}, "tags", "not_list"),
    ({"tags": ""}, "tags", "not_list"),
    ({"tags": None}, "tags", "not_list"),
    ({"tags": 0}, "tags", "not_list"),
    ({"tags": {"spring"}}, "tags", "not_list"),
    ({"tags": ("spring", "")}, "tags[1]", "empty"),
    ({"tags": ["spring", 17171717]}, "tags[1]", "not_text"),
    ({"tags": ("y" * 51,)}, "tags[0]", "too_long"),
    ({"tags": ("_spring",)}, "tags[0]", "reserved"),
    ({"tags": ("\ud800",)}, "tags[0]", "surrogate"),
    ({"reference": 17171717}, "reference", "not_text"),
    ({"not_after": "soon"}, "not_after", "not_datetime"),
    ({"not_after": datetime(2030, 1, 1)}, "not_after", "naive"),  # noqa: DTZ001 - what is refused
    ({"not_after": datetime(2030, 1, 1, tzinfo=Nowhere())}, "not_after", "naive"),
    ({"reference": Unspeakable()}, "reference", "not_text"),
    ({"phone_number": "+1 415 FLOWERS"}, "phone_number", "letters"),
    ({"phone_number": "0151 23456789"}, "phone_number", "missing_plus"),
    ({"phone_number": "+380 44 000 00 00"}, "phone_number", "restricted_country"),
    ({"phone_number": 14155550123}, "phone_number", "not_text"),
    ({"phone_number": "+1 415 \ud800"}, "phone_number", "character"),
]


LARGE = "x" * MAX_BODY_BYTES
SEVERAL: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"text": LARGE, "domain": ""}, [("domain", "empty"), ("text", "too_large")]),
    ({"text": LARGE + "\0\ud800"}, [("text", "nul"), ("text", "surrogate"), ("text", "too_large")]),
    ({"text": "\0" * (MAX_BODY_BYTES // 6)}, [("text", "nul"), ("text", "too_large")]),
    ({"text": " " * MAX_BODY_BYTES}, [("text", "empty"), ("text", "too_large")]),
    ({"sender_id": LARGE, "ttl": 10**5000}, [("ttl", "ttl"), ("sender_id", "too_large")]),
    ({"domain": LARGE, "device": 7}, [("domain", "not_domain"), ("device", "device"), ("domain", "too_large")]),
    ({"button": Button(text=LARGE, url="")}, [("button.url", "empty"), ("button.text", "too_large")]),
    (
        {"button": Button(text=17, url=LARGE)},
        [("button.text", "not_text"), ("button.url", "not_address"), ("button.url", "too_large")],
    ),  # type: ignore[arg-type]
    ({"text": LARGE, "button": 17}, [("button", "not_button"), ("text", "too_large")]),
    ({"text": LARGE, "tags": 17}, [("tags", "not_list"), ("text", "too_large")]),
    ({"text": LARGE, "phone_number": "12"}, [("phone_number", "missing_plus"), ("text", "too_large")]),
    ({"text": LARGE, "reference": 17}, [("reference", "not_text"), ("text", "too_large")]),
    ({"tags": ("y" * 50,) * 20_000}, [("tags", "too_large")]),
    ({"tags": (LARGE, 17)}, [("tags[0]", "too_long"), ("tags[1]", "not_text"), ("tags", "too_large")]),
    ({"text": "zero \0 half \ud83d"}, [("text", "nul"), ("text", "surrogate")]),
    ({"tags": ("_\0\ud800" * 20,)}, [("tags[0]", rule) for rule in ("nul", "surrogate", "too_long", "reserved")]),
    ({"tags": (" " * 51,)}, [("tags[0]", "empty"), ("tags[0]", "too_long")]),
]


@pytest.mark.parametrize(("fields", "expected"), SEVERAL, ids=range(len(SEVERAL)))
def test_no_problem_hides_another(fields: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """All problems at once means all: the size of the request, by its largest field, and every bad character."""
    found = problems(changed(**fields))
    assert [(problem.field, problem.rule) for problem in found] == expected
    for problem in found:
        problem.value.encode()
        assert len(problem.value) <= 80
        assert problem.rule != "too_large" or f"{MAX_BODY_BYTES:,} is the most" in problem.remedy


@pytest.mark.parametrize(("fields", "field", "rule"), BROKEN)
def test_each_rule_is_found(fields: dict[str, Any], field: str, rule: str) -> None:
    """A message that breaks one rule gives one problem, with field, rule, value and a remedy that keeps it private."""
    (problem,) = problems(changed(**fields))
    assert (problem.field, problem.rule) == (field, rule)
    assert problem.remedy
    assert len(problem.value) <= 80
    problem.value.encode()
    for value in fields.values():
        assert not isinstance(value, str) or not value.strip() or value not in problem.remedy


KEPT = [
    {},
    {"sender_id": "Shop", "button": OPEN, "device": "phone", "tags": ("a", "y" * 50, "a_b"), "reference": "r"},
    {"ttl": 1800},
    {"ttl": 259200},
    {"tags": ["spring", "a{b}c", "{{", "}}"]},
    {"domain": "sub.sh-op.example"},
    {"domain": "магазин.укр"},
    {"text": "if (x) {{ y } and {name} }}"},
    {"button": Button(text="Open", url="HTTP://user@shop.example:8080?x=1#y")},
    {"button": Button(text="Open", url="https://[::1]/ÿ")},
    {"text": "Grüße, \u4f60\u597d 👋\n“quoted”"},
    {"reference": "half \ud83d"},
    {"device": Device.PHONE, "text": Word("Hello"), "tags": (Word("spring"),)},
]


@pytest.mark.parametrize("fields", KEPT)
def test_what_is_right_is_encoded(fields: dict[str, Any]) -> None:
    """A message without a mistake gives its body, the number in E.164."""
    body = prepare(changed(**fields))
    assert isinstance(body, bytes)
    sent = json.loads(body)
    assert sent["phoneNumber"] == "+14155550123"
    assert sent["text"] == fields.get("text", "Hello")
    assert problems(changed(**fields)) == ()


def test_five_mistakes_give_five_problems() -> None:
    """All mistakes of a message are found at once, not just the first."""
    found = problems(changed(domain="", phone_number="12", text="", device="tv", ttl=1))
    assert [problem.field for problem in found] == ["phone_number", "domain", "text", "device", "ttl"]


def test_a_tag_can_break_two_rules() -> None:
    """A tag that is too long and reserved says both."""
    found = problems(changed(tags=("_" * 51,)))
    assert [problem.rule for problem in found] == ["too_long", "reserved"]


def test_the_largest_body_is_sent() -> None:
    """One byte less than too much is a body."""
    empty = prepare(changed(text="x"))
    assert isinstance(empty, bytes)
    body = prepare(changed(text="x" * (MAX_BODY_BYTES - len(empty) + 1)))
    assert isinstance(body, bytes)
    assert len(body) == MAX_BODY_BYTES == 1024 * 1024


@pytest.mark.parametrize("count", [1, 20_000])
def test_what_makes_a_request_too_large_is_shown(count: int) -> None:
    """The value of its largest part; several tags as they are written."""
    found = problems(changed(tags=("y" * 50,) * count, text="Hi" if count > 1 else LARGE))
    assert found[-1].value == (("y" * 50 + ", " + "y" * 27 + "…") if count > 1 else "x" * 79 + "…")


def test_the_check_of_numbers_can_be_chosen() -> None:
    """A number that no US subscriber has passes the shape check and no other."""
    assert problems(changed(phone_number="+1555555555"), "e164") == ()
    message = changed(phone_number="+1555555555")
    assert isinstance(prepare(message, "e164"), bytes)
    assert [problem.rule for problem in problems(message, "possible")] == ["not_possible"]


def test_the_field_of_the_button_can_be_chosen() -> None:
    """The button goes under the key that the caller says."""
    body = prepare(changed(button=OPEN), button_field="button")
    assert isinstance(body, bytes)
    assert json.loads(body)["button"] == {"text": "Open", "url": "https://shop.example/"}


@pytest.mark.parametrize(
    ("fields", "value", "remedy"),
    [
        (
            {"domain": "shop"},
            "shop",
            "must be a domain such as shop.example: no https:// before it, no path behind it, no blanks",
        ),
        (
            {"button": Button(text="Open", url="/login")},
            "/login",
            "must be an address that begins with https:// or http:// and a host, without blanks",
        ),
        ({"button": 17}, "17", "must be a Button(text=…, url=…) or None"),
        ({"text": "zero \0"}, "zero \0", "must not contain the NUL character"),
        (
            {"text": "half \ud83d"},
            "half \\ud83d",
            "contains half of a character (a lone surrogate): decode it as UTF-8",
        ),
        ({"text": " "}, " ", "must not be empty"),
        ({"text": 17}, "17", "must be a text, not int"),
        (
            {"text": "Hi {{name}}"},
            "Hi {{name}}",
            "holds a placeholder in double braces, which would go out as it stands; put the value in its place",
        ),
        ({"device": "tv"}, "tv", 'must be "all" or "phone"'),
        ({"ttl": 17}, "17", "must be a whole number of seconds from 1800 to 259200"),
        ({"tags": "spring"}, "spring", 'must be a sequence of texts, as in ("spring",)'),
        ({"tags": ("_spring",)}, "_spring", "must not start with an underscore, which is reserved"),
        ({"tags": ("x" * 51,)}, "x" * 51, "must have 50 characters or less"),
        ({"reference": 17}, "17", "must be a text or None"),
        (
            {"phone_number": "123"},
            "123",
            "The number does not start with +; write + and the country code: +49 151 …, not 0049 151 … or 0151 ….",
        ),
        (
            {"not_after": "soon"},
            "soon",
            "must be a datetime with its time zone, as in datetime.now(UTC) + timedelta(minutes=5), or None",
        ),
        (
            {"not_after": datetime(2030, 1, 1)},  # noqa: DTZ001 - what is refused
            "datetime.datetime(2030, 1, 1, 0, 0)",
            "must be a datetime with its time zone, as in datetime.now(UTC) + timedelta(minutes=5), or None",
        ),
    ],
)
def test_a_problem_has_the_value_and_the_remedy(fields: dict[str, Any], value: str, remedy: str) -> None:
    """In full."""
    (problem,) = problems(changed(**fields))
    assert problem.field.startswith(next(iter(fields)))
    assert (problem.value, problem.remedy) == (value, remedy)


def test_a_moment_with_its_zone_is_no_problem() -> None:
    """Whether it has come or not: that is judged when the message is sent."""
    assert problems(changed(not_after=datetime(2020, 1, 1, tzinfo=UTC))) == ()


def test_a_domain_may_be_of_a_subclass_of_str() -> None:
    """As numpy and pandas hand out."""

    class Word(str):
        __slots__ = ()

    assert problems(changed(domain=Word("shop.example"))) == ()
    assert [problem.rule for problem in problems(changed(domain=Word("shop")))] == ["not_domain"]


def test_a_long_value_is_cut() -> None:
    """A value of 80 characters is whole in its problem, one of 81 is cut to 80."""
    found = problems(changed(tags=("y" * 80, "z" * 81)))
    assert [problem.value for problem in found] == ["y" * 80, "z" * 79 + "…"]


def test_a_problem_shows_no_value() -> None:
    """A problem's repr leaves out what stood in the field; the field itself has it, cut."""
    (problem,) = problems(changed(tags=("very private " * 10,)))
    assert "private" not in repr(problem)
    assert "private" in problem.value
    assert problem.value.endswith("…")
    assert repr(Problem(field="f", value="v", rule="r", remedy="m")) == "Problem(field='f', rule='r', remedy='m')"
