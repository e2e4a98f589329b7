"""Decides whether a download may go where a server sends it, and pins the address it goes to."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx2

from spotloom.errors import Transient

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_LOOKUP_S = 10.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One address on the way; a foreign host is spoken to at the address that was checked."""

    url: httpx2.URL
    address: IPAddress | None

    def stream(
        self, client: httpx2.AsyncClient, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """The answer to a GET of this hop."""
        return _stream(client, self, headers)


@asynccontextmanager
async def _stream(
    client: httpx2.AsyncClient, hop: Hop, headers: Mapping[str, str]
) -> AsyncIterator[httpx2.Response]:
    if hop.address is None:
        async with client.stream("GET", hop.url, headers=dict(headers)) as reply:
            yield reply
        return
    # Asking the resolver again when connecting could give another, private address.
    pinned = hop.url.copy_with(host=str(hop.address))
    # Hosts share addresses: a connection proven to be one host's must not serve another.
    named = {**headers, "Host": hop.url.netloc.decode("ascii"), "Connection": "close"}
    names = {"sni_hostname": hop.url.raw_host.decode("ascii")}
    async with client.stream("GET", pinned, headers=named, extensions=names) as reply:
        yield reply


async def follow(reply: httpx2.Response, *, start: httpx2.URL, provider: str) -> Hop:
    """The next hop of a redirect; Transient where going there would not be safe."""
    try:
        to = reply.request.url.join(reply.headers["location"])
    except (httpx2.InvalidURL, ValueError) as error:
        raise Transient(f"{provider} redirected the download to an unreadable address.") from error
    if to.scheme not in {"http", "https"} or not to.host or to.userinfo:
        raise Transient(f"{provider} redirected the download to a {to.scheme or 'wrong'} address.")
    if to.host == start.host and not (start.scheme == "https" and to.scheme == "http"):
        return Hop(to, None)
    if to.scheme != "https":
        raise Transient(f"{provider} redirected the download to {to.host} without encryption.")
    addresses = await _addresses(to.host, to.port or 443, provider=provider)
    if not all(public(address) for address in addresses):
        raise Transient(f"{provider} redirected the download to {to.host}, a private address.")
    return Hop(to, addresses[0])


def same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether both addresses are of one server: the only place the key may go."""
    return _origin(one) == _origin(other)


def public(address: IPAddress) -> bool:
    """Whether the address, and any address wrapped in it, is on the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        teredo = address.teredo
        nat64 = address in ipaddress.ip_network("64:ff9b::/96")
        if nat64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if teredo or (wrapped is not None and not public(wrapped)):
            return False
        if address.ipv4_mapped or nat64:
            return True
    return address.is_global and not address.is_multicast


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


async def _addresses(host: str, port: int, *, provider: str) -> list[IPAddress]:
    with contextlib.suppress(ValueError):
        return [ipaddress.ip_address(host)]
    try:
        async with asyncio.timeout(_LOOKUP_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
    except (OSError, UnicodeError) as error:
        raise Transient(f"{provider} redirected the download to {host}, not found.") from error
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
