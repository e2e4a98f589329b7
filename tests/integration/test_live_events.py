"""What a batch's watchers hear: everything, once, in time, and none for another."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.integration import live_server, live_stage
from tests.integration.database_fixtures import postmaster
from tests.integration.live_server import NARROW, Door, watching
from tests.integration.live_stage import Campaign, Ground

from spotloom import embedded
from spotloom.auth.roles import Role
from spotloom.campaigns import ids
from spotloom.campaigns.channels import CAMPAIGNS

SET = "UPDATE spotloom.generation SET progress = %s WHERE id = %s"
END = "UPDATE spotloom.generation SET status = 'completed' WHERE campaign_id = %s"
EARS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'spotloom live'"
DEAFEN = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'spotloom live'"
)


@pytest.fixture
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def door(ground: Ground, tmp_path: Path) -> AsyncIterator[Door]:
    async with live_server.parts(ground, tmp_path) as made, live_server.served(made, ground) as one:
        yield one


def set_progress(ground: Ground, campaign: Campaign, key: str, progress: int) -> None:
    with ground.connect() as connection:
        connection.execute(SET, (progress, campaign.generations[key]))
        connection.execute("SELECT pg_notify(%s, %s)", (CAMPAIGNS, str(campaign.id)))


def truth(ground: Ground, campaign: Campaign) -> dict[str, int | None]:
    rows = ground.run(
        "SELECT k.key, g.progress FROM spotloom.generation g"
        " JOIN spotloom.combination k ON k.id = g.combination_id WHERE g.campaign_id = %s",
        campaign.id,
    )
    return {row["key"]: row["progress"] for row in rows}


def scribble(ground: Ground, campaign: Campaign, *, seed: int, times: int, most: int = 5) -> None:
    """Transactions of a few changes each; some take long to commit, so that others overtake."""
    chance = random.Random(seed)
    with ground.connect() as connection:
        for n in range(times):
            with connection.transaction():
                for key in sorted(chance.sample(campaign.keys, chance.randint(1, most))):
                    connection.execute(
                        "UPDATE spotloom.generation SET progress = coalesce(progress, 0) + 1"
                        " WHERE id = %s",
                        (campaign.generations[key],),
                    )
                connection.execute("SELECT pg_notify(%s, %s)", (CAMPAIGNS, str(campaign.id)))
                if n % 4 == 0:
                    connection.execute("SELECT pg_sleep(%s)", (chance.random() / 5,))


async def test_a_watcher_hears_everything_first_and_then_what_changes(
    ground, door, wait_until_async
):
    campaign = ground.campaign(5)
    async with watching(door, campaign.batch_id) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        assert list(watcher.videos) == campaign.keys
        assert watcher.videos[campaign.keys[0]] == {
            "combinationId": campaign.keys[0],
            "status": "queued",
            "attempt": 1,
            "review": "none",
            "version": 1,
        }
        assert watcher.figures["batchId"] == campaign.batch_id
        assert watcher.figures["totalVideos"] == 5
        assert watcher.figures["counts"]["queued"] == 5
        assert watcher.figures["spend"]["reserved"] == watcher.figures["spend"]["estimated"] > 0
        set_progress(ground, campaign, campaign.keys[2], 40)
        await wait_until_async(lambda: watcher.names == ["snapshot", "delta"])
        assert [v["combinationId"] for v in watcher.events[-1].data["videos"]] == [campaign.keys[2]]
        assert watcher.videos[campaign.keys[2]]["progress"] == 40
        assert len({event.id for event in watcher.events}) == 2


async def test_the_end_is_told_once_and_the_stream_stays_open(ground, door, wait_until_async):
    campaign = ground.campaign(3)
    async with watching(door, str(campaign.id)) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        ground.run(END, campaign.id)
        ground.tell(campaign)
        await wait_until_async(lambda: watcher.names == ["snapshot", "delta", "over"])
        assert watcher.figures["percent"] == 100
        ground.run(
            "UPDATE spotloom.combination SET review = 'approved' WHERE id = %s",
            campaign.combinations[campaign.keys[0]],
        )
        ground.tell(campaign)
        await wait_until_async(lambda: len(watcher.events) == 4)
        ground.again(campaign, campaign.keys[1])
        ground.tell(campaign)
        await wait_until_async(lambda: len(watcher.events) == 5)
        assert watcher.videos[campaign.keys[1]]["attempt"] == 2
        assert not watcher.over
        ground.run(END, campaign.id)
        ground.tell(campaign)
        await wait_until_async(lambda: len(watcher.events) == 7)
        assert watcher.names[3:] == ["delta", "delta", "delta", "over"]
        assert not watcher.ended
    # Whoever has heard of the end does not hear of it again; whoever has not, does.
    for cut in watcher.cuts:
        async with watching(door, campaign.batch_id, after=cut) as again:
            await wait_until_async(lambda: again.videos == watcher.videos and again.over)
        assert again.names.count("over") == (not cut.over)


async def test_resuming_at_any_event_tells_the_difference_and_nothing_else(
    ground, door, tmp_path, wait_until_async
):
    campaign = ground.campaign(60)
    async with watching(door, campaign.batch_id) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        hands = (
            asyncio.to_thread(scribble, ground, campaign, seed=seed, times=30) for seed in range(4)
        )
        await asyncio.gather(*hands)
        final = truth(ground, campaign)
        await wait_until_async(lambda: watcher.progress() == final)
    assert watcher.names.count("snapshot") == 1
    assert len(watcher.events) > 3
    # Another process knows nothing of what the first one told.
    async with (
        live_server.parts(ground, tmp_path) as made,
        live_server.served(made, ground) as elsewhere,
    ):
        for place in (door, elsewhere):
            for cut in watcher.cuts:
                async with watching(place, campaign.batch_id, after=cut) as again:
                    await wait_until_async(lambda: again.progress() == final)
                told = [v["combinationId"] for e in again.events for v in e.data["videos"]]
                missed = {k for k, v in watcher.videos.items() if cut.videos[k] != v}
                assert sorted(told) == sorted(missed)
                assert "snapshot" not in again.names


async def test_no_watcher_misses_or_repeats_anything_while_hands_write(
    ground, door, wait_until_async
):
    """Watchers that come, lose the line and come back, while transactions overtake each other."""
    campaign = ground.campaign(40)
    done = asyncio.Event()

    async def restless(seed: int) -> tuple[dict[str, int | None], int]:
        chance, cut, rounds = random.Random(seed), None, 0
        while True:
            last_round = done.is_set()
            async with watching(door, campaign.batch_id, after=cut) as watcher:
                if last_round:
                    await wait_until_async(lambda: watcher.progress() == truth(ground, campaign))
                    return watcher.progress(), rounds
                await wait_until_async(lambda: watcher.cuts or done.is_set())
                await asyncio.sleep(chance.random() / 2)
            known = cut.videos if cut else {}
            for event in watcher.events:
                for video in event.data.get("videos", ()):
                    key = video["combinationId"]
                    assert event.name == "snapshot" or known.get(key) != video, "told twice"
                    known[key] = video
            cut = watcher.cuts[-1] if watcher.cuts else cut
            rounds += 1

    watchers = [asyncio.create_task(restless(seed)) for seed in range(6)]
    hands = (
        asyncio.to_thread(scribble, ground, campaign, seed=seed, times=60) for seed in range(4)
    )
    await asyncio.gather(*hands)
    done.set()
    final = truth(ground, campaign)
    for known, rounds in await asyncio.gather(*watchers):
        assert known == final
        assert rounds >= 2


async def test_fifty_watchers_share_one_look(ground, door, wait_until_async):
    campaign = ground.campaign(100)
    async with contextlib.AsyncExitStack() as stack:
        watchers = [
            await stack.enter_async_context(watching(door, campaign.batch_id)) for _ in range(50)
        ]
        await wait_until_async(lambda: all(w.names == ["snapshot"] for w in watchers))
        assert len(ground.run(EARS)) == 1
        before = looks(ground)
        await asyncio.to_thread(scribble, ground, campaign, seed=1, times=40)
        final = truth(ground, campaign)
        await wait_until_async(lambda: all(w.progress() == final for w in watchers))
        told = {tuple(event.id for event in w.events[1:]) for w in watchers}
        assert len(told) == 1, "each was told the same"
        deltas = len(next(iter(told)))
        assert 2 <= deltas <= 40
        assert looks(ground) - before <= 4 * (deltas + 6)
    await wait_until_async(lambda: not ground.run(EARS))


def looks(ground: Ground) -> int:
    """How often the campaign's row was looked for by its key."""
    ground.run("SELECT pg_stat_force_next_flush()")
    return int(
        ground.run(
            "SELECT idx_scan AS n FROM pg_stat_user_indexes WHERE indexrelname = 'campaign_pk'"
        )[0]["n"]
    )


@pytest.mark.timed
async def test_a_watcher_that_does_not_read_slows_nobody_and_catches_up(
    ground, tmp_path, wait_until_async
):
    campaign = ground.campaign(300)
    async with (
        live_server.parts(ground, tmp_path) as made,
        live_server.served(made, ground, narrow=True) as door,
        watching(door, campaign.batch_id) as watcher,
    ):
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
            parts = urlsplit(door.url)
            slow.connect((parts.hostname, parts.port))
            slow.sendall(
                f"GET /api/batch/{campaign.batch_id}/events HTTP/1.1\r\nhost: 127.0.0.1\r\n"
                f"authorization: Bearer {door.key}\r\n\r\n".encode()
            )
            lags = []
            for n in range(1, 31):
                ground.run(
                    "UPDATE spotloom.generation SET progress = %s WHERE campaign_id = %s",
                    *(n, campaign.id),
                )
                ground.tell(campaign)
                began = time.monotonic()
                await wait_until_async(lambda: set(watcher.progress().values()) == {n})  # noqa: B023 - this round's
                lags.append(time.monotonic() - began)
            assert max(lags) < 2
            final = b'"progress":30'
            reader, writer = await asyncio.open_connection(sock=slow)
            text = b""
            async with asyncio.timeout(10):
                while text.count(final) < 300:
                    text += await reader.read(65536)
            writer.close()
        assert len(watcher.events) == 31
        # What it could not take was never kept for it: it got the last state in a few steps.
        assert text.count(b"event: ") < 12


async def test_a_killed_listening_connection_loses_nothing_and_comes_back(
    ground, door, wait_until_async
):
    campaign = ground.campaign(3)
    async with watching(door, campaign.batch_id) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        first = ground.run(EARS)
        assert len(first) == 1
        ground.run(DEAFEN)
        for n in range(1, 6):
            set_progress(ground, campaign, campaign.keys[0], n)
            await asyncio.sleep(0.1)
        await wait_until_async(lambda: watcher.progress()[campaign.keys[0]] == 5)
        await wait_until_async(lambda: len(ground.run(EARS)) == 1)
        assert ground.run(EARS) != first
        assert watcher.names.count("snapshot") == 1


async def test_a_change_that_nobody_announced_is_told_all_the_same(ground, door, wait_until_async):
    campaign = ground.campaign(2)
    async with watching(door, campaign.batch_id) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        ground.run(SET, 9, campaign.generations[campaign.keys[0]])
        await wait_until_async(lambda: watcher.progress()[campaign.keys[0]] == 9, 24)


async def test_a_restart_of_the_database_is_survived(home, tmp_path, wait_until_async):
    server = embedded.start(home)
    try:
        async with restarted(server.url, home, tmp_path, wait_until_async) as names:
            assert names == ["snapshot", "snapshot"]
    finally:
        server.stop()


@contextlib.asynccontextmanager
async def restarted(url, home, folder, wait_until_async) -> AsyncIterator[list[str]]:
    """What a watcher hears through a restart."""
    with live_stage.ground(url) as ground:
        campaign = ground.campaign(3)
        async with (
            live_server.parts(ground, folder) as made,
            live_server.served(made, ground) as door,
            watching(door, campaign.batch_id) as watcher,
        ):
            await wait_until_async(lambda: watcher.names == ["snapshot"])
            await asyncio.to_thread(restart, home)
            set_progress(ground, campaign, campaign.keys[1], 50)
            await wait_until_async(lambda: watcher.progress()[campaign.keys[1]] == 50)
            yield watcher.names


def restart(home: Path) -> None:
    os.kill(postmaster(home), signal.SIGINT)
    again = embedded.start(home)
    again.stop()


@pytest.mark.timed
async def test_the_server_stops_within_two_seconds(ground, tmp_path, wait_until_async, capfd):
    campaign = ground.campaign(30)
    async with contextlib.AsyncExitStack() as stack:
        made = await stack.enter_async_context(live_server.parts(ground, tmp_path))
        async with live_server.served(made, ground) as door:
            watchers = [
                await stack.enter_async_context(watching(door, campaign.batch_id)) for _ in range(9)
            ]
            await wait_until_async(lambda: all(w.names == ["snapshot"] for w in watchers))
            began = time.monotonic()
        assert time.monotonic() - began < 1.5
        await wait_until_async(lambda: all(w.ended for w in watchers))
    assert "ERROR" not in capfd.readouterr().err


async def test_a_deleted_campaign_ends_the_stream(ground, door, wait_until_async):
    campaign = ground.campaign(2)
    async with watching(door, campaign.batch_id) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        with ground.connect() as connection:
            connection.execute("ALTER TABLE spotloom.ledger DISABLE TRIGGER USER")
            connection.execute("DELETE FROM spotloom.ledger")
            connection.execute("DELETE FROM spotloom.campaign")
            connection.execute("SELECT pg_notify(%s, %s)", (CAMPAIGNS, str(campaign.id)))
        await wait_until_async(lambda: watcher.ended)
        assert watcher.names == ["snapshot", "gone"]
    async with watching(door, campaign.batch_id) as again:
        await wait_until_async(lambda: again.status == 404)


async def test_a_quiet_stream_says_that_it_lives(ground, tmp_path, wait_until_async):
    campaign = ground.campaign(2)
    async with (
        live_server.parts(ground, tmp_path) as made,
        live_server.served(made, ground, heartbeat_s=0.1) as door,
        watching(door, campaign.batch_id) as watcher,
    ):
        await wait_until_async(lambda: watcher.comments[:2] == ["heartbeat", "heartbeat"])
        assert watcher.names == ["snapshot"]


async def test_strangers_hear_nothing(ground, door, wait_until_async):
    campaign, other = ground.campaign(2), ground.campaign(2, workspace_id=ids.new())
    viewer = await live_server.key(ground, Role.VIEWER)
    batches = [other.batch_id, str(other.id), "no-such-batch"]
    cases = [*((batch, door.key, 404) for batch in batches), (campaign.batch_id, "slm_none", 401)]
    for batch, key, status in cases:
        async with door.client(headers={"authorization": f"Bearer {key}"}) as client:
            assert (await client.get(f"/api/batch/{batch}/events")).status_code == status
    async with watching(door, campaign.batch_id) as watcher:
        door.key = viewer
        await wait_until_async(lambda: watcher.names == ["snapshot"])


@pytest.mark.parametrize("last", ["x", "1.1:1:", "1.1:1:!", "!", "9" * 3000, "ff.3:9:4,4,5"])
async def test_an_id_that_says_nothing_here_is_answered_with_everything(
    ground, door, wait_until_async, last
):
    campaign, cut = ground.campaign(2), live_server.Cut(last, {}, False)
    async with watching(door, campaign.batch_id, after=cut) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
