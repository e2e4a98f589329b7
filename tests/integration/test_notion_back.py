"""What people do in Notion comes back: their fields win, ours are said again."""

from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.integration import live_stage, notion_stage
from tests.integration.notion_peer import running

from spotloom.campaigns import budgets, reviews
from spotloom.campaigns.mirrors import outbox
from spotloom.generation.mirrors.notion import TARGET, sweep


@pytest.fixture(scope="module")
def ground(database_url):
    with (
        live_stage.template(database_url) as like,
        live_stage.ground(database_url, like=like) as one,
    ):
        yield one


@pytest.fixture(scope="module")
def notion(tmp_path_factory):
    with running.running(tmp_path_factory.mktemp("notion")) as one:
        yield one


@pytest.fixture
def peer(notion):
    notion.faults()
    notion.reset()
    return notion


@pytest.fixture
async def stage(ground, peer):
    async with notion_stage.stage(ground, peer) as one:
        await one.connect()
        yield one
        assert peer.ledger()["problems"] == []


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


@pytest.fixture
async def video(stage, wait_until_async):
    batch = await stage.batch(1)
    (row,) = stage.run(
        "SELECT key FROM spotloom.combination WHERE campaign_id = %s", batch.campaign_id
    )
    one = Video(stage, batch, row["key"], wait_until_async)
    async with stage.mirroring(poll_s=600, trash_s=600):
        await one.told()
    return one


def text(words):
    return {"rich_text": [{"text": {"content": words}}] if words else []}


def choice(name):
    return {"select": None if name is None else {"name": name}}


def tick(value):
    return {"checkbox": value}


# (before, edited here, edited there, what both sides say in the end): each of people's fields.
MATRIX = {
    "review taken from Notion": ({}, {}, {"Review": choice("Approved")}, "approved"),
    "review taken away in Notion": ({"review": "approved"}, {}, {"Review": choice(None)}, "none"),
    "review told to Notion": ({}, {"review": "rejected"}, {}, "rejected"),
    "review: both sides, Notion wins": (
        *({"review": "approved"}, {"review": "none"}, {"Review": choice("Rejected")}, "rejected"),
    ),
    "review: both sides the same": (
        *({}, {"review": "approved"}, {"Review": choice("Approved")}, "approved"),
    ),
    "review in words of their own": ({}, {}, {"Review": choice("Maybe later")}, "none"),
    "winner taken from Notion": ({}, {}, {"Winner": tick(True)}, True),
    "winner told to Notion": ({}, {"winner": True}, {}, True),
    "winner: both sides, Notion wins": (
        *({"winner": True}, {"winner": True}, {"Winner": tick(False)}, False),
    ),
    "notes taken from Notion": ({}, {}, {"Notes": text("Strong opening.")}, "Strong opening."),
    "notes told to Notion": ({}, {"notes": "Cut the end."}, {}, "Cut the end."),
    "notes: both sides, Notion wins": (
        *({"notes": "one"}, {"notes": "two"}, {"Notes": text("three")}, "three"),
    ),
    "notes emptied in Notion": ({"notes": "one"}, {}, {"Notes": text("")}, None),
    "reason taken from Notion": (
        *({"review": "rejected"}, {}, {"Reject_Reason": text("Too dark.")}, "Too dark."),
    ),
    "reason: both sides, Notion wins": (
        {"review": "rejected", "reject_reason": "a"},
        {"reject_reason": "b"},
        {"Reject_Reason": text("c")},
        "c",
    ),
}
FIELDS = {
    "review": ("review", "Review", {"approved": "Approved", "rejected": "Rejected", "none": None}),
    "winner": ("winner", "Winner", {}),
    "notes": ("notes", "Notes", {None: ""}),
    "reason": ("reject_reason", "Reject Reason", {None: ""}),
}


@pytest.mark.parametrize("case", MATRIX)
async def test_both_sides_agree_in_the_end(video, case):
    before, here, there, both = MATRIX[case]
    attribute, name, words = FIELDS[case.split()[0].strip(":")]
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        if before:
            await video.here(**before)
            await video.told()
    # Both happen while nobody mirrors: neither side has heard of the other.
    if here:
        await video.here(**here)
    if there:
        video.there(**there)
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.settled()
        stored = getattr(await video.stored(), attribute)
        assert stored == both
        if case != "review in words of their own":
            assert video.shown[name] == words.get(both, both)
        else:
            assert video.shown[name] == "Maybe later"
        # And it is the end: nothing is said again, nothing comes back.
        video.stage.peer.reset()
        await video.settled()
        assert "updatePage" not in video.stage.peer.ledger()["byKind"]
        assert getattr(await video.stored(), attribute) == both


OURS = {
    "Status": choice("Completed"),
    "Batch_ID": text("another"),
    "Prompt": text("Something else."),
    "Actual_Cost": {"number": 0},
    "Video_URL": {"url": "https://elsewhere.example/"},
    "Aesthetic": choice("Cinema"),
    "Video": {"title": [{"text": {"content": "My own name"}}]},
    "Answer": text("Yes."),
}


@pytest.mark.parametrize("name", OURS)
async def test_what_is_ours_is_said_again_with_a_line_in_the_log(video, name):
    before = dict(video.shown)
    page_id = video.page["id"]
    video.stage.peer.edit(page_id, {name.replace("_", " "): OURS[name]})
    with capture_logs() as logs:
        async with video.stage.mirroring(poll_s=1.0, trash_s=600):
            await video.stage.peer_changed(page_id, before, video.wait)
    undone = [line for line in logs if line["event"] == "notion.undone"]
    assert len(undone) == 1
    assert undone[0]["page_id"] == page_id
    assert (await video.stored()).status == "queued"


async def test_an_edit_is_found_by_asking_and_noted_under_its_editor(video):
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        video.there(Review=choice("Approved"))

        async def taken():
            return (await video.stored()).review == "approved"

        await video.wait(taken, 120)
    stored = await video.stored()
    assert stored.reviewed_by.startswith("notion:")
    assert video.audited() == [(stored.reviewed_by, "video.edited")]


async def test_an_edit_is_seen_in_the_answer_to_our_own_writing(video):
    """Our writing hides who edited last: the poll would not find the page any more."""
    video.there(Notes=text("Keep the first shot."))
    video.stage.move(video.batch, "generating")
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.told()

        async def taken():
            return (await video.stored()).notes == "Keep the first shot."

        await video.wait(taken, 120)
    assert video.shown["Notes"] == "Keep the first shot."
    assert video.shown["Status"] == "Generating"


async def test_a_query_that_lags_undoes_nothing(video):
    """What a query shows may be old: only the page itself decides."""
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        for words in ("one", "two", "three"):
            video.there(Notes=text(words))
            await video.here(winner=words == "two")
        await video.settled()
        await video.told()
    assert (await video.stored()).notes == "three"
    assert video.shown["Winner"] is False


# Requests


async def test_a_priority_request_is_done_and_cleared(video):
    video.there(Priority_Request=choice("High"))
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        await video.wait(lambda: video.shown["Answer"], 120)
        await video.told()
    assert video.shown["Answer"] == "Moved to high priority."
    assert video.shown["Priority Request"] is None
    assert (await video.stored()).priority == 0


async def test_a_retry_request_is_done_once_and_unticked(video):
    video.stage.move(video.batch, "failed", error_text="Gave up.")
    video.stage.money(video.batch, "release", 0)  # nothing was charged for the attempt
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        await video.told()
        video.there(Retry_Request=tick(True))
        await video.wait(lambda: video.shown["Answer"], 120)
        await video.told()
        for _ in range(3):
            await video.settled()
    assert video.shown["Answer"] == "It is tried again."
    assert video.shown["Retry Request"] is False
    assert ((await video.stored()).attempt, video.shown["Attempts"]) == (2, 2)
    assert [action for _, action in video.audited()] == ["video.retried"]


async def test_a_retry_beyond_what_was_approved_is_refused(video):
    """Without a budget, what was confirmed at the submit is the most that Notion may spend."""
    video.stage.move(video.batch, "failed", error_text="Gave up.", actual_cost=Decimal(2))
    video.stage.money(video.batch, "settle", 2)
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        await video.told()
        video.there(Retry_Request=tick(True))
        await video.wait(lambda: video.shown["Answer"], 120)
        await video.told()
    assert "$0.00 is left of the $2.00 that were approved" in video.shown["Answer"]
    assert video.shown["Retry Request"] is False
    assert (await video.stored()).attempt == 1


async def test_a_retry_beyond_the_workspaces_budget_is_refused(video):
    video.stage.move(video.batch, "failed")
    video.stage.money(video.batch, "release", 0)  # nothing was charged for the attempt
    async with video.stage.sessions.begin() as session:
        await budgets.set_caps(
            session, video.stage.workspace_id, budget=Decimal(1), daily_budget=None
        )
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        video.there(Retry_Request=tick(True))
        await video.wait(lambda: video.shown["Answer"], 120)
    assert "workspace's budget" in video.shown["Answer"]
    assert (await video.stored()).attempt == 1


async def test_a_video_that_has_not_failed_is_not_tried_again(video):
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        video.there(Retry_Request=tick(True))
        await video.wait(lambda: video.shown["Answer"], 120)
    assert video.shown["Answer"] == "Not tried again: the video is queued."


# Pages that go and come back


async def test_a_trashed_page_is_unlinked_and_the_video_stays(video):
    page_id = video.page["id"]
    async with video.stage.mirroring(poll_s=2.0, trash_s=3.0):
        video.stage.peer.trash(page_id)
        await video.wait(lambda: video.stage.outbox()[0]["state"] == "unlinked", 120)
        assert (await video.stored()).notion_page_id is None
        video.stage.move(video.batch, "failed")  # it stays away
        await video.told()
        assert video.stage.pages() == {}
        assert (await video.stored()).status == "failed"
        video.stage.peer.trash(page_id, restore=True)
        await video.wait(lambda: video.stage.outbox()[0]["page_id"] == page_id, 120)
        await video.told()
    assert video.shown["Status"] == "Failed"
    assert video.page["id"] == page_id


async def test_a_page_that_was_put_away_is_made_again_when_a_person_asks(video):
    page_id = video.page["id"]
    video.stage.peer.trash(page_id)
    video.stage.move(video.batch, "failed")
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.wait(lambda: video.stage.outbox()[0]["state"] == "unlinked", 120)
        async with video.stage.sessions.begin() as session:
            await outbox.append(session, TARGET, kind="anew", workspace_id=video.stage.workspace_id)
        await video.told()
    assert video.page["id"] != page_id


async def test_a_page_that_is_gone_for_ever_is_unlinked(video):
    page_id = video.page["id"]
    video.stage.peer.trash(page_id)
    video.stage.peer.empty_trash(page_id)
    video.stage.move(video.batch, "failed")
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.wait(lambda: video.stage.outbox()[0]["state"] == "unlinked", 120)


async def test_a_sweep_finds_copies_orphans_and_lost_links(video):
    stage, source = video.stage, video.stage.source
    page_id = video.page["id"]
    title = {"title": [{"text": {"content": "x"}}]}
    batch_key = stage.run("SELECT batch_key FROM spotloom.campaign ORDER BY id DESC")[0]
    ids = {"Batch ID": text(batch_key["batch_key"]), "Combination ID": text(video.key)}
    copy = stage.peer.write(source, {"Video": title, **ids})
    orphan = stage.peer.write(
        source, {"Video": title, "Batch ID": text("gone"), "Combination ID": text("k")}
    )
    own = stage.peer.write(source, {"Video": title})
    found = await sweep.sweep(stage.desk, stage.scope, fix=False)
    assert (found.pages, found.duplicates, found.orphans) == (4, (copy,), (orphan,))
    assert (found.unlinked, found.trashed) == ((), 0)
    stage.run("UPDATE spotloom.combination SET notion_page_id = NULL WHERE key = %s", video.key)
    fixed = await sweep.sweep(stage.desk, stage.scope, fix=True)
    assert (fixed.unlinked, fixed.trashed, fixed.linked) == ((page_id,), 2, 1)
    assert (await video.stored()).notion_page_id == page_id
    left = {p["id"] for p in stage.peer.pages() if p["dataSource"] == source and not p["inTrash"]}
    assert left == {page_id, own}


async def test_a_sweep_goes_on_where_a_query_ends(video):
    stage = video.stage
    for number in range(5):
        stage.peer.write(stage.source, {"Video": {"title": [{"text": {"content": str(number)}}]}})
        stage.peer.advance(60)
    stage.peer.faults(queryCap=3)
    found = await sweep.sweep(stage.desk, stage.scope, fix=False)
    assert found.pages == 6
