"""What the rules cost alone: check and encode a message, read an answer, check a number."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterable
from typing import Any, Final

from benchmarks.interface import Case, Plot, Results, Scale, Table
from benchmarks.spread import shown
from benchmarks.work import TOKEN, message_maker

TITLE: Final = "Rules alone"
ORDER: Final = 6
_NUMBERS: Final = ("+14155550123", "+49 151 2345 6789", "+44 (20) 7946-0018", "+380441234567", "+33 6 12 34 56 78")
_ANSWER: Final = b'{"result":true,"viber_message_ids":["5d914c3dd132d5f45a4e3670"]}'
_REFUSAL: Final = '{"result":false,"errors":["Sender with senderId “Shop” not approved"]}'.encode()
_REPEAT: Final = 20


def cases(scale: Scale) -> Iterable[Case]:
    """Yield one case per rule."""
    for name in _RULES:
        yield Case(question="rules", name=name, count=500 if scale.quick else 20_000)


def measure(case: Case, _url: str) -> dict[str, float]:
    """Time a rule, in loops of many calls."""
    call, calls = _RULES[case.name]()
    call()
    runs = timeit.repeat(call, number=case.count // _REPEAT, repeat=_REPEAT)
    return {"us": sorted(runs)[_REPEAT // 2] / (case.count // _REPEAT) / calls * 1e6}


_Timed = tuple[Callable[[], Any], int]


def _check_and_encode() -> _Timed:
    from wooxy_async._rules.checks import prepare  # noqa: PLC0415 - the measured process alone

    plain = message_maker()(17)
    return (lambda: prepare(plain)), 1


def _check_and_encode_everything() -> _Timed:
    from wooxy_async import Button, ViberMessage  # noqa: PLC0415 - the measured process alone
    from wooxy_async._rules.checks import prepare  # noqa: PLC0415 - likewise

    whole = ViberMessage(
        domain="shop.example",
        phone_number="+995 (32) 212-34-56",
        text="გამარჯობა, Zoë! Your parcel 🎁 is here: «Nr. 5».\n" * 4,
        sender_id="Shop",
        button=Button(text="Open", url="https://shop.example/x?order=17"),
        device="phone",
        ttl=7200,
        tags=("spring", "parcel", "vip"),
        reference="order-17",
    )
    assert isinstance(prepare(whole), bytes)
    return (lambda: prepare(whole)), 1


def _check_numbers(check: Any) -> Callable[[], _Timed]:
    def made() -> _Timed:
        from wooxy_async._rules.phones import normalize  # noqa: PLC0415 - the measured process alone

        return (lambda: [normalize(number, check) for number in _NUMBERS]), len(_NUMBERS)

    return made


def _check_numbers_by_library() -> _Timed:
    import phonenumbers  # noqa: PLC0415 - the measured process alone

    return (
        lambda: [phonenumbers.is_possible_number(phonenumbers.parse(number)) for number in _NUMBERS],
        len(_NUMBERS),
    )


def _read(answer: bytes) -> Callable[[], _Timed]:
    def made() -> _Timed:
        from wooxy_async._rules.redaction import Redactor  # noqa: PLC0415 - the measured process alone
        from wooxy_async._rules.wire import read_reply  # noqa: PLC0415 - likewise

        redact = Redactor((TOKEN,))
        return (lambda: read_reply(answer, redact)), 1

    return made


_RULES: Final[dict[str, Callable[[], _Timed]]] = {
    "check and encode a plain message": _check_and_encode,
    "check and encode a message with everything": _check_and_encode_everything,
    "check a number, possible": _check_numbers("possible"),
    "check a number, valid": _check_numbers("valid"),
    "check a number, possible, phonenumbers itself": _check_numbers_by_library,
    "read an answer, accepted": _read(_ANSWER),
    "read an answer, refused": _read(_REFUSAL),
}


def tables(results: Results) -> list[Table]:
    """Return microseconds."""
    rows = [
        [name, shown(results.rounds_of("rules", name, "", "us"), 2)]
        for name in _RULES
        if name in results.names("rules")
    ]
    return [Table(TITLE, ["", "µs"], rows, "Median (least to most); numbers of five countries in five spellings.")]


def plots(_results: Results) -> list[Plot]:
    """Return none: the table says it."""
    return []
