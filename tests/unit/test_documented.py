"""The 26 documented errors: the page's own texts, each with its code and its exception."""
# ruff: noqa: RUF001 - the page prints curly quotes

import time

import msgspec
import pytest

import wooxy_async
from wooxy_async import ApiError, ErrorCode, InDoubtError, ViberMessage, WooxyError
from wooxy_async._rules.documented import DOCUMENTED, Scope, is_internal_error, recognize, widest
from wooxy_async._rules.judgement import Seen, conclude, judge
from wooxy_async._rules.wire import read_reply

MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")
FILLED = {
    "{phoneNumber}": "+14155550123",
    "{domain}": "shop.example",
    "{code}": "KZ",
    "{id}": "Shop&Co.7",
    "{tag}": "spring sale",
    "{accessToken}": "0123456789abcdef/+=",
    "{userId}": "4711",
    "$key": "my-key",
    "$accessToken": "0123456789abcdef/+=",
}

# "Method Errors" of the API page, word for word; code and exception as the table in api/README.md has them.
PAGE = [
    ("“Argument ‘domain’ must be a non-empty string”", "DOMAIN_EMPTY", "RejectedError"),
    ("“Argument senderId must be a non-empty string”", "SENDER_ID_EMPTY", "RejectedError"),
    ("“{phoneNumber} is not a valid E.164 phone number”", "PHONE_NUMBER_INVALID", "RejectedError"),
    ("“Argument text must be a non-empty string”", "TEXT_EMPTY", "RejectedError"),
    (
        "“Argument button must be an array with “text” and “url” string elements”",
        "BUTTON_INVALID",
        "RejectedError",
    ),
    ("“Argument ttl must be a positive integer”", "TTL_INVALID", "RejectedError"),
    ("“Argument device must be all or phone”", "DEVICE_INVALID", "RejectedError"),
    ("“Argument tags must be an array”", "TAGS_NOT_ARRAY", "RejectedError"),
    ("“Tag name must be a non-empty string”", "TAG_EMPTY", "RejectedError"),
    ("“Tags should be 50 characters or less”", "TAG_TOO_LONG", "RejectedError"),
    (
        "“Any tags starting with an underscore are reserved for internal use and will cause errors”",
        "TAG_RESERVED",
        "RejectedError",
    ),
    ("“Domain {domain} not found in your account”", "DOMAIN_NOT_FOUND", "DomainError"),
    ("“Current method is not allowed for country {code}”", "COUNTRY_NOT_ALLOWED", "CountryNotAllowedError"),
    ("“There is no default list in domain {id}”", "DOMAIN_WITHOUT_DEFAULT_LIST", "DomainError"),
    ("“Sender with senderId {id} not registered in account”", "SENDER_NOT_REGISTERED", "SenderError"),
    ("“Sender with senderId {id} not approved”", "SENDER_NOT_APPROVED", "SenderError"),
    (
        "“Country of contact is not allowed for senderId {id}”",
        "COUNTRY_NOT_ALLOWED_FOR_SENDER",
        "CountryNotAllowedError",
    ),
    ("“There is no registered senderId {id} in account”", "NO_REGISTERED_SENDER", "SenderError"),
    ("“Tag {tag} is not registered in account tags”", "TAG_NOT_REGISTERED", "TagError"),
    ("“Invalid authorization token!”", "AUTHORIZATION_TOKEN_INVALID", "AuthenticationError"),
    ("“Internal server error”", "INTERNAL_SERVER_ERROR", "InDoubtError"),
    ("“Bad Request”", "BAD_REQUEST", "RejectedError"),
    ("“No matches found for access token {accessToken}”", "ACCESS_TOKEN_UNKNOWN", "AuthenticationError"),
    ("“User {id} not enabled”", "USER_NOT_ENABLED", "AuthenticationError"),
    ("“No data found for key {userId}”", "NO_DATA_FOR_KEY", "AuthenticationError"),
    (
        "“Access token check failed for key/secret $key/$accessToken”",
        "ACCESS_TOKEN_CHECK_FAILED",
        "AuthenticationError",
    ),
]


def filled(text: str) -> str:
    """Put values where the page has placeholders."""
    for placeholder, value in FILLED.items():
        text = text.replace(placeholder, value)
    return text


def straight(text: str) -> str:
    """Write a text as sibling pages do: lower case, straight quotes, none around it."""
    return text[1:-1].translate(str.maketrans("“”‘’", "\"\"''")).lower()


SPELLINGS = {
    "as printed": lambda text: text,
    "lower case, straight quotes": straight,
    "filled": lambda text: filled(text[1:-1]),
    "filled, lower case, straight quotes": lambda text: straight(filled(text)),
    "shouted, more blanks, a full stop": lambda text: filled(text[1:-1]).upper().replace(" ", "\u00a0\n ") + ". ",
}


def raised(*texts: str) -> WooxyError:
    """Return what `send` raises when an answer holds these errors."""
    answer = read_reply(msgspec.json.encode({"result": False, "errors": texts}), str)
    seen = Seen(handed_over=True, status=200, answer=answer)
    outcome = conclude(judge(seen), seen, index=0, message=MESSAGE, attempts=1, elapsed=0.1)
    with pytest.raises(WooxyError) as caught:
        outcome.unwrap()
    return caught.value


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("text", "code", "exception"), PAGE, ids=[row[1] for row in PAGE])
def test_each_text_arrives_as_its_code_and_class(text: str, code: str, exception: str, spelling: str) -> None:
    """Each of the 26 texts, in each spelling, is its own code and raises the class of its row."""
    error = raised(SPELLINGS[spelling](text))
    (found,) = error.outcome.errors
    assert found.code is ErrorCode[code]
    assert type(error) is getattr(wooxy_async, exception)


def test_the_table_is_the_page_in_its_order() -> None:
    """The code's table has the page's 26 rows with their numbers, and a code for each and for what is unknown."""
    assert [(row.number, row.code) for row in DOCUMENTED] == [(at + 1, row[1]) for at, row in enumerate(PAGE)]
    assert [row.text.lower() for row in DOCUMENTED] == [
        straight(row[0]).replace("$key/$accesstoken", "{key}/{accesstoken}") for row in PAGE
    ]
    assert set(ErrorCode) == {row[1] for row in PAGE} | {"UNKNOWN"}


VALUES = [
    ("+14155550123 is not a valid E.164 phone number", {"phoneNumber": "+14155550123"}),
    ("Domain “shop.example” not found in your account", {"domain": "shop.example"}),
    ("current method is not allowed for country RU", {"code": "RU"}),
    ("There is no default list in domain 'shop.example'.", {"domain": "shop.example"}),
    ("Sender with senderId O’Neil & “Sons” not approved", {"id": "O’Neil & “Sons”"}),
    ("TAG Spring Sale IS NOT REGISTERED IN ACCOUNT TAGS", {"tag": "Spring Sale"}),
    ("User 4711 not enabled", {"id": "4711"}),
    ("User 4711 is not enabled", {"id": "4711"}),
    ("User is not enabled", {"id": ""}),
    ("Sender with senderId Shop is not approved", {"id": "Shop"}),
    ("Sender with senderId: Shop was not approved", {"id": "Shop"}),
    ("Sender with senderId Shop is not approved not approved", {"id": "Shop is not approved"}),
    ("Sender with senderId “A” & “B” not approved", {"id": "“A” & “B”"}),
    ("Sender with senderId 'O'Neil' not approved", {"id": "O'Neil"}),
    ("Sender with senderId &quot;Q &amp; A&quot; not approved", {"id": "Q & A"}),
    ("Sender with senderId \\“Shop\\” not approved", {"id": "Shop"}),
    ("Sender with senderId O\\'Neil not approved", {"id": "O'Neil"}),
    ("There is no registered senderId Acme Inc. in account", {"id": "Acme Inc."}),
    ("Country of contact is not allowed for senderId Acme Inc.", {"id": "Acme Inc."}),
    ("Country of contact is not allowed for senderId S.A.", {"id": "S.A."}),
    ("Country of contact is not allowed for senderId Shop.", {"id": "Shop"}),
    ("Country of contact is not allowed for senderId “Acme Inc”.", {"id": "Acme Inc"}),
    ("“Country of contact is not allowed for senderId “Acme Inc.””", {"id": "Acme Inc."}),
    ("Error: “Country of contact is not allowed for senderId Shop”!", {"id": "Shop"}),
    ("400 is not a valid E.164 phone number", {"phoneNumber": "400"}),
    ("415-555-0123 is not a valid E.164 phone number", {"phoneNumber": "415-555-0123"}),
    ("400: +14155550123 is not a valid E.164 phone number", {"phoneNumber": "+14155550123"}),
    ("“'+1415' is not a valid E.164 phone number”", {"phoneNumber": "+1415"}),
    ("No data found for key 4711", {"userId": "4711"}),
    ("No matches found for access token abc", {"accessToken": "***"}),
    ("Access token check failed for key/secret k/a/b", {"key": "***", "accessToken": "***"}),
    ("Access token check failed for key/secret k", {"key": "***", "accessToken": ""}),
    ("Access token check failed for key/secret", {"key": "", "accessToken": ""}),
    ("Bad Request", {}),
]


@pytest.mark.parametrize(("text", "values"), VALUES)
def test_values_are_read_as_they_were_written(text: str, values: dict[str, str]) -> None:
    """What stands at a placeholder is kept in its own case, without quotes around it; secrets are not."""
    expected = {"id" if name == "domain" and "default list" in text else name: value for name, value in values.items()}
    assert recognize(text, str).values == expected


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("“No matches found for access token tok-SECRET”", "“No matches found for access token ***”"),
        ("No matches found for access token tok-SECRET=!.", "No matches found for access token ***"),
        ("access token check failed for key/secret K/tok/SECRET", "access token check failed for key/secret ***/***"),
        (
            "No matches found for access token &quot;tok-SECRET.&quot;",
            "No matches found for access token &quot;***&quot;",
        ),
        (
            r"Access token check failed for key/secret \'K\'/\'SECRET\'",
            r"Access token check failed for key/secret \'***\'/\'***\'",
        ),
        ("No matches found for access token SECRET: internal server error", "No matches found for access token ***"),
        ("Access token check failed for key/secret /", "Access token check failed for key/secret /"),
    ],
)
def test_tokens_never_stay_in_a_text(text: str, kept: str) -> None:
    """Errors 23 and 26 repeat the secret: it is cut out of text and values even where it is not the client's own."""
    error = recognize(text, str)
    assert error.text == kept
    assert "SECRET" not in str(msgspec.to_builtins(error))


def test_a_token_that_is_a_word_of_the_page_hides_no_error() -> None:
    """A short token such as “token” is masked in the text, and the error is still recognized."""
    error = recognize("Invalid authorization token!", lambda text: text.replace("token", "***"))
    assert error == ApiError(code=ErrorCode.AUTHORIZATION_TOKEN_INVALID, text="Invalid authorization ***!")


def test_values_are_redacted() -> None:
    """A secret that the server echoes at a placeholder is masked there, too."""
    error = recognize("User s3cret not enabled", lambda text: text.replace("s3cret", "***"))
    assert (error.text, error.values) == ("User *** not enabled", {"id": "***"})


FOREIGN = [
    "",
    " ",
    "!",
    "“”",
    "Error:",
    "'Error:'",
    "500",
    "Something else",
    "Bad Requests",
    "Bad Gateway",
    "A Bad Request",
    "Internal error of the server",
    "User notifications are not enabled",
    "User notifications are disabled and not enabled",
    "Users 4711 not enabled",
    "User 47 11 not enabled",
    "User 4711 not enabled for Viber",
    "No data found for key metrics of this month",
    "Sender with senderIdentity Shop not approved",
    "Domain shop.example not found",
    "Domains shop.example not found in your account",
    "Tags should be 40 characters or less",
    "Tag name must be a string",
    "Argument url must be a non-empty string",
    "Argument ttl must be an integer",
    "+14155550123 is not a valid E.165 phone number",
    "Invalid authorization",
    "Access token check passed for key/secret a/b",
    "Access token check failed for key/secretary a/b",
    "<html><body>403 Forbidden</body></html>",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_another_text_keeps_its_words(text: str) -> None:
    """A text that matches none of the 26 is UNKNOWN, word for word but for secrets."""
    assert recognize(text, str) == ApiError(code=ErrorCode.UNKNOWN, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "Internal server error!",
        "Internal server error: timeout",
        "An internal server error has occurred, please try again",
        "500 Internal Server Error",
        "Bad Request (internal server error)",
        "InternalServerError",
        "INTERNAL_SERVER_ERROR",
        "Internal\u200b-server\u00a0err\u00ador",
        "&quot;Internal&nbsp;server&quot; error",
        "Domain internal server error not found in your account",
    ],
)
def test_whatever_holds_the_words_of_error_21_is_error_21(text: str) -> None:
    """A text that says anywhere that the server failed is in doubt: the message may have been taken."""
    found = recognize(text, str)
    assert (found.code, found.values) == (ErrorCode.INTERNAL_SERVER_ERROR, {})
    assert is_internal_error(text)
    assert not is_internal_error("Bad Request")
    assert type(raised("Bad Request", text)) is InDoubtError


def test_each_error_has_values_of_its_own() -> None:
    """Changing the values of one error changes no other."""
    first, second = (ApiError(code=ErrorCode.UNKNOWN, text="") for _ in range(2))
    first.values["x"] = "y"
    assert second.values == {}


SEVERAL = [
    (("Bad Request", "Internal server error"), "InDoubtError"),
    (("Invalid authorization token!", "internal server error"), "InDoubtError"),
    (("Bad Request", "User 1 not enabled", "Domain d not found in your account"), "AuthenticationError"),
    (("Sender with senderId s not approved", "Domain d not found in your account"), "DomainError"),
    (("Tag t is not registered in account tags", "Sender with senderId s not approved"), "SenderError"),
    (("Current method is not allowed for country RU", "Tag t is not registered in account tags"), "TagError"),
    (("Bad Request", "Current method is not allowed for country RU"), "CountryNotAllowedError"),
    (("Bad Request", "Who knows"), "RejectedError"),
    (("Who knows",), "RejectedError"),
    ((), "RejectedError"),
]


@pytest.mark.parametrize(("texts", "exception"), SEVERAL)
def test_the_widest_of_several_errors_decides(texts: tuple[str, ...], exception: str) -> None:
    """Any error 21 makes it doubtful; otherwise the class is that of the widest scope."""
    error = raised(*texts)
    assert type(error) is getattr(wooxy_async, exception)
    assert len(error.outcome.errors) == max(len(texts), 1)


def test_an_error_cannot_be_changed() -> None:
    """Errors are frozen and take keywords only."""
    with pytest.raises(AttributeError):
        ApiError(code=ErrorCode.UNKNOWN, text="").text = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        ApiError(ErrorCode.UNKNOWN, "")  # type: ignore[misc]


def test_no_error_at_all_concerns_the_message() -> None:
    """The widest scope of nothing is the narrowest there is."""
    assert widest(()) is Scope.MESSAGE


def test_an_error_shows_no_number() -> None:
    """An error's repr masks the number that its text repeats; the text itself is whole."""
    error = recognize("+14155550123 is not a valid E.164 phone number", str)
    assert repr(error) == "ApiError(code='PHONE_NUMBER_INVALID', text='…123 is not a valid E.164 phone number')"
    assert error.text.startswith("+14155550123")


FILLERS = [
    " ",
    ".",
    "/",
    "'",
    '" ',
    "\t. '",
    " is not",
    "\\",
    "&amp;",
    "&",
    "\u200b",
    "401 ",
    "error: ",
    "internal ",
    " a",
]


@pytest.mark.parametrize("filler", FILLERS)
def test_a_hostile_text_takes_linear_time(filler: str) -> None:
    """A text that almost matches takes in proportion to its length, not to the square of it."""
    short, long = (hostile_texts(filler * (size // len(filler))) for size in (2**9, 2**12))
    assert seconds(long) < 8 * 4 * seconds(short)


def hostile_texts(stuffing: str) -> list[str]:
    """Stuff each documented text so that it almost matches."""
    texts = []
    for row in DOCUMENTED:
        head, _, tail = row.text.partition(" ")
        texts += [head + stuffing + tail, stuffing + row.text + stuffing + "\0", row.text[:-1] + stuffing + "x"]
        texts += [row.text.replace("{", stuffing).replace("}", stuffing) + "x"]
    return texts


def seconds(texts: list[str]) -> float:
    """Return the processor time that reading texts takes: the least of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        for text in texts:
            recognize(text, str)
        taken.append(time.process_time() - began)
    return min(taken)
