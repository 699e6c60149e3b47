"""What Host may say, where no socket of a test comes: the port of HTTP itself, and what a parser refuses first."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from wooxy_async.sandbox._gate import check_address


class Transport:
    """What the gate asks a connection: its own address."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return the bound address."""
        return ("127.0.0.1", self.port) if name == "sockname" else default

    def is_closing(self) -> bool:
        """Say that the connection is open."""
        return False


async def answer(_: web.Request) -> web.StreamResponse:
    """Be the handler behind the gate."""
    return web.Response()


@pytest.mark.parametrize(
    ("port", "host", "status"), [(80, "localhost", 200), (80, "localhost:80", 200), (81, "localhost", 421)]
)
async def test_the_port_of_http_may_be_left_out(port: int, host: str, status: int) -> None:
    """Clients leave out port 80, and no other."""
    request = make_mocked_request("GET", "/", headers={"Host": host}, transport=Transport(port))
    assert (await check_address(request, answer)).status == status


@pytest.mark.parametrize("hosts", [(), ("localhost:81", "rebound.example"), ("rebound.example", "localhost:81")])
async def test_no_host_or_two_are_refused_whatever_the_parser_let_pass(hosts: tuple[str, ...]) -> None:
    """A request that names no place, or two of which one is right, is not answered."""
    headers = CIMultiDict(("Host", host) for host in hosts)
    request = make_mocked_request("GET", "/", headers=headers, transport=Transport(81))
    assert (await check_address(request, answer)).status == 421
