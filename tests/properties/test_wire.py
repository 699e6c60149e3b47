"""The wire: what is encoded is what an independent reader reads, and no answer at all makes the reading fail."""

import json
from typing import Any

from hypothesis import given, settings, strategies as st
from tries import tries

from wooxy_async import Button, ViberMessage
from wooxy_async._rules.checks import prepare
from wooxy_async._rules.wire import ButtonField, Refused, Taken, read_reply

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda text: not text.isspace() and "{{" not in text
)


def _can_be_sent(address: str) -> bool:
    return "\0" not in address and "{{" not in address and not any("\ud800" <= each <= "\udfff" for each in address)


MESSAGES = st.builds(
    ViberMessage,
    domain=st.from_regex(r"[a-zß-ö0-9-]{1,20}\.[a-z]{2,5}", fullmatch=True),
    phone_number=st.sampled_from(["+14155550123", "+49 151 234567-89"]),
    text=WORDS,
    sender_id=st.none() | WORDS,
    button=st.none()
    | st.builds(
        Button, text=WORDS, url=st.from_regex(r"https?://[^\s/?#\\]+[/?#][^\s{]*", fullmatch=True).filter(_can_be_sent)
    ),
    device=st.sampled_from(["all", "phone"]),
    ttl=st.integers(1800, 259200),
    tags=st.lists(
        WORDS.filter(lambda tag: len(tag) <= 50 and not tag.startswith("_")),
        max_size=3,
    ),
    reference=st.none() | WORDS,
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
NAMES = ["result", "Result", "RESULT", "viber_message_ids", "Viber_message_ids", "errors", "Errors"]
KEYS = st.sampled_from(NAMES)
ANY_KEYS = st.sampled_from([*NAMES, "error", "message", "Message", "0", "1"])
IDS = st.lists(st.sampled_from(["a", "b", "", None, 7]), max_size=3)
LIKELY = st.booleans() | IDS | st.sampled_from(["true", None, "a", 7])


@settings(max_examples=tries(150))
@given(message=MESSAGES, field=st.sampled_from(["buttons", "button"]))
def test_what_is_encoded_is_what_is_read(message: ViberMessage, field: ButtonField) -> None:
    """The standard library reads every field of a message from its body, and nothing else."""
    body = prepare(message, "e164", field)
    assert isinstance(body, bytes)
    expected: dict[str, Any] = {
        "domain": message.domain,
        "phoneNumber": "+14155550123" if message.phone_number.startswith("+1") else "+4915123456789",
        "text": message.text,
        "device": message.device,
        "ttl": message.ttl,
    }
    if message.sender_id is not None:
        expected["senderId"] = message.sender_id
    if message.button is not None:
        expected[field] = {"text": message.button.text, "url": message.button.url}
    if message.tags:
        expected["tags"] = list(message.tags)
    assert json.loads(body) == expected


@settings(max_examples=tries(150))
@given(body=st.binary() | st.binary().map(lambda tail: b'{"result": true, "viber_message_ids": ["' + tail))
def test_arbitrary_bytes_never_raise(body: bytes) -> None:
    """Whatever bytes a server sends, the reading returns."""
    assert isinstance(read_reply(body, str), Taken | Refused | None)


@settings(max_examples=tries(150))
@given(
    value=VALUES
    | st.dictionaries(KEYS, st.booleans() | VALUES)
    | st.dictionaries(ANY_KEYS, st.recursive(VALUES, lambda inner: st.dictionaries(ANY_KEYS, inner))),
    bom=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    ascii_only=st.booleans(),
    charset=st.sampled_from(["utf-8", "utf-16", "utf-32", "latin-1"]),
)
def test_arbitrary_json_never_raises(*, value: Any, bom: bytes, ascii_only: bool, charset: str) -> None:
    """Whatever JSON a server sends, NaN, lone surrogates and other charsets included, the reading returns."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    body = bom + text.encode(charset, "replace")
    answer = read_reply(body, str)
    assert isinstance(answer, Taken | Refused | None)
    assert answer is None or isinstance(value, dict)


@settings(max_examples=tries(100))
@given(
    depth=st.integers(1, 3000),
    key=st.sampled_from(["result", "errors", "viber_message_ids", "x"]),
    inner=st.sampled_from(["", "a", "0", "message"]),
)
def test_nesting_never_raises(*, depth: int, key: str, inner: str) -> None:
    """However deeply an answer is nested, the reading returns."""
    opening, closing = (f'{{"{inner}":', "}") if inner else ("[", "]")
    nested = f"{opening * depth}1{closing * depth}"
    for result in ("true", "false"):
        body = f'{{"result": {result}, "{key}": [{nested}]}}'
        assert isinstance(read_reply(body.encode(), str), Taken | Refused | None)


def texts(value: Any) -> tuple[str, ...]:
    """Return what a list, or one value in its place, says; an independent reading of the rule."""
    entries = value if isinstance(value, list) else [value]
    said = (entry for entry in entries if entry is not None and entry != "")
    return tuple(entry if isinstance(entry, str) else json.dumps(entry) for entry in said)


def last(pairs: list[tuple[str, Any]], name: str) -> Any:
    """Return the value of a key as JSON has it, the last of several, or else of its last misspelling."""
    fields = dict(pairs)
    return fields.get(name, [None, *(value for key, value in fields.items() if key.lower() == name)][-1])


@settings(max_examples=tries(200))
@given(pairs=st.lists(st.tuples(KEYS, LIKELY), max_size=6))
def test_duplicate_and_misspelled_keys_are_read_alike(pairs: list[tuple[str, Any]]) -> None:
    """Of several values of a key the last counts, the documented spelling first, on the fast path and beside it."""
    body = "{" + ", ".join(f'"{key}": {json.dumps(value)}' for key, value in pairs) + "}"
    answer = read_reply(body.encode(), str)
    result = last(pairs, "result")
    if result is True:
        assert answer == Taken(texts(last(pairs, "viber_message_ids")))
    elif result is False:
        assert isinstance(answer, Refused)
        said = texts(last(pairs, "errors")) or ("(the answer names no error)",)
        assert tuple(error.text for error in answer.errors) == said
    else:
        assert answer is None
