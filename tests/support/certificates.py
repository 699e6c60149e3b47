"""Certificates for hostile TLS servers, from an authority that lives as long as the process."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from functools import cache

import trustme


@cache
def authority() -> trustme.CA:
    """Return the authority that the clients of the tests trust."""
    return trustme.CA()


@cache
def client_context() -> ssl.SSLContext:
    """Return a client's context that trusts the authority and nobody else."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


@cache
def server_context(*names: str) -> ssl.SSLContext:
    """Return a server's context; without names it is right for 127.0.0.1 and localhost."""
    return _context(authority().issue_cert(*(names or ("127.0.0.1", "localhost"))))


@cache
def stranger_context() -> ssl.SSLContext:
    """Return the context of a server whose certificate comes from an authority that nobody trusts."""
    return _context(trustme.CA().issue_cert("127.0.0.1"))


@cache
def expired_context() -> ssl.SSLContext:
    """Return the context of a server whose certificate ended in 2015."""
    ended = datetime(2015, 10, 21, tzinfo=UTC)
    return _context(authority().issue_cert("127.0.0.1", not_before=datetime(2015, 1, 1, tzinfo=UTC), not_after=ended))


@cache
def demanding_context(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return the context of a server that asks for a client's certificate."""
    context = _context(authority().issue_cert("127.0.0.1"))
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    return context


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
