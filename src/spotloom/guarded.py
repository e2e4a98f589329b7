"""Reaches addresses that a user or a provider gave us, and nothing behind our own walls.

`ssrfguard` decides (the shape of a URL, the table of addresses that are not public, each answer
of the resolver); the connection then goes to an address that was decided on, never to a name, so
a name that changes its answer meanwhile changes nothing.
"""

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import ssrfguard

from spotloom.errors import SpotloomError, Transient

# They log every address, and an address can be a key to the file.
for _library in ("httpx2", "httpcore2"):
    logging.getLogger(_library).setLevel(logging.WARNING)

LOOKUPS_AT_ONCE = 4  # a lookup cannot be stopped: a few that hang must not use up the threads
ATTEMPTS = 3  # of a host's addresses
POST_TIMEOUT_S = 15.0

# Tunnels that nobody serves from, and whose other end cannot be known.
_TUNNELS = {"TEREDO", "6to4"}
_TABLE = ssrfguard.AddressTable(
    tuple(
        replace(block, reach=ssrfguard.Reach.DENIED) if block.name in _TUNNELS else block
        for block in ssrfguard.DEFAULT_DENIED.blocks
    )
)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]  # a host's addresses, as text


class AddressRefused(SpotloomError):
    """Nobody may send us to this address."""


class AnswerTooLarge(SpotloomError):
    """There is more at the address than the caller takes."""


class Unreachable(Transient):
    """The address could not be asked now; nothing of it was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Where requests may go: public servers over https, and what the operator named."""

    ports: frozenset[int] = frozenset({443, 8443})
    plain_http: bool = False  # also http, to the same ports and 80
    networks: tuple[str, ...] = ()  # the operator's own, such as 10.1.0.0/16: they count as public
    origins: frozenset[str] = frozenset()  # such as http://127.0.0.1:9000: reached unchecked
    redirects: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was at the address."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Pinned:
    """One request's target: the addresses that were checked, and the name they are spoken to by."""

    url: httpx2.URL
    host: str
    port: int
    addresses: tuple[str, ...]

    def request(self, address: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Arguments of a request that connects to this address, which must prove to be the host."""
        default = {"http": 80, "https": 443}[self.url.scheme]
        name = f"[{self.host}]" if ":" in self.host else self.host
        authority = name if self.port == default else f"{name}:{self.port}"
        return {
            "url": self.url.copy_with(host=address, port=self.port),
            # Hosts share addresses: a connection proven to be one's must not serve another.
            "headers": {**headers, "Host": authority, "Connection": "close"},
            "extensions": {"sni_hostname": self.host},
        }


async def lookup(host: str, port: int) -> Sequence[str]:
    """The host's addresses, as this machine's resolver gives them."""
    found = await asyncio.get_running_loop().run_in_executor(
        _lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return [str(answer[4][0]) for answer in found]


_lookups = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")


async def pin(
    url: str, allow: Allow, *, resolver: Resolver = lookup, trusted: bool = True
) -> Pinned:
    """The checked target of this address; AddressRefused says why it has none.

    `trusted` says whether an origin that the operator named may be meant: false after a stranger's
    redirect.
    """
    named = trusted and origin_of(url) in allow.origins
    policy = _open_policy(url) if named else _policy(allow)
    try:
        target = policy.check_url(url)
        literal = target.address
        found = [str(literal)] if literal else await resolver(target.host, target.port)
        answers = [_answer(address, target.port) for address in found]
        checked = ssrfguard.resolve(target, policy=policy, resolver=lambda *_: answers)
    except ssrfguard.BlockedAddressError as error:
        # Which private address a name has is nobody's business outside.
        raise AddressRefused(f"{_shown(url)} is not on the public internet.") from error
    except ssrfguard.BlockedURLError as error:
        private = isinstance(error.__cause__, ssrfguard.BlockedAddressError)
        why = "is not on the public internet" if private else error.reason
        raise AddressRefused(f"{_shown(url)} cannot be used: it {why}.") from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{_shown(url)} was not found.") from error
    return Pinned(
        url=_parsed(url),
        host=target.host,
        port=target.port,
        addresses=tuple(str(one.ip) for one in checked[:ATTEMPTS]),
    )


def origin_of(url: str) -> str:
    """The address's scheme, host and port, as `Allow.origins` spells them."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError, TypeError):
        return ""
    default = {"http": 80, "https": 443}.get(parsed.scheme, 0)
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii').rpartition('@')[2]}".removesuffix(
        f":{default}"
    )


@dataclass(kw_only=True)
class GuardedClient:
    """Asks addresses that are not ours to trust; nothing is kept from one request to the next."""

    allow: Allow = field(default_factory=Allow)
    resolver: Resolver = lookup
    tls: ssl.SSLContext = field(
        default_factory=lambda: httpx2.create_ssl_context(trust_env=False), repr=False
    )

    async def fetch(self, url: str, *, max_bytes: int, timeout_s: float) -> Fetched:
        """What is at the address, whole, within that many bytes and seconds.

        Follows redirects, each checked anew; AddressRefused, AnswerTooLarge or Unreachable.
        """
        async with self._within(timeout_s, url):
            trusted = True
            for _ in range(self.allow.redirects + 1):
                async with self._sent("GET", url, timeout_s=timeout_s, trusted=trusted) as reply:
                    if not reply.has_redirect_location:
                        return await _whole(reply, max_bytes=max_bytes, shown=_shown(url))
                    following = _joined(url, reply.headers["location"])
                trusted = trusted and origin_of(following) == origin_of(url)
                url = following
            raise AddressRefused(
                f"{_shown(url)} redirected more than {self.allow.redirects} times."
            )

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_s: float = POST_TIMEOUT_S,
    ) -> int:
        """Send the body there; the status. Redirects are not followed, nor the answer read."""
        async with (
            self._within(timeout_s, url),
            self._sent("POST", url, timeout_s=timeout_s, body=body, headers=headers) as reply,
        ):
            return reply.status_code

    @asynccontextmanager
    async def _within(self, timeout_s: float, url: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError as error:
            raise Unreachable(f"{_shown(url)} took longer than {timeout_s:g} s.") from error
        except httpx2.HTTPError as error:
            raise Unreachable(
                f"{_shown(url)} could not be asked: {type(error).__name__}."
            ) from error

    @asynccontextmanager
    async def _sent(
        self,
        method: str,
        url: str,
        *,
        timeout_s: float,
        trusted: bool = True,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        target = await pin(url, self.allow, resolver=self.resolver, trusted=trusted)
        # A client of its own: no cookie and no connection outlives the request.
        async with httpx2.AsyncClient(
            verify=self.tls, trust_env=False, follow_redirects=False, timeout=timeout_s
        ) as client:
            reply = await _first_answer(client, method, target, body=body, headers=headers or {})
            try:
                yield reply
            finally:
                await reply.aclose()


async def _first_answer(
    client: httpx2.AsyncClient,
    method: str,
    target: Pinned,
    *,
    body: bytes | None,
    headers: Mapping[str, str],
) -> httpx2.Response:
    """The answer of the first of the host's addresses that takes a connection."""
    failed: httpx2.HTTPError | None = None
    for address in target.addresses:
        # Compressed, a few bytes could become gigabytes.
        told = target.request(address, {**headers, "Accept-Encoding": "identity"})
        try:
            return await client.send(
                client.build_request(method, content=body, **told), stream=True
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            failed = error
    raise failed or httpx2.ConnectError("no address")


async def _whole(reply: httpx2.Response, *, max_bytes: int, shown: str) -> Fetched:
    if reply.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unreachable(f"{shown} sent its answer compressed, although asked not to.")
    told = reply.headers.get("content-length", "")
    if told.isdecimal() and int(told) > max_bytes:
        raise AnswerTooLarge(f"{shown} holds {int(told):,} bytes; at most {max_bytes:,} are taken.")
    body = bytearray()
    async for chunk in reply.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise AnswerTooLarge(
                f"{shown} holds more than {max_bytes:,} bytes, the most that is taken."
            )
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(status=reply.status_code, content_type=kind, body=bytes(body))


def _policy(allow: Allow) -> ssrfguard.Policy:
    return ssrfguard.Policy(
        allowed_schemes=frozenset({"https", "http"} if allow.plain_http else {"https"}),
        allowed_ports=allow.ports | ({80} if allow.plain_http else set()),
        allowed_networks=tuple(ipaddress.ip_network(one) for one in allow.networks),
        denied_networks=_TABLE,
    )


def _open_policy(url: str) -> ssrfguard.Policy:
    """For an origin that the operator named: any address, and only that scheme and port."""
    parsed = httpx2.URL(url)
    port = parsed.port or {"http": 80, "https": 443}[parsed.scheme]
    return ssrfguard.Policy(
        allowed_schemes=frozenset({parsed.scheme}),
        allowed_ports=frozenset({port}),
        allowed_networks=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")),
    )


def _answer(address: str, port: int) -> tuple[int, int, int, str, tuple[Any, ...]]:
    """One answer of the resolver, in the form that ssrfguard reads."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(ip), port)
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(ip), port, 0, 0)


def _parsed(url: str) -> httpx2.URL:
    """The URL as the client reads it; its host and port are replaced by what was checked."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{_shown(url)} cannot be read.") from error
    if parsed.userinfo:
        raise AddressRefused(f"{_shown(url)} cannot be used: it carries credentials.")
    return parsed


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx2.URL(url).join(location))
    except (httpx2.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{_shown(url)} redirected to an unreadable address.") from error


def _shown(url: str) -> str:
    """The address's host alone: paths and queries can be keys."""
    with contextlib.suppress(httpx2.InvalidURL, ValueError, TypeError):
        if host := httpx2.URL(url).host:
            return host[:100]
    return "The address"
