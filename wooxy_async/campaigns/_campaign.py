"""Contacts times one message: every row is judged, lazily and the same way each time, and a journal's are sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from types import TracebackType
from typing import Self, get_args

import anyio
import msgspec

from wooxy_async._client.client import WooxyClient
from wooxy_async._ports import Clock, Journal
from wooxy_async._rules.arguments import one_of
from wooxy_async._rules.journal import ClaimedRow, NewRow
from wooxy_async._rules.messages import Button, Device, ViberMessage
from wooxy_async._rules.phones import PhoneCheck
from wooxy_async.campaigns._contacts import BrokenRow, Contact, Contacts
from wooxy_async.campaigns._errors import CampaignError, ContactsError, listed
from wooxy_async.campaigns._iterables import AnyColumn, AnyContacts, read_all
from wooxy_async.campaigns._journal import JournalKeeper, Resume, Resumed, manifest_of
from wooxy_async.campaigns._judge import ANY_NUMBER, RowJudge
from wooxy_async.campaigns._keys import new_row
from wooxy_async.campaigns._numbers import NumberReader
from wooxy_async.campaigns._plan import Plan, ReadyRow, Unique, UnusableRow, make_plan
from wooxy_async.campaigns._row_fields import MessageColumns
from wooxy_async.campaigns._run import CampaignRun, Pump, RunPace
from wooxy_async.campaigns._suppression import SuppressionList
from wooxy_async.campaigns._template import MessageTemplate


class Campaign:
    """One message per contact.

    With a journal it is used as `async with Campaign(…, journal=…) as campaign:`, and `run` sends: what was sent before
    is not sent again, whatever became of the process. Without one it sends nothing; `messages` are for `send_many`.

    Args:
        contacts: the contacts: a file, or any iterable or asynchronous iterable of mappings or `Contact`s, as rows of a
            database are; of those the number's column is found by its name, as in a file.
        domain: as in `ViberMessage`.
        text: a template; `{{firstName}}` is replaced by the value of the column firstName, `{{firstName|there}}` by
            what stands behind the bar where it is empty.
        sender_id: as in `ViberMessage`.
        button: as in `ViberMessage`; its text and its url are templates. Values are percent-encoded in the url,
            except one that begins it.
        device: as in `ViberMessage`.
        ttl: seconds, as in `ViberMessage`.
        tags: as in `ViberMessage`.
        unique: "number" sends to each number once, to the first row that has it; "reference" sends once for each value
            of the column `reference`; "none" sends every row. By the same a journal knows its rows.
        phone_check: "e164", "possible" or "valid", as in `WooxyClient`.
        country: the country of numbers without +, as in "DE": national spellings (0151 …) and those with 00 are read.
        country_column: the column that holds it row by row; `country` counts where it is empty.
        assume_plus: whether numbers such as 4915112345678 are read as if they had their +, if they are of `countries`.
        countries: the countries that a number without + may be of. What is read so is a valid mobile number of them and
            can be read in one way only; anything else stays a problem.
        sender_column: the column of each row's own sender; where it is empty, `sender_id` counts.
        ttl_column: likewise of its ttl in seconds.
        device_column: likewise of its device.
        tags_column: likewise of its tags, with commas, semicolons or bars between them.
        suppressed: lists of those who must not be sent to; they are looked at again for each row.
        journal: a path for a `SQLiteJournal`, or a journal; None for none.
        resume: what a person has decided about a campaign that its journal knows from before.
        clock: where the time of an outcome comes from; the standard library's `time`.

    Raises:
        ContactsError: `unique` is "reference", and the file has no such column.
        TemplateError: a template is not well formed, or names what is no column.
        UnsendableError: another argument would make every message invalid.
        CampaignError: a country is no code, or a mapped column is none of the file's.
        ValueError: `unique` or `phone_check` is none of its words.
    """

    def __init__(
        self,
        contacts: AnyContacts,
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
        country: str | None = None,
        country_column: str | None = None,
        assume_plus: bool = False,
        countries: Collection[str] = (),
        sender_column: str | None = None,
        ttl_column: str | None = None,
        device_column: str | None = None,
        tags_column: str | None = None,
        suppressed: Sequence[SuppressionList] = (),
        journal: str | os.PathLike[str] | Journal | None = None,
        resume: Resume = Resume(),  # noqa: B008 - it is frozen
        clock: Clock = time,
    ) -> None:
        one_of("unique", unique, get_args(Unique))
        one_of("phone_check", phone_check, get_args(PhoneCheck))
        columns = contacts.columns if isinstance(contacts, Contacts) else AnyColumn()
        if unique == "reference" and isinstance(contacts, Contacts) and contacts.reference_column is None:
            raise ContactsError(f"{contacts.path} has no column reference, by which each row is to be known.")
        if country_column is not None and country_column not in columns:
            raise CampaignError(
                f"country_column={country_column!r} is no column of the contacts. "
                f"The columns are: {listed(tuple(columns))}."
            )
        own = {"sender_id": sender_column, "ttl": ttl_column, "device": device_column, "tags": tags_column}
        self._message = ViberMessage(
            domain=domain,
            phone_number=ANY_NUMBER,
            text=text,
            sender_id=sender_id,
            button=button,
            device=device,
            ttl=ttl,
            tags=tags,
        )
        self._source = contacts
        self._unique: Unique = unique
        self._suppressed = tuple(suppressed)
        self._own = MessageColumns(columns, own)
        self._template = MessageTemplate(self._message, columns)
        numbers = NumberReader(
            check=phone_check,
            country=country,
            country_column=country_column,
            assume_plus=assume_plus,
            countries=countries,
        )
        self._judge = RowJudge(
            self._template,
            contacts.number_column if isinstance(contacts, Contacts) else "phone_number",
            unique,
            numbers=numbers,
            own=self._own,
            suppressed=suppressed,
        )
        self._settings = {
            "unique": unique,
            "phone_check": phone_check,
            "country": country or "",
            "country_column": country_column or "",
            "assume_plus": "yes" if assume_plus else "",
            "countries": ", ".join(countries),
            **{f"column of {name}": column or "" for name, column in own.items()},
        }
        self._clock = clock
        self._keeper = None if journal is None else JournalKeeper(journal, resume, clock)
        self._pumps: list[Pump] = []

    @property
    def contacts(self) -> Contacts:
        """The file of contacts.

        Raises:
            ContactsError: they are no file.
        """
        if not isinstance(self._source, Contacts):
            raise ContactsError("The contacts of this campaign are no file.")
        return self._source

    def rows(self) -> Iterator[ReadyRow | UnusableRow]:
        """Yield every row of the contacts, judged; nothing is kept but the numbers seen, 24 to 48 bytes each.

        Raises:
            ContactsError: the file has changed, or cannot be read to its end; or the contacts are asynchronous.
        """
        return map(self._judge.judgement(), read_all(self._source))

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
        return make_plan(self.rows(), examples=examples, notes=self.notes)

    def notes(self) -> Iterator[tuple[str, str]]:
        """Yield what may not be meant in every row, each with the field or column that it concerns."""
        for column, field in self._own.lookalikes(self._template.names):
            name = field.removesuffix("_id")
            yield column, f"looks like a {name} of each row, and is not used; {name}_column={column!r} would use it"
        for name in self._template.single_braces:
            yield "text", f"holds {{{name}}} with single braces, which goes out as it stands; write {{{{{name}}}}}"

    def run(
        self, client: WooxyClient, *, limit: int | None = None, rate: float | None = None, keep_going: bool = False
    ) -> CampaignRun:
        """Send what the journal says is still to be sent, and hand out each outcome when it stands there.

        Args:
            client: sends; open it inside the campaign's block, so that answers that come while it closes are written.
            limit: how many rows are sent at the most; None for all.
            rate: how many messages a second are sent at the most; None for as many as the slots give.
            keep_going: whether it goes on although over 30 % of the last 200 messages were refused.

        Returns:
            An asynchronous iterator of the outcomes. It raises a `RefusalsError` where too many were refused, what ends
            a stream of `send_many`, and a `JournalError`; every outcome before is handed out first.

        Raises:
            ValueError: `rate` is not above 0.
            RuntimeError: the campaign has no journal, or its block was not entered.
        """
        if self._keeper is None or not self._keeper.is_open:
            raise RuntimeError("Campaign.run needs a journal: async with Campaign(…, journal=PATH) as campaign: …")
        if rate is not None and not rate > 0:
            raise ValueError(f"rate must be above 0, not {rate!r}.")
        journal, pace = self._keeper.journal, RunPace(limit, rate, keep_going)

        def begin_pump() -> Pump:
            pump = Pump(client, journal, self._render, clock=self._clock, pace=pace)
            self._pumps.append(pump)
            return pump

        return CampaignRun(begin_pump)

    @property
    def resumed(self) -> Resumed:
        """What the journal found when the block was entered.

        Raises:
            RuntimeError: the campaign has no journal, or its block was not entered.
        """
        if self._keeper is None or self._keeper.resumed is None:
            raise RuntimeError("Campaign.resumed is known inside of the block of a campaign that has a journal.")
        return self._keeper.resumed

    async def __aenter__(self) -> Self:
        """Open the journal, and let it know every row of the contacts.

        Raises:
            ContactsError: as for `rows`.
            JournalChangedError: the campaign is no longer what its journal knows, and `resume` does not say what to do.
            JournalError: the journal cannot be used.
        """
        if self._keeper is not None:
            manifest = await manifest_of(self._source, self._message, self._settings, is_fixed=not self._suppressed)
            await self._keeper.open(manifest, self._source, self._judged_for_journal())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            for pump in self._pumps:
                pump.stop()
                await pump.ended()
            if self._keeper is not None:
                await self._keeper.close(has_failed=error is not None)
        self._pumps.clear()

    def _render(self, row: ClaimedRow) -> ViberMessage:
        return self._judge.render(row.number, row.reference, msgspec.json.decode(row.values))

    def _judged_for_journal(self) -> Callable[[Contact | BrokenRow], NewRow]:
        judge, names = self._judge.judgement(), (*self._template.names, *self._own.names)

        def judged(contact: Contact | BrokenRow) -> NewRow:
            return new_row(contact, judge(contact), self._unique, names)

        return judged
