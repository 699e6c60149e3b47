"""Why a connection was not made: what libraries and the operating system raise, in words of our own.

Nothing of an exception is repeated but OpenSSL's constant words: others may hold an address with a password.
"""

from __future__ import annotations

import errno
from typing import Final

import aiohttp

from wooxy_async._rules.outcomes import CauseDetail

Reason = tuple[str, CauseDetail | None]

# From the narrowest class to the widest. Whether a request left is judged by the evidence alone.
_BY_CLASS: Final[tuple[tuple[type[BaseException], Reason], ...]] = (
    (aiohttp.ClientConnectorDNSError, ("the host name could not be resolved", "dns")),
    (aiohttp.ClientConnectorCertificateError, ("the server's certificate is not valid", "tls")),
    (aiohttp.ClientConnectorSSLError, ("the TLS handshake failed", "tls")),
    (aiohttp.ClientProxyConnectionError, ("the proxy could not be reached", None)),
    (aiohttp.ClientHttpProxyError, ("the proxy refused the connection", None)),
    (aiohttp.ClientConnectorError, ("the connection could not be made", None)),
    (UnicodeError, ("the host name is no valid name", "dns")),
    (TimeoutError, ("the connection was not made in time", "timeout")),
)
_LOST: Final[Reason] = ("the connection was lost", None)
_BY_ERRNO: Final[dict[int | None, Reason]] = {
    errno.ECONNREFUSED: ("nobody listens there (connection refused)", "refused"),
    errno.ETIMEDOUT: ("the other side did not answer in time", "timeout"),
}
_UNKNOWN_CA: Final[Reason] = (
    "nobody who is trusted on this machine has signed it; for a private CA give ssl=…",
    "unknown_ca",
)
_WRONG_HOST: Final[Reason] = ("it is for another host", "wrong_host")
# Source: OpenSSL, x509_vfy.h, X509_V_ERR_….
_BY_VERIFY_CODE: Final[dict[int | None, Reason]] = {
    2: _UNKNOWN_CA,  # UNABLE_TO_GET_ISSUER_CERT
    9: ("it is not valid yet; look at the clock of this machine", "tls"),
    10: ("it has expired", "certificate_expired"),
    18: _UNKNOWN_CA,  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: _UNKNOWN_CA,  # SELF_SIGNED_CERT_IN_CHAIN
    20: _UNKNOWN_CA,  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: _UNKNOWN_CA,  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    62: _WRONG_HOST,  # HOSTNAME_MISMATCH
    64: _WRONG_HOST,  # IP_ADDRESS_MISMATCH
}


def why_not_connected(error: BaseException) -> Reason:
    """Return why no connection was made, for people and as `Cause.detail`.

    Args:
        error: whatever was raised before a byte of a request was handed over.
    """
    text, detail = next((reason for kind, reason in _BY_CLASS if isinstance(error, kind)), _LOST)
    more, narrower = _of_cause(error)
    return f"{text}: {more}" if more else text, narrower or detail


def _of_cause(error: BaseException) -> Reason:
    """Return what lies under an exception of aiohttp."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _of_certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return _openssl_words(error.os_error), None
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientConnectorDNSError):
        return _BY_ERRNO.get(error.os_error.errno, ("", None))
    return "", None


def _of_certificate(error: Exception) -> Reason:
    code: int | None = getattr(error, "verify_code", None)
    return _BY_VERIFY_CODE.get(code) or (getattr(error, "verify_message", ""), None)


def _openssl_words(error: OSError) -> str:
    """Return OpenSSL's name of a failure, as in "wrong version number" of a server that speaks no TLS."""
    return (getattr(error, "reason", None) or "").replace("_", " ").lower()
