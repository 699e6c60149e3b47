"""A hostile server in a process of its own: prints its port, and at the end of its input what its books say."""

from __future__ import annotations

import argparse
import json
import ssl
import sys

from fuzz_acts import ACTS, ORDINARY, Openings
from hostile import HostileServer


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--certificate", help="PEM file with key and chain; without it, plain TCP")
    options = parser.parse_args()
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
    server = HostileServer(
        tls=context, grace=options.grace, usual=Openings(options.seed), plans=ACTS, otherwise=ORDINARY
    )
    with server:
        print(server.port, flush=True)  # noqa: T201 - this is how the parent learns it
        sys.stdin.read()
    print(json.dumps(server.books.figures()), flush=True)  # noqa: T201 - likewise


if __name__ == "__main__":
    main()
