"""The message: what it keeps, and what it shows of itself."""

import copy
import io
import pickle
from collections import UserList, deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from rich.console import Console
from rich.pretty import Pretty

from wooxy_async import Attempt, Button, Invalid, InvalidMessageError, ViberMessage
from wooxy_async._rules.checks import problems
from wooxy_async._rules.messages import Size, without_echo
from wooxy_async._rules.redaction import mask_reference
from wooxy_async._rules.wire import encode

MESSAGE = ViberMessage(
    domain="shop.example",
    phone_number="+14155550123",
    text="Your code is 98765",
    button=Button(text="Open", url="https://shop.example/code/98765"),
    tags=("spring",),
    reference="order-17",
)


def test_defaults_are_those_of_the_page() -> None:
    """A message of three fields has the page's defaults for the others."""
    message = ViberMessage(domain="d", phone_number="p", text="t")
    found = (message.sender_id, message.button, message.device, message.ttl, message.tags, message.reference)
    assert found == (None, None, "all", 3600, (), None)


@pytest.mark.parametrize("sequence", [deque, UserList])
def test_tags_may_be_any_sequence(sequence: Callable[[list[str]], Sequence[str]]) -> None:
    """It becomes a tuple, and what is sent is a list."""
    message = ViberMessage(domain="d.example", phone_number="+14155550123", text="m", tags=sequence(["spring", "sale"]))
    assert message.tags == ("spring", "sale")
    assert problems(message) == ()
    assert b'"tags":["spring","sale"]' in encode(message, "+14155550123")


def test_a_list_of_tags_becomes_a_tuple() -> None:
    """Tags given as a list are kept as a tuple, so that a later change of the list changes no message."""
    tags = ["spring", "sale"]
    message = msgspec.structs.replace(MESSAGE, tags=tags)
    tags.append("late")
    assert message.tags == ("spring", "sale")
    assert hash(message) == hash(copy.copy(message))


def test_a_message_cannot_be_changed_or_given_by_position() -> None:
    """Messages are frozen and take keywords only."""
    with pytest.raises(AttributeError):
        MESSAGE.text = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        ViberMessage("d", "p", "t")  # type: ignore[misc]


class Unspeakable:
    """What answers every question with an error."""

    def __reduce__(self) -> Any:
        raise RecursionError

    def __repr__(self) -> str:
        raise RuntimeError("no")


def _local_text() -> Any:
    class Local(str):
        __slots__ = ()

    return Local("order-17")


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda: lambda: 17, "function"),
        (lambda: (character for character in "x"), "generator"),
        (lambda: ("order", lambda: 17), "tuple"),
        (Unspeakable, "Unspeakable"),
        (_local_text, "Local"),
    ],
    ids=["function", "generator", "tuple", "unspeakable", "local text"],
)
def test_a_reference_that_cannot_be_pickled_is_refused_when_the_message_is_made(
    made: Callable[[], Any], name: str
) -> None:
    """The field, the remedy and the reason stand in a TypeError, not in what a pickle of the exception says later."""
    reference = made()
    for change in (
        lambda: ViberMessage(domain="d", phone_number="p", text="t", reference=reference),
        lambda: msgspec.structs.replace(MESSAGE, reference=reference),
    ):
        with pytest.raises(
            TypeError,
            match=rf"^reference must be a text or None, not {name}: .*pickled.*\. Pass an id of yours as str\.$",
        ):
            change()


@pytest.mark.parametrize("reference", [None, "order-17", 17, 1.5, b"17", True, ("order", 17), ["x"], {"a": 1}])
def test_any_other_reference_is_judged_when_it_is_sent(reference: Any) -> None:
    """What is no text is a problem among the others, and its outcome and exception can be pickled."""
    message = msgspec.structs.replace(MESSAGE, reference=reference)
    found = problems(message)
    assert [problem.field for problem in found] == ["reference"] * (not isinstance(reference, str | None))
    error = InvalidMessageError(Invalid(index=0, message=message, attempts=0, elapsed=0.0, problems=found))
    assert pickle.loads(pickle.dumps(error)).outcome == error.outcome  # noqa: S301 - our own pickle


def test_an_unknown_field_is_refused() -> None:
    """A misspelled field is an error where it is written, not a field that silently stays away."""
    with pytest.raises(TypeError, match="phoneNumber"):
        ViberMessage(domain="d", phoneNumber="p", text="t")  # type: ignore[call-arg]


def test_repr_masks_what_is_personal() -> None:
    """The repr shows the last digits of the number, sizes instead of texts, and no field at its default."""
    assert repr(MESSAGE) == (
        "ViberMessage(domain='shop.example', phone_number='…123', text=<18 characters>, "
        "button=Button(text=<4 characters>, url=<31 characters>), device='all', ttl=3600, tags=('spring',), "
        f"reference={mask_reference('order-17')})"
    )
    assert str(MESSAGE) == repr(MESSAGE)
    assert "tags" not in repr(msgspec.structs.replace(MESSAGE, tags=()))
    assert "sender_id=''" in repr(msgspec.structs.replace(MESSAGE, sender_id=""))


def test_rich_shows_no_more_than_repr() -> None:
    """What rich prints masks the same fields."""
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(Pretty(MESSAGE))
    shown = capture.get()
    assert "…123" in shown
    assert not any(secret in shown for secret in ("4155550123", "98765"))


PERSONAL = ViberMessage(
    domain="shop.example",
    phone_number="+14155550123",
    text="Anna, your code is 98765",
    button=Button(text="Anna, your code 2718", url="https://shop.example/anna"),
    reference="anna@example.org",
)
ATTEMPT = Attempt(
    index=0,
    reference="anna@example.org",
    number="…123",
    attempt=1,
    outcome="accepted",
    cause=None,
    status=200,
    elapsed=1.0,
)


@pytest.mark.parametrize("record", [PERSONAL, ATTEMPT, PERSONAL.button], ids=["message", "attempt", "button"])
def test_nothing_personal_shows(record: object) -> None:
    """Neither repr nor rich shows a text, a button's text, or a reference, which often is an address or a number."""
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(Pretty(record, max_string=80))
    shown = f"{record!r} {record} {capture.get()}"
    assert not any(private in shown for private in ("anna", "Anna", "2718", "98765", "5550123"))
    assert ("ref:" in shown) is not isinstance(record, Button)


def test_an_attempt_without_reference_says_so() -> None:
    """Where there is no reference there is no digest."""
    assert "reference=None" in repr(msgspec.structs.replace(ATTEMPT, reference=None))
    assert f"outcome='{ATTEMPT.outcome}'" in repr(ATTEMPT)


class Unspeakable:
    """A value whose own repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"button": {"text": "Anna"}}, "button=<dict>"),
        ({"reference": 4155550123}, "reference=<int>"),
        ({"reference": "half \udc80"}, "reference=ref:"),
        ({"text": b"Anna"}, "text=<bytes>"),
        ({"domain": Unspeakable()}, "domain=<Unspeakable>"),
        ({"button": Button(text=2718, url=None)}, "button=Button(text=<int>, url=<NoneType>)"),  # type: ignore[arg-type]
    ],
)
def test_what_is_of_a_wrong_type_shows_its_type(fields: dict[str, object], shown: str) -> None:
    """A message that holds anything has a repr all the same, and shows no more than one that is right."""
    message = msgspec.structs.replace(MESSAGE, **fields)
    assert shown in repr(message)
    assert not any(private in repr(message) for private in ("Anna", "4155550123", "2718"))


def test_what_a_server_repeats_of_a_message_is_left_out() -> None:
    """A server's words lose the message's texts and addresses and long numbers, and keep their own."""
    words = "refused 'Anna, your code is 98765' (Anna, your code 2718, https://shop.example/anna) to +14155550123"
    assert without_echo(words, PERSONAL) == "refused '<24 characters>' (<20 characters>, <25 characters>) to …123"
    short = msgspec.structs.replace(PERSONAL, text="the", button=None)
    assert without_echo("the message is refused", short) == "the message is refused"
    assert without_echo("the message", msgspec.structs.replace(short, text=7)) == "the message"
    assert without_echo("it says code", msgspec.structs.replace(short, text="code")) == "it says <4 characters>"


def test_the_size_of_something_else_is_its_type() -> None:
    """A text that is no text shows its type only."""
    assert repr(Size(98765)) == "<int>"


def test_messages_survive_pickle_and_copy() -> None:
    """A pickled and a copied message are equal to the first, whole."""
    assert pickle.loads(pickle.dumps(MESSAGE)) == MESSAGE  # noqa: S301 - our own pickle
    assert copy.deepcopy(MESSAGE) == MESSAGE
