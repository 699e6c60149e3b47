"""The sandbox's account and rules: each documented error, in both spellings, and what is accepted."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from wooxy_async.sandbox import Account, Domain, Fault, Sandbox, Sender

TOKEN = "sandbox-token-0123456789"
MESSAGE: dict[str, Any] = {"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Hello"}

Post = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """Give a plain POST that returns the status and the decoded body."""
    async with aiohttp.ClientSession() as session:

        async def call(sandbox: Sandbox, *, token: str = TOKEN, raw: bytes | None = None, **fields: Any) -> Any:
            body = json.dumps(MESSAGE | fields).encode() if raw is None else raw
            headers = {"Content-Type": "application/json"} | ({"Access-Token": token} if token else {})
            async with session.post(f"{sandbox.url}/v3/viber/send", data=body, headers=headers) as response:
                return response.status, await response.json()

        yield call


# The lines of the page's table, word for word, outer quotes included, in its order; then what earns each.
PAGE = """\
“Argument ‘domain’ must be a non-empty string”
“Argument senderId must be a non-empty string”
“{phoneNumber} is not a valid E.164 phone number”
“Argument text must be a non-empty string”
“Argument button must be an array with “text” and “url” string elements”
“Argument ttl must be a positive integer”
“Argument device must be all or phone”
“Argument tags must be an array”
“Tag name must be a non-empty string”
“Tags should be 50 characters or less”
“Any tags starting with an underscore are reserved for internal use and will cause errors”
“Domain {domain} not found in your account”
“Current method is not allowed for country {code}”
“There is no default list in domain {id}”
“Sender with senderId {id} not registered in account”
“Sender with senderId {id} not approved”
“Country of contact is not allowed for senderId {id}”
“There is no registered senderId {id} in account”
“Tag {tag} is not registered in account tags”
“Invalid authorization token!”
“Internal server error”
“Bad Request”
“No matches found for access token {accessToken}”
“User {id} not enabled”
“No data found for key {userId}”
“Access token check failed for key/secret $key/$accessToken”
""".splitlines()  # noqa: RUF001

SETUPS: list[tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = [
    ({}, {"domain": ""}, {}),
    ({}, {"senderId": ""}, {}),
    ({}, {"phoneNumber": "+1555555555"}, {"{phoneNumber}": "+1555555555"}),
    ({}, {"text": ""}, {}),
    ({}, {"buttons": {"text": "Open"}}, {}),
    ({}, {"ttl": 0}, {}),
    ({}, {"device": "desktop"}, {}),
    ({}, {"tags": "sale"}, {}),
    ({}, {"tags": [""]}, {}),
    ({}, {"tags": ["t" * 51]}, {}),
    ({}, {"tags": ["_internal"]}, {}),
    ({"domains": ("other.example",)}, {}, {"{domain}": "shop.example"}),
    ({}, {"phoneNumber": "+380441234567"}, {"{code}": "UA"}),
    ({"domains": (Domain(name="shop.example", id="77", default_list=False),)}, {}, {"{id}": "77"}),
    ({"senders": ("Shop",)}, {"senderId": "Pirate"}, {"{id}": "Pirate"}),
    ({"senders": (Sender(name="Shop", approved=False),)}, {"senderId": "Shop"}, {"{id}": "Shop"}),
    ({"senders": (Sender(name="Shop", countries=("DE",)),)}, {"senderId": "Shop"}, {"{id}": "Shop"}),
    ({"senders": ("Shop",), "default_sender": "Gone"}, {}, {"{id}": "Gone"}),
    ({"tags": ("sale",)}, {"tags": ["sale", "Summer"]}, {"{tag}": "Summer"}),
    ({}, {"token": ""}, {}),
    ({"broken": True}, {}, {}),
    ({}, {"raw": b"[1]"}, {}),
    ({"token": "another-token-0123456789"}, {}, {"{accessToken}": TOKEN}),
    ({"enabled": False, "user_id": "4711"}, {}, {"{id}": "4711"}),
    ({"has_data": False, "user_id": "4711"}, {}, {"{userId}": "4711"}),
    ({"secret_matches": False, "key": "K-1"}, {}, {"$key": "K-1", "$accessToken": TOKEN}),
]
CASES = [
    pytest.param(line[1:-1], *setup, id=f"error-{number}")
    for number, (line, setup) in enumerate(zip(PAGE, SETUPS, strict=True), start=1)
]


@pytest.mark.parametrize(("template", "account", "message", "facts"), CASES)
async def test_each_error_in_the_page_s_spelling(
    post: Post, template: str, account: dict[str, Any], message: dict[str, Any], facts: dict[str, str]
) -> None:
    """An account or a message that is set up accordingly earns each documented error, word for word."""
    expected = template
    for placeholder, value in facts.items():
        expected = expected.replace(placeholder, value)
    async with Sandbox(account=Account(**account)) as sandbox:
        _, answer = await post(sandbox, **message)
        assert answer == {"result": False, "errors": [expected]}
        assert (sandbox.requests, sandbox.taken) == (1, 0)


@pytest.mark.parametrize(("template", "account", "message", "facts"), CASES)
async def test_each_error_in_plain_spelling(
    post: Post, template: str, account: dict[str, Any], message: dict[str, Any], facts: dict[str, str]
) -> None:
    """The plain spelling is lower case with straight quotes, and leaves the values as they are."""
    expected = template.lower().translate(str.maketrans("‘’“”", "''\"\""))  # noqa: RUF001
    for placeholder, value in facts.items():
        expected = expected.replace(placeholder.lower(), value)
    async with Sandbox(account=Account(**account), error_spelling="plain") as sandbox:
        _, answer = await post(sandbox, **message)
        assert answer["errors"] == [expected]


@pytest.mark.parametrize("number", range(1, 27))
async def test_each_error_by_script(post: Post, number: int) -> None:
    """The script produces each error by its number, with the placeholders filled from the message."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.error(number))
        _, answer = await post(sandbox, senderId="Shop", tags=["sale"])
        facts = {"phoneNumber": "+14155550123", "domain": "shop.example", "code": "US", "tag": "sale", "userId": "1001"}
        facts |= {"accessToken": TOKEN, "id": {14: "1", 24: "1001"}.get(number, "Shop")}
        template = PAGE[number - 1][1:-1].replace("$key/$accessToken", f"sandbox-key/{TOKEN}")
        assert answer == {"result": False, "errors": [template.format(**facts)]}
        assert sandbox.messages == ()


async def test_several_errors_in_one_answer(post: Post) -> None:
    """A message with mistakes of its own and of the account's gets them all, each text once."""
    async with Sandbox(account=Account(domains=("shop.example",), tags=())) as sandbox:
        status, answer = await post(
            sandbox,
            domain="x.example",
            phoneNumber="+79261234567",
            text=7,
            ttl=True,
            device=[],
            tags=["", "", "_a", "_a", 5],
            buttons=[],
        )
    assert status == 200
    assert answer["errors"] == [
        "Argument text must be a non-empty string",
        "Argument button must be an array with “text” and “url” string elements",
        "Argument ttl must be a positive integer",
        "Argument device must be all or phone",
        "Tag name must be a non-empty string",
        "Any tags starting with an underscore are reserved for internal use and will cause errors",
        "Domain x.example not found in your account",
        "Current method is not allowed for country RU",
        "Tag _a is not registered in account tags",
    ]


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"domain": None}, 1),
        ({"senderId": None}, 2),
        ({"phoneNumber": "+49 30 1234567"}, 3),
        ({"phoneNumber": "004930123456"}, 3),
        ({"phoneNumber": "+999123456789"}, 3),
        ({"phoneNumber": 14155550123}, 3),
        ({"phoneNumber": None}, 3),
        ({"buttons": {"text": 1, "url": "https://shop.example"}}, 5),
        ({"buttons": "Open"}, 5),
        ({"button": {"text": "Open", "url": None}}, 5),
        ({"ttl": 1799}, 6),
        ({"ttl": 259_201}, 6),
        ({"ttl": 3600.0}, 6),
        ({"ttl": "3600"}, 6),
        ({"ttl": None}, 6),
        ({"device": None}, 7),
        ({"tags": {}}, 8),
        ({"tags": [None]}, 9),
    ],
)
async def test_values_at_the_edge_that_are_refused(post: Post, fields: dict[str, Any], number: int) -> None:
    """A value just outside a rule, or of another type, earns that rule's error alone."""
    async with Sandbox() as sandbox:
        _, answer = await post(sandbox, **fields)
    number_shown = fields.get("phoneNumber") or ""
    assert answer["errors"] == [PAGE[number - 1][1:-1].replace("{phoneNumber}", str(number_shown))]


@pytest.mark.parametrize(
    "fields",
    [
        {"ttl": 1800},
        {"ttl": 259_200},
        {"device": "phone"},
        {"tags": None},
        {"tags": []},
        {"tags": ["t" * 50]},
        {"buttons": None},
        {"senderId": "Anyone"},
        {"phoneNumber": "+77011234567"},
        {"phoneNumber": "+76001234567"},
        {"domain": "ANY.example", "text": '李雷 გიორგი 🎉 "x"\n'},
        {"unknownField": 1},
    ],
)
async def test_values_at_the_edge_that_are_taken(post: Post, fields: dict[str, Any]) -> None:
    """A value just inside a rule is taken; +7 6 and +7 7 are Kazakhstan, which is not restricted."""
    async with Sandbox() as sandbox:
        status, answer = await post(sandbox, **fields)
        assert (status, answer) == (200, {"result": True, "viber_message_ids": [sandbox.messages[0].id]})


@pytest.mark.parametrize(
    ("number", "code"),
    [("+375291234567", "BY"), ("+79261234567", "RU"), ("+73651234567", "RU"), ("+380441234567", "UA")],
)
async def test_restricted_countries(post: Post, number: str, code: str) -> None:
    """Ukraine, Belarus and Russia are refused by error 13, with their code."""
    async with Sandbox() as sandbox:
        _, answer = await post(sandbox, phoneNumber=number)
    assert answer["errors"] == [f"Current method is not allowed for country {code}"]


async def test_senders_countries_follow_the_number(post: Post) -> None:
    """A sender that may send to some countries reaches these alone, also with numbers of no known range."""
    sender = Sender(name="Shop", countries=("KZ", "DE", "US"))
    async with Sandbox(account=Account(senders=(sender,), default_sender="Shop")) as sandbox:
        for number in ("+77011234567", "+4915123463565", "+14155550123", "+10005550123"):
            assert (await post(sandbox, phoneNumber=number))[1]["result"]
        _, answer = await post(sandbox, phoneNumber="+436641448331")
        assert answer["errors"] == ["Country of contact is not allowed for senderId Shop"]
        _, answer = await post(sandbox, phoneNumber="+1")
        assert answer["errors"] == ["+1 is not a valid E.164 phone number"]


async def test_an_account_with_lists_takes_what_they_hold(post: Post) -> None:
    """Domains without regard to case, senders, tags: what is registered is taken, and Wooxy's default sender."""
    account = Account(domains=("Shop.example",), senders=("Shop",), tags=("sale",), token=TOKEN)
    async with Sandbox(account=account) as sandbox:
        assert (await post(sandbox, senderId="Shop", tags=["sale"]))[1]["result"]
        assert (await post(sandbox))[1]["result"]
        assert [message.sender_id for message in sandbox.messages] == ["Shop", None]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a":' + b"[" * 5_000, b'{"text": "\\ud800"}', b"null"])
async def test_unreadable_bodies_are_bad_requests(post: Post, raw: bytes) -> None:
    """What is no JSON object is answered with error 22, and never breaks the server."""
    async with Sandbox() as sandbox:
        assert await post(sandbox, raw=raw) == (400, {"result": False, "errors": ["Bad Request"]})


async def test_another_content_type_is_a_bad_request() -> None:
    """A body that is not said to be JSON is not read as JSON."""
    async with (
        Sandbox() as sandbox,
        aiohttp.ClientSession(headers={"Access-Token": TOKEN}) as session,
        session.post(f"{sandbox.url}/v3/viber/send", data=json.dumps(MESSAGE)) as response,
    ):
        assert (response.status, await response.json()) == (400, {"result": False, "errors": ["Bad Request"]})


@pytest.mark.parametrize("token", ["", " ", "tökén"])
async def test_tokens_that_are_none(post: Post, token: str) -> None:
    """No token, a blank one and one that is not ASCII are error 20, with status 401."""
    async with Sandbox() as sandbox:
        assert await post(sandbox, token=token) == (401, {"result": False, "errors": ["Invalid authorization token!"]})


async def test_statuses_of_refusals(post: Post) -> None:
    """A refusal has the status of its worst error, or the one that the sandbox or the fault was given."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.error(1), Fault.error("BAD_REQUEST", 1), Fault.error(1, 21), Fault.error(1, status=422))
        assert [(await post(sandbox))[0] for _ in range(4)] == [200, 400, 500, 422]
    async with Sandbox(error_status=200, account=Account(enabled=False)) as sandbox:
        assert (await post(sandbox))[0] == 200


@pytest.mark.parametrize(
    ("make", "wrong", "names"),
    [
        (Account, {"token": 5}, "token"),
        (Account, {"token": "with space"}, "token"),
        (Account, {"domains": "shop.example"}, "domains"),
        (Account, {"senders": [""]}, "senders"),
        (Account, {"tags": [Sender(name="x")]}, "tags"),
        (Account, {"default_sender": ""}, "default_sender"),
        (Account, {"enabled": 1}, "enabled"),
        (Account, {"user_id": 7}, "user_id"),
        (Account, {"balance": "much"}, "balance"),
        (Account, {"balance": float("inf")}, "balance"),
        (Domain, {"name": ""}, "name"),
        (Sender, {"name": "Shop", "countries": ["de"]}, "countries"),
    ],
)
def test_wrong_account_arguments_are_named(make: type[Any], wrong: dict[str, Any], names: str) -> None:
    """An account that cannot be says which argument is wrong, and never repeats a token."""
    with pytest.raises((TypeError, ValueError), match=f"^{names} must") as caught:
        make(**wrong)
    assert "with space" not in str(caught.value)


def test_lists_become_tuples() -> None:
    """Lists, as a file of settings gives them, are kept as tuples."""
    lists: dict[str, Any] = {"domains": ["a.example"], "senders": ["Shop"], "tags": []}
    account = Account(**lists)
    assert (account.domains, account.senders, account.tags) == (("a.example",), ("Shop",), ())


def test_the_account_s_repr_hides_the_token() -> None:
    """Neither repr nor rich's repr shows the token."""
    account = Account(token=TOKEN, domains=("shop.example",))
    assert "shop.example" in repr(account)
    assert TOKEN not in repr(account)
    assert TOKEN not in str(list(account.__rich_repr__()))
