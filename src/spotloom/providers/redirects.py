"""Decides whether a download may go where a server sends it, and pins the address it goes to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from spotloom import guarded
from spotloom.errors import Transient

_LOOKUP_S = 10.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One address on the way; a foreign host is spoken to at the addresses that were checked."""

    url: httpx2.URL
    foreign: guarded.Pinned | None

    def stream(
        self, client: httpx2.AsyncClient, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """The answer to a GET of this hop."""
        return _stream(client, self, headers)


@asynccontextmanager
async def _stream(
    client: httpx2.AsyncClient, hop: Hop, headers: Mapping[str, str]
) -> AsyncIterator[httpx2.Response]:
    told: dict[str, Any] = {"url": hop.url, "headers": dict(headers)}
    if hop.foreign is not None:
        told = hop.foreign.request(hop.foreign.addresses[0], headers)
    async with client.stream("GET", **told) as reply:
        yield reply


async def follow(reply: httpx2.Response, *, start: httpx2.URL, provider: str) -> Hop:
    """The next hop of a redirect; Transient where going there would not be safe."""
    try:
        to = reply.request.url.join(reply.headers["location"])
    except (httpx2.InvalidURL, ValueError) as error:
        raise Transient(f"{provider} redirected the download to an unreadable address.") from error
    if to.scheme not in {"http", "https"} or not to.host or to.userinfo:
        raise Transient(f"{provider} redirected the download to a {to.scheme or 'wrong'} address.")
    # The operator chose this server, so it may send us around itself.
    if to.host == start.host and not (start.scheme == "https" and to.scheme == "http"):
        return Hop(to, None)
    elsewhere = guarded.Allow(ports=frozenset({to.port or 443}))
    try:
        async with asyncio.timeout(_LOOKUP_S):
            return Hop(to, await guarded.pin(str(to), elsewhere))
    except (guarded.AddressRefused, guarded.Unreachable, TimeoutError) as error:
        why = str(error) or f"{to.host} was not found."
        raise Transient(f"{provider} redirected the download, but {why}") from error


def same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether both addresses are of one server: the only place the key may go."""
    return _origin(one) == _origin(other)


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
