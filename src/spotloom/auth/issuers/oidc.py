"""Signing in at an OpenID provider: the code flow with PKCE, a state and a nonce.

https://openid.net/specs/openid-connect-core-1_0.html sections 3.1 and 3.1.3.7
"""

import base64
import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import secrets, tables
from spotloom.auth.issuers import tokens
from spotloom.auth.issuers.discovery import Discovery, Provider
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.auth.people import Identity
from spotloom.auth.sign_in import OidcSettings, is_loopback
from spotloom.errors import SetupError

CALLBACK = "/auth/oidc/callback"
WITHIN = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and the state that its cookie keeps until it is back."""

    url: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A round trip that has come back: what was kept here meanwhile."""

    verifier: str
    nonce: str
    after: str


class Oidc:
    """One provider, and our line to it."""

    def __init__(self, settings: OidcSettings, *, public_url: str) -> None:
        parts = urlsplit(settings.issuer)
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not plain:
            raise SetupError(f"SPOTLOOM_OIDC_ISSUER must begin with https://: {settings.issuer}")
        self._settings = settings
        self._redirect_uri = public_url + CALLBACK
        self._http = httpx2.AsyncClient(timeout=httpx2.Timeout(10.0), trust_env=False)
        self._discovery = Discovery(settings.issuer, self._http)

    async def close(self) -> None:
        """Close the line."""
        await self._http.aclose()

    async def leave(self, session: AsyncSession, *, after: str) -> Departure:
        """Begin a round trip; `after` is the page of ours to go on to."""
        provider = await self._discovery.provider()
        state, verifier, nonce = (secrets.new(secrets.STATE) for _ in range(3))
        await session.execute(delete(tables.SignIn).where(tables.SignIn.expires_at < func.now()))
        session.add(
            tables.SignIn(
                state_hash=secrets.kept(state),
                verifier=verifier,
                nonce=nonce,
                after=after,
                expires_at=func.now() + WITHIN,
            )
        )
        await session.flush()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return Departure(provider.authorization_endpoint + joint + urlencode(asked), state)

    async def identity(self, trip: Trip, *, code: str, iss: str | None) -> Identity:
        """Who came back with this code; Untrusted, with the reason, when that is not sure."""
        provider = await self._discovery.provider()
        if iss is None and provider.authorization_response_iss_parameter_supported:
            raise Untrusted("The provider did not say that it was the one who answered.")
        if iss is not None and iss != provider.issuer:
            raise Untrusted("Another provider answered.")
        told = await self._redeem(provider, code, trip.verifier)
        id_token = tokens.text(told, "id_token")
        said = tokens.claims(
            id_token, await self._discovery.key(id_token), algorithms=provider.algorithms
        )
        check(said, self._settings, nonce=trip.nonce, now=time.time())
        if "email" not in said and provider.userinfo_endpoint:
            said = {**await self._userinfo(provider.userinfo_endpoint, told, said), **said}
        return _identity(said)

    async def _redeem(self, provider: Provider, code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json"}
        own, secret = self._settings.client_id, self._settings.client_secret
        if secret is None:
            form["client_id"] = own
        elif "client_secret_basic" in provider.token_endpoint_auth_methods_supported:
            pair = f"{quote(own, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": own, "client_secret": secret}
        return await self._discovery.ask(
            "POST", provider.token_endpoint, data=form, headers=headers
        )

    async def _userinfo(
        self, url: str, told: Mapping[str, Any], said: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {tokens.text(told, 'access_token')}"}
        more = await self._discovery.ask("GET", url, headers=headers)
        if more.get("sub") != said["sub"]:
            raise Untrusted("The provider told us about somebody else.")
        return more


async def come_back(session: AsyncSession, state: str) -> Trip | None:
    """The round trip of that state, once; None when there is none (any more)."""
    if not secrets.well_formed(state, secrets.STATE):
        return None
    found = await session.execute(
        delete(tables.SignIn)
        .where(
            tables.SignIn.state_hash == secrets.kept(state),
            tables.SignIn.expires_at > func.now(),
        )
        .returning(tables.SignIn.verifier, tables.SignIn.nonce, tables.SignIn.after)
    )
    row = found.one_or_none()
    return None if row is None else Trip(verifier=row.verifier, nonce=row.nonce, after=row.after)


def check(said: Mapping[str, Any], settings: OidcSettings, *, nonce: str, now: float) -> None:
    """Refuse with Untrusted an id token that is not for us, for this round trip, now."""
    tokens.text(said, "sub")
    if tokens.text(said, "iss") != settings.issuer:
        raise Untrusted("The id token is from another issuer.")
    for_whom = said.get("aud")
    everybody = for_whom if isinstance(for_whom, list) else [for_whom]
    if settings.client_id not in everybody:
        raise Untrusted("The id token is for another application.")
    party = said.get("azp")
    if (len(everybody) > 1 or party is not None) and party != settings.client_id:
        raise Untrusted("The id token was asked for by another application.")
    tokens.check_times(said, now=now, need_nbf=False)
    if not secrets.same(tokens.text(said, "nonce"), nonce):
        raise Untrusted("The id token belongs to another sign-in.")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _identity(said: Mapping[str, Any]) -> Identity:
    email = said.get("email")
    # Some providers write the boolean as a text; nothing else than true counts.
    verified = said.get("email_verified") in (True, "true") and isinstance(email, str)
    name = said.get("name") or said.get("preferred_username") or email or said["sub"]
    return Identity(
        issuer=said["iss"],
        subject=said["sub"],
        name=str(name).replace("\x00", "")[:200] or said["sub"],
        verified_email=str(email).lower().replace("\x00", "") if verified and email else None,
    )
