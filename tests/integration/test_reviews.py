"""What people say of a video is kept, signed, and never silently overwritten."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.integration import generating
from tests.integration.generating import Stage

from spotloom.campaigns import database, ids, listing, reviews
from spotloom.campaigns.database import Role
from spotloom.campaigns.listing import Combination
from spotloom.campaigns.reviews import Outdated
from spotloom.campaigns.submit import LOCAL
from spotloom.campaigns.tenancy import Scope
from spotloom.errors import NotFound

AT_ONCE = 20
ANNA, BEN = "person:anna", "person:ben"


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
    engine, sessions = database.connect(stage.url, pool=10, role=Role.WEB)
    try:
        yield Scope(sessions, LOCAL)
    finally:
        await engine.dispose()


@pytest.fixture
async def campaign(stage: Stage) -> UUID:
    return (await stage.submit(stage.order(3))).campaign_id


async def rows(scope: Scope, campaign: UUID) -> tuple[Combination, ...]:
    async with scope.read() as session:
        return (await listing.combinations(session, LOCAL, campaign)).rows


async def edit(
    scope: Scope, campaign: UUID, key: str, *, version: int | None, by: str = ANNA, **changes: Any
) -> int:
    async with scope.begin() as session:
        return await reviews.edit(
            session, LOCAL, campaign, key, expected_version=version, actor=by, **changes
        )


def changed(stage: Stage, key: str) -> str:
    (row,) = stage.query("SELECT changed::text FROM spotloom.combination WHERE key = %s", key)
    return str(row["changed"])


async def test_an_edit_changes_what_it_names_and_nothing_else(
    stage: Stage, scope: Scope, campaign: UUID
) -> None:
    first, second, _ = await rows(scope, campaign)
    before = changed(stage, first.key)
    url = "https://video.example/1.mp4"
    assert await edit(scope, campaign, first.key, version=1, notes="Warm.", video_url=url) == 2
    assert await edit(scope, campaign, first.key, version=2, winner=True) == 3
    assert await edit(scope, campaign, first.key, version=3, notes=None) == 4
    now, untouched, _ = await rows(scope, campaign)
    assert (now.notes, now.video_url, now.winner, now.version) == (None, url, True, 4)
    assert (now.review, now.reviewed_by, now.reviewed_at) == ("none", None, None)
    assert untouched == second
    assert int(changed(stage, first.key)) > int(before)


async def test_an_edit_of_an_older_version_is_refused_and_tells_the_present_one(
    scope: Scope, campaign: UUID
) -> None:
    key = (await rows(scope, campaign))[0].key
    await edit(scope, campaign, key, version=1, notes="first")
    with pytest.raises(Outdated, match="version 2 now") as refused:
        await edit(scope, campaign, key, version=1, by=BEN, notes="second")
    assert refused.value.version == 2
    assert (await rows(scope, campaign))[0].notes == "first"
    assert await edit(scope, campaign, key, version=None, by=BEN, notes="second") == 3


async def test_of_many_edits_at_the_same_moment_one_is_taken(scope: Scope, campaign: UUID) -> None:
    key = (await rows(scope, campaign))[0].key
    answers = await asyncio.gather(
        *(edit(scope, campaign, key, version=1, notes=str(n)) for n in range(AT_ONCE)),
        return_exceptions=True,
    )
    assert [a for a in answers if not isinstance(a, Outdated)] == [2]


async def test_a_decision_is_signed_and_only_a_rejection_has_a_reason(
    scope: Scope, campaign: UUID
) -> None:
    key = (await rows(scope, campaign))[0].key
    told = {"review": "rejected", "reject_reason": "Too loud."}
    await edit(scope, campaign, key, version=1, **told)
    row = (await rows(scope, campaign))[0]
    assert (row.review, row.reject_reason, row.reviewed_by) == ("rejected", "Too loud.", ANNA)
    assert row.reviewed_at is not None
    await edit(scope, campaign, key, version=2, by=BEN, review="approved")
    row = (await rows(scope, campaign))[0]
    assert (row.review, row.reject_reason, row.reviewed_by) == ("approved", None, BEN)
    await edit(scope, campaign, key, version=3, by=BEN, review="none")
    row = (await rows(scope, campaign))[0]
    assert (row.review, row.reviewed_by, row.reviewed_at) == ("none", None, None)


async def test_many_are_approved_or_rejected_at_once_and_a_repeat_changes_nothing(
    scope: Scope, campaign: UUID
) -> None:
    keys = [row.key for row in await rows(scope, campaign)]
    async with scope.begin() as session:
        assert await reviews.approve(session, LOCAL, campaign, keys[:2], actor=ANNA) == 2
        assert await reviews.approve(session, LOCAL, campaign, keys, actor=BEN) == 1
        assert await reviews.approve(session, LOCAL, campaign, keys, actor=BEN) == 0
    assert [(r.review, r.reviewed_by, r.version) for r in await rows(scope, campaign)] == [
        ("approved", ANNA, 2),
        ("approved", ANNA, 2),
        ("approved", BEN, 2),
    ]
    async with scope.begin() as session:
        for count in (3, 0):
            assert count == await reviews.reject(
                session, LOCAL, campaign, keys, actor=BEN, reason="Late."
            )
        assert await reviews.reject(session, LOCAL, campaign, keys[:1], actor=BEN) == 1
    assert [r.reject_reason for r in await rows(scope, campaign)] == [None, "Late.", "Late."]


async def test_a_video_that_is_not_there_is_named(scope: Scope, campaign: UUID) -> None:
    key = (await rows(scope, campaign))[0].key
    with pytest.raises(NotFound, match="'zzz'"):
        await edit(scope, campaign, "zzz", version=1, notes="x")
    with pytest.raises(NotFound):
        await edit(scope, ids.new(), key, version=1, notes="x")
    async with scope.begin() as session:
        with pytest.raises(NotFound, match="zzz"):
            await reviews.approve(session, LOCAL, campaign, [key, "zzz"], actor=ANNA)
    assert (await rows(scope, campaign))[0].review == "none"


async def test_no_edit_reaches_another_workspace(stage: Stage, campaign: UUID) -> None:
    engine, sessions = database.connect(stage.url, pool=1, role=Role.WORKER)  # sees every row
    other = ids.new()
    try:
        async with sessions() as session:
            (row, *_) = (await listing.combinations(session, LOCAL, campaign)).rows
            with pytest.raises(NotFound):
                await reviews.edit(
                    session,
                    other,
                    campaign,
                    row.key,
                    expected_version=1,
                    actor=BEN,
                    notes="x",
                )
            with pytest.raises(NotFound):
                await reviews.approve(session, other, campaign, [row.key], actor=BEN)
    finally:
        await engine.dispose()
