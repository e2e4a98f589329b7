"""Clerk's session tokens: checked with the application's own public key, and nothing left out.

What is checked: https://clerk.com/docs/guides/sessions/manual-jwt-verification (2026-11).
"""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from spotloom.auth.issuers import tokens
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.auth.people import Identity
from spotloom.auth.roles import Role
from spotloom.auth.sign_in import ClerkSettings

ALGORITHMS = ("RS256",)  # the only one that Clerk signs sessions with
ASKED_AGAIN_S = 60.0  # about one person, while their address is not verified
_MOST_ASKED = 10_000
OLDEST_S = 86_400  # we remember for a day what Clerk has ended: no token may be older
_LARGEST_ANSWER = 1 << 20
_ROLES = {"admin": Role.ADMIN, "editor": Role.EDITOR, "member": Role.EDITOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A Clerk organisation, and the person's role in it."""

    id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkSession:
    """What a session token says, once it is believed."""

    session: str
    user: str
    issued_at: float
    organization: Organization | None


class Clerk:
    """One Clerk application: its key, and the line to its API."""

    def __init__(self, settings: ClerkSettings, *, origin: str) -> None:
        self.issuer = settings.issuer
        self._origin = origin
        self._key = tokens.public_key(settings.jwt_key)
        self._api = settings.api_url.rstrip("/")
        self._secret = settings.secret_key
        self._http = httpx2.AsyncClient(timeout=httpx2.Timeout(5.0), trust_env=False)
        self._asked: OrderedDict[str, float] = OrderedDict()

    async def close(self) -> None:
        """Close the line."""
        await self._http.aclose()

    def session(self, jwt: str, *, now: float) -> ClerkSession:
        """What the token says; Untrusted, with the reason, when it is not to be believed."""
        said = tokens.claims(jwt, self._key, algorithms=ALGORITHMS)
        tokens.check_times(said, now=now, need_nbf=True)
        if tokens.time(said, "iat") < now - OLDEST_S:
            raise Untrusted("It is more than a day old.")
        if tokens.text(said, "iss") != self.issuer:
            raise Untrusted("It is from another issuer.")
        if tokens.text(said, "azp").lower() != self._origin:
            raise Untrusted("It was made for another site.")
        # Version 1 of the claims has no `sts`, and Clerk's own parser takes it as optional; a
        # session that is not active yet always has it: "pending"
        # (https://clerk.com/docs/guides/sessions/session-tokens, …/manual-jwt-verification, and
        # `sts?` in jwtv2.ts of github.com/clerk/javascript; 2026-11).
        if said.get("sts", "active") != "active":
            raise Untrusted("Its session is not active yet.")
        return ClerkSession(
            session=tokens.text(said, "sid"),
            user=tokens.text(said, "sub"),
            issued_at=tokens.time(said, "iat"),
            organization=_organization(said),
        )

    def may_ask(self, user: str) -> bool:
        """Whether it is time to ask Clerk again about somebody who is known; notes that we do."""
        now = time.monotonic()
        if self._secret is None or now - self._asked.get(user, -math.inf) < ASKED_AGAIN_S:
            return False
        self._asked[user] = now
        self._asked.move_to_end(user)
        while len(self._asked) > _MOST_ASKED:
            self._asked.popitem(last=False)
        return True

    async def identity(self, user: str) -> Identity:
        """The person's name and verified address, when we have a key to ask Clerk with."""
        told: Mapping[str, Any] = {}
        if self._secret is not None:
            told = await self._ask(f"/users/{user}")
        names = (told.get("first_name"), told.get("last_name"), told.get("username"))
        name = " ".join([part for part in names[:2] if part]) or names[2] or user
        return Identity(
            issuer=self.issuer, subject=user, name=str(name), verified_email=_verified_email(told)
        )

    async def _ask(self, path: str) -> Mapping[str, Any]:
        """Clerk's answer; nothing when it has none, for the token alone lets the person in."""
        headers = {"Authorization": f"Bearer {self._secret}"}
        try:
            answer = await self._http.get(self._api + path, headers=headers)
            told = answer.json() if len(answer.content) <= _LARGEST_ANSWER else None
        except (httpx2.HTTPError, ValueError):
            return {}
        return told if answer.status_code == 200 and isinstance(told, dict) else {}


def role(word: object) -> Role:
    """Our role for Clerk's; one that we do not know may only see."""
    return _ROLES.get(str(word).removeprefix("org:"), Role.VIEWER)


def _organization(said: Mapping[str, Any]) -> Organization | None:
    match said.get("v", 1):
        case 2:
            told = said.get("o")
            if told is None:
                return None
            if not isinstance(told, dict):
                raise Untrusted("Its organisation cannot be read.")
            found, slug, named = told.get("id"), told.get("slg"), told.get("rol")
        case 1:
            found, slug, named = said.get("org_id"), said.get("org_slug"), said.get("org_role")
            if found is None:
                return None
        case other:
            raise Untrusted(f"It is of version {str(other)[:20]!r}; we know 1 and 2.")
    if not isinstance(found, str) or not found or "\x00" in found:
        raise Untrusted("Its organisation has no id.")
    name = slug if isinstance(slug, str) and slug and "\x00" not in slug else found
    return Organization(id=found, name=name, role=role(named))


def _verified_email(told: Mapping[str, Any]) -> str | None:
    addresses = told.get("email_addresses")
    for address in addresses if isinstance(addresses, list) else []:
        if not isinstance(address, dict):
            continue
        verification = address.get("verification")
        verified = isinstance(verification, dict) and verification.get("status") == "verified"
        email = address.get("email_address")
        if (
            verified
            and isinstance(email, str)
            and address.get("id") == told.get("primary_email_address_id")
        ):
            return email.lower()
    return None
