"""What the benchmarks say of two result files."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def results(file: Path, version: str, figures: dict[str, list[float]]) -> Path:
    """Write a result file with a figure per round for each name."""
    records = [
        {
            "key": f"cpu / {name}",
            "question": "cpu",
            "name": name,
            "peer": "",
            "round": round_,
            "values": {"cpu_us": figure},
            "counts": {"total": 1, "peak": 1},
        }
        for name, rounds in figures.items()
        for round_, figure in enumerate(rounds)
    ]
    head = {"date": "2026-11-23", "command": "run", "machine": {"aiohttp": version}, "rounds": 5, "peers": {}}
    file.write_text(json.dumps({**head, "records": records}))
    return file


def compared(before: Path, after: Path) -> list[str]:
    """Return what `compare` prints."""
    command = [sys.executable, "-m", "benchmarks", "compare", before, after]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603 - our own


def test_what_moved_is_told_and_noise_is_not(tmp_path: Path) -> None:
    """Rounds that do not overlap have moved, the largest change first; one round that overlaps makes it noise."""
    before = results(
        tmp_path / "before.json",
        "3.13.0",
        {"faster": [100, 101, 102, 103, 104], "slower": [10, 10, 10, 10, 10], "noisy": [10, 11, 12, 13, 14]},
    )
    after = results(
        tmp_path / "after.json",
        "3.14.5",
        {"faster": [80, 81, 82, 83, 84], "slower": [15, 16, 14, 17, 13], "noisy": [20, 21, 22, 23, 14]},
    )
    assert compared(before, after) == [
        "not the same: aiohttp: 3.13.0 → 3.14.5",
        "  +50.0%  cpu / slower, cpu_us: 10.00 (10.00-10.00) → 15.00 (13.00-17.00)",
        "  -19.6%  cpu / faster, cpu_us: 102.00 (100.00-104.00) → 82.00 (80.00-84.00)",
        "1 figures did not move beyond the noise; 0 are in one file only.",
    ]


def test_a_few_rounds_prove_nothing(tmp_path: Path) -> None:
    """Three rounds beside three are apart by chance once in ten times; what only one file has is counted."""
    before = results(tmp_path / "before.json", "3.14.5", {"few": [1, 1, 1], "gone": [1]})
    after = results(tmp_path / "after.json", "3.14.5", {"few": [2, 2, 2]})
    assert compared(before, after) == ["1 figures did not move beyond the noise; 1 are in one file only."]
