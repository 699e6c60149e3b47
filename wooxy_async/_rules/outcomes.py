"""What becomes of a message: exactly one of five outcomes."""

# Annotations are evaluated here: as strings msgspec would look them up in `wooxy_async`, the public `__module__`.

from collections.abc import Iterator
from typing import Any, Literal, NoReturn, Self, TypeAlias, TypeVar

import msgspec

from wooxy_async._rules import errors
from wooxy_async._rules.arguments import shown
from wooxy_async._rules.documented import ApiError, ErrorCode
from wooxy_async._rules.messages import Masked, Size, ViberMessage, without_echo
from wooxy_async._rules.redaction import mask_digits

CauseKind = Literal[
    "no_slot",  # no slot became free before the caller's deadline
    "overloaded",  # as many messages waited already as `max_waiting` allows
    "limiter_unavailable",  # the limiter failed, so that no request was started
    "token_unavailable",  # the provider of the token gave none, so that no request was started
    "lease_lost",  # the limiter lost the slot while the request was out, which was ended for that
    "not_connected",  # refused, reset, DNS, certificate, connect time-out: the request did not leave
    "not_started",  # the stream or the client was closed before its turn
    "closed",  # the stream or the client was closed while its request was out
    "cancelled",  # the caller cancelled
    "deadline",  # the caller's `timeout` ended
    "expired",  # its `not_after` was past, or would have been before the next attempt
    "fuse",  # the environment variable WOOXY_ONLY does not let it leave
    "throttled",  # 429, or the account still pauses after one
    "proxy",  # 407
    "connection_lost",  # after the request was handed over
    "no_answer",  # nothing within `answer_limit`
    "unreadable_answer",  # not HTTP, not JSON, another shape, over 64 KiB
    "redirected",  # 3xx
    "server_error",  # 408, 5xx, or documented error 21
    "internal_error",  # a bug of this library
]

CauseDetail = Literal[
    "dns",  # the host name has no address, or nobody could say
    "refused",  # nobody listens there
    "certificate_expired",
    "unknown_ca",  # nobody who is trusted has signed the certificate
    "wrong_host",  # the certificate is another host's
    "tls",  # any other failure of the handshake, as when the server speaks no TLS
    "timeout",  # not made in time
]


class Cause(Masked, frozen=True, kw_only=True):
    """Why a message was not sent or is in doubt.

    Args:
        kind: a stable word for programs.
        text: a sentence for people, maybe with the server's words; holds no token.
        detail: why a connection was not made: "dns", "refused", "certificate_expired", "unknown_ca", "wrong_host",
            "tls" (any other failure of the handshake) or "timeout"; None where it was something else, and for every
            other kind.
    """

    kind: CauseKind
    text: str
    detail: CauseDetail | None = None

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "kind", self.kind
        yield "text", mask_digits(self.text)
        if self.detail is not None:
            yield "detail", self.detail


_Said = TypeVar("_Said", Cause, ApiError)


class Problem(Masked, frozen=True, kw_only=True):
    """One local rule that a message breaks.

    Args:
        field: the field's Python name, as in "button.url" or "tags[3]".
        value: what stood there, as text, cut to 80 characters.
        rule: a stable word for programs.
        remedy: a sentence that says what is right; does not repeat the value.
    """

    field: str
    value: str
    rule: str
    remedy: str

    def _shown(self) -> Iterator[tuple[str, Any]]:
        yield "field", self.field
        yield "rule", self.rule
        yield "remedy", self.remedy


class _Outcome(Masked, frozen=True, kw_only=True, tag_field="outcome"):
    """What every outcome carries.

    Args:
        index: 0-based place of the message in its source; 0 for `send`.
        message: the message, whole.
        attempts: how many requests were started for it.
        elapsed: seconds from the moment it was taken to its outcome.
    """

    index: int
    message: ViberMessage
    attempts: int
    elapsed: float

    def _shown(self) -> Iterator[tuple[str, Any]]:
        for name, value in super()._shown():
            if name == "cause":
                yield name, _without_echo(value, self.message)
            elif name == "errors":
                yield (
                    name,
                    tuple(
                        _without_echo(error, self.message) if error.code is ErrorCode.UNKNOWN else error
                        for error in value
                    ),
                )
            else:
                yield name, value

    def to_json(self) -> bytes:
        """Encode to one line of JSON, also when the message holds what JSON cannot.

        Returns:
            UTF-8 without a line break; the fields have their Python names, `outcome` names the kind.
        """
        try:
            return msgspec.json.encode(self, enc_hook=_plain)
        except Exception:  # noqa: BLE001 - a refused message may hold anything, and its outcome is written all the same
            return msgspec.json.encode({"outcome": self.__struct_config__.tag, **_fields(self)})


def _without_echo(said: _Said, message: ViberMessage) -> _Said:
    return msgspec.structs.replace(said, text=without_echo(said.text, message))


def _plain(value: object) -> str:
    """Return the text that stands for what JSON has no form for."""
    return str.__str__(value) if isinstance(value, str) else shown(value)


def _fields(record: msgspec.Struct) -> dict[str, Any]:
    return {name: _printable(getattr(record, name)) for name in record.__struct_fields__}


def _printable(value: Any) -> Any:
    """Return what JSON can hold of a value: no lone surrogate, no list within itself, no number of 5,000 digits."""
    try:
        return msgspec.Raw(msgspec.json.encode(value, enc_hook=_plain))
    except Exception:  # noqa: BLE001 - whatever a caller's object raises
        if isinstance(value, msgspec.Struct):
            return _fields(value)
        return [_word(item) for item in value] if type(value) is tuple else _word(value)


def _word(value: object) -> str:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else shown(value)


class Accepted(_Outcome, frozen=True, kw_only=True, tag="accepted"):
    """The server took the message.

    Args:
        message_ids: Wooxy's ids of it, as the server wrote them; empty where it gave none.
    """

    message_ids: tuple[str, ...]

    def unwrap(self) -> Self:
        """Return this outcome: there is nothing to raise."""
        return self


class Rejected(_Outcome, frozen=True, kw_only=True, tag="rejected"):
    """The server said no; the message was not taken.

    Args:
        errors: what it said, one or more.
        status: the HTTP status of the answer.
    """

    errors: tuple[ApiError, ...]
    status: int

    def unwrap(self) -> NoReturn:
        """Raise the class of the widest error (`RejectedError` or a subclass)."""
        raise errors.rejection(self)


class Invalid(_Outcome, frozen=True, kw_only=True, tag="invalid"):
    """Refused here; nothing was sent.

    Args:
        problems: every rule that the message breaks, not just the first.
    """

    problems: tuple[Problem, ...]

    def unwrap(self) -> NoReturn:
        """Raise `InvalidMessageError`."""
        raise errors.InvalidMessageError(self)


class NotSent(_Outcome, frozen=True, kw_only=True, tag="not_sent"):
    """Known not to have been taken: safe to send again.

    Args:
        cause: what was in the way.
        retry_after: seconds that the server asked to wait, or, where the cause is "overloaded", in which as many
            messages are likely to have gone as wait now; else None.
    """

    cause: Cause
    retry_after: float | None = None

    def unwrap(self) -> NoReturn:
        """Raise `NotSentError`."""
        raise errors.NotSentError(self)


class InDoubt(_Outcome, frozen=True, kw_only=True, tag="in_doubt"):
    """May have been delivered: sending again may reach the person twice, so a person decides.

    Args:
        cause: what hid the answer.
        status: the HTTP status, where an answer had one.
        errors: documented errors of the answer, where it had some (error 21 among them).
        may_settle: whether its request is still out, so that a late answer may come. `on_settled` is then told once
            more what became of it, when the client is closed at the latest; a doubt that is final says False.
    """

    cause: Cause
    status: int | None = None
    errors: tuple[ApiError, ...] = ()
    may_settle: bool = False

    def unwrap(self) -> NoReturn:
        """Raise `InDoubtError`."""
        raise errors.InDoubtError(self)


Outcome: TypeAlias = Accepted | Rejected | Invalid | NotSent | InDoubt

__all__ = ["Accepted", "Cause", "InDoubt", "Invalid", "NotSent", "Outcome", "Problem", "Rejected", "Size"]
