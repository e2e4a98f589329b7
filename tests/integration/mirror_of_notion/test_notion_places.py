"""Which workspace is shown where: one at a time, found again, and never another's."""

import datetime as dt
from dataclasses import replace
from uuid import uuid4

import pytest
from tests.integration import notion_stage
from tests.integration.command_line import Place

from spotloom import wiring
from spotloom.campaigns.mirrors import outbox, places, status
from spotloom.errors import Conflict, NotFound
from spotloom.generation.mirrors.notion import TARGET, sweep
from spotloom.generation.mirrors.notion.connecting import connect
from spotloom.settings import Settings
from spotloom.web.operations import figures
from spotloom.wiring.secret import secret


async def told(stage, wait_until_async):
    await wait_until_async(lambda: not stage.untold(), 120)


async def disconnect(stage):
    async with stage.scope.begin() as session:
        await places.disconnect(session, stage.workspace_id, TARGET)


async def resync(stage):
    async with stage.scope.begin() as session:
        await outbox.append(session, TARGET, kind="anew", workspace_id=stage.workspace_id)


@pytest.fixture
async def other(stage):
    """Another workspace of the installation."""
    one = notion_stage.other_workspace(stage)
    await one.begin()
    return one


@pytest.fixture
def command(stage, peer, tmp_path):
    """`spotloom notion` at the stage's database, as the machine's owner calls it."""
    here = Place(home=tmp_path / "home", cwd=tmp_path)

    def run(*words, **settings):
        known = {"NOTION_API_KEY": peer.token, "NOTION_BASE_URL": peer.url}
        return here.run("notion", *words, DATABASE_URL=stage.ground.url, **known, **settings)

    return run


async def test_a_sweep_of_another_workspace_finds_nothing_to_trash(video, other):
    with pytest.raises(NotFound):
        await sweep.sweep(other.desk, other.scope, fix=True)
    assert len(video.stage.pages()) == 1


async def test_the_commands_act_on_the_workspace_that_is_connected(video, command):
    told = command("status", "--json").json
    assert (told["connection"]["title"], told["upToDate"]) == ("Spotloom Videos", 1)
    swept = command("sweep", "--fix", "--json").json
    assert (swept["pages"], swept["orphans"], swept["trashed"]) == (1, [], 0)
    assert command("resync", "--json").json == {"videos": 1}
    assert command("disconnect").code == 0
    assert video.stage.source is None


async def test_the_operator_connects_another_workspace_by_its_name(stage, peer, other, command):
    name = f"w-{other.workspace_id}"
    nobody = command("setup", "--workspace", "nobody", "--page", peer.home)
    assert (nobody.code, name in nobody.err) == (2, True)
    done = command("setup", "--workspace", name, "--page", peer.home)
    assert done.code == 0, done.err
    (row,) = stage.run("SELECT workspace_id FROM spotloom.mirror")
    assert row["workspace_id"] == other.workspace_id
    refused = command("setup", "--workspace", str(stage.workspace_id), "--page", peer.home)
    assert (refused.code, "another workspace" in refused.err) == (2, True)


async def test_a_stranger_writes_nothing_into_notion_before_it_is_refused(stage, peer, other):
    await stage.connect()
    peer.reset()
    with pytest.raises(Conflict, match="another workspace"):
        await other.connect()
    assert peer.count() == 0


async def test_the_same_database_is_taken_up_where_it_was_left(video, wait_until_async):
    stage = video.stage
    page_id, database = video.page["id"], await database_of(stage)
    stage.peer.reshape(stage.source, {"Winner": {"name": "Champion"}})
    await disconnect(stage)
    await video.here(review="approved")
    stage.move(video.batch, "failed")
    again = await stage.connect(database=database)
    assert again.done == ("Nothing was missing.",)
    await resync(stage)
    async with stage.mirroring(poll_s=600, trash_s=600):
        await told(stage, wait_until_async)
    assert {len(each) for each in stage.pages().values()} == {1}
    assert video.page["id"] == page_id
    assert (video.shown["Status"], video.shown["Review"]) == ("Failed", "Approved")
    assert (await video.stored()).review == "approved"


async def test_a_decision_made_while_disconnected_is_not_undone_by_an_older_one(
    video, wait_until_async
):
    stage, database = video.stage, await database_of(video.stage)
    await video.here(review="approved")
    async with stage.mirroring(poll_s=600, trash_s=600):
        await video.told()
    await disconnect(stage)
    await video.here(review="rejected")
    await stage.connect(database=database)
    async with stage.mirroring(poll_s=600, trash_s=600):
        await told(stage, wait_until_async)
    assert (await video.stored()).review == "rejected"
    assert video.shown["Review"] == "Rejected"


async def test_another_database_begins_without_the_old_pages(video, wait_until_async):
    stage, before = video.stage, video.page["id"]
    await disconnect(stage)
    await stage.connect()
    assert (await video.stored()).notion_page_id is None
    await resync(stage)
    async with stage.mirroring(poll_s=600, trash_s=600):
        await told(stage, wait_until_async)
    assert video.page["id"] != before


async def test_what_was_noted_is_forgotten_with_the_connection(stage, other):
    await stage.connect()
    await stage.batch(3)
    assert stage.untold() == 3
    await disconnect(stage)
    assert stage.untold() == 0
    await other.connect()
    # As a transaction that began before the disconnect may leave one behind.
    stage.run(
        "INSERT INTO spotloom.mirror_change (target, workspace_id, combination_id)"
        " SELECT 'notion', workspace_id, id FROM spotloom.combination WHERE workspace_id = %s",
        stage.workspace_id,
    )
    stage.run("UPDATE spotloom.mirror SET poll_at = 'infinity', trash_at = 'infinity'")
    async with stage.sessions.begin() as session:
        assert not await outbox.has_work(session, TARGET)
        await outbox.fold(session, TARGET)
    assert stage.outbox() == []


async def test_the_figures_of_a_place_that_was_left_are_told_no_more(video):
    async def names():
        async with video.stage.sessions() as session:
            return {one.name for one in await figures.read(session) if one.samples}

    shown = {"spotloom_mirror_pages"}
    assert shown <= await names()
    await disconnect(video.stage)
    assert not shown & await names()


async def test_pages_are_signed_for_as_soon_as_anybody_here_can_sign(stage, peer, tmp_path):
    """The first `up` of all makes the secret only after the mirror has begun."""
    settings = Settings(
        _env_file=None,
        notion_api_key=peer.token,
        notion_base_url=peer.url,
        public_url="https://studio.example",
    )
    now = dt.datetime.now(dt.UTC)
    async with wiring.notion.desk(settings, tmp_path, stage.sessions) as desk:
        plain, _ = desk.links.link(uuid4(), made_at=now, now=now)
        secret(settings, tmp_path)
        signed, _ = desk.links.link(uuid4(), made_at=now, now=now)
    assert ("sig=" in plain, "sig=" in signed) == (False, True)


async def test_setup_without_a_word_checks_what_is_connected(stage, command):
    elsewhere = (await stage.connect()).database_id
    stage.run("DELETE FROM spotloom.mirror")
    first = (await stage.connect()).database_id
    done = command("setup", "--json", NOTION_DATABASE_ID=elsewhere).json
    assert done["database_id"] == first
    named = command("setup", "--database", elsewhere, "--json").json
    assert named["database_id"] == elsewhere


async def test_the_setting_names_the_database_while_none_is_connected(stage):
    elsewhere = (await stage.connect()).database_id
    await disconnect(stage)
    desk = replace(stage.desk, database=elsewhere)
    done = await connect(desk, stage.scope, page=None, database=None)
    assert done.database_id == elsewhere


async def test_a_pause_is_notions_own_only_while_nothing_is_wrong(stage):
    await stage.connect()
    stage.run("UPDATE spotloom.mirror SET paused_until = now() + interval '1 hour'")
    async with stage.scope.read() as session:
        standing = await status.standing(session, stage.workspace_id, TARGET)
    assert standing.paused_until is not None
    stage.run("UPDATE spotloom.mirror SET trouble = 'The key is refused.'")
    async with stage.scope.read() as session:
        standing = await status.standing(session, stage.workspace_id, TARGET)
    assert (standing.trouble, standing.paused_until) == ("The key is refused.", None)


async def database_of(stage):
    (row,) = stage.run("SELECT database_id FROM spotloom.mirror")
    return row["database_id"]
