"""A stage for the mirror: a database, a Notion of its own, and mirrors to run and to kill."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from tests.integration.generating import order
from tests.integration.live_stage import Ground
from tests.integration.notion_peer.running import Peer

from spotloom.campaigns import database, ids, listing, reviews, submit, tenancy
from spotloom.campaigns.mirrors import outbox
from spotloom.campaigns.tables import Workspace
from spotloom.forms import load_vocabulary
from spotloom.generation.mirrors.notion import TARGET, Desk, Mirror, Timing
from spotloom.generation.mirrors.notion.connecting import connect
from spotloom.media.links import Standing
from spotloom.notion.api import Key, Notion
from spotloom.notion.setup import Prepared

LANE = submit.LaneKey(provider="openai-videos", account="here", slot_limit=4)
# As in the product, only quicker: a Notion of the tests answers at once.
QUICK = Timing(
    tick_s=0.05,
    lease_s=30.0,
    fastest_s=0.01,
    poll_s=5.0,
    busy_poll_s=10.0,
    trash_s=10.0,
    look_up_s=1.0,
    lag_s=0.1,
    believed_s=2.0,
    trouble_s=0.5,
    full_s=0.5,
    delays_s=(0.1, 0.2, 0.4),
)
LINKS = Standing(address="https://studio.example", secret=lambda: bytes(range(32)))


@dataclass(kw_only=True)
class Stage:
    """One workspace with its database there and here."""

    ground: Ground
    peer: Peer
    sessions: database.Sessions
    notion: Notion
    timing: Timing = QUICK
    links: Standing | None = LINKS
    workspace_id: UUID = field(default_factory=ids.new)

    @property
    def scope(self) -> tenancy.Scope:
        return tenancy.Scope(self.sessions, self.workspace_id)

    @property
    def desk(self) -> Desk:
        return Desk(
            sessions=self.sessions,
            notion=self.notion,
            vocabulary=load_vocabulary(),
            links=self.links,
            timing=self.timing,
        )

    @property
    def source(self) -> str | None:
        """The data source that the workspace's videos are shown in."""
        rows = self.run("SELECT data_source_id FROM spotloom.mirror")
        return rows[0]["data_source_id"] if rows else None

    async def begin(self) -> None:
        async with self.sessions.begin() as session:
            session.add(Workspace(id=self.workspace_id, name=f"w-{self.workspace_id}"))

    async def connect(self, *, page: str | None = None, database: str | None = None) -> Prepared:
        return await connect(
            self.desk,
            self.scope,
            page=page or (None if database else self.peer.home),
            database=database,
        )

    async def batch(self, videos: int, *, key: str | None = None, **more: Any) -> submit.Batch:
        planned = order(videos, **more)
        async with self.sessions.begin() as session:
            return await submit.submit(
                session,
                planned.plan,
                batch_key=key or f"b-{uuid.uuid4().hex[:8]}",
                brief=planned.written,
                lane=LANE,
                workspace_id=self.workspace_id,
            )

    @contextlib.asynccontextmanager
    async def mirroring(self, *, mirrors: int = 1, **timing: Any) -> AsyncIterator[None]:
        desk = replace(self.desk, timing=replace(self.timing, **timing))
        # As if these mirrors had been the last ones to ask.
        self.run(
            "UPDATE spotloom.mirror SET poll_at = now() + make_interval(secs => %s),"
            " trash_at = now() + make_interval(secs => %s)",
            *(desk.timing.poll_s, desk.timing.trash_s),
        )
        running = [asyncio.create_task(Mirror(desk).run()) for _ in range(mirrors)]
        try:
            yield
        finally:
            for one in running:
                one.cancel()
            ended = await asyncio.gather(*running, return_exceptions=True)
            faults = [e for e in ended if not isinstance(e, asyncio.CancelledError)]
            assert not faults, faults

    @contextlib.asynccontextmanager
    async def mirroring_now(self, **timing: Any) -> AsyncIterator[None]:
        """As `mirroring`, and as if nobody had asked for long."""
        desk = replace(self.desk, timing=replace(self.timing, **timing))
        running = asyncio.create_task(Mirror(desk).run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def run(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        return self.ground.run(statement, *arguments)

    def outbox(self) -> list[dict[str, Any]]:
        return self.run(
            "SELECT o.*, k.key, k.notion_page_id AS page_id FROM spotloom.mirror_outbox o"
            " JOIN spotloom.combination k ON k.id = o.combination_id"
            " WHERE o.workspace_id = %s ORDER BY o.campaign_id, k.position",
            self.workspace_id,
        )

    def untold(self) -> int:
        """Changes and pages that are not settled."""
        (row,) = self.run(
            "SELECT (SELECT count(*) FROM spotloom.mirror_change WHERE workspace_id = %s)"
            " + (SELECT count(*) FROM spotloom.mirror_outbox WHERE workspace_id = %s"
            "     AND state = 'pending') AS n",
            *(self.workspace_id, self.workspace_id),
        )
        return int(row["n"])

    def pages(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """The pages in Notion by what they are of, without those in the trash."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        source = self.source
        for page in self.peer.pages():
            if not page["inTrash"] and page["dataSource"] == source:
                values = page["values"]
                found.setdefault((values["Batch ID"], values["Combination ID"]), []).append(page)
        return found

    def page(self, key: str) -> dict[str, Any]:
        (page,) = [p for (_, k), pages in self.pages().items() for p in pages if k == key]
        return page

    async def video(self, batch: submit.Batch, key: str) -> listing.Combination:
        async with self.scope.read() as session:
            return await listing.combination(session, self.workspace_id, batch.campaign_id, key)

    def move(
        self, batch: submit.Batch, status: str, *, key: str | None = None, **more: Any
    ) -> None:
        """Move the batch's videos, or that one, to a status, as a worker would."""
        named = {"over_at": None, "error_text": None, "actual_cost": None, **more}
        self.run(
            "UPDATE spotloom.generation g SET status = %s, over_at = %s, error_text = %s,"
            " actual_cost = %s FROM spotloom.combination k WHERE k.id = g.combination_id"
            " AND g.campaign_id = %s AND k.key = coalesce(%s, k.key)"
            " AND g.attempt = (SELECT max(attempt) FROM spotloom.generation l"
            "                   WHERE l.combination_id = k.id)",
            *(status, *named.values(), batch.campaign_id, key),
        )

    def finish(self, batch: submit.Batch, key: str, *, over_at: dt.datetime | None = None) -> None:
        """Make the video a finished one, with its files, as a worker would."""
        at = over_at or dt.datetime.now(dt.UTC)
        self.move(batch, "completed", key=key, over_at=at, actual_cost=2)
        self.run(
            "INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256, bytes,"
            " content_type, width, height) SELECT gen_random_uuid(), g.workspace_id, g.id, kind,"
            " 'x', '', 9, 'video/mp4', 9, 9 FROM spotloom.generation g"
            " JOIN spotloom.combination k ON k.id = g.combination_id,"
            " unnest(ARRAY['video', 'poster']) AS kind WHERE g.campaign_id = %s AND k.key = %s",
            *(batch.campaign_id, key),
        )

    async def peer_changed(self, page_id: str, back_to: dict[str, Any], wait: Any) -> None:
        """Return when the page says again what it said."""
        untouched = {"Updated", "Edited By"}

        def same() -> bool:
            (page,) = [p for p in self.peer.pages() if p["id"] == page_id]
            return all(page["values"][k] == v for k, v in back_to.items() if k not in untouched)

        assert not same()
        await wait(same, 120)

    async def look(self, batch: submit.Batch, key: str) -> None:
        """Have the page read, as a webhook would."""
        video = await self.video(batch, key)
        async with self.sessions.begin() as session:
            await outbox.append(
                session,
                TARGET,
                kind="look",
                workspace_id=self.workspace_id,
                combinations=[video.id],
            )


class Video:
    """One video with its page, and both its sides."""

    def __init__(self, stage, batch, key, wait):
        self.stage, self.batch, self.key, self.wait = stage, batch, key, wait

    async def here(self, **changes: Any) -> None:
        """Somebody edits it in the studio."""
        async with self.stage.sessions.begin() as session:
            await reviews.edit(
                session,
                self.stage.workspace_id,
                self.batch.campaign_id,
                self.key,
                expected_version=None,
                actor="person:1",
                **changes,
            )

    def there(self, **properties: Any) -> None:
        """Somebody edits it in Notion."""
        written = {name.replace("_", " "): value for name, value in properties.items()}
        self.stage.peer.edit(self.page["id"], written)

    @property
    def page(self) -> dict[str, Any]:
        return self.stage.page(self.key)

    @property
    def shown(self) -> dict[str, Any]:
        return self.page["values"]

    async def stored(self) -> Any:
        return await self.stage.video(self.batch, self.key)

    async def told(self) -> None:
        await self.wait(lambda: not self.stage.untold(), 120)

    async def settled(self) -> None:
        """Return when both sides know all that the other did."""
        await self.stage.look(self.batch, self.key)
        await self.told()

    def audited(self) -> list[tuple[str, str]]:
        rows = self.stage.run(
            "SELECT actor, action FROM spotloom.audit WHERE workspace_id = %s ORDER BY id",
            self.stage.workspace_id,
        )
        return [(row["actor"], row["action"]) for row in rows]


def text(words):
    return {"rich_text": [{"text": {"content": words}}] if words else []}


def choice(name):
    return {"select": None if name is None else {"name": name}}


def tick(value):
    return {"checkbox": value}


@contextlib.asynccontextmanager
async def stage(ground: Ground, peer: Peer, **more: Any) -> AsyncIterator[Stage]:
    """A workspace of its own, not yet connected."""
    engine, sessions = database.connect(ground.url, pool=10, role=database.Role.WORKER)
    ground.run("TRUNCATE spotloom.mirror_change, spotloom.mirror_outbox, spotloom.mirror")
    try:
        async with Notion(Key(token=peer.token, address=peer.url, timeout_s=10)) as notion:
            made = Stage(ground=ground, peer=peer, sessions=sessions, notion=notion, **more)
            await made.begin()
            yield made
    finally:
        await engine.dispose()


def other_workspace(stage: Stage) -> Stage:
    """The same installation for another workspace."""
    return replace(stage, workspace_id=ids.new())
