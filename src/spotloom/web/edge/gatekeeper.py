"""Turns away requests for other hosts, and writes that another site made a browser send."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from spotloom.errors import SetupError
from spotloom.web.edge.problems import refuse
from spotloom.web.errors import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OTHER_HOST = Refused(
    421, "Not our host", "This server does not answer to that host name.", kind="host"
)
# Asked by load balancers under whatever address they know; they tell nothing of ours.
ANY_HOST = frozenset({"/healthz", "/readyz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Where we are: the names we answer to, and the origin that our pages have."""

    hosts: frozenset[str]
    origin: str | None  # None: whatever trusted name the request was sent to

    @classmethod
    def of(cls, hosts: Collection[str], public_url: str | None) -> Self:
        """The names and the origin; SetupError when the public URL is none."""
        named = {host.lower().rstrip(".") for host in hosts}
        if public_url is None:
            return cls(hosts=frozenset(named), origin=None)
        parts = urlsplit(public_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SetupError(f"The public URL must be an http(s) address, not {public_url!r}.")
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
        return cls(hosts=frozenset(named | {parts.hostname}), origin=origin)

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over https."""
        return self.origin is not None and self.origin.startswith("https://")

    def serves(self, authority: str) -> bool:
        """Whether a Host header names us; the port is the listener's business."""
        try:
            host = urlsplit(f"//{authority}").hostname
        except ValueError:
            return False
        return host is not None and host.rstrip(".") in self.hosts

    def made(self, origin: str, *, authority: str, scheme: str) -> bool:
        """Whether a page of ours has this origin."""
        return origin.lower() == (self.origin or f"{scheme}://{authority.lower()}")


class Gatekeeper:
    """Lets pass what is for us, and was not sent by another site through somebody's browser."""

    def __init__(self, app: ASGIApp, *, ours: Ours) -> None:
        self._app, self._ours = app, ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # there are none here
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        named = headers.getlist("host")
        if scope["path"] not in ANY_HOST and not (len(named) == 1 and self._ours.serves(named[0])):
            await refuse(send, _OTHER_HOST)
        elif why := crossed(scope, headers, self._ours):
            await refuse(send, Refused(403, "Sent by another site", why, kind="cross-site"))
        else:
            await self._app(scope, receive, send)


def crossed(scope: Scope, headers: Headers, ours: Ours) -> str | None:
    """Why a write looks like another site's, sent with a browser's cookies; None if it does not.

    Another site cannot make a browser send an Authorization header, so that alone is proof; with
    no cookie either there is nothing to abuse but the sign-in itself, whose forms count too.
    """
    cookie = "cookie" in headers
    if scope["method"] in SAFE or ("authorization" in headers and not cookie):
        return None
    site, origin = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if site:
        return None if site == ["same-origin"] else "This was sent from another site."
    if origin:
        authority = headers.get("host", "")
        alike = len(origin) == 1 and ours.made(
            origin[0], authority=authority, scheme=scope["scheme"]
        )
        return None if alike else "This was sent from another origin."
    if cookie:
        return "A cookie came without Sec-Fetch-Site or Origin, so nobody can say who sent it."
    return None
