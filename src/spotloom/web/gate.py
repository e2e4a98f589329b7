"""Lets a request in, or does not: the only place that reads its cookie or its Authorization.

Routes depend on `viewer`, `editor`, `admin` and the like, as `door.asking` bounds them, and get
`Asked`: who it is, and transactions in their workspace.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as ASGIScope

from spotloom.auth import secrets
from spotloom.auth.gate import Gate
from spotloom.auth.roles import Actor, KeyScope
from spotloom.auth.sign_in import is_loopback
from spotloom.campaigns.tenancy import Scope
from spotloom.web.errors import Refused
from spotloom.web.parts import Parts

SESSION = "__Host-spotloom"
SESSION_ON_LOOPBACK = "spotloom"  # without TLS, browsers refuse a __Host- cookie
_LIFE_S = 30 * 86_400
_RENEWED = "renewed_cookies"
# These say in the API's description how one may sign in; what they find is not used.
_BEARER = HTTPBearer(
    scheme_name="key", description="An API key, or a Clerk session token.", auto_error=False
)
_COOKIE = APIKeyCookie(
    name=SESSION, scheme_name="session", description="A browser's session.", auto_error=False
)
_CHALLENGE = 'Bearer realm="spotloom"'


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and transactions that see their workspace alone."""

    actor: Actor
    scope: Scope


def parts_of(request: Request) -> Parts:
    """What the application is made of."""
    parts: Parts = request.app.state.parts
    return parts


def gate_of(request: Request) -> Gate:
    """The gate that knows people."""
    return parts_of(request).gate


def is_secure(request: Request) -> bool:
    """Whether the browser is at the other end of TLS; Refused where a cookie would go in clear."""
    sign_in = gate_of(request).sign_in
    if sign_in.secure or request.url.scheme == "https":
        return True
    if not is_loopback(request.url.hostname or ""):
        raise Refused(
            403,
            "Sign-in needs https",
            "Signing in over plain http works on this machine alone. Put a server with TLS in "
            "front, and set SPOTLOOM_PUBLIC_URL to its https:// address.",
        )
    return False


def cookie_name(purpose: str = "", *, secure: bool) -> str:
    """The name of our cookie for that purpose."""
    return (SESSION if secure else SESSION_ON_LOOPBACK) + purpose


def cookie(request: Request, name: str) -> str | None:
    """The value of the cookie of exactly that name; None when there are two.

    Another site of the same host can add a cookie, but not take ours away: with two of a name
    nobody knows which is ours. The framework would take the last.
    """
    found = []
    for header in request.headers.getlist("cookie"):
        for pair in header.split(";"):
            # Only these two are space here; Python's strip() would also turn others' names into
            # ours (U+0085, U+00A0).
            key, equals, value = pair.strip(" \t").partition("=")
            if equals and key == name:
                found.append(value)
    return found[0] if len(found) == 1 else None


def keep(
    response: Response, name: str, value: str, *, secure: bool, max_age: int = _LIFE_S
) -> None:
    """Have the browser keep our cookie, out of reach of scripts and of other sites."""
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="lax"
    )


def drop(response: Response, name: str, *, secure: bool) -> None:
    """Have the browser forget our cookie."""
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


class Renewals:
    """Puts a session's new cookie on whatever is answered: also on a stream, or on an error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        renewed: list[str] = []
        scope.setdefault("state", {})[_RENEWED] = renewed

        async def carrying(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # The route itself may have begun, or ended, a session.
                if "set-cookie" not in headers:
                    for value in renewed:
                        headers.append("set-cookie", value)
            await send(message)

        await self._app(scope, receive, carrying)


async def actor_of(
    request: Request,
    _key: Annotated[object, Security(_BEARER)],
    _session: Annotated[object, Security(_COOKIE)],
) -> Actor | None:
    """Who asks: by Authorization if there is one, else by cookie; None for nobody."""
    gate = gate_of(request)
    given = request.headers.getlist("authorization")
    if given:
        return await _by_bearer(gate, given)
    secure = gate.sign_in.secure or request.url.scheme == "https"
    if not secure and not is_loopback(request.url.hostname or ""):
        return None
    name = cookie_name(secure=secure)
    token = cookie(request, name)
    if token is None:
        return None
    renewed: list[str] | None = getattr(request.state, _RENEWED, None)
    entered = await gate.enter(token, renew=renewed is not None)
    if entered is None:
        return None
    if entered.token is not None and renewed is not None:
        carrier = Response()
        keep(carrier, name, entered.token, secure=secure)
        renewed.append(carrier.headers["set-cookie"])
    return entered.actor


Somebody = Annotated[Actor | None, Depends(actor_of)]


def scoped(scope: KeyScope) -> Callable[[Request, Somebody], Awaitable[Asked]]:
    """A dependency: somebody whose role, and whose key if it is one, allows this."""

    async def asked(request: Request, actor: Somebody) -> Asked:
        if actor is None:
            raise nobody()
        if not actor.role.covers(scope.role):
            raise Refused(
                403,
                "Your role does not allow this",
                f"You are {actor.role.value} here; this takes {scope.role.value}.",
            )
        if not actor.may(scope):
            raise Refused(
                403, "The key does not allow this", f"The key is not made for {scope.value}."
            )
        return _let_in(request, actor)

    return asked


def _let_in(request: Request, actor: Actor) -> Asked:
    """From here on, every line that the request logs says who asked."""
    structlog.contextvars.bind_contextvars(actor=actor.text, workspace_id=str(actor.workspace_id))
    return Asked(actor, Scope(parts_of(request).web, actor.workspace_id))


viewer = scoped(KeyScope.READ)
editor = scoped(KeyScope.WRITE)
spender = scoped(KeyScope.SPEND)
admin = scoped(KeyScope.ADMIN)
members = scoped(KeyScope.MEMBERS)
keys = scoped(KeyScope.KEYS)


async def signed_in(request: Request, actor: Somebody) -> Asked:
    """A dependency: a person with a session, whatever their role."""
    if actor is None:
        raise nobody()
    if actor.session_id is None:
        raise Refused(
            403, "Only for people", "This is for a person who is signed in, not for a key or token."
        )
    return _let_in(request, actor)


async def anybody(request: Request, actor: Somebody) -> Asked:
    """A dependency: whoever was let in, with any role and scope."""
    if actor is None:
        raise nobody()
    return _let_in(request, actor)


TheGate = Annotated[Gate, Depends(gate_of)]


def nobody() -> Refused:
    """The answer to a request of nobody's."""
    return Refused(
        401,
        "Sign in first",
        "Sign in at /sign-in, or send an API key as `Authorization: Bearer …`.",
        www_authenticate=_CHALLENGE,
    )


async def _by_bearer(gate: Gate, given: list[str]) -> Actor | None:
    kind, _, credential = given[0].partition(" ")
    if len(given) != 1 or kind.lower() != "bearer":
        return None
    credential = credential.strip(" ")
    if credential.startswith(secrets.KEY):
        return await gate.by_key(credential)
    if gate.clerk is not None and credential.count(".") == 2:
        return await gate.by_clerk(credential)
    return None
