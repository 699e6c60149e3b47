"""What all tests have in common: a directory in which the limiters of their processes meet, signals as usual, draws.

What hypothesis draws is the same in each run, and takes as long as the machine needs; `WOOXY_TEST_TRIES` draws anew.
"""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

VARIABLES = ("WOOXY_LIMITER", "WOOXY_MAX_CONCURRENCY", "WOOXY_MAX_BULK", "WOOXY_ACCOUNT")

settings.register_profile(
    "wooxy",
    deadline=None,
    derandomize="WOOXY_TEST_TRIES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("wooxy")


@pytest.fixture(scope="session", autouse=True)
def runtime_directory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's own directory, and what else the environment says of limits, out of the tests."""
    os.environ["WOOXY_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("runtime"))
    for name in VARIABLES:
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def signals() -> None:
    """Undo what a shell's background job or nohup leaves ignored, also in the programs that tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
