"""How both clients speak to a server: its address, who asks, and how long they wait."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx2

import spotloom
from spotloom.errors import SetupError

TIMEOUT_S = 30.0
SILENCE_S = 45.0  # of a watched batch: its heart beats every 15 s
STREAM = httpx2.Timeout(TIMEOUT_S, read=SILENCE_S)


def address(server: str) -> str:
    """The server's address; SetupError when it is none."""
    try:
        parts = urlsplit(server.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        usable = usable and parts.username is None and not parts.query and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise SetupError(
            f"{server!r} is not the address of a server, such as https://spotloom.example."
        )
    return server.strip().rstrip("/")


def headers(key: str) -> dict[str, str]:
    """Who asks; SetupError when the key can be none."""
    if not key.strip().isascii() or not key.strip().isprintable() or not key.strip():
        raise SetupError("The key must be one that `spotloom key create` has shown.")
    return {
        "Authorization": f"Bearer {key.strip()}",
        "User-Agent": f"spotloom/{spotloom.__version__}",
    }


def no_cookies() -> CookieJar:
    """A jar that keeps nothing: with a proxy's cookie, the key would look like a page's."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
