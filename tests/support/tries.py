"""How often a test that draws tries: `WOOXY_TEST_TRIES=50` makes a long run of it, fifty times as many."""

import os


def tries(usual: int) -> int:
    """Return the usual number of tries, times what the environment says."""
    return usual * int(os.environ.get("WOOXY_TEST_TRIES", "1"))
