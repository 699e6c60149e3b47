"""A client's configuration: every argument and environment variable is checked where it is given."""

from __future__ import annotations

import os
import re
import ssl as tls
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, NamedTuple, cast, get_args, get_type_hints
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from wooxy_async._client.tokens import Provider
from wooxy_async._ports import Clock
from wooxy_async._rules import arguments
from wooxy_async._rules.account import ACCOUNT_PATH
from wooxy_async._rules.arguments import flag, number, one_of, redacting, shown, whole
from wooxy_async._rules.fuse import Fuse, read_fuse
from wooxy_async._rules.loopback import is_loopback
from wooxy_async._rules.phones import PhoneCheck
from wooxy_async._rules.redaction import Redactor, Secret
from wooxy_async._rules.retry import RetryPolicy
from wooxy_async._rules.wire import PATH, ButtonField
from wooxy_async.limits._slots import SLOTS

DEFAULT_URL: Final = "https://api.wooxy.com"
_DAY: Final = 24 * 60 * 60
_MAX_WAITING: Final = 1_000_000
_VARIABLES: Final = {"max_concurrency": "WOOXY_MAX_CONCURRENCY", "max_bulk": "WOOXY_MAX_BULK"}  # where slots are said
# What a base URL must not end with: the path of the method, as far as people copy it.
_PATH_STARTS: Final = tuple(PATH[:end] for end, character in enumerate(f"{PATH}/") if character == "/" and end)
Hook = Callable[[Any], object]


class Seconds(NamedTuple):
    """The range of an argument that is a time, both ends included; docstrings and guide repeat it."""

    least: float
    most: float

    def __call__(self, name: str, value: Any) -> float:
        """Return a time within the range."""
        return number(name, value, *self)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The checked configuration of one client.

    A field that names a check is the argument of `WooxyClient` of the same name, and checked by it, in this order.
    """

    token: Secret  # of a provider a name that stands for it
    provider: Provider | None
    url: str
    account_url: str
    proxy: Secret | None
    redact: Redactor
    fuse: Fuse | None
    account: Annotated[str | None, _account]
    max_concurrency: Annotated[int, _slots]
    max_bulk: Annotated[int, _slots]
    max_waiting: Annotated[int | None, _waiting]
    timeout: Annotated[float, Seconds(0.001, _DAY)]
    answer_limit: Annotated[float, Seconds(0.001, _DAY)]
    loss_hold: Annotated[float, Seconds(0, 3600)]
    retry: Annotated[RetryPolicy, _retry]
    phone_check: Annotated[PhoneCheck, partial(one_of, allowed=get_args(PhoneCheck))]
    button_field: Annotated[ButtonField, partial(one_of, allowed=get_args(ButtonField))]
    ssl: Annotated[tls.SSLContext | None, _ssl]
    fresh_connections: Annotated[bool, flag]
    patience: Annotated[float, Seconds(0, 30 * _DAY)]
    drain: Annotated[float, Seconds(0, 3600)]
    on_attempt: Annotated[Hook | None, _hook]
    on_outcome: Annotated[Hook | None, _hook]
    on_settled: Annotated[Hook | None, _hook]
    hook_timeout: Annotated[float, Seconds(0.001, 3600)]
    log_references: Annotated[bool, flag]
    clock: Annotated[Clock, _clock]


def make_settings(**given: Any) -> Settings:
    """Check a client's arguments, in the order in which a person would fix them.

    Raises:
        TypeError, ValueError: names the argument or environment variable and says what is right; never shows a secret.
    """
    provider = cast("Provider | None", given["access_token"] if callable(given["access_token"]) else None)
    token = _token(given["access_token"]) if provider is None else _stand_in(given["account"])
    proxy = _proxy(given["proxy"])
    redact = Redactor((*([] if provider else [token.reveal()]), *_passwords(proxy)))
    with redacting(redact):
        allow_http = flag("allow_http", given["allow_http"])
        url = _way(_url(given["base_url"], allow_http=allow_http), proxy, allow_http=allow_http)
        return Settings(
            token=token,
            provider=provider,
            url=url,
            account_url=url.removesuffix(PATH) + ACCOUNT_PATH,
            proxy=proxy,
            redact=redact,
            **{name: check(name, given[name]) for name, check in CHECKS.items()},
            fuse=_fuse("WOOXY_ONLY", url, proxy),
        )


def seconds(name: str, value: Any) -> float:
    """Return a time within the range of its argument."""
    return RANGES[name](name, value)


def _account(name: str, given: Any) -> str | None:
    if given is None:
        name = "WOOXY_ACCOUNT"
    account = (os.environ.get(name) or None) if given is None else given
    if account is not None and not isinstance(account, str):
        raise TypeError(f"{name} must be a text, not {shown(account)}.")
    if account is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", account):
        raise ValueError(f"{name} must be 1 to 64 letters, digits, dots, underscores or hyphens, not {shown(account)}.")
    return account


def _slots(name: str, given: Any) -> int:
    """Return a number of slots: the argument's, else its environment variable's, else all."""
    if given is not None:
        return whole(name, given, 1, SLOTS)
    variable = _VARIABLES[name]
    words = os.environ.get(variable) or str(SLOTS)
    return whole(variable, int(words) if re.fullmatch("[0-9]{1,4}", words) else words, 1, SLOTS)


def _waiting(name: str, given: Any) -> int | None:
    return None if given is None else whole(name, given, 1, _MAX_WAITING)


def _token(given: Any) -> Secret:
    name = "access_token" if given is not None else "WOOXY_ACCESS_TOKEN"
    token = os.environ.get(name) if given is None else given
    if token is None:
        raise ValueError("There is no access token: pass access_token=…, or set WOOXY_ACCESS_TOKEN.")
    return Secret(arguments.token(name, token))


def _stand_in(account: Any) -> Secret:
    """Return what stands for the tokens of a provider where clients of one account find each other."""
    if (name := _account("account", account)) is None:
        raise ValueError("access_token is a function: name the account with account=…, because its tokens change.")
    return Secret(f"provider of {name}")


def _url(given: Any, *, allow_http: bool) -> str:
    name = "base_url" if given is not None else "WOOXY_BASE_URL"
    base = (os.environ.get(name) or DEFAULT_URL) if given is None else given
    parts = _split(name, base, ("https", "http"))
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} must not hold a user name or password; the token has its own argument.")
    if "?" in base or "#" in base:
        raise ValueError(f"{name} must end with its path, as in {DEFAULT_URL!r}: no query, no fragment.")
    if unquote(parts.path).rstrip("/.").lower().endswith(_PATH_STARTS):
        raise ValueError(
            f"{name} must end before {_PATH_STARTS[0]}, because {PATH} is added to it: "
            f"pass what stands before that, as in {DEFAULT_URL!r}."
        )
    if parts.scheme == "http" and not (allow_http or is_loopback(parts.hostname or "")):
        raise ValueError(
            f"{name} must start with https:// because the token goes with every request; "
            "http:// is for loopback only, unless allow_http=True."
        )
    return base.rstrip("/") + PATH


def _way(url: str, proxy: Secret | None, *, allow_http: bool) -> str:
    """Return the API's address if the token stays on this machine or is encrypted on its whole way."""
    if proxy is None or allow_http or url.lower().startswith("https:"):
        return url
    if not is_loopback(urlsplit(proxy.reveal()).hostname or ""):
        raise ValueError(
            "proxy must be on this machine where base_url starts with http://, because another machine would read the "
            "token: take https:// for base_url, leave the proxy out, or allow it with allow_http=True."
        )
    return url


def _split(name: str, value: Any, schemes: tuple[str, ...]) -> SplitResult:
    """Split an address; its text is never repeated, because it may hold a password."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, not {type(value).__name__}.")
    right = f"{name} must be an address like {schemes[0]}://host.example:8080"
    if not value.isascii() or any(character <= " " or character == "\x7f" for character in value):
        raise ValueError(f"{right}, in printable ASCII without blanks.")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(f"{right}; its host or port cannot be read.") from None
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise ValueError(f"{right}.")
    return parts


def _proxy(given: Any) -> Secret | None:
    if given is None:
        return None
    _split("proxy", given, ("http", "https"))
    return Secret(given)


def _passwords(proxy: Secret | None) -> tuple[str, ...]:
    """Return what must not show of a proxy's address: its password, plain and as the login header writes it."""
    password = urlsplit(proxy.reveal()).password if proxy is not None else None
    return (unquote(password), password) if password else ()


def _ssl(name: str, given: Any) -> tls.SSLContext | None:
    if given is None:
        return None
    if not isinstance(given, tls.SSLContext):
        raise TypeError(
            f"{name} must be an ssl.SSLContext for a private CA, or None: certificates are always verified."
        )
    if given.verify_mode is not tls.CERT_REQUIRED or not given.check_hostname:
        raise ValueError(f"{name} must verify: use ssl.create_default_context(cafile=…) and leave its checks on.")
    return given


def _fuse(name: str, url: str, proxy: Secret | None) -> Fuse | None:
    value = os.environ.get(name)
    if value is None:
        return None
    hosts = {"base_url": urlsplit(url).hostname or ""}
    if proxy is not None:
        hosts["proxy"] = urlsplit(proxy.reveal()).hostname or ""
    return read_fuse(name, value, hosts)


def _retry(name: str, value: Any) -> RetryPolicy:
    if not isinstance(value, RetryPolicy):
        raise TypeError(f"{name} must be a RetryPolicy(…), not {shown(value)}.")
    return value


def _clock(name: str, value: Any) -> Clock:
    if not (callable(getattr(value, "monotonic", None)) and callable(getattr(value, "time", None))):
        raise TypeError(f"{name} must have monotonic() and time(), as the module `time` has, not {shown(value)}.")
    clock: Clock = value
    return clock


def _hook(name: str, value: Any) -> Hook | None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or None, not {shown(value)}.")
    hook: Hook | None = value
    return hook


# The checks that stand in the fields of `Settings`, and the ranges among them.
CHECKS: Final[dict[str, Callable[[str, Any], Any]]] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
RANGES: Final = {name: check for name, check in CHECKS.items() if isinstance(check, Seconds)}
