"""What a seed draws before anything runs: a list of choices, any of which may be left out when it is replayed.

Each choice that is not the plain one has a number. `without` names those that are left out; all others stay as they
were, so a failing schedule is made smaller by leaving out what it does not need.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from simulated_acts import ACTS, INFOS, OPENINGS

Choice = TypeVar("Choice")
DELAYS: Final = (0.0, 0.001, 0.005, 0.005, 0.005, 0.02, 0.1, 0.25, 0.5)
RAISED: Final = ("ValueError", "TimeoutError", "ConnectionError", "CancelledError", "BaseExceptionGroup")
_STRAY: Final = "accept, stray soon"
_FAULTS: Final = tuple(name for name in ACTS if name not in ("accept", _STRAY))
_INFOS: Final = tuple(name for name in INFOS if name != "sound")
_AWAITED: Final = ("wait 0", "wait 0.02", "wait 3", "hang", *RAISED)
_OPENINGS: Final = tuple(name for name in OPENINGS if name != "open")
_LOADS: Final = (
    ("429", "429", "429 for 3 s", "429 for 0 s", "503 for 1 s"),
    ("429", "503", "503 for 1 s"),
    ("429", "fin, taken"),
)


@dataclass(frozen=True)
class Planned:
    """One message, and what the server does with its first, second … reading."""

    name: str
    plan: tuple[tuple[str, float], ...]
    is_valid: bool
    late_after: float | None  # seconds from its making to its `not_after`
    is_kept: bool  # else it is drawn, so that nothing else changes, and left out


@dataclass(frozen=True)
class Deed:
    """Something that callers do, from a moment on.

    Args:
        kind: "sends", "stream", "crowd", "block", "close", "collect" or "ask".
        at: seconds.
        client: its number.
        messages: what is sent.
        how: everything else that was drawn.
    """

    kind: str
    at: float
    client: int
    messages: tuple[Planned, ...]
    how: dict[str, Any]


@dataclass
class Schedule:
    """All that was drawn."""

    seed: int
    tls: bool
    clients: list[dict[str, Any]]
    deeds: list[Deed]
    openings: dict[int, str]
    outage: float  # seconds from the beginning in which each message is answered 503
    infos: tuple[str, ...]  # what requests for the account's info are answered, again and again
    troubles: dict[str, dict[int, str]]  # what the n-th call of each foreign thing raises
    awaited: dict[str, dict[int, str]]  # what is awaited after the n-th call of each hook
    dies_at: float | None  # when the loop is closed abruptly
    choices: dict[int, str] = field(default_factory=dict)

    @property
    def plans(self) -> dict[str, tuple[tuple[str, float], ...]]:
        """What the server does, by message."""
        return {message.name: message.plan for deed in self.deeds for message in deed.messages}


class Draws:
    """Draws choices, and numbers those that are not plain."""

    def __init__(self, seed: int, without: frozenset[int]) -> None:
        self.random = random.Random(seed)
        self.choices: dict[int, str] = {}
        self._without = without
        self._number = 0

    def keeps(self, what: str) -> bool:
        """Number a choice; False if it is left out."""
        self._number += 1
        if self._number in self._without:
            return False
        self.choices[self._number] = what
        return True

    def maybe(self, chance: float, what: str, plain: Choice, *others: Choice) -> Choice:
        """Return one of the others with some chance, else the plain one."""
        drawn, other = self.random.random(), self.random.choice(others)
        return other if drawn < chance and self.keeps(f"{what}: {other}") else plain


class _Drawer:
    def __init__(self, seed: int, without: frozenset[int]) -> None:
        self.seed = seed
        self.draws = Draws(seed, without)
        self.random = self.draws.random
        self._messages = 0
        self._delays = DELAYS
        self._is_dying = self.random.random() < 0.15
        # How wild a schedule is: many are nearly calm, so that what a fault does is not hidden by ten others.
        self._faulty = self.random.choice((0.0, 0.0, 0.03, 0.1, 0.3, 0.7))
        self._kinds = self.random.choices(_FAULTS, k=6) if self.random.random() < 0.5 else list(_FAULTS)
        self._is_fresh = self.random.random() < 0.2
        if self.random.random() < 0.25:
            self._delays = DELAYS[-4:]  # so that callers have left when they are refused
            self._kinds, self._faulty = list(self.random.choice(_LOADS)), self.random.choice((0.3, 0.5, 0.9))
        if self._is_fresh:
            self._kinds.append(_STRAY)

    def schedule(self) -> Schedule:
        draws, rand = self.draws, self.random
        tls = rand.random() < 0.2
        dies_at = self._dies_at()
        clients = [self._client() for _ in range(2 if self._is_dying else rand.choice((1, 1, 2)))]
        drawn = [self._deed(rand.randrange(len(clients))) for _ in range(rand.randint(1, 6))]
        if self._is_dying:  # another client goes on, which knows nothing of the loop that died
            drawn += [self._deed(rand.choice((0, 1, 1)), after=2.0) for _ in range(rand.randint(1, 3))]
        deeds = [deed for deed in drawn if deed is not None]
        unsound = rand.choice((0.0, 0.0, 0.05, 0.2))
        openings = {at: draws.maybe(unsound, f"connection {at}", "open", *_OPENINGS) for at in range(40)}
        troubles = {
            thing: self._troubles(thing, chance)
            for thing, chance in {
                "on_attempt": 0.15,
                "on_outcome": 0.15,
                "on_settled": 0.15,
                "log handler": 0.15,
                "acquire": 0.12,
                "release": 0.12,
            }.items()
        }
        outage = draws.maybe(0.15, "for so long, every message is refused by a 503", 0.0, 1.0, 30.0, 300.0)
        infos = tuple(draws.maybe(0.4, f"account info {nth}", "sound", *_INFOS) for nth in range(6))
        awaited = {hook: self._awaited(hook) for hook in ("on_attempt", "on_outcome", "on_settled")}
        return Schedule(
            seed=self.seed,
            tls=tls,
            clients=clients,
            deeds=sorted(deeds, key=lambda deed: deed.at),
            openings={at: opening for at, opening in openings.items() if opening != "open"},
            outage=outage,
            infos=infos,
            troubles=troubles,
            awaited=awaited,
            dies_at=dies_at,
            choices=draws.choices,
        )

    def _dies_at(self) -> float | None:
        """Draw when the loop is closed; in such schedules more is in progress, and slots open soon."""
        return self.draws.maybe(float(self._is_dying), "the loop dies", None, 0.02, 0.3, 2.0)

    def _client(self) -> dict[str, Any]:
        draws = self.draws
        return {
            "max_concurrency": draws.maybe(0.4, "max_concurrency", 10, 9, 5, 2, 1),
            "attempts": draws.maybe(0.3, "attempts", 4, 1, 2),
            "wait_max": draws.maybe(0.3, "wait_max", 30.0, 0.5, 0.01),
            "timeout": draws.maybe(0.2, "timeout", 30.0, 2.0),
            "answer_limit": draws.maybe(0.5, "answer_limit", 60.0, 0.4, 5.0),
            "loss_hold": draws.maybe(0.9 if self._is_dying else 0.3, "loss_hold", 5.0, 0.1),
            "patience": draws.maybe(0.3, "patience", 900.0, 20.0, 2.0),
            "fresh_connections": self._is_fresh,
            "hook_timeout": draws.maybe(0.3, "hook_timeout", 10.0, 0.5),
        }

    def _awaited(self, hook: str) -> dict[int, str]:
        if self.random.random() >= 0.2:
            return {}
        often = self.random.choice((0.05, 0.3, 1.0))
        drawn = {nth: self.draws.maybe(often, f"{hook} {nth} is awaited", "", *_AWAITED) for nth in range(60)}
        return {nth: kind for nth, kind in drawn.items() if kind}

    def _troubles(self, thing: str, chance: float) -> dict[int, str]:
        if self.random.random() >= chance:
            return {}
        kinds = (*RAISED, "delay 0.05", "delay 7") if thing in ("acquire", "release") else RAISED
        often = self.random.choice((0.05, 0.3, 1.0))
        drawn = {nth: self.draws.maybe(often, f"{thing} {nth}", "", *kinds) for nth in range(40)}
        return {nth: kind for nth, kind in drawn.items() if kind}

    def _deed(self, client: int, after: float = 0.0) -> Deed | None:
        rand = self.random
        kind = rand.choice(
            ("sends", "sends", "stream", "stream", "stream", "crowd", "block", "close", "collect", "ask")
        )
        at = rand.choice((0.0, 0.0, 0.001, 0.01, 0.1, 1.0)) + (after and after + 0.001)
        make = {"sends": self._sends, "stream": self._stream, "crowd": self._crowd}.get(kind)
        how: dict[str, Any]
        if make is None:
            how, messages = {"seconds": rand.choice((0.3, 3.0, 100.0)), "after": rand.choice((0.0, 0.002, 0.05))}, ()
        else:
            how, messages = make()
        shown = ", ".join(
            f"{name}={value}" for name, value in how.items() if value not in (None, ()) and name != "each"
        )
        if not self.draws.keeps(f"{kind} of client {client} at {at} s: {shown}"):
            return None
        return Deed(kind, at, client, tuple(message for message in messages if message.is_kept), how)

    def _some_messages(self, most: int, least: int = 1) -> tuple[Planned, ...]:
        return tuple(self._message() for _ in range(self.random.randint(least, most)))

    def _message(self) -> Planned:
        self._messages += 1
        draws, name = self.draws, f"m{self._messages}"
        is_kept = draws.keeps(name)
        is_valid = draws.maybe(0.01, f"{name} is", "valid", "invalid")
        plan = []
        for nth in range(3):
            fault = draws.maybe(self._faulty / (1 + nth / 2), f"{name} [{nth}]", "accept", *self._kinds)
            plan.append((fault, self.random.choice(self._delays)))
        late = draws.maybe(0.5 if self._is_dying else 0.02, f"{name} is answered after", 0.0, 1.0, 20.0)
        if late:
            plan[0] = plan[0][0], late
        late_after = draws.maybe(0.06, f"{name} is too late after", None, 0.0, 0.02, 0.3, 3.0, 40.0)
        return Planned(name, tuple(plan), is_valid == "valid", late_after, is_kept)

    def _sends(self) -> tuple[dict[str, Any], tuple[Planned, ...]]:
        messages = self._some_messages(25)
        draws = self.draws
        each = {
            message.name: {
                "timeout": draws.maybe(0.25, f"{message.name} times out after", None, 0.005, 0.05, 0.3, 3.0),
                "cancelled_after": draws.maybe(
                    0.5 if self._delays is not DELAYS else 0.2,
                    f"{message.name} is cancelled after",
                    *(None, 0.0, 0.002, 0.02, 0.02, 0.3),
                ),
                "priority": draws.maybe(0.4, f"{message.name} is", "urgent", "bulk"),
                "repeat": draws.maybe(0.04, f"{message.name} may be repeated", "", "yes"),
            }
            for message in messages
        }
        return {"each": each}, messages

    def _crowd(self) -> tuple[dict[str, Any], tuple[Planned, ...]]:
        """Steady urgent traffic of many callers."""
        return {"callers": self.random.choice((3, 8, 12, 12))}, self._some_messages(60, least=20)

    def _stream(self) -> tuple[dict[str, Any], tuple[Planned, ...]]:
        draws, rand = self.draws, self.random
        how = {
            "source": rand.choice(("sync", "async", "async", "shielding")),
            "pause": draws.maybe(0.3, "the source pauses", 0.0, 0.001, 0.05, 1.0),
            "raises": draws.maybe(0.25, "the source raises", None, *RAISED, "OddError"),
            "ends_with": draws.maybe(0.2, "the source ends with", None, "close client", "sleep", "raise"),
            "leaves": draws.maybe(
                0.4, "the consumer leaves by", None, "hold", "drop", "aclose", "with", "cancel", "close"
            ),
            "after": rand.choice((0, 1, 3, 10)),
            "dawdles": draws.maybe(0.2, "the consumer dawdles", 0.0, 0.001, 0.1),
            "priority": draws.maybe(0.2, "the stream is", "bulk", "urgent"),
        }
        return how, self._some_messages(40)


def draw(seed: int, without: frozenset[int] = frozenset()) -> Schedule:
    """Return the schedule of a seed, without some of its choices."""
    return _Drawer(seed, without).schedule()
