"""Keys and tokens that the tests of sign-in share."""

import json
from typing import Any

from joserfc import jwk, jws

NOW = 1_800_000_000.0
KEY = jwk.RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
FOREIGN = jwk.RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
PEM = KEY.as_pem(private=False).decode()


def token(
    said: dict[str, Any] | str, *, key: Any = KEY, header: dict[str, Any] | None = None
) -> str:
    """A token that says this; without a key the signature is empty."""
    top = {"alg": "RS256", "kid": "k1", "typ": "JWT"} | (header or {})
    text = said if isinstance(said, str) else json.dumps(said)
    return jws.serialize_compact(top, text, key, algorithms=["RS256", "RS512", "HS256", "none"])


def without(said: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}
