"""Checks signed tokens (JWT): the signature, by our choice of algorithm and key, and the times."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError

from spotloom.errors import SetupError, SpotloomError

Key = jwk.RSAKey | jwk.ECKey | jwk.OKPKey
Claims = dict[str, Any]
LONGEST = 8192  # characters; a longer one is nobody's honest token
LEEWAY_S = 5


class Untrusted(SpotloomError):
    """A token, or an answer about somebody, is not what it should be; the reason is for the log."""


def public_key(pem: str) -> Key:
    """The RSA key of a PEM text; SetupError when it is none."""
    text = pem.replace("\\n", "\n").strip()  # as it comes out of one line of an .env file
    if "PRIVATE KEY" in text:
        raise SetupError("CLERK_JWT_KEY holds a private key; it must be the public one.")
    try:
        return jwk.RSAKey.import_key(text)
    except (JoseError, ValueError, TypeError) as error:
        raise SetupError("CLERK_JWT_KEY is no RSA public key in PEM; copy it again.") from error


def header(token: str) -> Mapping[str, Any]:
    """The token's header, of which nothing is known yet."""
    if len(token) > LONGEST or token.count(".") != 2:
        raise Untrusted("It is no signed token.")
    try:
        found = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Untrusted("Its header cannot be read.") from error
    return found


def claims(token: str, key: Key, *, algorithms: Collection[str]) -> Claims:
    """What the token says, once the key has been found to have signed it."""
    top = header(token)
    if top.get("alg") not in algorithms or "crit" in top or "b64" in top:
        raise Untrusted("It is signed in another way than agreed.")
    try:
        signed = jws.deserialize_compact(token, key, algorithms=list(algorithms))
        said = json.loads(signed.payload or b"", object_pairs_hook=_once)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Untrusted("Its signature is not right.") from error
    if not isinstance(said, dict):
        raise Untrusted("It says nothing.")
    return said


def text(said: Mapping[str, Any], name: str) -> str:
    """The claim, which must be there and be a text."""
    value = said.get(name)
    if not isinstance(value, str) or not value or "\x00" in value:
        raise Untrusted(f"It has no usable {name}.")
    return value


def time(said: Mapping[str, Any], name: str) -> float:
    """The claim, which must be there and be a time."""
    value = said.get(name)
    # A NaN would compare false with everything: it would never expire.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Untrusted(f"It has no usable {name}.")
    return float(value)


def check_times(said: Mapping[str, Any], *, now: float, need_nbf: bool) -> None:
    """Refuse a token that is over, or not yet valid."""
    if time(said, "exp") <= now - LEEWAY_S:
        raise Untrusted("It has expired.")
    if time(said, "iat") > now + LEEWAY_S:
        raise Untrusted("It was made in the future.")
    if (need_nbf or "nbf" in said) and time(said, "nbf") > now + LEEWAY_S:
        raise Untrusted("It is not valid yet.")


def _once(pairs: list[tuple[str, Any]]) -> Claims:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a claim is there twice")
    return dict(pairs)
