"""Whom the sandbox answers: programs on this machine, not the pages that its browsers show."""

from functools import lru_cache

from aiohttp import web
from aiohttp.typedefs import Handler

_NAMES = ("localhost", "ip6-localhost", "ip6-loopback")
_LOOPBACK = (*_NAMES, *(f"{name}." for name in _NAMES), "127.0.0.1", "[::1]")
_DEFAULT_PORT = 80  # a Host without a port means this one


@web.middleware
async def check_address(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request that was meant for another place, on every path and before anything of it is looked at.

    A page whose name was made to lead to loopback (DNS rebinding) would read the messages: its Host is that name.
    A page of another origin could send some: browsers say so in Origin.
    """
    host, port = request.get_extra_info("sockname")[:2]
    own = _authority(host, port)
    allowed = _authorities(host, port)
    hosts = request.headers.getall("Host", ())
    if len(hosts) != 1 or hosts[0].lower() not in allowed:
        return _refuse(
            421,
            f"This sandbox answers at http://{own} only, and this request's Host header names another place: "
            "use that address as the base URL, and set no Host of your own.",
        )
    if any(origin.lower().removeprefix("http://") not in allowed for origin in request.headers.getall("Origin", ())):
        return _refuse(
            403,
            "This sandbox answers no page of another origin, and this request has an Origin header of one: "
            f"call http://{own} from a program instead, which sends no Origin.",
        )
    return await handler(request)


@lru_cache(maxsize=16)
def _authorities(host: str, port: int) -> frozenset[str]:
    """Return what Host may say at an address: it, and the usual spellings of loopback, with the port."""
    names = (*_LOOPBACK, _bracketed(host))
    bare = names if port == _DEFAULT_PORT else ()
    return frozenset((*bare, *(f"{name}:{port}" for name in names)))


def _authority(host: str, port: int) -> str:
    return f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _refuse(status: int, sentence: str) -> web.Response:
    response = web.Response(status=status, text=f"{sentence}\n")
    response.force_close()
    return response
