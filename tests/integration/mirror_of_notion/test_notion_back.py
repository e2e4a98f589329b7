"""What people do in Notion comes back: their fields win, ours are said again."""

from decimal import Decimal

import pytest
from structlog.testing import capture_logs
from tests.integration.notion_stage import choice, text, tick

from spotloom.campaigns import budgets

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
    free(video)
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
    charge(video)
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
    free(video)
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


def free(video):
    """Nothing was charged for the attempt."""
    entry(video, "release", 0)


def charge(video):
    """The attempt was charged."""
    entry(video, "settle", 2)


def entry(video, kind, amount):
    video.stage.run(
        "INSERT INTO spotloom.ledger (id, workspace_id, campaign_id, generation_id, kind, amount)"
        " SELECT gen_random_uuid(), workspace_id, campaign_id, id, %s, %s"
        " FROM spotloom.generation WHERE campaign_id = %s",
        *(kind, amount, video.batch.campaign_id),
    )
