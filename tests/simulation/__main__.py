"""Run as `python tests/simulation`: the client, a hostile server and everything around them on one simulated loop."""

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))


class SimulatedTime:
    """Stands for `time.monotonic`, of which aiohttp's pool takes a reference when it is imported."""

    def __init__(self) -> None:
        self.play: Any = None
        self._real = time.monotonic

    def __call__(self) -> float:
        """Return the time of the schedule that is played."""
        return self._real() if self.play is None else float(self.play.monotonic())


time.monotonic = SimulatedTime()

if __name__ == "__main__":
    from command import main

    sys.exit(main())
