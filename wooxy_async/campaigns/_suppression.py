"""Who must not be sent to, from a file that may change while a campaign runs.

A list says what format it has; nothing is guessed, because a list that is misread protects nobody. During a run entries
are only added. A file that is gone, has lost entries or cannot be read any more pauses sending until it is whole again:
somebody may be writing it at this moment.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final, Literal, TypeAlias, get_args

import msgspec

from wooxy_async._rules.arguments import one_of
from wooxy_async._rules.phones import normalize
from wooxy_async.campaigns._errors import CampaignError
from wooxy_async.campaigns._numbers import NumberReader, without_apostrophe, without_decimals

SuppressionFormat: TypeAlias = Literal["numbers", "hmac-sha256", "sha256", "results"]
_Entry: TypeAlias = tuple[set[bytes], bool]  # how a line's entry is compared, in each way, and whether it is sure
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
_CELL: Final = re.compile(r'\s*"?([^",;\t|]*)')
_MAX_LINE: Final = 2**20
_MAX_KEY: Final = 2**12
_LEAST_KEY: Final = 16  # bytes
_SHOWN: Final = 5
# A file that was written to so short a time ago may be again, without a new time: the system's clock has ticks.
_TICK: Final = 50_000_000  # nanoseconds
_SENT: Final = frozenset({"accepted", "in_doubt"})


class _ResultLine(msgspec.Struct):
    """A line of a results file, as far as it matters here."""

    outcome: str
    message: dict[str, Any] = {}


_RESULT: Final = msgspec.json.Decoder(_ResultLine)


class _Content(msgspec.Struct):
    """What a file holds: its entries, as they are compared, and the lines that hold none."""

    entries: set[bytes]
    read: int = 0
    unreadable: int = 0
    first_unreadable: tuple[int, ...] = ()


class SuppressionList:
    """The numbers that no message goes to.

    Args:
        path: the file.
        kind: its format. "numbers": one number a line in any spelling, or a CSV whose first column they are.
            "hmac-sha256": the hexadecimal HMAC of each E.164 number with its +, by a key. "sha256": the same without a
            key; such hashes are no secret, since all numbers of the world can be tried. "results": the results file
            of an earlier run, whose accepted and in-doubt messages count.
        key_file: the key of "hmac-sha256", 16 to 4,096 bytes; a line end at its end is none of it.
        reader: reads numbers without +, as the campaign does.

    Raises:
        CampaignError: the file or the key cannot be read, or a key is missing or given without need.
        ValueError: `kind` is none of its words.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        kind: SuppressionFormat,
        *,
        key_file: str | os.PathLike[str] | None = None,
        reader: NumberReader | None = None,
    ) -> None:
        one_of("kind", kind, get_args(SuppressionFormat))
        self.path: Path = Path(path)
        self._kind: SuppressionFormat = kind
        self._key = _read_key(kind, key_file)
        self._reader = reader or NumberReader()
        self._digest = self._digests(kind)
        self._readable: Callable[[bytes], _Entry] = {
            "numbers": self._number,
            "hmac-sha256": _hash,
            "sha256": _hash,
            "results": self._result,
        }[kind]
        try:
            content, self._state = self._load()
        except OSError as error:
            raise CampaignError(f"the suppression list {path} cannot be read ({error.strerror}).") from None
        self._content = content
        self._entries = set(content.entries)
        self.paused: str | None = None

    def __repr__(self) -> str:
        return f"<SuppressionList {self.path.name}: {self.read} entries, {self.unreadable} unreadable>"

    @property
    def read(self) -> int:
        """How many lines hold an entry."""
        return self._content.read

    @property
    def unreadable(self) -> int:
        """How many lines hold none; empty lines and a header do not count."""
        return self._content.unreadable

    @property
    def first_unreadable(self) -> tuple[int, ...]:
        """The first five lines that hold none."""
        return self._content.first_unreadable

    def __contains__(self, number: object) -> bool:
        """Whether no message may go to a number.

        Args:
            number: as E.164.
        """
        return self._digest(str(number)) in self._entries

    def refresh(self) -> str | None:
        """Look at the file again if it has changed, and return why sending must pause; None if it need not.

        Right before each request: `if list.refresh() or number in list: …`. What was listed once stays listed.
        """
        try:
            if self._state == _state(os.stat(self.path)) and not self.paused:  # noqa: PTH116  # five times as fast
                return None
            content, state = self._load()
        except OSError as error:
            self.paused = f"the suppression list {self.path.name} cannot be read ({error.strerror})"
            return self.paused
        self._entries |= content.entries
        gone = len(self._content.entries - content.entries)
        worse = content.unreadable - self._content.unreadable
        if gone:
            self.paused = f"the suppression list {self.path.name} has lost {gone:,} of its entries"
        elif worse > 0:
            self.paused = f"the suppression list {self.path.name} has {worse:,} new lines that cannot be read"
        else:
            self._content, self._state, self.paused = content, state, None
        return self.paused

    def questions(self, matched: int) -> tuple[str, ...]:
        """Return what a person has to agree to before a run.

        Args:
            matched: how many rows of the campaign are on the list.
        """
        asked = []
        if not matched:
            asked.append(f"No row of the campaign is on the suppression list {self.path.name}. Is it the right list?")
        if self.unreadable:
            lines = ", ".join(map(str, self.first_unreadable))
            asked.append(
                f"{self.unreadable:,} lines of the suppression list {self.path.name} cannot be read for sure "
                f"(line {lines}), and may protect nobody. Go on without them?"
            )
        return tuple(asked)

    def _digests(self, kind: SuppressionFormat) -> Callable[[str], bytes]:
        if kind == "sha256":
            return lambda number: hashlib.sha256(number.encode()).digest()
        if kind == "hmac-sha256":
            return lambda number: hmac.digest(self._key, number.encode(), "sha256")
        return str.encode

    def _load(self) -> tuple[_Content, tuple[int, ...]]:
        """Return what the file holds, and the state in which it held it; an unsure state equals no other."""
        content = _Content(set())
        with self.path.open("rb") as file:
            before = os.fstat(file.fileno())
            for number, line in enumerate(_lines(file), 1):
                if line.strip() and not (number == 1 and self._is_header(line)):
                    self._add(content, number, line)
            after = os.fstat(file.fileno())
        is_sure = _state(before) == _state(after) and time.time_ns() - after.st_mtime_ns > _TICK
        return content, _state(after) if is_sure else ()

    def _add(self, content: _Content, number: int, line: bytes) -> None:
        entries, is_readable = self._readable(line)
        content.entries |= entries
        if is_readable:
            content.read += bool(entries)
        else:
            content.unreadable += 1
            content.first_unreadable = (*content.first_unreadable, number)[:_SHOWN]

    def _is_header(self, line: bytes) -> bool:
        return self._kind == "numbers" and not any(map(str.isdecimal, line.decode("utf-8", "replace")))

    def _number(self, line: bytes) -> _Entry:
        cell = _CELL.match(line.decode("utf-8-sig", "replace"))
        text, _ = without_decimals(without_apostrophe(cell[1].strip() if cell else ""))
        meant = [self._reader.read(text, {}), normalize(f"+{text[2:]}" if text.startswith("00") else text, "e164")]
        is_readable = any(isinstance(each, str) or each.country for each in meant)
        # What only lost its + is left out by that reading, and told all the same: it may be a number at home.
        meant += [] if is_readable else [normalize(f"+{text}", "e164")]
        return {number.encode() for number in meant if isinstance(number, str)}, is_readable

    def _result(self, line: bytes) -> _Entry:
        try:
            result = _RESULT.decode(line)
        except msgspec.DecodeError:
            return set(), False
        number = normalize(result.message.get("phone_number"), "e164")
        return ({number.encode()} if result.outcome in _SENT and isinstance(number, str) else set()), True


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.readline(_MAX_LINE), b"")


def _hash(line: bytes) -> _Entry:
    text = line.decode("ascii", "replace").strip().strip('"')
    found = _DIGEST.fullmatch(text)
    return ({bytes.fromhex(text)} if found else set()), found is not None


def _state(seen: os.stat_result) -> tuple[int, ...]:
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _read_key(kind: SuppressionFormat, path: str | os.PathLike[str] | None) -> bytes:
    if (kind == "hmac-sha256") is not (path is not None):
        raise CampaignError("a suppression list of hmac-sha256 needs key_file=…, and no other has one.")
    if path is None:
        return b""
    try:
        with Path(path).open("rb") as file:
            key = file.read(_MAX_KEY + 1).rstrip(b"\r\n")
    except OSError as error:
        raise CampaignError(f"the key {path} cannot be read ({error.strerror}).") from None
    if not _LEAST_KEY <= len(key) <= _MAX_KEY:
        raise CampaignError(f"the key {path} must have {_LEAST_KEY} to {_MAX_KEY:,} bytes.")
    return key
