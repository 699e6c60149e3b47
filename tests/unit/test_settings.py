"""A client's configuration: each mistake is named, no secret is repeated."""

import inspect
import ssl
from typing import Any

import pytest

from wooxy_async import RetryPolicy, WooxyClient
from wooxy_async._client.settings import CHECKS, Settings, make_settings
from wooxy_async._rules.loopback import is_loopback
from wooxy_async._rules.redaction import Secret

TOKEN = "0123456789abcdef-T0KEN"
ARGUMENTS = inspect.signature(WooxyClient).parameters
DEFAULTS: dict[str, Any] = {name: argument.default for name, argument in ARGUMENTS.items()} | {"access_token": TOKEN}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own environment out of the tests."""
    monkeypatch.delenv("WOOXY_ACCESS_TOKEN", raising=False)
    monkeypatch.delenv("WOOXY_BASE_URL", raising=False)
    monkeypatch.delenv("WOOXY_ONLY", raising=False)
    monkeypatch.delenv("WOOXY_MAX_CONCURRENCY", raising=False)
    monkeypatch.delenv("WOOXY_MAX_BULK", raising=False)
    monkeypatch.delenv("WOOXY_ACCOUNT", raising=False)


def made(**changes: Any) -> Settings:
    """Return the settings of the defaults with changes."""
    return make_settings(**DEFAULTS | changes)


def unverified(**attributes: Any) -> ssl.SSLContext:
    """Return a context that does not verify all that it should."""
    context = ssl.create_default_context()
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


@pytest.mark.parametrize("name", ["max_concurrency", "max_bulk"])
def test_slots_are_the_arguments_or_the_environments(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The argument goes before its variable, and that before ten; a wrong word is named."""
    variable = f"WOOXY_{name.upper()}"
    assert getattr(made(**{name: None}), name) == 10
    monkeypatch.setenv(variable, "3")
    assert getattr(made(**{name: None}), name) == 3
    assert getattr(made(**{name: 4}), name) == 4
    for wrong, error in (("11", ValueError), ("ten", TypeError), ("-1", TypeError), ("٣", TypeError)):
        monkeypatch.setenv(variable, wrong)
        with pytest.raises(error, match=rf"^{variable} must be .*from 1 to 10, not "):
            made(**{name: None})


def test_an_account_has_a_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument goes before WOOXY_ACCOUNT; without both there is none."""
    assert made().account is None
    monkeypatch.setenv("WOOXY_ACCOUNT", "acme-2")
    assert made().account == "acme-2"
    assert made(account="a" * 64).account == "a" * 64
    for wrong in ("", "a" * 65, "a b", "ä", "a\n"):
        with pytest.raises(ValueError, match=r"^account must be 1 to 64 letters"):
            made(account=wrong)
    with pytest.raises(TypeError, match=r"^account must be a text, not 7"):
        made(account=7)
    monkeypatch.setenv("WOOXY_ACCOUNT", "a/b")
    with pytest.raises(ValueError, match=r"^WOOXY_ACCOUNT must be"):
        made()


class Unspeakable:
    """A value whose own repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


COUNTS = ("max_concurrency", "max_bulk", "max_waiting")
NUMBERS = (*COUNTS, "timeout", "answer_limit", "loss_hold", "patience", "drain", "hook_timeout")
WRONG_TYPE = [
    ("access_token", 17),
    ("access_token", b"token"),
    ("base_url", b"https://api.wooxy.com"),
    ("proxy", 8080),
    ("ssl", False),
    ("ssl", "ca.pem"),
    ("retry", 3),
    ("retry", Unspeakable()),
    *((name, value) for name in NUMBERS for value in ("10", True, Unspeakable())),
    *((name, None) for name in NUMBERS if name not in COUNTS),
    *((name, 5.0) for name in COUNTS),
    *((name, value) for name in ("fresh_connections", "allow_http", "log_references") for value in (1, "no", None)),
    *((name, "print") for name in ("on_attempt", "on_outcome", "on_settled")),
]
WRONG_VALUE = [
    ("access_token", ""),
    ("access_token", "with blank"),
    ("access_token", "line\r\nInjected: yes"),
    ("access_token", "tökén"),
    ("access_token", "half\udc80"),
    ("phone_check", "strict"),
    ("phone_check", None),
    ("button_field", "Buttons"),
    *((name, 0) for name in COUNTS),
    *((name, 11) for name in ("max_concurrency", "max_bulk")),
    ("max_waiting", 1_000_001),
    pytest.param("max_concurrency", 10**5000, id="max_concurrency-without end"),
    ("timeout", 0),
    ("timeout", 86401),
    ("timeout", float("nan")),
    ("timeout", 10**400),
    ("answer_limit", -1),
    ("answer_limit", float("inf")),
    ("loss_hold", -0.1),
    ("loss_hold", 3601),
    ("patience", -1),
    ("patience", 31 * 86400),
    ("drain", -1),
    ("drain", 3601),
    ("ssl", unverified(check_hostname=False)),
    ("ssl", unverified(check_hostname=False, verify_mode=ssl.CERT_NONE)),
    ("ssl", unverified(check_hostname=False, verify_mode=ssl.CERT_OPTIONAL)),
    *(
        (name, value)
        for name in ("base_url", "proxy")
        for value in (
            "",
            "api.wooxy.com",
            "ftp://api.wooxy.com",
            "https://",
            "https://:443",
            "https://api.wooxy.com:0",
            "https://api.wooxy.com:65536",
            "https://api.wooxy.com:https",
            "https://[::1",
            "https://api wooxy.com",
            "https://api.wooxy.com\r\n",
            "https://api.wooxy.com\x7f",
            "https://bücher.example",
        )
    ),
]


def test_every_argument_is_checked() -> None:
    """No argument of the client is passed over: each has its check beside its field, or a place of its own."""
    assert set(ARGUMENTS) == {*CHECKS, "access_token", "base_url", "proxy", "allow_http", "limiter"}


async def test_the_client_hands_over_what_it_was_given() -> None:
    """Each argument reaches the settings under its own name."""
    given: dict[str, Any] = {"max_concurrency": 3, "timeout": 4, "answer_limit": 5, "loss_hold": 6, "patience": 7}
    given |= {"drain": 8, "hook_timeout": 9, "fresh_connections": True, "log_references": True, "phone_check": "e164"}
    given |= {"on_attempt": print, "on_outcome": repr, "on_settled": str, "button_field": "button"}
    async with WooxyClient(TOKEN, **given) as client:
        assert {name: getattr(client._settings, name) for name in given} == given


@pytest.mark.parametrize(("name", "value"), WRONG_TYPE)
def test_a_wrong_type_is_named(name: str, value: object) -> None:
    """An argument of a wrong type gives a TypeError that begins with its name."""
    with pytest.raises(TypeError, match=f"^{name} must be "):
        made(**{name: value})


@pytest.mark.parametrize(("name", "value"), WRONG_VALUE)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    """An argument out of its range gives a ValueError that begins with its name and says what is right."""
    with pytest.raises(ValueError, match=f"^{name} must ") as caught:
        made(**{name: value})
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "changes",
    [
        {
            "max_concurrency": 1,
            "max_bulk": 1,
            "max_waiting": 1_000_000,
            "timeout": 0.001,
            "answer_limit": 86400,
            "loss_hold": 0,
            "patience": 0,
        },
        {"access_token": "!t~", "phone_check": "e164", "button_field": "button", "fresh_connections": True},
        {"ssl": ssl.create_default_context(), "proxy": "http://proxy.example:3128", "on_outcome": print},
        {"retry": RetryPolicy(attempts=1), "phone_check": "valid", "patience": 30 * 86400, "on_settled": print},
    ],
)
def test_the_ends_of_each_range_are_right(changes: dict[str, Any]) -> None:
    """The smallest and the largest values, and each choice, are kept as they were given."""
    settings = made(**changes)
    for name, value in changes.items():
        kept = getattr(settings, {"access_token": "token"}.get(name, name))
        assert (kept.reveal() if isinstance(kept, Secret) else kept) == value


def test_without_a_base_url_it_is_wooxy_s() -> None:
    """The default address is the page's."""
    assert made().url == "https://api.wooxy.com/v3/viber/send"


def test_the_environment_gives_token_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Token and base URL come from the environment where they are not given, and only there."""
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", "from-environment")
    monkeypatch.setenv("WOOXY_BASE_URL", "https://proxy.example/wooxy/")
    settings = made(access_token=None)
    assert (settings.token.reveal(), settings.url) == ("from-environment", "https://proxy.example/wooxy/v3/viber/send")
    assert made(base_url="https://other.example").url == "https://other.example/v3/viber/send"
    assert made().token.reveal() == TOKEN


def test_an_empty_base_url_in_the_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`WOOXY_BASE_URL=` means the default, as in a shell."""
    monkeypatch.setenv("WOOXY_BASE_URL", "")
    assert made().url == "https://api.wooxy.com/v3/viber/send"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("WOOXY_ACCESS_TOKEN", ""), ("WOOXY_ACCESS_TOKEN", "a b"), ("WOOXY_BASE_URL", "http://api.wooxy.com")],
)
def test_a_wrong_environment_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """An error in the environment names the variable, not the argument."""
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable} must "):
        made(access_token=None)


def test_without_any_token_both_ways_are_named() -> None:
    """Who has given no token reads how to give one."""
    with pytest.raises(ValueError, match=r"access_token=….*WOOXY_ACCESS_TOKEN"):
        made(access_token=None)


@pytest.mark.parametrize(
    "base",
    [
        "http://127.0.0.1:8025",
        "http://127.8.9.1",
        "http://[::1]:8025",
        "http://localhost:8025/",
        "HTTP://LOCALHOST",
        "http://localhost.:8025",
        "http://ip6-localhost",
        "http://ip6-loopback:8025",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_plain_http_goes_to_loopback(base: str) -> None:
    """A sandbox on this machine needs no certificate."""
    assert made(base_url=base).url == base.rstrip("/") + "/v3/viber/send"


@pytest.mark.parametrize(
    "base",
    [
        "http://api.wooxy.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://127.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://localhost..",
        "http://127.0.0.1.",
        "http://x.localhost",
        "http://[::ffff:10.0.0.1]",
        "http://[::2]",
    ],
)
def test_plain_http_beyond_loopback_is_refused_unless_allowed(base: str) -> None:
    """The token goes in clear text only where the caller says so in so many words."""
    with pytest.raises(ValueError, match=r"^base_url must start with https://.*allow_http=True"):
        made(base_url=base)
    assert made(base_url=base, allow_http=True).url == base + "/v3/viber/send"


@pytest.mark.parametrize(
    "proxy",
    ["http://proxy.example:3128", "https://proxy.example", "http://user:s3cret@10.0.0.1:3128", "http://127.1:3128"],
)
def test_plain_http_through_another_machine_is_refused_unless_allowed(proxy: str) -> None:
    """A proxy elsewhere would read the token of a request to http://, whatever loopback is there."""
    for base in ("http://127.0.0.1:8025", "HTTP://localhost"):
        with pytest.raises(ValueError, match=r"^proxy must be on this machine .*base_url.*allow_http=True") as caught:
            made(base_url=base, proxy=proxy)
        assert "s3cret" not in f"{caught.value!r}"
        assert made(base_url=base, proxy=proxy, allow_http=True).url == base + "/v3/viber/send"


def test_a_proxy_of_an_encrypted_api_may_be_anywhere() -> None:
    """Behind CONNECT the token is encrypted; and a proxy on this machine may read what it forwards."""
    for base, proxy in (
        ("https://api.wooxy.com", "http://proxy.example:3128"),
        ("HTTPS://api.wooxy.com", "http://proxy.example:3128"),
        ("http://127.0.0.1:8025", "http://[::1]:3128"),
        ("http://127.0.0.1:8025", "http://localhost:3128"),
    ):
        assert made(base_url=base, proxy=proxy).url == base + "/v3/viber/send"


def test_no_host_is_not_loopback() -> None:
    """An empty host is not this machine."""
    assert not is_loopback("")


@pytest.mark.parametrize(
    "base",
    [
        "https://user:s3cret@api.wooxy.com",
        "https://s3cret@api.wooxy.com",
        "https://@api.wooxy.com",
        "https://api.wooxy.com?key=s3cret",
        "https://api.wooxy.com/?",
        "https://api.wooxy.com/#s3cret",
        "https://api.wooxy.com#",
        "https://user:s3cret@api.wooxy.com:99999",
        "https://user:s3cret @api.wooxy.com",
    ],
)
def test_an_address_with_more_than_its_path_is_refused_unrepeated(base: str) -> None:
    """Credentials, query and fragment of a base URL are refused, and never repeated."""
    with pytest.raises(ValueError, match=r"^base_url must ") as caught:
        made(base_url=base)
    assert "s3cret" not in f"{caught.value!r} {caught.value.__context__!r}"


METHOD = (
    "/v3",
    "/v3/",
    "/v3//",
    "/v3/.",
    "/%76%33",
    "/V3",
    "/v3/viber",
    "/v3/viber/",
    "/v3/viber/send",
    "/v3/viber/send/",
    "/V3/Viber/Send",
)


@pytest.mark.parametrize("host", ["https://api.wooxy.com", "http://127.0.0.1:8025", "https://gateway.example/s3cret"])
@pytest.mark.parametrize("path", METHOD)
def test_an_address_that_holds_the_method_s_path_is_refused(
    monkeypatch: pytest.MonkeyPatch, host: str, path: str
) -> None:
    """The page's whole address, or its start, is refused by its name, with what is right, and not repeated."""
    with pytest.raises(
        ValueError, match=r"^base_url must end before /v3, .* pass .* 'https://api\.wooxy\.com'"
    ) as caught:
        made(base_url=host + path)
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("WOOXY_BASE_URL", host + path)
    with pytest.raises(ValueError, match=r"^WOOXY_BASE_URL must end before /v3, "):
        made()


@pytest.mark.parametrize("path", ["/wooxy", "/v3/wooxy", "/v33", "/av3", "/v3.1", "/viber/send", "/api-v3"])
def test_other_paths_of_an_address_stay(path: str) -> None:
    """A gateway may have any path of its own."""
    assert made(base_url=f"https://gateway.example{path}/").url == f"https://gateway.example{path}/v3/viber/send"


@pytest.mark.parametrize("token", ["s3cret token", "s3cret\n", "s3crét"])
def test_a_wrong_token_is_not_repeated(token: str) -> None:
    """The error about a token shows nothing of it."""
    with pytest.raises(ValueError, match=r"^access_token must ") as caught:
        made(access_token=token)
    assert "s3cr" not in f"{caught.value!r}"


def test_a_wrong_proxy_is_not_repeated() -> None:
    """The error about a proxy does not show its password."""
    with pytest.raises(ValueError, match=r"^proxy must ") as caught:
        made(proxy="socks5://user:s3cret@proxy.example")
    assert "s3cret" not in f"{caught.value!r}"


def test_settings_show_no_secret() -> None:
    """The repr of settings shows neither the token nor the proxy's password."""
    settings = made(proxy="http://user:s3cret-p%40ss@proxy.example:3128")
    assert isinstance(settings.token, Secret)
    assert not any(secret in repr(settings) for secret in (TOKEN, "s3cret"))


def test_token_and_proxy_password_are_redacted() -> None:
    """The redactor of a client knows its token and its proxy's password, as given and as it is meant."""
    redact = made(proxy="http://user:s3cret-p%40ss@proxy.example:3128").redact
    assert redact(f"{TOKEN}, s3cret-p%40ss, s3cret-p@ss, user") == "***, ***, ***, user"
    assert made(proxy="http://user@proxy.example").redact("user@proxy.example") == "user@proxy.example"


def test_a_secret_of_another_library_is_refused_with_the_remedy() -> None:
    """As pydantic's `SecretStr`; what it holds is not shown."""

    class SecretStr:
        def get_secret_value(self) -> str:
            return "s3cret-t0ken"

    with pytest.raises(TypeError, match=r"^access_token must be a text, not SecretStr: .*get_secret_value\(\) returns"):
        made(access_token=SecretStr())
