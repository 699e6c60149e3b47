"""The command line: one seed, some seeds, as many as fit a time, or as many as hold a number of messages."""

from __future__ import annotations

import argparse
import gc
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count

from bare import bare
from removed import FIXES, SEEDS, schedules_until_found
from shrink import kinds, ranges, smallest
from verdict import Verdict, quieten, verdict

SECONDS = 60.0
BARE = 200  # seeds


def main(arguments: list[str] | None = None) -> int:
    """Simulate as the arguments say; 1 if anything was wrong."""
    options = _parsed(arguments)
    quieten()
    warnings.simplefilter("ignore")  # of what died with its loop
    sys.unraisablehook = lambda _told: None
    if options.bare:
        return _many_bare(options)
    if options.removed:
        return _without_fixes(options)
    if options.seed is not None:
        found = verdict(options.seed, options.without, keep_trace=options.trace)
        _print(*(found.lines or ()), found.digest)
        if found.wrong:
            _print(_told(found))
        return bool(found.wrong)
    return _many(options)


def _many_bare(options: argparse.Namespace) -> int:
    """Run bare aiohttp clients; 1 if the shuffling breaks any."""
    seeds = range(options.first, options.first + (options.seeds or BARE))
    answered = broken = 0
    for seed in seeds:
        requests = bare(seed)
        answered, broken = answered + requests.answered, broken + bool(requests.wrong)
        if requests.wrong:
            _print(f"bare seed {seed} is wrong:", *(f"  - {line[:400]}" for line in requests.wrong[:4]))
    _print(f"{len(seeds)} seeds of a bare client, {answered} answers, {broken} broken")
    return bool(broken)


def _without_fixes(options: argparse.Namespace) -> int:
    """Take out one fix after the other; 1 if the simulation misses any."""
    counts = {}
    for fix in FIXES:
        counts[fix] = schedules_until_found(fix, options.seeds or SEEDS)
        _print(f"{counts[fix] or 'not found':>9}  {fix}")
    return int(None in counts.values())


def _many(options: argparse.Namespace) -> int:
    began, messages, outcomes, schedules = time.perf_counter(), 0, Counter[str](), 0
    for seed in _seeds(options):
        found = verdict(seed)
        if schedules == 0:
            gc.collect()
            gc.freeze()  # what was imported and cached need not be looked at again
        if options.digests:
            _print(f"{seed} {found.digest}")
        messages, outcomes, schedules = messages + found.messages, outcomes + found.outcomes, schedules + 1
        if found.wrong:
            _print(f"after {schedules} schedules, {messages} messages", _told(found))
            if not options.no_shrink:
                _print("shrinking …", _told(_shrunk(found)))
            return 1
        taken = time.perf_counter() - began
        if options.messages is None and options.seeds is None and taken > options.seconds:
            break
        if options.messages is not None and messages >= options.messages:
            break
    taken = time.perf_counter() - began
    _print(f"{schedules} schedules, {messages} messages, {taken:.0f} s: {dict(outcomes)}; nothing was wrong")
    return 0


def _shrunk(found: Verdict) -> Verdict:
    """Leave out what the failure does not need."""
    seed, wrong = found.schedule.seed, kinds(found.wrong)

    def tried(without: frozenset[int]) -> Iterable[int] | None:
        smaller = verdict(seed, without)
        return smaller.schedule.choices if kinds(smaller.wrong) & wrong else None

    return verdict(seed, smallest(found.schedule.choices, found.without, tried))


def _seeds(options: argparse.Namespace) -> Iterator[int]:
    first = options.first
    yield from count(first) if options.seeds is None else range(first, first + options.seeds)


def _told(found: Verdict) -> str:
    schedule = found.schedule
    left_out = f" --without {ranges(found.without)}" if found.without else ""
    lines = [
        f"seed {schedule.seed} is wrong; this replays it:",
        f"  python tests/simulation --seed {schedule.seed}{left_out}",
    ]
    lines += [f"  - {line[:400]}" for line in found.wrong[:8]]
    if len(schedule.choices) <= 60:
        lines += [
            "what is left of the schedule:",
            *(f"  {number}: {what}" for number, what in schedule.choices.items()),
        ]
    return "\n".join(lines)


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/simulation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, help="replay this seed alone")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, help="how many seeds")
    parser.add_argument("--without", type=_numbers, default=frozenset(), help="choices that are left out: 3,7-9")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--messages", type=int, help="go on until so many messages were simulated")
    parser.add_argument("--digests", action="store_true", help="print the digest of what happened, by seed")
    parser.add_argument("--bare", action="store_true", help="let a bare aiohttp client run: is the shuffling sound?")
    parser.add_argument("--removed", action="store_true", help="take out one fix after the other: when is it found?")
    parser.add_argument("--no-shrink", action="store_true", help="leave a failing schedule as it is")
    parser.add_argument("--trace", action="store_true", help="print what happened")
    return parser.parse_args(arguments)


def _numbers(text: str) -> frozenset[int]:
    numbers: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def _print(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201 - what a program is for
