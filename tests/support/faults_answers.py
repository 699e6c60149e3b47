"""Whole, well-framed answers whose body or status is not what the API page shows."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Final

from fault import ACCEPTED, IN_DOUBT, NOT_SENT, REJECTED, TAKEN_BODY, Fault, replying

from wooxy_async import Cause

OWN: Final = ("$id",)  # the id that the server gave to this very message
SAYS_YES = "The body decides whatever the status (row `result: true`), and it says yes."
SAYS_NO = "The body decides whatever the status (row `result: false`), and the server did not take the message."
SAYS_21 = "Error 21 does not say whether the message was taken (row error 21)."
SHAPELESS = "The request was handed over and a 2xx of another shape came back (last row)."
REFUSED = "Any 4xx but 408 and 429 (and 407 of a proxy) refuses the message, whatever its body (row 4xx)."
FAILED = "408 and 5xx do not say whether the message was taken (last row)."

# Bodies of a 200 that say yes, in odd spellings: name, body, further headers, the ids that are right.
_YES: Final[tuple[tuple[str, bytes, tuple[str, ...], tuple[str, ...]], ...]] = (
    ("as documented", TAKEN_BODY, ("Content-Type: application/json",), OWN),
    ("Viber_message_ids", b'{"result": true, "Viber_message_ids": ["$id"]}', (), OWN),
    ("keys in capitals", b'{"RESULT": true, "VIBER_MESSAGE_IDS": ["$id"]}', (), OWN),
    ("ids as one string", b'{"result": true, "viber_message_ids": "$id"}', (), OWN),
    ("ids as a number", b'{"result": true, "viber_message_ids": 17}', (), ("17",)),
    ("ids as numbers", b'{"result": true, "viber_message_ids": [17, 18.5]}', (), ("17", "18.5")),
    (
        "ids beyond 64 bits",
        b'{"result": true, "viber_message_ids": [123456789012345678901234]}',
        (),
        ("123456789012345678901234",),
    ),
    ("ids null", b'{"result": true, "viber_message_ids": null}', (), ()),
    ("ids empty", b'{"result": true, "viber_message_ids": []}', (), ()),
    ("ids missing", b'{"result": true}', (), ()),
    ("ids a list of null", b'{"result": true, "viber_message_ids": [null, "$id"]}', (), OWN),
    ("ids an empty text", b'{"result": true, "viber_message_ids": [""]}', (), ()),
    ("ids nested", b'{"result": true, "viber_message_ids": [["$id"]]}', (), ('["$id"]',)),
    ("ids an object", b'{"result": true, "viber_message_ids": {"id": "$id"}}', (), ('{"id":"$id"}',)),
    ("errors null beside yes", b'{"result": true, "viber_message_ids": ["$id"], "errors": null}', (), OWN),
    ("errors beside yes", b'{"result": true, "viber_message_ids": ["$id"], "errors": ["odd"]}', (), OWN),
    ("unknown fields", b'{"cost": 1e3, "result": true, "viber_message_ids": ["$id"], "x": {"y": [1]}}', (), OWN),
    ("number of 5,000 digits", b'{"n": ' + b"9" * 5000 + b', "result": true, "viber_message_ids": ["$id"]}', (), OWN),
    ("white space around", b" \r\n\t" + TAKEN_BODY + b"\r\n ", (), OWN),
    ("UTF-8 byte order mark", b"\xef\xbb\xbf" + TAKEN_BODY, (), OWN),
    ("wrong charset named", TAKEN_BODY, ("Content-Type: application/json; charset=utf-16",), OWN),
    ("unknown charset named", TAKEN_BODY, ("Content-Type: application/json; charset=klingon",), OWN),
    ("said to be HTML", TAKEN_BODY, ("Content-Type: text/html; charset=latin-1",), OWN),
    ("Content-Type garbage", TAKEN_BODY, ("Content-Type: ;;==/",), OWN),
    ("Content-Encoding identity", TAKEN_BODY, ("Content-Encoding: identity",), OWN),
    ("cookies", TAKEN_BODY, ("Set-Cookie: a=b", "Set-Cookie: ;;=;"), OWN),
    ("nearly 64 KiB", TAKEN_BODY.ljust(64 * 1024 - 64), (), OWN),
)

_NESTED: Final = b"[" * 30_000
# Bodies of a 200 that say neither yes nor no: name, body, further headers.
_NEITHER: Final[tuple[tuple[str, bytes, tuple[str, ...]], ...]] = (
    ("result a string", b'{"result": "true", "viber_message_ids": ["$id"]}', ()),
    ("result 1", b'{"result": 1, "viber_message_ids": ["$id"]}', ()),
    ("result null", b'{"result": null, "viber_message_ids": ["$id"]}', ()),
    ("result missing", b'{"viber_message_ids": ["$id"]}', ()),
    ("result a list", b'{"result": [true], "viber_message_ids": ["$id"]}', ()),
    ("a list", b'["$id"]', ()),
    ("true alone", b"true", ()),
    ("null", b"null", ()),
    ("empty body", b"", ()),
    ("HTML", b"<html><body>Welcome to the hotel's network</body></html>", ("Content-Type: text/html",)),
    ("NaN", b'{"result": true, "viber_message_ids": ["$id"], "cost": NaN}', ()),
    ("garbage after the JSON", TAKEN_BODY + b"<!-- 12 ms -->", ()),
    ("the JSON twice", TAKEN_BODY * 2, ()),
    ("half the JSON", TAKEN_BODY[:30], ()),
    ("JSONP", b"callback(" + TAKEN_BODY + b");", ()),
    ("single quotes", b"{'result': true}", ()),
    ("UTF-16", TAKEN_BODY.decode().encode("utf-16"), ("Content-Type: application/json; charset=utf-16",)),
    (
        "latin-1",
        b'{"result": true, "viber_message_ids": ["caf\xe9"]}',
        ("Content-Type: application/json; charset=latin-1",),
    ),
    ("NUL bytes", b'{"result": true, "viber_message_ids": ["a\x00b"]}', ()),
    ("lone surrogate", rb'{"result": true, "viber_message_ids": ["\ud800"]}', ()),
    ("30,000 brackets", _NESTED, ()),
    ("30,000 brackets beside yes", b'{"result": true, "x": ' + _NESTED, ()),
    ("over 64 KiB", TAKEN_BODY.ljust(64 * 1024 + 1), ()),
    ("10 MB of errors", json.dumps({"result": False, "errors": ["Bad luck"] * 1_000_000}).encode(), ()),
    ("gzip, invalid", b"\x1f\x8b\x08no", ("Content-Encoding: gzip",)),
    ("gzip, truncated", gzip.compress(TAKEN_BODY)[:-12], ("Content-Encoding: gzip",)),
    ("gzip bomb", gzip.compress(bytes(20_000_000)), ("Content-Encoding: gzip",)),
    ("gzip of nothing", gzip.compress(b""), ("Content-Encoding: gzip",)),
    ("gzip, wrong checksum", gzip.compress(TAKEN_BODY)[:-8] + bytes(8), ("Content-Encoding: gzip",)),
    ("gzip, garbage behind it", gzip.compress(TAKEN_BODY) + b"<!-- 12 ms -->", ("Content-Encoding: gzip",)),
    ("gzip in gzip", gzip.compress(gzip.compress(TAKEN_BODY)), ("Content-Encoding: gzip, gzip",)),
    ("gzip bomb in many parts", gzip.compress(bytes(30_000)) * 3, ("Content-Encoding: gzip",)),
    ("deflate, truncated", zlib.compress(TAKEN_BODY)[:-6], ("Content-Encoding: deflate",)),
    ("deflate bomb", zlib.compress(bytes(20_000_000)), ("Content-Encoding: deflate",)),
    ("deflate, said to be gzip", zlib.compress(TAKEN_BODY), ("Content-Encoding: gzip",)),
    ("gzip, said to be br", gzip.compress(TAKEN_BODY), ("Content-Encoding: br",)),
)

# Bodies that say no: name, status, body, what the outcome shows.
_NO: Final[tuple[tuple[str, int, bytes], ...]] = (
    ("errors one string", 200, b'{"result": false, "errors": "Tag name must be a non-empty string"}'),
    ("errors a list of numbers", 400, b'{"result": false, "errors": [1, 2.5, 99999999999999999999999999]}'),
    ("errors null", 400, b'{"result": false, "errors": null}'),
    ("errors empty", 422, b'{"result": false, "errors": []}'),
    ("errors missing", 200, b'{"result": false}'),
    ("errors objects", 400, b'{"result": false, "errors": [{"code": 5, "text": "no"}]}'),
    ("errors nested", 400, b'{"result": false, "errors": ' + b"[" * 500 + b"]" * 500 + b"}"),
    ("errors in another case", 200, b'{"Result": false, "ERRORS": ["Bad Request"]}'),
    ("ids beside no", 200, b'{"result": false, "viber_message_ids": ["x"], "errors": ["Bad Request"]}'),
    ("no with a 500", 500, b'{"result": false, "errors": ["Argument text must be a non-empty string"]}'),
    ("no with a 503", 503, b'{"result": false, "errors": ["User 5 not enabled"]}'),
    ("no with a 302", 302, b'{"result": false, "errors": ["Invalid authorization token!"]}'),
    ("no with a 408", 408, b'{"result": false, "errors": ["Bad Request"]}'),
    ("BOM before no", 400, b'\xef\xbb\xbf{"result": false, "errors": ["Bad Request"]}'),
    ("result a string, with a 400", 400, b'{"result": "false", "errors": ["Bad Request"]}'),
)

_ERROR_21: Final[tuple[tuple[str, int, bytes], ...]] = (
    ("error 21", 200, b'{"result": false, "errors": ["Internal server error"]}'),
    ("error 21 in lower case with a 500", 500, b'{"result": false, "errors": ["internal server error"]}'),
    ("error 21 as one string", 400, b'{"result": false, "errors": "Internal server error"}'),
    ("error 21 among others", 400, b'{"result": false, "errors": ["Bad Request", "Internal server error"]}'),
)

_HTML: Final = b"<html><head><title>No</title></head><body>Go away</body></html>"
_REFUSING: Final = (400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 421, 422, 425, 426, 431, 451, 499)
_FAILING: Final = (408, 500, 501, 502, 503, 504, 507, 511, 520, 522, 524, 599)
_ODD: Final = (201, 202, 204, 205, 226, 304, 600, 999)

# Retry-After lines of a 429, and the seconds that the outcome gives back.
_LATER: Final[tuple[tuple[str, tuple[str, ...], float | None], ...]] = (
    ("without Retry-After", (), None),
    ("Retry-After seconds", ("Retry-After: 7",), 7.0),
    ("Retry-After 0", ("Retry-After: 0",), 0.0),
    ("Retry-After a past date", ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT",), 0.0),
    ("Retry-After garbage", ("Retry-After: soon, I hope",), None),
    ("Retry-After negative", ("Retry-After: -5",), None),
    ("Retry-After a fraction", ("Retry-After: 1.5",), None),
    ("Retry-After empty", ("Retry-After:",), None),
    ("Retry-After twice", ("Retry-After: 7", "Retry-After: 9"), 7.0),
)
_FAR: Final = (
    "9" * 5000,
    "Wed, 21 Oct 2099 07:28:00 GMT",
    "Wed, 21 Oct 99999999999 07:28:00 GMT",
    "Wed, 21 Oct 2015 99999999999999999999:28:00 GMT",
    "Wed, 21 Oct 2015 07:28:00 +999999999999999999999",
)
_LOAD: Final = "Wooxy refused the request for load (HTTP 429)"
_THROTTLED: Final = "429 refuses for load: the server has read the message, but not taken it (row 429)."


def _yes() -> tuple[Fault, ...]:
    odd = tuple(
        Fault(
            name=f"yes: {name}",
            right=ACCEPTED,
            taken=True,
            why=SAYS_YES,
            acts=replying(200, body, *headers),
            shows={"message_ids": ids},
        )
        for name, body, headers, ids in _YES
    )
    by_status = tuple(
        Fault(name=f"yes with a {status}", right=ACCEPTED, taken=True, why=SAYS_YES, acts=replying(status, TAKEN_BODY))
        for status in (201, 202, 206, 301, 400, 403, 408, 500, 503)
    )
    return odd + by_status


def _neither() -> tuple[Fault, ...]:
    return tuple(
        Fault(
            name=f"neither: {name}",
            right=IN_DOUBT,
            taken=True,
            why=SHAPELESS,
            acts=replying(200, body, *headers),
        )
        for name, body, headers in _NEITHER
    )


def _no() -> tuple[Fault, ...]:
    refusals = tuple(
        Fault(
            name=f"no: {name}",
            right=REJECTED,
            taken=False,
            why=SAYS_NO,
            acts=replying(status, body, takes=False),
            shows={"status": status},
        )
        for name, status, body in _NO
    )
    failures = tuple(
        Fault(
            name=name,
            right=IN_DOUBT,
            taken=True,
            why="Error 21 does not say whether the message was taken (row error 21).",
            acts=replying(status, body),
            shows={"status": status},
        )
        for name, status, body in _ERROR_21
    )
    return refusals + failures


def _nesting() -> tuple[Fault, ...]:
    """One row for each depth around the interpreter's limit, where reading works and writing again may not."""
    return tuple(
        Fault(
            name=f"errors nested {depth} deep",
            right=(REJECTED, IN_DOUBT),
            taken=False,
            why="Nested errors are a refusal while they can be read (row `result: false`), else unreadable (last row).",
            acts=replying(
                200, b'{"result": false, "errors": ' + b"[" * depth + b"1" + b"]" * depth + b"}", takes=False
            ),
        )
        for depth in range(936, 1000, 4)
    )


def _statuses() -> tuple[Fault, ...]:
    rows = [(status, REJECTED, False, REFUSED) for status in _REFUSING]
    rows += [(status, IN_DOUBT, taken, FAILED) for status in _FAILING for taken in (True, False)]
    rows += [(status, IN_DOUBT, True, SHAPELESS) for status in _ODD]  # 304 and 3xx as a whole: faults_redirect
    return tuple(
        Fault(
            name=f"{status} with HTML{', taken' * (status in _FAILING and taken)}",
            right=right,
            taken=taken,
            why=why,
            acts=replying(status, b"" if status in (204, 304) else _HTML, "Content-Type: text/html", takes=taken),
            shows={"status": status},
        )
        for status, right, taken, why in rows
    )


def _throttled() -> tuple[Fault, ...]:
    plain = tuple(
        Fault(
            name=f"429 {name}",
            right=NOT_SENT,
            taken=False,
            why=_THROTTLED,
            acts=replying(429, _HTML, *headers, takes=False),
            shows={"retry_after": asked},
        )
        for name, headers, asked in _LATER
    )
    dated = tuple(
        Fault(
            name=f"429 Retry-After {date[:60]}",
            right=NOT_SENT,
            taken=False,
            why=_THROTTLED,
            acts=replying(429, _HTML, f"Retry-After: {date}", takes=False),
        )
        for date in _FAR
    )
    refusal = b'{"result": false, "errors": ["Too many requests"]}'
    worded = Fault(
        name="429 with words of its own",
        right=NOT_SENT,
        taken=False,
        why=_THROTTLED,
        acts=replying(429, refusal, takes=False),
        shows={"cause": Cause(kind="throttled", text=f"{_LOAD}: Too many requests")},
    )
    login = Fault(
        name="407 with HTML",
        right=REJECTED,
        taken=False,
        why="No proxy is configured, so that 407 is a refusal like any other 4xx (row 4xx).",
        acts=replying(407, _HTML, takes=False),
    )
    taken = tuple(
        Fault(name=f"{status}: yes", right=ACCEPTED, taken=True, why=SAYS_YES, acts=replying(status, TAKEN_BODY) * 4)
        for status in (407, 429)
    )
    refused = tuple(
        Fault(
            name=f"{status} with {kind}",
            right=right,
            taken=taken,
            why=why,
            acts=replying(status, b'{"result": false, "errors": ["%b"]}' % text, takes=taken),
        )
        for status in (407, 408, 429, 503)
        for kind, text, right, taken, why in (
            ("a documented refusal", b"Tag name must be a non-empty string", REJECTED, False, SAYS_NO),
            ("error 21", b"Internal server error", IN_DOUBT, True, SAYS_21),
        )
    )
    gateways = tuple(
        Fault(
            name=f"{status} from a gateway that speaks the form",
            right=IN_DOUBT,
            taken=True,
            why="`result: false` with nothing documented, under a status of gateways (row nothing documented).",
            acts=replying(status, b'{"result": false, "errors": ["upstream timed out"]}'),
            text="later",
        )
        for status in (408, 500, 502, 504)
    )
    return (*plain, *dated, worded, login, *taken, *refused, *gateways)


ANSWERS: Final = (*_yes(), *_neither(), *_no(), *_nesting(), *_statuses(), *_throttled())
