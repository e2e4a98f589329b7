"""Limits how fast anybody asks, and how many streams they hold open.

There is a token bucket for each address and each actor.

Each process counts for itself, so that a request costs no question to the database.
"""

import contextlib
import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotloom.web.errors import Refused, answer

MOST_BUCKETS = 20_000  # 4 MB; the longest unused are forgotten first


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many at once, and so many a second from then on."""

    burst: int
    a_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The limits in force."""

    # Many people may share one address: behind a proxy, all of them.
    address: Rate = Rate(burst=1200, a_second=200)
    actor: Rate = Rate(burst=400, a_second=40)
    planning: Rate = Rate(burst=120, a_second=10)
    spending: Rate = Rate(burst=150, a_second=2)
    media: Rate = Rate(burst=1200, a_second=100)  # a page of 660 posters, and scrubbing
    streams: int = 20  # events of batches that an actor may follow at once; a tab follows one


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of asking for a token."""

    policy: str
    rate: Rate
    left: int
    wait_s: float  # 0 when it was granted

    @property
    def headers(self) -> dict[str, str]:
        """The limit and what is left of it, in the words of draft-ietf-httpapi-ratelimit."""
        window = max(1, round(self.rate.burst / self.rate.a_second))
        until = max(1, round((self.rate.burst - self.left) / self.rate.a_second))
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.rate.burst};w={window}',
            "RateLimit": f'"{self.policy}";r={self.left};t={until}',
        }

    def refusal(self) -> Refused:
        """What to say to who asked too fast."""
        wait = max(1, round(self.wait_s + 0.5))
        return Refused(
            429,
            "Too many requests",
            f"At most {self.rate.burst:,} at once and {self.rate.a_second:g} a second are "
            f"answered. Ask again in {wait} s.",
            retry_after=str(wait),
            carrying=self.headers,
        )


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True, kw_only=True)
class Buckets:
    """The buckets of one policy, a bucket for each name."""

    policy: str
    rate: Rate
    most: int = MOST_BUCKETS
    _of: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def take(self, name: str) -> Taken:
        """Take a token from the bucket of that name, if there is one."""
        now = time.monotonic()
        bucket = self._of.get(name)
        if bucket is None:
            bucket = self._of[name] = _Bucket(self.rate.burst, now)
            if len(self._of) > self.most:
                self._of.popitem(last=False)
        self._of.move_to_end(name)
        grown = bucket.tokens + (now - bucket.at) * self.rate.a_second
        bucket.tokens, bucket.at = min(float(self.rate.burst), grown), now
        wait_s = max(0.0, (1 - bucket.tokens) / self.rate.a_second)
        if not wait_s:
            bucket.tokens -= 1
        left = int(bucket.tokens)
        return Taken(policy=self.policy, rate=self.rate, left=left, wait_s=wait_s)


@dataclass(slots=True)
class Streams:
    """The streams that each actor holds open."""

    most: int
    _of: Counter[str] = field(default_factory=Counter)

    @contextlib.contextmanager
    def one_more(self, name: str) -> Iterator[None]:
        """Count one more while the context is open; Refused when there are enough."""
        if self._of[name] >= self.most:
            raise Refused(
                429,
                "Too many streams",
                f"You follow {self.most} batches already, the most at once; end one of them.",
                retry_after="10",
            )
        self._of[name] += 1
        try:
            yield
        finally:
            self._of[name] -= 1
            if not self._of[name]:
                del self._of[name]


class Limited:
    """ASGI: refuses addresses that ask too fast, and tells everybody how much is left."""

    def __init__(self, app: ASGIApp, *, rate: Rate) -> None:
        self.app = app
        self.buckets = Buckets(policy="address", rate=rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        taken = self.buckets.take(address_of(scope))
        state = scope.setdefault("state", {})
        state["taken"] = taken

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell(message, state["taken"])
            await send(message)

        if taken.wait_s:
            refused = answer(taken.refusal())
            await refused(scope, receive, send)
            return
        await self.app(scope, receive, telling)


def _tell(message: Message, taken: Taken) -> None:
    names = {name.lower() for name, _ in message["headers"]}
    if b"ratelimit" not in names:
        more = [(k.lower().encode(), v.encode()) for k, v in taken.headers.items()]
        message["headers"] = [*message["headers"], *more]


def address_of(scope: Scope) -> str:
    """Whom to count together: an IPv4 address, or the network that one IPv6 customer has."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
