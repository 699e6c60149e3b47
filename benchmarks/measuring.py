"""One measurement: runs in a fresh process, and prints its figures as one line of JSON."""

from __future__ import annotations

import logging
import os
import sys

import msgspec

from benchmarks.discovery import question
from benchmarks.interface import Case
from benchmarks.processes import pin_client


def main() -> None:
    """Measure the case that the first argument describes, against the server at the second."""
    logging.disable()
    pin_client()
    case = msgspec.json.decode(sys.argv[1], type=Case)
    values = question(case.question).measure(case, sys.argv[2])
    sys.stdout.write(msgspec.json.encode(values).decode() + "\n")
    sys.stdout.flush()
    os._exit(0)  # requests that hang on purpose are not waited for


if __name__ == "__main__":
    main()
