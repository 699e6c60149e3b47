"""The exceptions: one root, each carrying the outcome that it speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from wooxy_async._rules.documented import ApiError, ErrorCode, Scope, widest
from wooxy_async._rules.messages import without_echo
from wooxy_async._rules.redaction import mask_digits

if TYPE_CHECKING:
    from wooxy_async._rules.outcomes import InDoubt, Invalid, NotSent, Outcome, Rejected


class WooxyError(Exception):
    """Everything that this library raises about a message.

    Args:
        outcome: what became of the message.
        text: what happened, where the class's own words do not say it.

    Raises:
        TypeError: the outcome is not of the kind that this exception speaks of, or the text is no text.
    """

    remedy = ""
    _tags: ClassVar[frozenset[str]] = frozenset({"accepted", "rejected", "invalid", "not_sent", "in_doubt"})

    def __init__(self, outcome: Outcome, text: str = "") -> None:
        # By its tag: the classes of the outcomes import this module.
        tag = getattr(getattr(type(outcome), "__struct_config__", None), "tag", None)
        if tag not in self._tags or not isinstance(text, str):
            raise TypeError(
                f"{type(self).__name__} takes an outcome ({', '.join(sorted(self._tags))}) and a text, not "
                f"{type(outcome).__name__} and {type(text).__name__}; outcome.unwrap() raises the right one."
            )
        super().__init__(outcome, text)
        self.outcome: Any = outcome
        self.text = text

    def __str__(self) -> str:
        said = (self.text, self.what(), self.remedy)
        return " ".join(part for part in said if part)

    def what(self) -> str:
        """Say what happened to the message."""
        raise TypeError("WooxyError is the root for `except`; raise one of its subclasses.")


class InvalidMessageError(WooxyError):
    """The message breaks local rules; nothing was sent. `outcome.problems` lists them all."""

    outcome: Invalid
    _tags = frozenset({"invalid"})
    remedy = "Nothing was sent. Fix the message and send it again."

    def what(self) -> str:
        """Name each field and its remedy."""
        problems = self.outcome.problems
        listed = "; ".join(f"{problem.field}: {problem.remedy.rstrip('.')}" for problem in problems)
        return f"The message breaks {len(problems)} rule{'s' * (len(problems) != 1)}: {listed}."


class RejectedError(WooxyError):
    """The server refused the message; it was not taken. `errors` lists what the server said."""

    outcome: Rejected
    _tags = frozenset({"rejected"})
    remedy = "The message was not taken. Fix the message before it is sent again."

    @property
    def errors(self) -> tuple[ApiError, ...]:
        """What the server said, as `ApiError`s."""
        return self.outcome.errors

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.outcome.status

    def what(self) -> str:
        """Repeat the server's words, without what is personal."""
        said = "; ".join(self._words(error).rstrip(".!") for error in self.outcome.errors)
        return f"Wooxy refused the message (HTTP {self.outcome.status}): {said}."

    def _words(self, error: ApiError) -> str:
        if error.code is ErrorCode.UNKNOWN:
            return without_echo(error.text, self.outcome.message)
        return mask_digits(error.text)  # a documented text may hold any word, and repeats none but those it names


class AuthenticationError(RejectedError):
    """The account or its token is refused: every request fails until it is fixed."""

    remedy = "The message was not taken. Fix the access token or the account: every other message fails likewise."


class DomainError(RejectedError):
    """The domain is refused: every message with it fails."""

    remedy = "The message was not taken. Verify the domain in the Wooxy account, or send from another one."


class SenderError(RejectedError):
    """The sender is refused: every message with it fails."""

    remedy = "The message was not taken. Register the sender and have it approved, or leave sender_id out."


class TagError(RejectedError):
    """A tag is not registered: every message with it fails."""

    remedy = "The message was not taken. Register the tag in the Wooxy account, or leave it out."


class CountryNotAllowedError(RejectedError):
    """The recipient's country is not served, by the method or by the sender."""

    remedy = "The message was not taken, and this recipient cannot be reached in this way: do not send it again."


class NotSentError(WooxyError):
    """The message did not leave, or is known not to have been taken: it is safe to send it again."""

    outcome: NotSent
    _tags = frozenset({"not_sent"})
    remedy = "The message was not taken: it is safe to send it again."

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asked to wait, or None."""
        return self.outcome.retry_after

    def what(self) -> str:
        """Name the cause, maybe in the server's words, without what is personal."""
        return without_echo(self.outcome.cause.text, self.outcome.message)


class InDoubtError(WooxyError):
    """The message may have been delivered: sending it again may reach the person twice."""

    outcome: InDoubt
    _tags = frozenset({"in_doubt"})
    remedy = (
        "The message may have been delivered: sending it again may reach the person twice. "
        "Look it up in Wooxy before you decide."
    )

    def what(self) -> str:
        """Name the cause, maybe in the server's words, without what is personal."""
        return without_echo(self.outcome.cause.text, self.outcome.message)


_BY_SCOPE: dict[Scope, type[RejectedError]] = {
    Scope.ACCOUNT: AuthenticationError,
    Scope.DOMAIN: DomainError,
    Scope.SENDER: SenderError,
    Scope.TAG: TagError,
    Scope.COUNTRY: CountryNotAllowedError,
    Scope.MESSAGE: RejectedError,
}


_UNAUTHORIZED = 401


def scope(outcome: Rejected) -> Scope:
    """Return what has to be fixed: the widest of a refusal's errors; a bare 401 refuses the account."""
    if outcome.status == _UNAUTHORIZED and all(error.code is ErrorCode.UNKNOWN for error in outcome.errors):
        return Scope.ACCOUNT
    return widest(outcome.errors)


def rejection(outcome: Rejected, text: str = "") -> RejectedError:
    """Return the exception for the widest of a refusal's errors."""
    return _BY_SCOPE[scope(outcome)](outcome, text)
