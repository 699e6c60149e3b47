"""The command line: run, report, plot, compare."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks import harness, interface
from benchmarks.harness import MeasurementError
from benchmarks.interface import Case, Peer, Results, Scale
from benchmarks.report import describe, markdown
from benchmarks.spread import comparison

_FOLDER = Path(__file__).parent / "results"
_INTERRUPTED = 130  # exit code after Ctrl-C
_ALWAYS = ("wooxy-async", "aiohttp", "anyio", "msgspec", "uvloop", "phonenumbers")


def main() -> None:
    """Run what the arguments ask for."""
    arguments = _parser().parse_args()
    with TemporaryDirectory(prefix="wooxy-") as place:  # no cap is shared with other processes of this machine
        os.environ["WOOXY_RUNTIME_DIR"] = place
        arguments.do(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="measure, write a result file, and report")
    run.add_argument("--quick", action="store_true", help="only prove that everything runs")
    run.add_argument("--rounds", type=int, default=5)
    run.add_argument("--seconds", type=float, default=4.0, help="about how long one measurement takes")
    run.add_argument("--question", action="append", help="only this one; may be repeated")
    run.add_argument("--peer", action="append", help="only this one; may be repeated")
    run.add_argument("--output", type=Path, help="the result file; else results/DATE.json, with --quick none")
    run.set_defaults(do=_run)
    for name, do, text in (
        ("report", _report, "print the tables of a result file as Markdown"),
        ("plot", _plot, "draw the pictures of a result file beside it"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("results", type=Path)
        command.set_defaults(do=do)
    compare = commands.add_parser("compare", help="say what moved between two result files beyond the noise")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    compare.set_defaults(do=_compare)
    return parser


def _run(arguments: argparse.Namespace) -> None:
    peers = _peers(arguments.peer)
    scale = Scale(quick=arguments.quick, peers=tuple(peers), seconds=0.1 if arguments.quick else arguments.seconds)
    wanted = arguments.question or interface.questions()
    cases: list[Case] = [case for name in wanted for case in interface.question(name).cases(scale)]
    results = Results(
        date=datetime.now(UTC).date().isoformat(),
        command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        machine=describe([*_ALWAYS, *(package for peer in peers.values() for package in peer.REQUIRES)]),
        rounds=0,
        peers={name: peer.TITLE for name, peer in peers.items()},
        records=[],
    )
    try:
        for records in harness.run(cases, 1 if arguments.quick else arguments.rounds):
            results = msgspec.structs.replace(results, rounds=results.rounds + 1, records=records)
            if arguments.output or not arguments.quick:
                _write(results, arguments.output or _FOLDER / f"{results.date}.json")
    except (KeyboardInterrupt, MeasurementError) as end:
        sys.stderr.write(f"{str(end) or 'stopped'}; what is kept: {results.rounds} whole rounds\n")
        sys.exit(_INTERRUPTED if isinstance(end, KeyboardInterrupt) else 1)
    sys.stdout.write(markdown(results))


def _peers(wanted: list[str] | None) -> dict[str, Peer]:
    """Return the peers whose packages are installed, ours first."""
    found = {name: peer for name, peer in interface.peers().items() if name in (wanted or [name])}
    for name, peer in found.items():
        if lacks := interface.missing(peer):
            sys.stderr.write(f"left out: {name} needs {', '.join(lacks)}\n")
    names = sorted(found, key=lambda name: (not name.startswith("wooxy"), name))
    return {name: found[name] for name in names if not interface.missing(found[name])}


def _write(results: Results, file: Path) -> None:
    """Write a result file, and its tables and pictures beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    file.with_suffix(".md").write_text(markdown(results), encoding="utf-8")
    _draw(results, file.parent)


def _read(file: Path) -> Results:
    return msgspec.json.decode(file.read_bytes(), type=Results)


def _report(arguments: argparse.Namespace) -> None:
    sys.stdout.write(markdown(_read(arguments.results)))


def _plot(arguments: argparse.Namespace) -> None:
    _draw(_read(arguments.results), arguments.results.parent)


def _draw(results: Results, folder: Path) -> None:
    from benchmarks.drawing import draw  # noqa: PLC0415 - the other commands work without matplotlib

    for question in interface.questions().values():
        for plot in question.plots(results):
            if any(line.points for line in plot.lines):
                (folder / f"{plot.file}.svg").write_text(draw(plot, list(results.peers.values())), encoding="utf-8")


def _compare(arguments: argparse.Namespace) -> None:
    sys.stdout.write(comparison(_read(arguments.before), _read(arguments.after)))


if __name__ == "__main__":
    main()
