"""What an OpenID provider publishes about itself: its addresses and its keys.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
from joserfc import jwk
from joserfc.errors import JoseError
from pydantic import BaseModel, ValidationError

from spotloom.auth.issuers.tokens import Key, Untrusted, header
from spotloom.auth.sign_in import is_loopback
from spotloom.errors import Transient

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
_LARGEST_ANSWER = 1 << 20
_KNOWN_FOR_S = 3600.0
_KEYS_KNOWN_FOR_S = 600.0
_KEYS_ASKED_EVERY_S = 30.0  # an unknown key's name makes us ask again, but no more often


class Provider(BaseModel):
    """The parts of a provider's metadata that a sign-in needs."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> list[str]:
        """The signatures that both sides take; never none, and none that shares a secret."""
        return [a for a in ALGORITHMS if a in self.id_token_signing_alg_values_supported]


class Discovery:
    """What is known of one provider, asked again when it is old."""

    def __init__(self, issuer: str, http: httpx2.AsyncClient) -> None:
        self._issuer = issuer
        self._http = http
        self._provider: tuple[float, Provider] | None = None
        self._keys: tuple[float, list[Key]] | None = None

    async def provider(self) -> Provider:
        """The provider's metadata; Transient when it does not answer, Untrusted when it lies."""
        if self._provider is None or time.monotonic() - self._provider[0] > _KNOWN_FOR_S:
            url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            self._provider = time.monotonic(), _checked(await self.ask("GET", url), self._issuer)
        return self._provider[1]

    async def key(self, token: str) -> Key:
        """The key that the token says has signed it, among those that the provider publishes."""
        kid = header(token).get("kid")
        age = float("inf") if self._keys is None else time.monotonic() - self._keys[0]
        found = None if age > _KEYS_KNOWN_FOR_S else self._find(kid)
        if found is None and age > _KEYS_ASKED_EVERY_S:
            told = await self.ask("GET", (await self.provider()).jwks_uri)
            self._keys = time.monotonic(), _usable(told)
            found = self._find(kid)
        if found is None:
            raise Untrusted("It is signed with a key that the provider does not publish.")
        return found

    async def ask(self, method: str, url: str, **sent: Any) -> Mapping[str, Any]:
        """The provider's answer, an object of JSON; Transient when it does not come."""
        try:
            async with self._http.stream(method, url, **sent) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST_ANSWER:
                        raise Untrusted("The provider's answer has no end.")
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Transient(f"The sign-in provider does not answer: {reason}.") from error
        if answer.status_code != 200:
            raise Untrusted(f"The provider answered {answer.status_code} at {urlsplit(url).path}.")
        return _object(bytes(body))

    def _find(self, kid: object) -> Key | None:
        keys = [] if self._keys is None else self._keys[1]
        if kid is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.kid == kid), None)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Untrusted("The provider's answer is no JSON.") from error
    if not isinstance(told, dict):
        raise Untrusted("The provider's answer is no object.")
    return told


def _checked(told: Mapping[str, Any], issuer: str) -> Provider:
    try:
        found = Provider.model_validate(told)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise Untrusted(f"The provider's metadata has no usable {field}.") from error
    if found.issuer != issuer:
        raise Untrusted(
            f"The provider calls itself {found.issuer[:200]}, not {issuer}: "
            "SPOTLOOM_OIDC_ISSUER must be the same, letter by letter."
        )
    if not found.algorithms:
        raise Untrusted(f"The provider signs in none of these ways: {', '.join(ALGORITHMS)}.")
    named = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
    for url in (*named, *filter(None, [found.userinfo_endpoint])):
        parts = urlsplit(url)
        if parts.scheme != "https" and not (
            parts.scheme == "http" and is_loopback(parts.hostname or "")
        ):
            raise Untrusted(f"The provider names an address without TLS: {url[:200]}.")
    return found


def _usable(told: Mapping[str, Any]) -> list[Key]:
    """The published keys that can check a signature; others may be for another use."""
    keys: list[Key] = []
    published = told.get("keys")
    for given in published if isinstance(published, list) else []:
        if not isinstance(given, dict) or given.get("use", "sig") != "sig":
            continue
        try:
            if given.get("kty") == "RSA":
                keys.append(jwk.RSAKey.import_key(given))
            elif given.get("kty") == "EC":
                keys.append(jwk.ECKey.import_key(given))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return keys
