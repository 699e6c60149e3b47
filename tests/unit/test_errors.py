"""The exceptions: their text, what they carry, and that they travel."""

import copy
import pickle
from typing import Any

import pytest
from people import COMMON

from wooxy_async import (
    ApiError,
    AuthenticationError,
    Cause,
    CountryNotAllowedError,
    DomainError,
    ErrorCode,
    InDoubt,
    InDoubtError,
    Invalid,
    InvalidMessageError,
    NotSent,
    NotSentError,
    Problem,
    Rejected,
    RejectedError,
    SenderError,
    TagError,
    ViberMessage,
    WooxyError,
)
from wooxy_async._rules.errors import rejection

MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Your code is 98765")
ENDED = {**COMMON, "message": MESSAGE}
PROBLEMS = (
    Problem(field="text", value="", rule="empty", remedy="must not be empty"),
    Problem(field="phone_number", value="98765", rule="too_short", remedy="The number has too few digits."),
)


def rejected(code: str, text: str) -> Rejected:
    """Return a refusal with one error."""
    return Rejected(errors=(ApiError(code=ErrorCode[code], text=text),), status=200, **ENDED)


RAISED = [
    (
        Invalid(problems=PROBLEMS, **ENDED),
        InvalidMessageError,
        (
            "The message breaks 2 rules: text: must not be empty; phone_number: The number has too few digits. "
            "Nothing was sent. Fix the message and send it again."
        ),
    ),
    (
        Invalid(problems=PROBLEMS[:1], **ENDED),
        InvalidMessageError,
        "The message breaks 1 rule: text: must not be empty. Nothing was sent. Fix the message and send it again.",
    ),
    (
        rejected("BAD_REQUEST", "Bad Request"),
        RejectedError,
        (
            "Wooxy refused the message (HTTP 200): Bad Request. "
            "The message was not taken. Fix the message before it is sent again."
        ),
    ),
    (
        rejected("AUTHORIZATION_TOKEN_INVALID", "Invalid authorization token!"),
        AuthenticationError,
        (
            "Wooxy refused the message (HTTP 200): Invalid authorization token. "
            "The message was not taken. Fix the access token or the account: every other message fails likewise."
        ),
    ),
    (
        rejected("DOMAIN_NOT_FOUND", "Domain d not found in your account"),
        DomainError,
        (
            "Wooxy refused the message (HTTP 200): Domain d not found in your account. "
            "The message was not taken. Verify the domain in the Wooxy account, or send from another one."
        ),
    ),
    (
        rejected("SENDER_NOT_APPROVED", "Sender with senderId s not approved"),
        SenderError,
        (
            "Wooxy refused the message (HTTP 200): Sender with senderId s not approved. "
            "The message was not taken. Register the sender and have it approved, or leave sender_id out."
        ),
    ),
    (
        rejected("TAG_NOT_REGISTERED", "Tag t is not registered in account tags"),
        TagError,
        (
            "Wooxy refused the message (HTTP 200): Tag t is not registered in account tags. "
            "The message was not taken. Register the tag in the Wooxy account, or leave it out."
        ),
    ),
    (
        rejected("COUNTRY_NOT_ALLOWED", "Current method is not allowed for country RU"),
        CountryNotAllowedError,
        (
            "Wooxy refused the message (HTTP 200): Current method is not allowed for country RU. "
            "The message was not taken, and this recipient cannot be reached in this way: do not send it again."
        ),
    ),
    (
        NotSent(cause=Cause(kind="throttled", text="Wooxy refused the request for load."), retry_after=7.0, **ENDED),
        NotSentError,
        "Wooxy refused the request for load. The message was not taken: it is safe to send it again.",
    ),
    (
        InDoubt(cause=Cause(kind="no_answer", text="No answer came."), **ENDED),
        InDoubtError,
        (
            "No answer came. The message may have been delivered: sending it again may reach the person twice. "
            "Look it up in Wooxy before you decide."
        ),
    ),
]
each_error = pytest.mark.parametrize(("outcome", "exception", "text"), RAISED, ids=lambda value: type(value).__name__)


def caught(outcome: Any) -> WooxyError:
    """Return what `unwrap` raises."""
    with pytest.raises(WooxyError) as found:
        outcome.unwrap()
    return found.value


@each_error
def test_each_error_says_what_happened_and_what_to_do(outcome: Any, exception: type[WooxyError], text: str) -> None:
    """An outcome raises its own class, whose text says what happened, whether to send again, and what to do."""
    error = caught(outcome)
    assert type(error) is exception
    assert error.outcome is outcome
    assert str(error) == text


@each_error
def test_each_error_survives_pickle_and_copy(outcome: Any, exception: type[WooxyError], text: str) -> None:
    """A pickled and a copied exception are the same class with the same outcome, words, text and notes."""
    error = exception(outcome, "The stream ends.")
    error.add_note("raised at index 3")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own pickle
        assert type(twin) is exception
        assert twin.outcome == outcome
        assert str(twin) == f"The stream ends. {text}"
        assert twin.__notes__ == ["raised at index 3"]


@each_error
def test_each_error_masks_what_is_personal(outcome: Any, exception: type[WooxyError], text: str) -> None:
    """Neither repr nor str of an exception shows the number or the text."""
    del exception, text
    error = caught(outcome)
    assert not any(private in f"{error!r} {error}" for private in ("4155550123", "98765"))


def test_a_refusal_masks_the_number_that_the_server_repeats() -> None:
    """The server's words are repeated, the number in them masked."""
    error = rejection(rejected("PHONE_NUMBER_INVALID", "+14155550123 is not a valid E.164 phone number"))
    assert "…123 is not a valid E.164 phone number" in str(error)
    assert "4155550123" not in f"{error!r} {error}"


def test_a_refusal_gives_errors_and_status() -> None:
    """What the server said stands on the exception itself."""
    outcome = rejected("BAD_REQUEST", "Bad Request")
    error = rejection(outcome)
    assert (error.errors, error.status) == (outcome.errors, 200)


def test_not_sent_gives_the_time_that_the_server_asked_for() -> None:
    """`retry_after` stands on the exception itself."""
    outcome = NotSent(cause=Cause(kind="throttled", text="t"), retry_after=7.0, **ENDED)
    assert NotSentError(outcome).retry_after == 7.0


def test_a_refusal_with_two_errors_repeats_both() -> None:
    """Each without its own full stop."""
    errors = (
        ApiError(code=ErrorCode.COUNTRY_NOT_ALLOWED_FOR_SENDER, text="Not there!"),
        ApiError(code=ErrorCode.COUNTRY_NOT_ALLOWED, text="Nor here."),
    )
    assert RejectedError(Rejected(errors=errors, status=200, **ENDED)).what() == (
        "Wooxy refused the message (HTTP 200): Not there; Nor here."
    )


def test_the_root_is_for_except_only() -> None:
    """The root has no words of its own: it is caught, never raised."""
    with pytest.raises(TypeError, match=r"^WooxyError is the root for `except`; raise one of its subclasses\.$"):
        str(WooxyError(rejected("BAD_REQUEST", "Bad Request")))


def all_exceptions(root: type[WooxyError] = WooxyError) -> list[type[WooxyError]]:
    """Return a class and all below it."""
    return [root, *(each for below in root.__subclasses__() for each in all_exceptions(below))]


@pytest.mark.parametrize("exception", all_exceptions())
def test_an_exception_is_not_made_of_a_text(exception: type[WooxyError]) -> None:
    """What has no outcome is refused where it is made, not where somebody prints it; the text is not repeated."""
    for given in (("s3cret words",), (None,), (MESSAGE,), (RAISED[0][0], 5), (RAISED[-1][0], b"s3cret")):
        with pytest.raises(TypeError, match=f"^{exception.__name__} takes an outcome .* and a text, not ") as refused:
            exception(*given)  # type: ignore[arg-type]
        assert "s3cret" not in str(refused.value)


def test_the_root_names_each_kind_of_outcome() -> None:
    """That it takes."""
    with pytest.raises(
        TypeError, match=r"takes an outcome \(accepted, in_doubt, invalid, not_sent, rejected\) and a text"
    ):
        WooxyError(None)  # type: ignore[arg-type]
    assert NotSentError(RAISED[-2][0], "more").args == (RAISED[-2][0], "more")


@each_error
def test_an_exception_speaks_of_its_own_kind_of_outcome(outcome: Any, exception: type[WooxyError], text: str) -> None:
    """Each refuses the outcomes of the others; the root takes all."""
    del text
    for other in (each for _outcome, each, _text in RAISED):
        if issubclass(other, RejectedError) and issubclass(exception, RejectedError):
            assert other(outcome).outcome is outcome
        elif other is not exception:
            with pytest.raises(TypeError, match=rf"not {type(outcome).__name__} and str; outcome\.unwrap\(\) raises"):
                other(outcome)
    assert WooxyError(outcome).outcome is outcome


def test_one_root_and_one_branch_for_refusals() -> None:
    """Everything raised about a message is a WooxyError, and every refusal by the server a RejectedError."""
    for branch in (InvalidMessageError, RejectedError, NotSentError, InDoubtError):
        assert branch.__bases__ == (WooxyError,)
    for leaf in (AuthenticationError, DomainError, SenderError, TagError, CountryNotAllowedError):
        assert leaf.__bases__ == (RejectedError,)
