"""A client's configuration: every argument and environment variable is checked where it is given."""

from __future__ import annotations

import os
import ssl as tls
from collections.abc import Callable
from typing import Any, Final, get_args
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

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

DEFAULT_URL: Final = "https://api.wooxy.com"
SLOTS: Final = 10
_DAY: Final = 24 * 60 * 60
# The least and the most seconds of each argument that is a time; docstrings and README repeat them.
RANGES: Final[dict[str, tuple[float, float]]] = {
    "timeout": (0.001, _DAY),
    "answer_limit": (0.001, _DAY),
    "loss_hold": (0, 3600),
    "patience": (0, 30 * _DAY),
    "drain": (0, 3600),
    "hook_timeout": (0.001, 3600),
}
# What a base URL must not end with: the path of the method, as far as people copy it.
_PATH_STARTS: Final = tuple(PATH[:end] for end, character in enumerate(f"{PATH}/") if character == "/" and end)
Hook = Callable[[Any], object]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The checked configuration of one client."""

    token: Secret
    url: str
    account_url: str
    max_concurrency: int
    timeout: float
    answer_limit: float
    loss_hold: float
    retry: RetryPolicy
    phone_check: PhoneCheck
    button_field: ButtonField
    ssl: tls.SSLContext | None
    proxy: Secret | None
    fresh_connections: bool
    patience: float
    drain: float
    on_attempt: Hook | None
    on_outcome: Hook | None
    on_settled: Hook | None
    hook_timeout: float
    log_references: bool
    redact: Redactor
    clock: Clock
    fuse: Fuse | None


def make_settings(**given: Any) -> Settings:
    """Check a client's arguments, in the order in which a person would mend them.

    Raises:
        TypeError, ValueError: names the argument or environment variable and says what is right; never shows a secret.
    """
    token = _token(given["access_token"])
    proxy = _proxy(given["proxy"])
    redact = Redactor((token.reveal(), *_passwords(proxy)))
    with redacting(redact):
        return _checked(given, token=token, proxy=proxy, redact=redact)


def _checked(given: dict[str, Any], *, token: Secret, proxy: Secret | None, redact: Redactor) -> Settings:
    allow_http = flag("allow_http", given["allow_http"])
    url = _way(_url(given["base_url"], allow_http=allow_http), proxy, allow_http=allow_http)
    return Settings(
        token=token,
        url=url,
        account_url=url.removesuffix(PATH) + ACCOUNT_PATH,
        max_concurrency=whole("max_concurrency", given["max_concurrency"], 1, SLOTS),
        timeout=seconds("timeout", given["timeout"]),
        answer_limit=seconds("answer_limit", given["answer_limit"]),
        loss_hold=seconds("loss_hold", given["loss_hold"]),
        retry=_instance("retry", given["retry"], RetryPolicy),
        phone_check=one_of("phone_check", given["phone_check"], get_args(PhoneCheck)),
        button_field=one_of("button_field", given["button_field"], get_args(ButtonField)),
        ssl=_ssl(given["ssl"]),
        proxy=proxy,
        fresh_connections=flag("fresh_connections", given["fresh_connections"]),
        patience=seconds("patience", given["patience"]),
        drain=seconds("drain", given["drain"]),
        on_attempt=_hook("on_attempt", given["on_attempt"]),
        on_outcome=_hook("on_outcome", given["on_outcome"]),
        on_settled=_hook("on_settled", given["on_settled"]),
        hook_timeout=seconds("hook_timeout", given["hook_timeout"]),
        log_references=flag("log_references", given["log_references"]),
        redact=redact,
        clock=_clock(given["clock"]),
        fuse=_fuse("WOOXY_ONLY", url, proxy),
    )


def seconds(name: str, value: Any) -> float:
    """Return a time within the range of its argument."""
    return number(name, value, *RANGES[name])


def _token(given: Any) -> Secret:
    name = "access_token" if given is not None else "WOOXY_ACCESS_TOKEN"
    token = os.environ.get(name) if given is None else given
    if token is None:
        raise ValueError("There is no access token: pass access_token=…, or set WOOXY_ACCESS_TOKEN.")
    return Secret(arguments.token(name, token))


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


def _ssl(given: Any) -> tls.SSLContext | None:
    if given is None:
        return None
    if not isinstance(given, tls.SSLContext):
        raise TypeError("ssl must be an ssl.SSLContext for a private CA, or None: certificates are always verified.")
    if given.verify_mode is not tls.CERT_REQUIRED or not given.check_hostname:
        raise ValueError("ssl must verify: use ssl.create_default_context(cafile=…) and leave its checks on.")
    return given


def _fuse(name: str, url: str, proxy: Secret | None) -> Fuse | None:
    value = os.environ.get(name)
    if value is None:
        return None
    hosts = {"base_url": urlsplit(url).hostname or ""}
    if proxy is not None:
        hosts["proxy"] = urlsplit(proxy.reveal()).hostname or ""
    return read_fuse(name, value, hosts)


def _instance(name: str, value: Any, kind: type[RetryPolicy]) -> RetryPolicy:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}(…), not {shown(value)}.")
    return value


def _clock(value: Any) -> Clock:
    if not (callable(getattr(value, "monotonic", None)) and callable(getattr(value, "time", None))):
        raise TypeError(f"clock must have monotonic() and time(), as the module `time` has, not {shown(value)}.")
    clock: Clock = value
    return clock


def _hook(name: str, value: Any) -> Hook | None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or None, not {shown(value)}.")
    hook: Hook | None = value
    return hook
