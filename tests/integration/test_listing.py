"""Lists come whole and once, page by page, whatever is asked of them and whatever comes between."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.integration import generating
from tests.integration.controlling import act
from tests.integration.generating import Stage, order

from spotloom.campaigns import audit, database, ids, listing, reads, reviews, submit, tenancy
from spotloom.campaigns.database import Role
from spotloom.campaigns.listing import BadCursor, Combination, Filter, Sort
from spotloom.campaigns.submit import LOCAL
from spotloom.campaigns.tenancy import Scope
from spotloom.creative.status import Status
from spotloom.errors import BriefError, Conflict, NotFound
from spotloom.generation import control

VIDEOS = 12
OTHER = ids.new()


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


@pytest.fixture
async def scope(stage: Stage) -> AsyncIterator[Scope]:
    """The web's transactions in the workspace LOCAL."""
    engine, sessions = database.connect(stage.url, pool=3, role=Role.WEB)
    try:
        yield Scope(sessions, LOCAL)
    finally:
        await engine.dispose()


@pytest.fixture
async def campaign(stage: Stage) -> UUID:
    """Twelve videos: of each status some, one tried twice, and one with files."""
    batch = await stage.submit(stage.order(VIDEOS), key="spring")
    words = [s.value for s in (*Status, Status.FAILED, Status.COMPLETED)]
    for number, word in enumerate(words):
        stage.query(
            "UPDATE spotloom.generation SET status = %s, actual_cost = %s FROM spotloom.combination"
            " k WHERE k.id = combination_id AND k.position = %s RETURNING generation.id",
            word,
            Decimal(number % 3) if word == "completed" else None,
            number,
        )
    stage.query(
        "INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256, bytes,"
        " content_type, width, height, seconds) SELECT gen_random_uuid(), g.workspace_id, g.id,"
        " 'video', 'a/b.mp4', 'ff', 7, 'video/mp4', 720, 1280, 4 FROM spotloom.generation g"
        " WHERE status = 'completed' RETURNING id"
    )
    (failed,) = (n for n, word in enumerate(words[:10]) if word == "failed")
    keys = stage.query("SELECT key FROM spotloom.combination WHERE position = %s", failed)
    await act(stage, lambda s: control.retry(s, batch.campaign_id, keys=[keys[0]["key"]]))
    return batch.campaign_id


async def everything(scope: Scope, campaign: UUID, **asked: Any) -> list[Combination]:
    """All pages of the list, each in a transaction of its own."""
    rows: list[Combination] = []
    cursor: str | None = None
    while True:
        async with scope.read() as session:
            page = await listing.combinations(
                session, LOCAL, campaign, cursor=cursor, **({"limit": 5} | asked)
            )
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows
        assert page.rows


def place(row: Combination, sort: Sort) -> Any:
    return {
        Sort.POSITION: row.position,
        Sort.STATUS: list(Status).index(row.status),
        Sort.COST: row.estimated_cost if row.actual_cost is None else row.actual_cost,
    }[sort]


@pytest.mark.parametrize("sort", [Sort.POSITION, Sort.STATUS, Sort.COST])
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_are_the_whole_list_in_order(
    scope: Scope, campaign: UUID, sort: Sort, descending: bool
) -> None:
    rows = await everything(scope, campaign, sort=sort, descending=descending)
    assert {row.position for row in rows} == set(range(VIDEOS))
    assert len(rows) == VIDEOS
    places = [(place(row, sort), row.position) for row in rows]
    assert places == sorted(places, reverse=descending)


async def test_what_was_changed_last_comes_first_when_asked(scope: Scope, campaign: UUID) -> None:
    rows = await everything(scope, campaign)
    for row in (rows[7], rows[2]):
        async with scope.begin() as session:
            await reviews.edit(
                session, LOCAL, campaign, row.key, expected_version=1, actor="key:1", notes="x"
            )
    latest = await everything(scope, campaign, sort=Sort.UPDATED, descending=True)
    assert [row.position for row in latest[:2]] == [2, 7]
    assert sorted(row.position for row in latest) == list(range(VIDEOS))


async def test_a_page_goes_on_where_the_last_ended_though_rows_were_added_before(
    stage: Stage, scope: Scope, campaign: UUID
) -> None:
    async with scope.read() as session:
        first = await listing.campaigns(session, LOCAL, limit=1)
    await stage.submit(stage.order(1), key="summer")
    async with scope.read() as session:
        again = await listing.campaigns(session, LOCAL, limit=1)
        rest = await listing.campaigns(session, LOCAL, limit=1, cursor=again.next)
    assert (first.next, rest.next) == (None, None)
    assert [page.rows[0].batch_key for page in (first, again, rest)] == [
        "spring",
        "summer",
        "spring",
    ]


async def test_a_row_tells_all_of_its_latest_attempt(scope: Scope, campaign: UUID) -> None:
    rows = await everything(scope, campaign, limit=200)
    by_status = {row.status: row for row in rows}
    done = by_status[Status.COMPLETED]
    assert done.prompt == done.request.prompt
    assert dict(done.request.values) == dict(done.values)
    file = done.files["video"]
    assert (file.uri, file.bytes, file.content_type) == ("a/b.mp4", 7, "video/mp4")
    tried = [row for row in rows if row.attempt == 2]
    assert [(row.status, row.files) for row in tried] == [(Status.QUEUED, {})]
    async with scope.read() as session:
        assert await listing.combination(session, LOCAL, campaign, done.key) == done
        for absent in ("nowhere", "no\0where"):
            with pytest.raises(NotFound):
                await listing.combination(session, LOCAL, campaign, absent)


async def test_filters_keep_what_they_name(scope: Scope, campaign: UUID) -> None:
    rows = await everything(scope, campaign)
    one = rows[4]
    async with scope.begin() as session:
        await reviews.approve(session, LOCAL, campaign, [rows[0].key, one.key], actor="key:1")
        await reviews.edit(
            session, LOCAL, campaign, one.key, expected_version=None, actor="key:1", winner=True
        )

    async def kept(**named: Any) -> list[int]:
        found = await everything(scope, campaign, wanted=Filter(**named), limit=2)
        return [row.position for row in found]

    def where(test: Any) -> list[int]:
        return [row.position for row in rows if test(row)]

    failed = frozenset({Status.FAILED, Status.LOST})
    assert await kept(statuses=failed) == where(lambda row: row.status in failed)
    assert await kept(reviews=frozenset({"approved"})) == [0, 4]
    assert await kept(winner=True) == [4]
    assert await kept(winner=False) == where(lambda row: row.position != 4)
    assert await kept(text=one.key) == [4]
    assert await kept(text="100%_") == []
    dimension, option = next(pair for pair in one.values if pair not in rows[0].values)
    same = where(lambda row: (dimension, option) in row.values)
    assert 0 < len(same) < VIDEOS
    assert await kept(options={dimension: frozenset({option})}) == same
    assert await kept(text=option.upper()) == where(
        lambda row: option in row.prompt.lower() or option in dict(row.values).values()
    )
    assert await kept(options={dimension: frozenset({option}), "none": frozenset({"x"})}) == []
    async with scope.read() as session:
        counted = await listing.counts(
            session, LOCAL, campaign, wanted=Filter(winner=False, statuses=failed)
        )
    assert counted.total == VIDEOS - 1
    assert counted.by_review == {"approved": 1, "none": VIDEOS - 2}
    assert sum(counted.by_status.values()) == VIDEOS - 1
    assert counted.winners == 0


def forged(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "\0",
        "A" * 10_000,
        forged(),
        forged("combinations", "position", "ASC"),
        forged("combinations", "position", "ASC", "1"),
        forged("combinations", "position", "ASC", 1, 2),
        forged("combinations", "position", "ASC", "1", "x"),
        forged("combinations", "position", "ASC", "9" * 30, "1"),
        forged("combinations", "position", "DESC", "1", "1"),
        forged("combinations", "cost", "ASC", "1", "1"),
        forged("combinations", "position", "ASC", "1", "²"),
        forged("combinations", "position", "ASC", "1", "1", "1"),
        forged("campaigns", "01a20bf3-c55a-7679-ab15-ba607a91376d"),
        forged("campaigns", "x"),
        base64.urlsafe_b64encode(b"[" * 300).decode(),
    ],
)
async def test_a_cursor_of_elsewhere_is_refused(scope: Scope, campaign: UUID, cursor: str) -> None:
    async with scope.read() as session:
        with pytest.raises(BadCursor, match="cursor"):
            await listing.combinations(session, LOCAL, campaign, cursor=cursor)
        with pytest.raises(BadCursor):
            await listing.audit(session, LOCAL, cursor=cursor)


@pytest.mark.parametrize(
    "cost",
    [
        "NaN",
        "Infinity",
        "1e400",
        "-1e99",
        "one",
        "1e-20000",
        "\u0661",
        "1.00000",
        "12345678901",
        "1\n",
    ],
)
async def test_a_cost_that_no_row_can_have_is_refused(
    scope: Scope, campaign: UUID, cost: str
) -> None:
    cursor = forged("combinations", "cost", "ASC", cost, "1")
    async with scope.read() as session:
        with pytest.raises(BadCursor):
            await listing.combinations(session, LOCAL, campaign, sort=Sort.COST, cursor=cursor)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_text_that_no_database_holds_is_the_askers_mistake(
    scope: Scope, campaign: UUID, text: str
) -> None:
    async with scope.read() as session:
        with pytest.raises(BriefError, match="text"):
            await listing.combinations(session, LOCAL, campaign, wanted=Filter(text=text))
        with pytest.raises(BriefError, match="text"):
            await listing.campaigns(session, LOCAL, text=text)


async def test_nobody_gets_more_than_a_page(stage: Stage, scope: Scope) -> None:
    batch = await stage.submit(stage.order(201))
    async with scope.read() as session:
        page = await listing.combinations(session, LOCAL, batch.campaign_id, limit=10_000)
        assert len(page.rows) == listing.LONGEST == 200
        rest = await listing.combinations(
            session, LOCAL, batch.campaign_id, limit=-1, cursor=page.next
        )
    assert [row.position for row in rest.rows] == [200]
    assert rest.next is None


async def test_campaigns_are_found_by_state_and_words(stage: Stage, scope: Scope) -> None:
    idea = "A kettle that sings"
    await stage.submit(order(1, idea=idea), key="kettle")
    paused = await stage.submit(stage.order(2), key="autumn")
    await act(stage, lambda s: control.pause(s, paused.campaign_id))
    async with scope.read() as session:
        for asked, expected in (
            ({"text": "KETTLE that"}, ["kettle"]),
            ({"text": "utum"}, ["autumn"]),
            ({"state": "paused"}, ["autumn"]),
            ({"state": "active", "text": "autumn"}, []),
            ({}, ["autumn", "kettle"]),
        ):
            page = await listing.campaigns(session, LOCAL, **asked)
            assert [header.batch_key for header in page.rows] == expected
        found = await listing.figures(session, LOCAL, [paused.campaign_id, OTHER])
    assert found[paused.campaign_id].counts == {Status.QUEUED: 2}
    assert found[paused.campaign_id].money.reserved == Decimal("4.00")
    assert found[OTHER].counts == {}
    assert found[OTHER].money.committed == 0


async def test_another_workspaces_campaign_is_nowhere(stage: Stage, campaign: UUID) -> None:
    engine, sessions = database.connect(stage.url, pool=1, role=Role.WORKER)  # sees every row
    stage.query("INSERT INTO spotloom.workspace (id, name) VALUES (%s, 'x') RETURNING id", OTHER)
    try:
        async with sessions() as session:
            page = await listing.combinations(session, OTHER, campaign)
            assert page == listing.Page((), None)
            assert (await listing.campaigns(session, OTHER)).rows == ()
            assert (await listing.counts(session, OTHER, campaign)).total == 0
            assert (await listing.figures(session, OTHER, [campaign]))[campaign].counts == {}
            assert (await reads.progress(session, campaign, workspace_id=OTHER)).total == 0
            assert await listing.every_combination(session, OTHER, campaign) == []
            assert await reads.lanes(session, workspace_id=OTHER) == ()
            for name in ("spring", str(campaign)):
                with pytest.raises(NotFound, match="None has been made"):
                    await reads.find(session, name, workspace_id=OTHER)
            with pytest.raises(NotFound):
                await listing.remove(session, OTHER, campaign)
    finally:
        await engine.dispose()


async def test_the_same_batch_key_in_two_workspaces_is_two_batches(
    stage: Stage, campaign: UUID
) -> None:
    stage.query(
        "INSERT INTO spotloom.workspace (id, name) VALUES (%s, 'local') RETURNING id", OTHER
    )
    engine, sessions = database.connect(stage.url, pool=1, role=Role.WEB)
    planned = stage.order(2)
    try:
        async with tenancy.Scope(sessions, OTHER).begin() as session:
            batch = await submit.submit(
                session,
                planned.plan,
                batch_key="spring",
                brief=planned.written,
                lane=stage.lane,
                workspace_id=OTHER,
                created_by="key:1",
            )
            assert batch.created
            header = await reads.find(session, "spring", workspace_id=OTHER)
            assert (header.id, header.created_by) == (batch.campaign_id, "key:1")
            state = await reads.progress(session, header.id, workspace_id=OTHER)
            assert state.counts == {Status.QUEUED: 2}
            assert state.money.reserved == Decimal("4.00")
            assert [lane.waiting for lane in state.lanes] == [2]
    finally:
        await engine.dispose()


async def test_a_removed_campaign_is_off_the_lists_and_keeps_its_batch_key(
    stage: Stage, scope: Scope
) -> None:
    planned = stage.order(1)
    batch = await stage.submit(planned, key="spring")
    async with scope.begin() as session:
        with pytest.raises(Conflict, match="1 of its videos are still under way"):
            await listing.remove(session, LOCAL, batch.campaign_id)
        await control.cancel(session, batch.campaign_id)
        await listing.remove(session, LOCAL, batch.campaign_id)
        with pytest.raises(NotFound):
            await listing.remove(session, LOCAL, batch.campaign_id)
    async with scope.read() as session:
        assert (await listing.campaigns(session, LOCAL)).rows == ()
        assert await reads.campaigns(session) == []
        assert (await listing.combinations(session, LOCAL, batch.campaign_id)).rows == ()
        for name in ("spring", str(batch.campaign_id)):
            with pytest.raises(NotFound):
                await reads.find(session, name)
    with pytest.raises(Conflict, match="deleted"):
        await stage.submit(planned, key="spring")
    assert stage.count("SELECT count(*) FROM spotloom.ledger") == 2


async def test_the_audit_log_is_told_newest_first(scope: Scope, campaign: UUID) -> None:
    for number in range(5):
        async with scope.begin() as session:
            await audit.record(
                session,
                LOCAL,
                actor="person:1",
                action="campaign.cancel",
                target=str(campaign),
                cost=Decimal(number),
            )
    told: list[str] = []
    cursor: str | None = None
    while cursor is not None or not told:
        async with scope.read() as session:
            page = await listing.audit(session, LOCAL, cursor=cursor, limit=2)
        told += [entry.detail["cost"] for entry in page.rows]
        cursor = page.next
    assert told == ["4", "3", "2", "1", "0"]
