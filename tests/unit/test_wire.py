"""The bytes on the wire: the page's body, and a tolerant reading of its answers."""

import json

import msgspec
import pytest

from wooxy_async import ApiError, Button, ErrorCode, ViberMessage
from wooxy_async._rules.documented import DOCUMENTED, Documented
from wooxy_async._rules.wire import ButtonField, Refused, Taken, encode, read_reply

FULL = ViberMessage(
    domain="senderDomain.com",
    phone_number="+1 555 555 555",
    sender_id="Viber_SenderName",
    text="VIBER_CONTENT_TEXT",
    button=Button(text="Title of button", url="FINAL_DESTINATION_URL"),
    tags=("registeredTag", "registeredTag 2"),
    reference="never leaves",
)
# "Body Example" of the API page.
PAGE_BODY = """
{ "domain": "senderDomain.com", "phoneNumber": "+1555555555", "senderId": "Viber_SenderName",
  "text": "VIBER_CONTENT_TEXT", "buttons": { "text": "Title of button", "url": "FINAL_DESTINATION_URL" },
  "device": "all", "ttl": 3600, "tags": [ "registeredTag", "registeredTag 2" ] }
"""
IDS = ("5d914c3dd132d5f45a4e3670",)
NO_WORDS = "(the answer names no error)"


def refused(*texts: str) -> Refused:
    """Return a refusal with texts that are not documented."""
    return Refused(tuple(ApiError(code=ErrorCode.UNKNOWN, text=text) for text in texts))


def test_the_body_is_the_page_s() -> None:
    """A full message is encoded as the page's example, and the reference stays here."""
    assert json.loads(encode(FULL, "+1555555555")) == json.loads(PAGE_BODY)


def test_fields_at_their_default_are_left_off() -> None:
    """Sender, button and tags that were not given do not go out; device and ttl always do."""
    plain = ViberMessage(domain="d", phone_number="p", text="t")
    assert encode(plain, "+1") == b'{"domain":"d","phoneNumber":"+1","text":"t","device":"all","ttl":3600}'


@pytest.mark.parametrize(("field", "other"), [("buttons", "button"), ("button", "buttons")])
def test_the_button_goes_under_one_key(field: ButtonField, other: str) -> None:
    """The page contradicts itself about the button's key: exactly the chosen one is sent."""
    sent = json.loads(encode(FULL, "+1", field))
    assert sent[field] == {"text": "Title of button", "url": "FINAL_DESTINATION_URL"}
    assert other not in sent


def test_half_a_character_cannot_be_encoded() -> None:
    """A lone surrogate that no check has found is an error, not a changed text."""
    with pytest.raises(UnicodeEncodeError):
        encode(msgspec.structs.replace(FULL, text="\ud83d"), "+1")


ANSWERS = [
    ('{"result": true, "viber_message_ids": ["5d914c3dd132d5f45a4e3670"]}', Taken(IDS)),
    ('{"result": true, "Viber_message_ids": ["5d914c3dd132d5f45a4e3670"]}', Taken(IDS)),
    ('{"RESULT": true, "VIBER_MESSAGE_IDS": ["5d914c3dd132d5f45a4e3670"], "more": {}}', Taken(IDS)),
    ('{"result": true, "viber_message_ids": "5d914c3dd132d5f45a4e3670"}', Taken(IDS)),
    ('{"result": true, "viber_message_ids": 42}', Taken(("42",))),
    ('{"result": true, "viber_message_ids": ["a", null, "", 7, {"b": 1}]}', Taken(("a", "7", '{"b":1}'))),
    ('{"result": true, "viber_message_ids": []}', Taken(())),
    ('{"result": true, "viber_message_ids": [""]}', Taken(())),
    ('{"result": true, "viber_message_ids": null}', Taken(())),
    ('{"result": true}', Taken(())),
    ('\ufeff{"result": true, "viber_message_ids": ["a"]}', Taken(("a",))),
    (' \n{"result": true, "viber_message_ids": ["a"]}\r\n', Taken(("a",))),
    ('{"result": false, "result": true, "viber_message_ids": ["a"]}', Taken(("a",))),
    ('{"Result": false, "result": true, "viber_message_ids": ["a"]}', Taken(("a",))),
    ('{"result": true, "Result": false, "viber_message_ids": "a"}', Taken(("a",))),
    ('{"result": false, "errors": ["one", "two"]}', refused("one", "two")),
    ('{"Result": false, "Errors": "one"}', refused("one")),
    ('{"result": false, "viber_message_ids": [], "errors": ["one"]}', refused("one")),
    ('{"result": false, "viber_message_ids": ["a"], "errors": ["one"]}', refused("one")),
    ('{"result": false, "errors": [null, "", 0, false, {"code": 5}]}', refused("0", "false", '{"code":5}')),
    ('{"result": false, "errors": 7}', refused("7")),
    ('{"result": false, "errors": {"0": "one", "1": ["two"]}}', refused("one", "two")),
    ('{"result": false, "errors": [["one"], [[], ["two", null]]]}', refused("one", "two")),
    ('{"result": false, "errors": [{"message": "one"}, {"Message": ["two"], "code": 5}]}', refused("one", "two")),
    ('{"result": false, "errors": {"message": {"message": "one"}}}', refused("one")),
    ('{"result": false, "errors": {"message": "one"}}', refused("one")),
    ('{"result": false, "errors": [{"message": ""}]}', refused('{"message":""}')),
    ('{"result": false, "errors": {}}', refused(NO_WORDS)),
    ('{"result": false, "error": "one"}', refused("one")),
    ('{"result": false, "Error": {"code": 401, "message": "one"}}', refused("one")),
    ('{"result": false, "error": true, "message": "one"}', refused("one")),
    ('{"result": false, "error": 401, "message": ["one"]}', refused("one")),
    ('{"result": false, "errors": true, "message": "one"}', refused("one")),
    ('{"result": false, "errors": [null], "error": "", "MESSAGE": "one"}', refused("one")),
    ('{"result": false, "errors": ["one"], "error": "two", "message": "three"}', refused("one")),
    ('{"result": false, "error": true}', refused(NO_WORDS)),
    ('{"result": false, "message": 5}', refused(NO_WORDS)),
    ('{"result": false, "errors": []}', refused(NO_WORDS)),
    ('{"result": false, "errors": null}', refused(NO_WORDS)),
    ('{"result": false}', refused(NO_WORDS)),
    (
        '{"result": false, "errors": ["“Bad Request”"]}',
        Refused((ApiError(code=ErrorCode.BAD_REQUEST, text="“Bad Request”"),)),
    ),
    ('{"result": "true", "viber_message_ids": ["a"]}', None),
    ('{"result": 1, "viber_message_ids": ["a"]}', None),
    ('{"result": null}', None),
    ('{"error": "Bad Request"}', None),
    ('{"viber_message_ids": ["a"]}', None),
    ("{}", None),
    ("[]", None),
    ('[{"result": true}]', None),
    ("true", None),
    ("", None),
    ("\ufeff", None),
    ("<html>502</html>", None),
    ('{"result": true, "viber_message_ids": ["a"]', None),
    ('{"result": true, "viber_message_ids": ["a"]} trailing', None),
    ('{"result": NaN}', None),
    ('{"result": false, "errors": [NaN]}', None),
    ('{"result": false, "errors": [1e999]}', None),
    ('{"result": false, "errors": ["\\ud83d"]}', None),
]


@pytest.mark.parametrize(("body", "answer"), ANSWERS)
def test_each_answer_is_read(body: str, answer: object) -> None:
    """Keys are read without regard to case, lone values as lists; anything else is not of the documented form."""
    assert read_reply(body.encode(), str) == answer


SHAPES = [
    '"errors": [%s]',
    '"errors": %s',
    '"errors": {"0": %s}',
    '"errors": [[%s]]',
    '"errors": [{"message": %s}]',
    '"errors": {"message": %s}',
    '"errors": [{"code": 17, "error": %s}]',
    '"error": %s',
    '"error": [%s]',
    '"error": {"0": {"message": %s}}',
    '"message": %s',
    '"Message": [%s]',
    '"errors": [], "message": %s',
    '"error": true, "message": %s',
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: row.code)
def test_each_documented_error_is_known_in_each_shape(row: Documented, shape: str) -> None:
    """Where and how an answer says it changes nothing about what it says."""
    body = '{"result": false, ' + shape % json.dumps(row.text) + "}"
    answer = read_reply(body.encode(), str)
    assert isinstance(answer, Refused)
    assert [error.code for error in answer.errors] == [row.code]


@pytest.mark.parametrize(
    "said",
    [
        '"errors": ["Bad Request"], "message": "Internal server error"',
        '"errors": ["Bad Request"], "error": {"0": "internal server error: timeout"}',
        '"error": "Bad Request", "message": ["Internal server error!"]',
        '"errors": [{"error": "Bad Request", "message": "Internal server error"}]',
    ],
)
def test_error_21_is_heard_wherever_it_is_said(said: str) -> None:
    """Of several places that say something the first counts, but for the words that make a message doubtful."""
    answer = read_reply(f'{{"result": false, {said}}}'.encode(), str)
    assert isinstance(answer, Refused)
    assert [error.code for error in answer.errors] == [ErrorCode.BAD_REQUEST, ErrorCode.INTERNAL_SERVER_ERROR]


@pytest.mark.parametrize(
    "body",
    [
        b'{"result": true, "viber_message_ids": ["\xff"]}',
        '{"result": true}'.encode("utf-16"),
        b"\x1f\x8b\x08\x00",
        b'{"result": false, "errors": [' + b"9" * 5000 + b"]}",
    ],
)
def test_bytes_that_are_no_such_json_are_no_answer(body: bytes) -> None:
    """Another charset, compression and endless numbers are no answer, and no exception."""
    assert read_reply(body, str) is None


@pytest.mark.parametrize("depth", [500, 5_000, 30_000])
def test_deep_nesting_raises_nothing(depth: int) -> None:
    """However deep an answer is nested: where Python can read it, it is a refusal of unknown words, else no answer."""
    answer = read_reply(b'{"result": false, "errors": ' + b"[" * depth + b"]" * depth + b"}", str)
    assert answer is None or (isinstance(answer, Refused) and answer.errors[0].code is ErrorCode.UNKNOWN)


def test_nesting_of_any_depth_raises_nothing() -> None:
    """At no depth does an error that is no text make the reading fail, also where it can be read and not be written."""
    for depth in range(900, 1100):
        body = b'{"result": false, "errors": [' + b"[" * depth + b"]" * depth + b"]}"
        assert isinstance(read_reply(body, str), Refused | None)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ('{"result": true, "viber_message_ids": ["a-s3cret"]}', Taken(("a-***",))),
        ('{"result": true, "viber_message_ids": "s3cret"}', Taken(("***",))),
        ('{"result": false, "errors": ["no s3cret", {"s3cret": 1}]}', refused("no ***", '{"***":1}')),
    ],
)
def test_secrets_are_removed_from_ids_and_errors(body: str, answer: object) -> None:
    """Whatever the server echoes goes through the redactor."""
    assert read_reply(body.encode(), lambda text: text.replace("s3cret", "***")) == answer
