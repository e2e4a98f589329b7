"""A Clerk that others wrote, told of an organisation, and how somebody signs in with its tokens."""

import base64
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
from tests.integration import signing_in
from tests.integration.live_stage import Ground
from tests.integration.peers import emulated
from tests.integration.peers.clerk_hooks import WEBHOOK_SECRET
from tests.integration.peers.emulated import Peer
from tests.integration.signing_in import House

from spotloom.auth.sign_in import ClerkSettings

HOST = "clerk.studio.example"
API_KEY = "sk_test_of_the_peer"
SEED = {
    "tokens": {API_KEY: {"login": "backend", "scopes": []}},
    "clerk": {
        "users": [
            {
                "clerk_id": f"user_{name}",
                "first_name": name.title(),
                "last_name": "Test",
                "email_addresses": [f"{name}@studio.example"],
            }
            for name in ("ann", "bob", "eve")
        ],
        "organizations": [
            {
                "clerk_id": "org_acme",
                "name": "Acme",
                "slug": "acme",
                "members": [
                    {"email": "ann@studio.example", "role": "admin"},
                    {"email": "bob@studio.example", "role": "member"},
                ],
            }
        ],
    },
}


def origin(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def telling(
    folder: Path, into: Path, claims: dict[str, Any]
) -> contextlib.AbstractContextManager[Peer]:
    """A peer whose tokens have these claims, too."""
    altered, base = emulated.adapted(folder, into), f"https://{HOST}"
    return emulated.running(altered, "clerk", seed=SEED, base_url=base, claims=claims)


@contextlib.contextmanager
def like_clerks_own(folder: Path, listener: socket.socket, into: Path) -> Iterator[Peer]:
    """A peer whose tokens are as Clerk's own are, for a house at that listener."""
    claims = {"v": 2, "sts": "active", "azp": origin(listener), "jti": "j1", "fva": [0, -1]}
    with telling(folder, into, claims) as one:
        yield one


def settings(peer: Peer, **more: Any) -> ClerkSettings:
    coded = base64.b64encode(f"{HOST}$".encode()).decode()
    given: dict[str, Any] = {
        "publishable_key": f"pk_test_{coded}",
        "jwt_key": peer.pem("/v1/jwks"),
        "secret_key": API_KEY,
        "webhook_secret": WEBHOOK_SECRET,
        "api_url": f"{peer.url}/v1",
    }
    return ClerkSettings(**(given | more))


@contextlib.asynccontextmanager
async def house(
    ground: Ground, listener: socket.socket, peer: Peer, **more: Any
) -> AsyncIterator[House]:
    """The application, with that peer as its Clerk."""
    given: dict[str, Any] = {"clerk": settings(peer), "local": False, "listener": listener}
    async with signing_in.house(ground, **(given | more)) as one:
        yield one


async def clerk_token(peer: Peer, user: str) -> tuple[str, str]:
    """A session of that user at the peer, and a token of it: what ClerkJS would have."""
    headers = {"authorization": f"Bearer {API_KEY}"}
    async with httpx2.AsyncClient(base_url=peer.url, headers=headers, trust_env=False) as backend:
        session = (await backend.post("/v1/sessions", json={"user_id": user})).json()["id"]
        answer = await backend.post(f"/v1/sessions/{session}/tokens", json={})
        return session, answer.json()["jwt"]


async def sign_in(
    browser: httpx2.AsyncClient, peer: Peer, user: str
) -> tuple[str, httpx2.Response]:
    """The session at the peer, and our answer to its token."""
    session, jwt = await clerk_token(peer, user)
    return session, await browser.post("/auth/clerk", json={"token": jwt})


async def me(browser: httpx2.AsyncClient) -> Any:
    """Who the browser is here; the status where it is nobody."""
    answer = await browser.get("/api/session")
    return answer.json() if answer.status_code == 200 else answer.status_code
