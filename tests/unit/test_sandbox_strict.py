"""A strict sandbox beside the client's own rules: what one of them refuses, the other refuses too."""

import json
from typing import Any

import phonenumbers
import pytest
from hypothesis import example, given, strategies as st

from wooxy_async import Button, ViberMessage
from wooxy_async._rules.checks import problems
from wooxy_async._rules.phones import normalize
from wooxy_async.sandbox._account import Account
from wooxy_async.sandbox._judge import Judge

MESSAGE: dict[str, Any] = {"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Hello"}
STRICT = Judge(Account(), spelling="page", status=None, strict=True, button_field="both")
LENIENT = Judge(Account(), spelling="page", status=None, strict=False, button_field="both")
UNREADABLE = (" ", "\t\r\n", "\u00a0", "\u2003\u3000", "\x1f", "\0", "a\0b", " \0")


def errors(judge: Judge, fields: dict[str, Any]) -> list[int]:
    """Return the numbers of the errors that a body earns, each once."""
    body = judge.read("application/json", json.dumps(MESSAGE | fields).encode())
    return list(dict.fromkeys(finding.number for finding in judge.findings("t", body)))


def with_text(place: str, value: Any) -> dict[str, Any]:
    """Return the fields of a message that has a value where a text belongs."""
    nested = {
        "tag": {"tags": ["sale", value]},
        "caption": {"buttons": {"text": value, "url": "https://shop.example"}},
        "address": {"buttons": {"text": "Open", "url": value}},
    }
    return nested.get(place, {place: value})


def as_message(fields: dict[str, Any]) -> ViberMessage:
    """Return the client's message of a body."""
    whole = MESSAGE | fields
    return ViberMessage(
        domain=whole["domain"],
        phone_number=whole["phoneNumber"],
        text=whole["text"],
        sender_id=whole.get("senderId"),
        button=Button(**whole["buttons"]) if "buttons" in whole else None,
        device=whole.get("device", "all"),
        ttl=whole.get("ttl", 3600),
        tags=whole.get("tags", ()),
    )


PLACES = {"domain": 1, "senderId": 2, "text": 4, "caption": 5, "address": 5, "tag": 9}
ODD = (
    "a.b",
    "a_.b",
    ".a",
    "https://x",
    "HTTP://x/{{",
    "http:\\\\x",
    "https://?x",
    "http\u017f://x",
    "{{x}}",
    "{{{}}}",
    "{{}",
)
TEXTS = (
    st.sampled_from(ODD)
    | st.text("{}x", max_size=8)
    | st.text(max_size=60)
    | st.text("\0 \t\u00a0\u200bx_", max_size=3)
    | st.just("_" + "x" * 50)
)


@pytest.mark.parametrize("value", UNREADABLE)
@pytest.mark.parametrize("place", PLACES)
def test_strict_refuses_blanks_and_nul(place: str, value: str) -> None:
    """A text without anything to read, or with NUL, earns its field's error, and is taken where nothing is strict."""
    assert errors(STRICT, with_text(place, value)) == [PLACES[place]]
    assert errors(LENIENT, with_text(place, value)) == []


@pytest.mark.parametrize("place", ["caption", "address"])
def test_strict_refuses_an_empty_button(place: str) -> None:
    """A button has something to read and somewhere to go; the page asks for strings alone."""
    assert errors(STRICT, with_text(place, "")) == [5]
    assert errors(LENIENT, with_text(place, "")) == []


@pytest.mark.parametrize("number", ["+49110", "+49112", "+4901511234567", "+4402079460123"])
def test_strict_refuses_numbers_that_no_person_has(number: str) -> None:
    """Emergency numbers, and numbers that the phone library reads as others, earn error 3."""
    assert errors(STRICT, {"phoneNumber": number}) == [3]
    assert errors(LENIENT, {"phoneNumber": number}) == []


def test_strict_keeps_the_order_of_the_page() -> None:
    """Errors of the page and those of a strict sandbox come in one order, each once, also where both hold."""
    fields = {"domain": " ", "text": "\0", "device": "x", "tags": ["", " ", "_a\0"], "phoneNumber": "+49110"}
    assert errors(STRICT, fields) == [1, 3, 4, 7, 9, 11]
    assert errors(LENIENT, fields) == [7, 9, 11]


@given(place=st.sampled_from(sorted(PLACES)), value=TEXTS | st.integers() | st.lists(st.none()) | st.booleans())
@example("text", "\ud800")
@example("tag", "x" * 51)
def test_strict_and_the_client_agree_about_texts(place: str, value: Any) -> None:
    """Whatever stands where a text belongs, a strict sandbox takes it if, and only if, the client sends it."""
    fields = with_text(place, value)
    assert (errors(STRICT, fields) == []) is (problems(as_message(fields)) == ())


@given(
    fields=st.fixed_dictionaries(
        {
            "device": st.sampled_from(["all", "phone", "desktop", "", 1]),
            "ttl": st.sampled_from([1799, 1800, 259_200, 259_201, -1, 1800.0, "1800", True]),
            "tags": st.sampled_from([(), ("a",), ("_a",), ("a", ""), ("x" * 50,), (None,)]),
        }
    )
)
def test_strict_and_the_client_agree_about_the_rest(fields: dict[str, Any]) -> None:
    """Device, ttl and tags that the client sends are taken, and no others."""
    assert (errors(STRICT, fields) == []) is (problems(as_message(fields)) == ())


def check_number(number: str) -> None:
    """Hold both verdicts on a number against one another: what the client sends unchanged, and nothing else."""
    sent = normalize(number) == number and 7 <= len(number[1:]) <= 15
    assert (errors(STRICT, {"phoneNumber": number}) == []) is sent, number


@given(digits=st.integers(min_value=1, max_value=10**16), lead=st.sampled_from(["", "1", "49", "490", "39", "54", "7"]))
def test_strict_and_the_client_agree_about_numbers(digits: int, lead: str) -> None:
    """A strict sandbox takes a number if, and only if, the client sends it as it is."""
    check_number(f"+{lead}{digits}")


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_strict_and_the_client_agree_about_each_region_s_examples(region: str) -> None:
    """Numbers of every region and kind are judged alike, also with a zero or a digit too much."""
    kinds = phonenumbers.PhoneNumberType.values()
    for example_number in filter(None, (phonenumbers.example_number_for_type(region, kind) for kind in kinds)):
        number = phonenumbers.format_number(example_number, phonenumbers.PhoneNumberFormat.E164)
        code = len(f"+{example_number.country_code}")
        for spelled in (number, f"{number[:code]}0{number[code:]}", f"{number}0", number[:-1]):
            check_number(spelled)
