"""Contacts times one message: every row is judged, lazily and the same way each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from wooxy_async._rules.arguments import one_of
from wooxy_async._rules.checks import problems
from wooxy_async._rules.messages import Button, Device, ViberMessage
from wooxy_async._rules.outcomes import Problem
from wooxy_async._rules.phones import PhoneCheck, PhoneProblem, normalize
from wooxy_async.campaigns._contacts import BrokenRow, Contact, Contacts
from wooxy_async.campaigns._plan import Plan, ReadyRow, Unique, UnusableKind, UnusableRow, make_plan
from wooxy_async.campaigns._template import MessageTemplate

_ANY_NUMBER = "+14155550123"  # reserved for fiction; stands for the contact where the rest of a message is checked


class Campaign:
    """One message per contact; nothing is sent by it.

    Args:
        contacts: the contacts.
        domain: as in `ViberMessage`.
        text: a template; `{{firstName}}` is replaced by the value of the column firstName.
        sender_id: as in `ViberMessage`.
        button: as in `ViberMessage`; its text and its url are templates. Values are percent-encoded in the url,
            except one that begins it.
        device: as in `ViberMessage`.
        ttl: seconds, as in `ViberMessage`.
        tags: as in `ViberMessage`.
        unique: "number" sends to each number once, to the first row that has it; "none" sends every row.
        phone_check: "e164", "possible" or "valid", as in `WooxyClient`.

    Raises:
        TemplateError: a template is not well formed, or names what is no column.
        UnsendableError: another argument would make every message invalid.
        ValueError: `unique` or `phone_check` is none of its words.
    """

    def __init__(
        self,
        contacts: Contacts,
        *,
        domain: str,
        text: str,
        sender_id: str | None = None,
        button: Button | None = None,
        device: Device = "all",
        ttl: int = 3600,
        tags: Sequence[str] = (),
        unique: Unique = "number",
        phone_check: PhoneCheck = "possible",
    ) -> None:
        one_of("unique", unique, get_args(Unique))
        one_of("phone_check", phone_check, get_args(PhoneCheck))
        self.contacts = contacts
        self._is_unique = unique == "number"
        self._phone_check: PhoneCheck = phone_check
        message = ViberMessage(
            domain=domain,
            phone_number=_ANY_NUMBER,
            text=text,
            sender_id=sender_id,
            button=button,
            device=device,
            ttl=ttl,
            tags=tags,
        )
        self._template = MessageTemplate(message, contacts.columns)

    def rows(self) -> Iterator[ReadyRow | UnusableRow]:
        """Yield every row of the file, judged; nothing is kept but the numbers seen, 90 to 125 bytes each.

        Raises:
            ContactsError: the file has changed, or cannot be read to its end.
        """
        seen: dict[int, int] = {}
        for contact in self.contacts:
            row = _broken(contact) if isinstance(contact, BrokenRow) else self._judge(contact)
            if self._is_unique and isinstance(row, ReadyRow):
                first = seen.setdefault(int(row.message.phone_number), row.row)
                row = row if first == row.row else _repeated(row, first)
            yield row

    def messages(self) -> Iterator[ViberMessage]:
        """Yield the message of every row that can be sent, for `send_many`.

        Each has a reference: what the row's `reference` column holds, else "row-17".

        Raises:
            ContactsError: as for `rows`.
        """
        return (row.message for row in self.rows() if isinstance(row, ReadyRow))

    def plan(self, *, examples: int = 20) -> Plan:
        """Judge the whole file before anything leaves.

        Args:
            examples: how many unusable rows the plan keeps; `rows` yields all.

        Raises:
            ContactsError: as for `rows`.
        """
        return make_plan(self.rows(), examples=examples)

    def _judge(self, contact: Contact) -> ReadyRow | UnusableRow:
        number = normalize(contact.number, self._phone_check)
        country, number = (number.country, contact.number) if isinstance(number, PhoneProblem) else (None, number)
        try:
            message = self._template.render(number, contact.reference, contact.values)
        except KeyError as missing:
            return _broken(BrokenRow(contact.row, f"has no {missing}, which the template names"))
        if found := problems(message, self._phone_check):
            kind: UnusableKind = "restricted" if country else "invalid"
            return UnusableRow(row=contact.row, kind=kind, problems=found, country=country)
        blank = tuple(name for name in self._template.names if not contact.values[name])
        return ReadyRow(row=contact.row, message=message, blank=blank)


def _broken(row: BrokenRow) -> UnusableRow:
    problem = Problem(field="row", value="", rule="broken_row", remedy=row.remedy)
    return UnusableRow(row=row.row, kind="invalid", problems=(problem,))


def _repeated(row: ReadyRow, first: int) -> UnusableRow:
    remedy = f"repeats the number of row {first}, which is sent; each number is sent to once"
    problem = Problem(field="phone_number", value=row.message.phone_number, rule="duplicate", remedy=remedy)
    return UnusableRow(row=row.row, kind="duplicate", problems=(problem,), repeats=first)
