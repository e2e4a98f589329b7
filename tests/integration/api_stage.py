"""The whole web application over a database of its own, and people with keys who ask it."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from fastapi import FastAPI
from tests.integration.live_stage import Ground

from spotloom.auth import keys
from spotloom.auth.gate import Gate
from spotloom.auth.keys import Wanted
from spotloom.auth.roles import EVERYTHING, Role
from spotloom.auth.sign_in import SignIn
from spotloom.campaigns import database, ids
from spotloom.campaigns.submit import LaneKey
from spotloom.forms import load_vocabulary
from spotloom.media.store import Store
from spotloom.providers.catalog import catalog
from spotloom.web.app import app
from spotloom.web.limits import Rate, Rates
from spotloom.web.parts import Parts

ADDRESS = "http://127.0.0.1"
PROVIDER = "sandbox"
UNHURRIED = Rate(burst=100_000, a_second=100_000)
RATES = Rates(address=UNHURRIED, actor=UNHURRIED, planning=UNHURRIED, spending=UNHURRIED)

DIMENSIONS = {
    "funnelLevel": ["unaware", "problem-aware", "solution-aware", "product-aware", "most-aware"],
    "aesthetic": ["animated-2d", "ugc", "professional", "cinema"],
    "type": ["broll-visual-narrative", "storytime", "listicle"],
    "intention": ["educate", "entertain", "challenge-belief", "inspire"],
    "mood": ["wholesome", "intense", "shocking"],
    "audioStyle": ["music-light-upbeat"],
}


def brief(*counts: int, **more: Any) -> dict[str, Any]:
    """A brief with so many options in each of the first dimensions, and one in the others."""
    chosen = {
        key: options[: counts[place] if place < len(counts) else 1]
        for place, (key, options) in enumerate(DIMENSIONS.items())
    }
    return {
        "brand": "Tarn Audio",
        "bigIdea": f"The headphones you mend with a coin, {uuid.uuid4().hex}.",
        "dimensions": chosen,
        "model": "sora-2",
        "duration": 10,
        **more,
    }


@dataclass(kw_only=True)
class Studio:
    """The application, its database, and ways to ask it."""

    app: FastAPI
    parts: Parts
    ground: Ground
    workspace_id: UUID
    owners: database.Sessions
    _clients: contextlib.AsyncExitStack

    async def client(
        self, role: Role | None = Role.ADMIN, *, workspace_id: UUID | None = None, **more: Any
    ) -> httpx2.AsyncClient:
        """Somebody with a key of that role; None for nobody."""
        headers = {}
        if role is not None:
            headers["Authorization"] = f"Bearer {await self.key(role, workspace_id=workspace_id)}"
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app),
            base_url=ADDRESS,
            headers=headers,
            timeout=60,
            **more,
        )
        return await self._clients.enter_async_context(client)

    async def key(self, role: Role, *, workspace_id: UUID | None = None) -> str:
        """A new key of the workspace."""
        wanted = Wanted(name=role.value, role=role, scopes=frozenset({EVERYTHING}))
        async with self.owners.begin() as session:
            _, key = await keys.create(
                session, workspace_id or self.workspace_id, wanted, by="local"
            )
        return key

    def elsewhere(self) -> "Studio":
        """The same application, in a workspace of its own."""
        return replace(self, workspace_id=self.stranger())

    def stranger(self) -> UUID:
        """Another workspace."""
        return self.ground.workspace(ids.new())

    def count(self, table: str) -> int:
        """How many rows of this workspace the table has, as its owner sees it."""
        question = f"SELECT count(*) AS n FROM spotloom.{table} WHERE workspace_id = %s"  # noqa: S608 - ours
        (row,) = self.ground.run(question, self.workspace_id)
        return int(row["n"])

    def end(self, batch_id: str, status: str, *, key: str | None = None) -> None:
        """Move the batch's videos, or the one of that key, to a status, as a worker would."""
        self.ground.run(
            "UPDATE spotloom.generation g SET status = %s, over_at = now(), error_text = %s"
            " FROM spotloom.combination k, spotloom.campaign c WHERE k.id = g.combination_id"
            " AND c.id = g.campaign_id AND c.workspace_id = %s AND c.batch_key = %s"
            " AND k.key = coalesce(%s, k.key)",
            *(status, f"It {status}.", self.workspace_id, batch_id, key),
        )


def parts_over(
    url: str,
    folder: Path,
    *,
    rates: Rates = RATES,
    most_videos: int = 660,
    ask_gate_every_s: float = 15,
) -> tuple[Parts, list[Any]]:
    """The application's parts over that database, and the engines to dispose of."""
    made = [database.connect(url, role=role, pool=10) for role in database.Role]
    engines = [engine for engine, _ in made]
    sessions = dict(zip(database.Role, [maker for _, maker in made], strict=True))
    sign_in = SignIn(local=True, password_set=False, public_url=ADDRESS)
    vocabulary, offers = load_vocabulary(), catalog().capabilities(PROVIDER)
    lane = LaneKey(provider=PROVIDER, account="the-only-one", slot_limit=4)
    parts = Parts(
        web=sessions[database.Role.WEB],
        worker=sessions[database.Role.WORKER],
        gate=Gate(sessions[database.Role.GATE], sign_in),
        store=Store.open(str(folder)),
        secret=bytes(range(32)),
        provider="openai-videos",
        webhook_secret=None,
        trusted_hosts=frozenset({"127.0.0.1"}),
        public_url=None,
        vocabulary=lambda: vocabulary,
        offers=lambda: offers,
        lane=lambda: lane,
        most_videos=most_videos,
        rates=rates,
        ask_gate_every_s=ask_gate_every_s,
    )
    return parts, engines


@contextlib.asynccontextmanager
async def studio(ground: Ground, folder: Path, **more: Any) -> AsyncIterator[Studio]:
    """The application over that ground."""
    workspace_id = ground.workspace()
    parts, engines = parts_over(ground.url, folder, **more)
    try:
        async with contextlib.AsyncExitStack() as clients:
            yield Studio(
                app=app(parts),
                parts=parts,
                ground=ground,
                workspace_id=workspace_id,
                owners=parts.gate.sessions,
                _clients=clients,
            )
    finally:
        await parts.gate.close()
        for engine in engines:
            await engine.dispose()
