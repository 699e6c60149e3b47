"""The message: what it keeps, and what it shows of itself."""

import copy
import io
import pickle

import msgspec
import pytest
from rich.console import Console
from rich.pretty import Pretty

from wooxy_async import Button, ViberMessage
from wooxy_async._rules.messages import Size

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


def test_an_unknown_field_is_refused() -> None:
    """A misspelled field is an error where it is written, not a field that silently stays away."""
    with pytest.raises(TypeError, match="phoneNumber"):
        ViberMessage(domain="d", phoneNumber="p", text="t")  # type: ignore[call-arg]


def test_repr_masks_what_is_personal() -> None:
    """The repr shows the last digits of the number, sizes instead of texts, and no field at its default."""
    assert repr(MESSAGE) == (
        "ViberMessage(domain='shop.example', phone_number='…123', text=<18 characters>, "
        "button=Button(text='Open', url=<31 characters>), device='all', ttl=3600, tags=('spring',), "
        "reference='order-17')"
    )
    assert str(MESSAGE) == repr(MESSAGE)


def test_rich_shows_no_more_than_repr() -> None:
    """What rich prints masks the same fields."""
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(Pretty(MESSAGE))
    shown = capture.get()
    assert "…123" in shown
    assert not any(secret in shown for secret in ("4155550123", "98765"))


def test_the_size_of_something_else_is_its_type() -> None:
    """A text that is no text shows its type only."""
    assert repr(Size(98765)) == "<int>"


def test_messages_survive_pickle_and_copy() -> None:
    """A pickled and a copied message are equal to the first, whole."""
    assert pickle.loads(pickle.dumps(MESSAGE)) == MESSAGE  # noqa: S301 - our own pickle
    assert copy.deepcopy(MESSAGE) == MESSAGE
