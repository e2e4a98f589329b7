"""What people say of videos: whoever has not seen the latest version changes nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio, brief

from spotloom.auth.roles import Role

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    with live_stage.ground(database_url) as ground:
        async with api_stage.studio(ground, tmp_path_factory.mktemp("store")) as one:
            yield one


@pytest.fixture
def studio(house: Studio) -> Studio:
    return house.elsewhere()


@pytest_asyncio.fixture(loop_scope="module")
async def video(studio):
    """A client, and the address of one combination."""
    client = await studio.client(Role.EDITOR)
    batch = (await client.post("/api/generate-batch", json={"formData": brief(1)})).json()
    listed = await client.get(f"/api/campaigns/{batch['batchId']}/combinations")
    key = listed.json()["items"][0]["combinationId"]
    return client, f"/api/campaigns/{batch['batchId']}/combinations/{key}"


async def test_an_edit_changes_what_it_names_and_the_etag(video):
    client, address = video
    seen = await client.get(address)
    tag = {"If-Match": seen.headers["etag"]}
    edit = {"videoUrl": "https://video.example/1.mp4", "winner": True, "notes": "Ours."}
    answer = await client.patch(address, json=edit, headers=tag)
    assert answer.status_code == 200
    assert edit.items() <= answer.json().items()
    assert answer.headers["etag"] != seen.headers["etag"]
    assert (await client.get(address)).json() == answer.json()
    tag = {"If-Match": answer.headers["etag"]}
    answer = await client.patch(address, json={"notes": None}, headers=tag)
    assert (answer.json()["notes"], answer.json()["winner"]) == (None, True)


async def test_an_edit_says_what_it_has_seen(video):
    client, address = video
    for headers, status in (
        ({}, 428),
        ({"If-Match": '"99"'}, 412),
        ({"If-Match": 'W/"1"'}, 412),
        ({"If-Match": "1"}, 412),
        ({"If-Match": "nonsense"}, 412),
        ({"If-Match": '"7", "1"'}, 200),
        ({"If-Match": "*"}, 200),
    ):
        answer = await client.patch(address, json={"winner": True}, headers=headers)
        assert answer.status_code == status, (headers, answer.text)
        assert (answer.status_code == 412) == ("somebody" in answer.text)
    assert answer.headers["etag"] == '"3"'


async def test_of_twenty_at_once_one_is_first(video):
    client, address = video
    tag = {"If-Match": (await client.get(address)).headers["etag"]}
    answers = await asyncio.gather(
        *(client.patch(address, json={"notes": f"n{n}"}, headers=tag) for n in range(20))
    )
    assert Counter(a.status_code for a in answers) == {200: 1, 412: 19}
    won = next(a for a in answers if a.status_code == 200)
    assert {a.headers["etag"] for a in answers} == {won.headers["etag"]}
    assert (await client.get(address)).json()["notes"] == won.json()["notes"]


async def test_only_a_rejection_has_a_reason(video):
    client, address = video
    reason = {"rejectReason": "Too loud."}
    for said in (None, "approve"):
        if said is not None:
            assert (await client.post(f"{address}/{said}")).status_code == 200
        for edit in (reason, reason | {"review": "approved"}, reason | {"review": "none"}):
            before = (await client.get(address)).json()
            answer = await client.patch(address, json=edit, headers={"If-Match": "*"})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (
                *(422, "rejectReason"),
            )
            assert (await client.get(address)).json() == before
    for edit in (reason | {"review": "rejected"}, {"rejectReason": "Too dark."}):
        answer = await client.patch(address, json=edit, headers={"If-Match": "*"})
        assert answer.json()["rejectReason"] == edit["rejectReason"]
    stale = await client.patch(address, json=reason, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    cleared = {"review": "none", "rejectReason": None}
    answer = await client.patch(address, json=cleared, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["rejectReason"]) == (200, None)


async def test_a_review_names_its_reviewer(video):
    client, address = video
    seen = (await client.get(address)).json()
    assert (seen["reviewedBy"], seen["reviewedByName"]) == (None, None)
    told = (await client.post(f"{address}/approve")).json()
    assert told["reviewedByName"] == "editor"  # the key's name
    listed = await client.get(address.rpartition("/")[0])
    assert listed.json()["items"][0]["reviewedByName"] == "editor"
    assert (await client.get(address)).json() == told


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({}, "body"),
        ({"prompt": "x"}, "prompt"),
        ({"videoUrl": "javascript:alert(1)"}, "videoUrl"),
        ({"videoUrl": "https://a b"}, "videoUrl"),
        ({"videoUrl": "x" * 2001}, "videoUrl"),
        ({"winner": "yes"}, "winner"),
        ({"winner": None}, "winner"),
        ({"review": "loved"}, "review"),
        ({"review": None}, "review"),
        ({"notes": "x" * 4001}, "notes"),
        ({"notes": 1}, "notes"),
    ],
)
async def test_a_wrong_edit_is_named(video, edit, field):
    client, address = video
    answer = await client.patch(address, json=edit, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert (await client.get(address)).headers["etag"] == '"1"'


async def test_a_review_says_who_and_why(video, studio):
    client, address = video
    rejected = (await client.post(f"{address}/reject", json={"reason": "Too loud."})).json()
    assert (rejected["review"], rejected["rejectReason"]) == ("rejected", "Too loud.")
    assert rejected["reviewedBy"].startswith("key:")
    approved = (await client.post(f"{address}/approve")).json()
    assert (approved["review"], approved["rejectReason"]) == ("approved", None)
    again = (await client.post(f"{address}/approve")).json()
    assert again == approved
    assert (await client.post(f"{address}/reject")).json()["rejectReason"] is None
    log = (await (await studio.client()).get("/api/audit")).json()["items"]
    assert [e["action"] for e in log][:3] == ["video.rejected", "video.approved", "video.rejected"]


async def test_a_decision_for_another_version_changes_nothing(video):
    client, address = video
    seen = {"If-Match": (await client.get(address)).headers["etag"]}
    rejected = await client.post(f"{address}/reject", json={"reason": "Too loud."}, headers=seen)
    assert rejected.status_code == 200
    for verb in ("approve", "reject"):
        late = await client.post(f"{address}/{verb}", headers=seen)
        assert late.status_code == 412
        assert late.headers["etag"] == rejected.headers["etag"]
        assert late.json()["type"] == "urn:spotloom:problem:outdated"
    stands = (await client.get(address)).json()
    assert (stands["review"], stands["rejectReason"]) == ("rejected", "Too loud.")
    tag = {"If-Match": rejected.headers["etag"]}
    assert (await client.post(f"{address}/approve", headers=tag)).json()["review"] == "approved"
    assert (await client.post(f"{address}/reject", headers={"If-Match": "*"})).status_code == 200


async def test_of_two_decisions_at_once_one_is_first(video):
    client, address = video
    seen = {"If-Match": (await client.get(address)).headers["etag"]}
    verbs = ["approve", "reject"] * 5
    answers = await asyncio.gather(
        *(client.post(f"{address}/{verb}", headers=seen) for verb in verbs)
    )
    assert Counter(a.status_code for a in answers) == {200: 1, 412: 9}


async def test_viewers_only_look(video, studio):
    _, address = video
    viewer = await studio.client(Role.VIEWER)
    assert (await viewer.get(address)).status_code == 200
    tag = {"If-Match": "*"}
    for answer in (
        await viewer.patch(address, json={"winner": True}, headers=tag),
        *[await viewer.post(f"{address}/{verb}") for verb in ("approve", "reject", "retry")],
    ):
        assert answer.status_code == 403
    assert (await viewer.get(address)).headers["etag"] == '"1"'
