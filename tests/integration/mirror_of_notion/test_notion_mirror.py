"""One Notion page a video: made once, true within seconds, never in the way."""

import contextlib
import datetime as dt
import time
from decimal import Decimal

import pytest
from tests.integration import notion_stage

from spotloom.campaigns.mirrors import outbox, places
from spotloom.errors import BriefError, Conflict
from spotloom.generation.mirrors.notion import TARGET, writing


async def told(stage, wait_until_async, deadline_s=120):
    await wait_until_async(lambda: not stage.untold(), deadline_s)


async def test_a_submitted_batch_has_a_page_for_each_video(stage, wait_until_async):
    await stage.connect()
    batch = await stage.batch(6, key="spring")
    async with stage.mirroring():
        await told(stage, wait_until_async)
    pages = stage.pages()
    assert len(pages) == 6
    assert {len(each) for each in pages.values()} == {1}
    for row in stage.outbox():
        page, video = stage.page(row["key"]), await stage.video(batch, row["key"])
        assert video.notion_page_id == page["id"]
        values = page["values"]
        assert values["Prompt"] == video.prompt
        assert (values["Status"], values["Attempts"]) == ("Queued", 1)
        assert (values["Estimated Cost"], values["Actual Cost"]) == (2.0, None)
        assert (values["Aesthetic"], values["Gender"]) == ("Animated 2D", None)
        assert (values["Review"], values["Winner"], values["Retry Request"]) == (None, False, False)


async def test_the_same_combination_in_two_batches_has_two_pages(stage, wait_until_async):
    await stage.connect()
    await stage.batch(2, key="one")
    await stage.batch(2, key="two")
    async with stage.mirroring():
        await told(stage, wait_until_async)
    assert {ids: len(each) for ids, each in stage.pages().items()} == {
        (batch, row["key"]): 1 for batch in ("one", "two") for row in stage.outbox()[:2]
    }


async def test_any_number_of_changes_is_one_request(stage, peer, wait_until_async):
    await stage.connect()
    batch = await stage.batch(1)
    key = await one_key(stage, batch)
    for status in ("submitting", "generating", "finishing", "failed"):
        stage.move(batch, status, error_text="The provider gave it up.")
    peer.reset()
    async with stage.mirroring(poll_s=60, trash_s=60):
        await told(stage, wait_until_async)
        assert writes(peer) == {"createPage": 1}
        assert stage.page(key)["values"]["Status"] == "Failed"
        assert stage.page(key)["values"]["Error"] == "The provider gave it up."
        # What a page does not show costs no request.
        stage.move(batch, "generating")
        stage.move(batch, "finishing")
        await told(stage, wait_until_async)
        assert writes(peer) == {"createPage": 1, "updatePage": 1}
        stage.move(batch, "generating")
        await told(stage, wait_until_async)
        assert writes(peer) == {"createPage": 1, "updatePage": 1}


async def test_a_finished_video_has_links_until_they_are_renewed(stage, wait_until_async):
    await stage.connect()
    batch = await stage.batch(1)
    key = await one_key(stage, batch)
    stage.finish(batch, key, over_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=5, hours=23))
    async with stage.mirroring():
        await told(stage, wait_until_async)
        first = stage.page(key)["values"]
        assert first["Status"] == "Completed"
        assert first["Video URL"].startswith("https://studio.example/api/media/")
        assert "&sig=" in first["Video URL"]
        assert "/api/media/" in first["Poster"][0]
        assert first["Actual Cost"] == 2.0
        # Six days after it was finished, they are given anew.
        stage.run(
            "UPDATE spotloom.generation SET over_at = over_at - interval '2 hours'"
            " WHERE campaign_id = %s",
            batch.campaign_id,
        )
        stage.run("UPDATE spotloom.mirror_outbox SET renew_at = now()")
        await wait_until_async(
            lambda: stage.page(key)["values"]["Video URL"] != first["Video URL"], 20
        )
        await told(stage, wait_until_async)
    (row,) = stage.outbox()
    assert row["renew_at"] > dt.datetime.now(dt.UTC) + dt.timedelta(days=5)


async def test_a_persons_own_address_is_shown_instead_of_a_link(stage, wait_until_async):
    await stage.connect()
    batch = await stage.batch(1)
    key = await one_key(stage, batch)
    stage.finish(batch, key)
    stage.run("UPDATE spotloom.combination SET video_url = 'https://cdn.example/a.mp4'")
    async with stage.mirroring():
        await told(stage, wait_until_async)
    assert stage.page(key)["values"]["Video URL"] == "https://cdn.example/a.mp4"


async def test_without_a_public_address_no_page_has_a_link(ground, peer, wait_until_async):
    async with notion_stage.stage(ground, peer, links=None) as stage:
        await stage.connect()
        batch = await stage.batch(1)
        key = await one_key(stage, batch)
        stage.finish(batch, key)
        async with stage.mirroring():
            await told(stage, wait_until_async)
        assert stage.page(key)["values"]["Video URL"] is None


async def test_a_workspace_without_a_connection_notes_nothing(stage):
    batch = await stage.batch(3)
    stage.move(batch, "failed")
    assert stage.untold() == 0


async def test_older_batches_are_shown_when_a_person_asks(stage, wait_until_async):
    await stage.batch(3)
    await stage.connect()
    async with stage.mirroring():
        await told(stage, wait_until_async)
        assert stage.pages() == {}
        async with stage.sessions.begin() as session:
            count = await outbox.append(
                session, TARGET, kind="anew", workspace_id=stage.workspace_id
            )
        assert count == 3
        await told(stage, wait_until_async)
    assert len(stage.pages()) == 3


# What Notion answers


async def test_a_create_whose_answer_is_lost_is_looked_up(stage, peer, wait_until_async):
    await stage.connect()
    peer.faults(
        lagSeconds=0.8,
        rules=[
            {"where": "createPage", "fault": "status", "status": 504, "committed": True}
            | {"calls": {"only": [2]}},
            {"where": "createPage", "fault": "drop", "committed": True, "calls": {"only": [4]}},
            {"where": "createPage", "fault": "drop", "calls": {"only": [6]}},
        ],
    )
    await stage.batch(8)
    async with stage.mirroring():
        await told(stage, wait_until_async)
    assert {len(each) for each in stage.pages().values()} == {1}
    assert len(stage.pages()) == 8
    assert peer.ledger()["duplicates"] == []


async def test_a_slow_notion_is_waited_for(stage, peer, wait_until_async):
    await stage.connect()
    overloaded = {"fault": "status", "status": 529, "retryAfter": 1, "calls": {"every": 5}}
    peer.faults(window={"requests": 6, "seconds": 1}, rules=[{"where": "createPage", **overloaded}])
    peer.reset()
    await stage.batch(12)
    async with stage.mirroring(poll_s=60, trash_s=60):
        await told(stage, wait_until_async)
    assert len(stage.pages()) == 12
    (row,) = stage.run("SELECT throttled, trouble FROM spotloom.mirror")
    assert row["throttled"] > 0
    assert row["trouble"] is None


async def test_a_page_that_notion_refuses_is_shown_and_touches_no_video(
    stage, peer, wait_until_async
):
    await stage.connect()
    batch = await stage.batch(3)
    key = stage.run("SELECT key FROM spotloom.combination ORDER BY position LIMIT 1")[0]["key"]
    refused = {"where": "createPage", "fault": "status", "status": 400, "calls": {"only": [1]}}
    peer.faults(rules=[refused])
    async with stage.mirroring(at_once=1):
        await told(stage, wait_until_async)
        states = {row["key"]: (row["state"], row["error"]) for row in stage.outbox()}
        blocked = [k for k, (state, _) in states.items() if state == "blocked"]
        assert len(blocked) == 1
        assert "(400 " in states[blocked[0]][1]
        assert key in states
        assert (await stage.video(batch, blocked[0])).status == "queued"
        stage.move(batch, "failed", key=blocked[0])  # the latest state is tried again
        await told(stage, wait_until_async)
    assert len(stage.pages()) == 3


async def test_a_full_workspace_takes_no_page_and_keeps_those_that_are_there(
    stage, peer, wait_until_async
):
    await stage.connect()
    batch = await stage.batch(5)
    peer.faults(blockLimit=peer.ledger()["blocks"] + 3)
    async with stage.mirroring(full_s=2.0):
        await wait_until_async(lambda: len(stage.pages()) == 3, 120)
        await wait_until_async(
            lambda: stage.run("SELECT trouble FROM spotloom.mirror")[0]["trouble"], 60
        )
        stage.move(batch, "failed")
        await wait_until_async(
            lambda: {p["values"]["Status"] for (p,) in stage.pages().values()} == {"Failed"}, 60
        )
        peer.faults()
        await told(stage, wait_until_async)
        assert len(stage.pages()) == 5
        await wait_until_async(
            lambda: stage.run("SELECT trouble FROM spotloom.mirror")[0]["trouble"] is None, 60
        )


async def test_a_property_that_is_gone_stops_the_mirror_until_setup_adds_it(
    stage, peer, wait_until_async
):
    prepared = await stage.connect()
    batch = await stage.batch(2)
    async with stage.mirroring():
        await told(stage, wait_until_async)
        peer.reshape(prepared.data_source_id, {"Error": None})
        stage.move(batch, "failed", error_text="Gave up.")

        def stopped():
            return stage.run("SELECT trouble FROM spotloom.mirror")[0]["trouble"]

        await wait_until_async(stopped, 120)
        assert "Error" in stopped()
        assert {row["state"] for row in stage.outbox()} == {"pending"}
        again = await stage.connect(database=prepared.database_id)
        assert again.done == ("Added 'Error'.",)
        await told(stage, wait_until_async)
    assert {p["values"]["Error"] for (p,) in stage.pages().values()} == {"Gave up."}


async def test_a_key_that_is_refused_stops_the_mirror_and_no_page_is_blamed(
    stage, peer, wait_until_async
):
    await stage.connect()
    peer.faults(rules=[{"where": "createPage", "fault": "status", "status": 401}])
    await stage.batch(3)
    async with stage.mirroring():
        await wait_until_async(
            lambda: stage.run("SELECT trouble FROM spotloom.mirror")[0]["trouble"], 60
        )
        assert {row["state"] for row in stage.outbox()} == {"pending"}
        peer.faults()
        await told(stage, wait_until_async)
    assert len(stage.pages()) == 3


async def test_notion_down_and_back_is_caught_up_with(stage, peer, wait_until_async):
    await stage.connect()
    batch = await stage.batch(3)
    peer.faults(rules=[{"fault": "status", "status": 503}])
    async with stage.mirroring():
        for status in ("generating", "failed"):
            stage.move(batch, status)
        await wait_until_async(lambda: any(row["attempts"] for row in stage.outbox()), 120)
        peer.faults()
        await told(stage, wait_until_async)
    assert {p["values"]["Status"] for (p,) in stage.pages().values()} == {"Failed"}
    assert {len(each) for each in stage.pages().values()} == {1}


async def test_a_database_of_ones_own_is_completed_and_nothing_else(stage, peer):
    first = await stage.connect()
    assert first.done == (
        f"Made the database 'Spotloom Videos' with {len(stage.desk.properties)} properties.",
        "Made the view 'By status'.",
        "Made the view 'Gallery'.",
    )
    before = stage.run("SELECT properties FROM spotloom.mirror")[0]["properties"]
    peer.reshape(first.data_source_id, {"Winner": {"name": "Champion"}, "Notes": None})
    again = await stage.connect(database=first.url)
    assert again.done == ("Added 'Notes'.",)
    after = stage.run("SELECT properties FROM spotloom.mirror")[0]["properties"]
    assert after["winner"] == before["winner"]
    third = await stage.connect(database=first.database_id)
    assert third.done == ("Nothing was missing.",)


async def test_a_name_that_something_else_has_is_left_to_it(stage, peer):
    first = await stage.connect()
    stage.run("DELETE FROM spotloom.mirror")
    peer.reshape(first.data_source_id, {"Status": None})
    peer.reshape(first.data_source_id, {"Status": {"type": "rich_text", "rich_text": {}}})
    again = await stage.connect(database=first.database_id)
    assert "Added 'Status (Spotloom)'." in again.done


@pytest.mark.parametrize("written", ["videos", "https://www.notion.so/Videos"])
async def test_a_link_without_an_id_is_refused_beside_its_field(stage, written):
    with pytest.raises(BriefError) as refused:
        await stage.connect(page=written)
    assert [problem.field for problem in refused.value.problems] == ["page"]


async def test_the_connection_is_one_workspaces(ground, peer, stage):
    await stage.connect()
    other = notion_stage.other_workspace(stage)
    await other.begin()
    with pytest.raises(Conflict, match="another workspace"):
        await other.connect()


@pytest.mark.timed
async def test_submitting_takes_no_longer_when_notion_is_down(stage, peer):
    """The submit asks Notion nothing; what it adds is one statement."""
    times = {}
    for place in ("alone", "connected", "down"):
        if place == "connected":
            await stage.connect()
        if place == "down":
            peer.faults(rules=[{"fault": "slow", "seconds": 30}])
        best = []
        for _ in range(3):
            begun = time.perf_counter()
            async with stage.mirroring() if place == "down" else contextlib.nullcontext():
                await stage.batch(300)
                best.append(time.perf_counter() - begun)
        times[place] = min(best)
    assert times["down"] < 3 * times["alone"] + 0.2, times


async def test_money_is_told_exactly(stage, wait_until_async):
    await stage.connect()
    batch = await stage.batch(1)
    stage.move(batch, "completed", actual_cost=Decimal("1.2345"))
    async with stage.mirroring():
        await told(stage, wait_until_async)
    ((page,),) = stage.pages().values()
    assert page["values"]["Actual Cost"] == 1.2345


def writes(peer):
    counts = peer.ledger()["byKind"]
    return {kind: n for kind, n in counts.items() if kind in {"createPage", "updatePage"} and n}


async def one_key(stage, batch):
    (row,) = stage.run(
        "SELECT key FROM spotloom.combination WHERE campaign_id = %s", batch.campaign_id
    )
    return row["key"]


async def test_a_process_that_slept_past_its_lease_makes_no_second_page(stage, peer):
    """What it claimed long ago may be another's by now: it sends nothing."""
    await stage.connect()
    await stage.batch(1)
    async with stage.sessions.begin() as session:
        await outbox.fold(session, TARGET)
        place = await places.place(session, TARGET, stage.workspace_id)
        old = await outbox.claim(session, TARGET, lease_s=0)
    async with stage.sessions.begin() as session:
        new = await outbox.claim(session, TARGET, lease_s=60)
    assert (old.combination_id, old.claim == new.claim) == (new.combination_id, False)
    await writing.write(stage.desk, place, old)
    assert stage.pages() == {}
    await writing.write(stage.desk, place, new)
    assert len(stage.pages()) == 1


async def test_a_link_to_a_place_in_a_page_is_a_link_to_the_page(stage, peer):
    block = "0123456789abcdef0123456789abcdef"
    await stage.connect(page=f"https://www.notion.so/Videos-{peer.home}?pvs=4#{block}")
    await stage.connect(page=f"https://www.notion.so/Videos-{peer.home}#{block}")
