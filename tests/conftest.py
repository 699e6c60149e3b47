"""What all tests have in common: a directory of their own in which the limiters of their processes meet."""

import os

import pytest

VARIABLES = ("WOOXY_LIMITER", "WOOXY_MAX_CONCURRENCY", "WOOXY_MAX_BULK", "WOOXY_ACCOUNT")


@pytest.fixture(scope="session", autouse=True)
def runtime_directory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's own directory, and what else the environment says of limits, out of the tests."""
    os.environ["WOOXY_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("runtime"))
    for name in VARIABLES:
        os.environ.pop(name, None)
