"""What the account says to a request: taken, or which of the documented errors."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from wooxy_async.sandbox._account import Account, Directory
from wooxy_async.sandbox._errors import DOCUMENTED, DocumentedError, Spelling, render
from wooxy_async.sandbox._message import (
    MESSAGE_RULES,
    STRICT_RULES,
    Body,
    ButtonField,
    country,
    is_filled,
    is_number,
    is_restricted,
)

_DECODER = msgspec.json.Decoder(Body)


class Finding(Struct, frozen=True):
    """One reason to refuse: a documented error, and the tag that it speaks of."""

    number: int
    tag: str = ""


class Refusal(Struct, frozen=True):
    """The answer to a message that is not taken."""

    status: int
    body: "RefusalBody"


class RefusalBody(Struct, frozen=True):
    """`{"result": false, "errors": [...]}`."""

    result: bool
    errors: tuple[str, ...]


class Judge:
    """Applies the page's rules in one order: the token, the body's form, then all of the message's errors.

    Args:
        account: whose lists count.
        spelling: how the texts are spelled.
        status: one HTTP status for every refusal; `None` takes each error's own from the table.
        strict: whether what only careful clients refuse is refused too.
        button_field: the field in which a button is looked for.
    """

    def __init__(
        self, account: Account, *, spelling: Spelling, status: int | None, strict: bool, button_field: ButtonField
    ) -> None:
        self._account = account
        self._directory = Directory(account)
        self._spelling: Spelling = spelling
        self._status = status
        self._rules = STRICT_RULES if strict else MESSAGE_RULES
        self._button_field: ButtonField = button_field

    def read(self, content_type: str, raw: bytes) -> Body | None:
        """Return the body; `None` means that it is no JSON object, or not said to be JSON."""
        if content_type != "application/json":
            return None
        try:
            body = _DECODER.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        body.ignore(self._button_field)
        return body

    def findings(self, token: str, body: Body | None, scripted: tuple[DocumentedError, ...] = ()) -> list[Finding]:
        """Return every reason to refuse, or those of the script; an empty list: the message may be taken."""
        if scripted:
            return [Finding(error.number) for error in scripted]
        number = self._wrong_with_token(token)
        if number:
            return [Finding(number)]
        if body is None:
            return [Finding(22)]
        if self._account.broken:
            return [Finding(21)]
        found = [Finding(number) for number, is_broken in self._rules if is_broken(body)]
        found.extend(self._wrong_for_account(body))
        return found

    def account_info(self, token: str, scripted: tuple[DocumentedError, ...]) -> tuple[int, object]:
        """Return status and body of the answer to "Get account info"."""
        numbers = [error.number for error in scripted] or self._wrong_at_all(token)
        if numbers:
            findings = [Finding(number) for number in numbers]
            refusal = self.refusal(findings, token, None)
            return refusal.status, refusal.body
        return 200, {"result": True, "accountName": self._account.name, "accountBalance": self._account.balance}

    def refusal(self, findings: list[Finding], token: str, body: Body | None) -> Refusal:
        """Return the answer that says all findings; its status is the highest of theirs."""
        facts = self._facts(token, body)
        rows = [(DOCUMENTED[found.number - 1], {**facts, "tag": found.tag or facts["tag"]}) for found in findings]
        texts = dict.fromkeys(render(row, filled, self._spelling) for row, filled in rows)
        status = self._status or max(row.status for row, _ in rows)
        return Refusal(status, RefusalBody(result=False, errors=tuple(texts)))

    def _wrong_at_all(self, token: str) -> list[int]:
        number = self._wrong_with_token(token)
        return [number] if number else [21] if self._account.broken else []

    def _wrong_with_token(self, token: str) -> int:
        account = self._account
        if not token.strip():
            return 20
        if account.token is not None and token != account.token:
            return 23
        if not account.secret_matches:
            return 26
        if not account.has_data:
            return 25
        return 0 if account.enabled else 24

    def _wrong_for_account(self, body: Body) -> Iterator[Finding]:
        if is_filled(body.domain):
            yield from self._wrong_with_domain(body.domain)
        number = body.phone_number
        if is_filled(number) and is_restricted(number) and is_number(number):  # the library comes last: it is slow
            yield Finding(13)
        if body.sender_id is msgspec.UNSET or is_filled(body.sender_id):
            yield from self._wrong_with_sender(body)
        if self._directory.tags is not None and isinstance(body.tags, list):
            yield from (Finding(19, tag) for tag in body.tags if is_filled(tag) and tag not in self._directory.tags)

    def _wrong_with_domain(self, name: str) -> Iterator[Finding]:
        domain = self._directory.domain(name)
        if domain is None:
            yield Finding(12)
        elif not domain.default_list:
            yield Finding(14)

    def _wrong_with_sender(self, body: Body) -> Iterator[Finding]:
        name = body.sender_id or self._account.default_sender
        if name is None:  # Wooxy's own default sender, which no account has to register
            return
        sender = self._directory.sender(name)
        if sender is None:
            yield Finding(15 if body.sender_id else 18)
            return
        if not sender.approved:
            yield Finding(16)
        if sender.countries is None or not is_number(body.phone_number):
            return
        if country(body.phone_number) not in sender.countries:
            yield Finding(17)

    def _facts(self, token: str, body: Body | None) -> Mapping[str, str]:
        """Return what the placeholders of the page's texts stand for."""
        body = body or Body()
        domain = self._directory.domain(body.domain) if is_filled(body.domain) else None
        tags = body.tags if isinstance(body.tags, list) else ()
        return {
            "domain": _shown(body.domain),
            "domainId": domain.id if domain else "1",
            "phoneNumber": _shown(body.phone_number),
            "code": country(body.phone_number) if is_number(body.phone_number) else "ZZ",
            "senderId": _shown(body.sender_id or self._account.default_sender),
            "tag": next(filter(is_filled, tags), ""),
            "accessToken": token,
            "userId": self._account.user_id,
            "key": self._account.key,
        }


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "" if value in (None, msgspec.UNSET) else str(value)
