"""Ordering a batch: the contract, all or nothing, once, and never above a budget."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio, brief

from spotloom.auth.roles import Role
from spotloom.providers.catalog import catalog
from spotloom.web.app import app

SUBMIT = "/api/generate-batch"


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


def order(*counts, **more):
    return {"formData": brief(*counts), "batchId": f"b-{uuid.uuid4().hex[:8]}", **more}


async def test_the_contract(studio):
    client = await studio.client(Role.EDITOR)
    asked = order(2, 3, excludedCombinations=[{"aesthetic": "ugc"}])
    answer = await client.post(SUBMIT, json=asked)
    assert answer.status_code == 200
    assert answer.json() == {
        "batchId": asked["batchId"],
        "totalVideos": 4,
        "status": "queued",
    }
    campaign = (await client.get(answer.headers["location"])).json()
    assert campaign["batchId"] == asked["batchId"]
    assert campaign["totalVideos"] == campaign["counts"]["queued"] == 4
    assert campaign["estimatedCost"] == campaign["spend"]["reserved"] == 20.0
    assert campaign["brief"]["exclude"] == [{"aesthetic": ["ugc"]}]
    assert campaign["createdBy"].startswith("key:")
    assert studio.count("generation") == studio.count("combination") == studio.count("ledger") == 4


async def test_a_plan_stores_nothing_and_is_what_a_submit_makes(studio):
    client = await studio.client(Role.EDITOR)
    asked = order(2, 3)
    plan = (await client.post("/api/plan", json={"formData": asked["formData"]})).json()
    assert plan["equation"] == "2 × 3 = 6 videos"
    assert plan["totalVideos"] == len(plan["combinations"]) == 6
    assert plan["estimatedCost"] == 30.0
    assert plan["rate"]["asOf"]
    assert plan["expectedSeconds"] == 2 * 4 * 60
    assert studio.count("campaign") == studio.count("lane") == 0
    submitted = await client.post(SUBMIT, json=asked | {"matrixResult": plan})
    assert submitted.status_code == 200, submitted.text
    listed = await client.get(f"/api/campaigns/{asked['batchId']}/combinations")
    assert [c["combinationId"] for c in listed.json()["items"]] == [
        c["combinationId"] for c in plan["combinations"]
    ]


async def test_the_clients_rows_may_still_hold_what_it_excludes(studio):
    client = await studio.client(Role.EDITOR)
    asked = order(2, 3)
    plan = (await client.post("/api/plan", json={"formData": asked["formData"]})).json()
    out = plan["combinations"][0]["combinationId"]
    rows = {"combinations": plan["combinations"]}
    more = {"matrixResult": rows, "excludedCombinations": [out]}
    answer = await client.post(SUBMIT, json=asked | more)
    assert (answer.status_code, answer.json()["totalVideos"]) == (200, 5)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda r: r | {"totalVideos": 7}, "matrixResult.totalVideos"),
        (lambda r: r | {"totalCombinations": 5}, "matrixResult.totalCombinations"),
        (lambda r: r | {"estimatedCost": 29.99}, "matrixResult.estimatedCost"),
        (lambda r: r | {"combinations": r["combinations"][1:]}, "matrixResult.combinations"),
        (
            lambda r: r | {"combinations": [*r["combinations"], {"combinationId": "kaaaaaaaaaaa"}]},
            "matrixResult.combinations[6].combinationId",
        ),
        (
            lambda r: r | {"combinations": [*r["combinations"], r["combinations"][0]]},
            "matrixResult.combinations[6].combinationId",
        ),
        (
            lambda r: (
                r
                | {
                    "combinations": [
                        r["combinations"][0] | {"values": {"mood": "intense"}},
                        *r["combinations"][1:],
                    ]
                }
            ),
            "matrixResult.combinations[0].values",
        ),
        (
            lambda r: (
                r
                | {
                    "combinations": [
                        r["combinations"][0] | {"estimatedCost": 1.0},
                        *r["combinations"][1:],
                    ]
                }
            ),
            "matrixResult.combinations[0].estimatedCost",
        ),
    ],
)
async def test_a_client_that_shows_something_else_is_told_what_differs(studio, change, field):
    client = await studio.client(Role.EDITOR)
    asked = order(2, 3)
    plan = (await client.post("/api/plan", json={"formData": asked["formData"]})).json()
    answer = await client.post(SUBMIT, json=asked | {"matrixResult": change(plan)})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:spotloom:problem:difference"
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert field in answer.json()["detail"]
    assert studio.count("campaign") == 0


def selling(studio, provider, *, times=1):
    """The application where that provider makes the videos, at so many times its price."""
    offers = [
        replace(offer, rate=replace(offer.rate, per_second=offer.rate.per_second * times))
        for offer in catalog().capabilities(provider)
    ]
    lane = replace(studio.parts.lane(), provider=provider)
    parts = replace(studio.parts, offers=lambda: offers, lane=lambda: lane)
    return replace(studio, app=app(parts))


async def test_what_was_shown_as_free_is_not_bought(studio):
    client = await studio.client(Role.EDITOR)
    asked = order(2) | {"batchId": "free"}
    asked["formData"]["duration"] = 4
    plan = (await client.post("/api/plan", json={"formData": asked["formData"]})).json()
    assert (plan["provider"], plan["charges"]) == ("sandbox", False)
    paying = await selling(studio, "openai-videos").client(Role.EDITOR)
    dear = (await paying.post("/api/plan", json={"formData": asked["formData"]})).json()
    assert (dear["provider"], dear["charges"]) == ("openai-videos", True)
    for shown, fields in (
        ({"charges": False}, ["charges"]),
        ({"provider": "sandbox"}, ["provider"]),
        ({"charges": False, "provider": "sandbox"}, ["charges", "provider"]),
    ):
        result = {key: dear[key] for key in ("totalVideos", "estimatedCost")} | shown
        answer = await paying.post(SUBMIT, json=asked | {"matrixResult": result})
        assert (answer.status_code, answer.json()["type"]) == (
            *(409, "urn:spotloom:problem:difference"),
        )
        named = [f"matrixResult.{field}" for field in fields]
        assert [each["field"] for each in answer.json()["errors"]] == named
    assert studio.count("campaign") == 0
    bought = await paying.post(SUBMIT, json=asked | {"matrixResult": dear})
    assert bought.status_code == 200, bought.text


async def test_an_order_sent_again_is_the_same_whatever_it_costs_today(studio):
    client = await studio.client(Role.EDITOR)
    asked = order(2, 3)
    plan = (await client.post("/api/plan", json={"formData": asked["formData"]})).json()
    first = await client.post(SUBMIT, json=asked | {"matrixResult": plan})
    later = await selling(studio, "sandbox", times=2).client(Role.EDITOR)
    again = await later.post(SUBMIT, json=asked | {"matrixResult": plan})
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["location"] == first.headers["location"]
    new = await later.post(SUBMIT, json=asked | {"matrixResult": plan, "batchId": "new"})
    assert new.json()["type"] == "urn:spotloom:problem:difference"
    assert studio.count("campaign") == 1


async def test_the_same_batch_id_is_the_same_batch(studio):
    client = await studio.client(Role.EDITOR)
    asked = order(2, 3)
    first, again = [await client.post(SUBMIT, json=asked) for _ in range(2)]
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    other = await client.post(SUBMIT, json=asked | {"formData": brief(2, 2)})
    assert other.status_code == 409
    assert asked["batchId"] in other.json()["detail"]
    assert (studio.count("campaign"), studio.count("generation")) == (1, 6)


async def test_a_hundred_submits_of_one_batch_id_are_one_batch(studio):
    client = await studio.client(Role.EDITOR)
    asked = order(2, 3)
    answers = await asyncio.gather(*(client.post(SUBMIT, json=asked) for _ in range(100)))
    assert Counter(a.status_code for a in answers) == {200: 100}
    assert len({a.headers["location"] for a in answers}) == 1
    assert (studio.count("campaign"), studio.count("generation")) == (1, 6)
    assert studio.count("audit") == 1


async def test_fifty_submits_against_a_budget_for_one(studio):
    admin, client = await studio.client(), await studio.client(Role.EDITOR)
    assert (await admin.patch("/api/budget", json={"budget": 35})).status_code == 200
    answers = await asyncio.gather(*(client.post(SUBMIT, json=order(2, 3)) for _ in range(50)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 49}
    refused = [a.json() for a in answers if a.status_code == 409]
    assert {r["type"] for r in refused} == {"urn:spotloom:problem:budget"}
    reason = "This costs $30.00, but $5.00 is left of the workspace's budget ($35.00). "
    assert all(r["detail"].startswith(reason) for r in refused)
    assert (studio.count("campaign"), studio.count("generation")) == (1, 6)
    budget = (await client.get("/api/budget")).json()
    assert budget["committed"] == 30.0 <= budget["budget"]


async def test_a_brief_above_its_own_budget_is_refused_whole(studio):
    client = await studio.client(Role.EDITOR)
    answer = await client.post(SUBMIT, json={"formData": brief(2, 3, budget=29.99)})
    assert answer.status_code == 409
    assert "$29.99" in answer.json()["detail"]
    assert studio.count("campaign") == studio.count("combination") == studio.count("ledger") == 0


async def test_an_idempotency_key_gets_the_same_answer_without_a_second_effect(studio):
    client = await studio.client(Role.EDITOR)
    asked = {"formData": brief(2, 3)}  # without a batch id, each would be a batch of its own
    key = {"Idempotency-Key": "order-1"}
    first = await client.post(SUBMIT, json=asked, headers=key)
    again = await client.post(SUBMIT, json=asked, headers=key)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert studio.count("campaign") == 1
    other = await client.post(SUBMIT, json={"formData": brief(2, 2)}, headers=key)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:spotloom:problem:idempotency-key"
    elsewhere = await client.post(
        f"/api/batch/{first.json()['batchId']}/retry-failed", json=asked, headers=key
    )
    assert elsewhere.status_code == 422
    stranger = await studio.client(Role.EDITOR, workspace_id=studio.stranger())
    theirs = await stranger.post(SUBMIT, json=asked, headers=key)
    assert (theirs.status_code, "idempotency-replayed" in theirs.headers) == (200, False)


async def test_parallel_requests_under_one_idempotency_key_have_one_effect(studio):
    client = await studio.client(Role.EDITOR)
    asked, key = {"formData": brief(2, 3)}, {"Idempotency-Key": "order-2"}
    answers = await asyncio.gather(
        *(client.post(SUBMIT, json=asked, headers=key) for _ in range(20))
    )
    made = [a for a in answers if a.status_code == 200]
    assert {a.status_code for a in answers} <= {200, 409}
    assert len({a.text for a in made}) == 1
    in_progress = [a for a in answers if a.status_code == 409]
    assert all(a.json()["title"] == "Still in progress" for a in in_progress)
    assert all(a.headers["retry-after"] == "1" for a in in_progress)
    assert studio.count("campaign") == 1


async def test_a_refused_request_may_come_again_under_its_key(studio):
    admin, client = await studio.client(), await studio.client(Role.EDITOR)
    asked, key = {"formData": brief(2, 3)}, {"Idempotency-Key": "order-3"}
    await admin.patch("/api/budget", json={"dailyBudget": 10})
    assert (await client.post(SUBMIT, json=asked, headers=key)).status_code == 409
    await admin.patch("/api/budget", json={"dailyBudget": None})
    assert (await client.post(SUBMIT, json=asked, headers=key)).status_code == 200


async def test_who_may_order(studio):
    viewer, nobody = await studio.client(Role.VIEWER), await studio.client(None)
    for client, status in ((nobody, 401), (viewer, 403)):
        answer = await client.post(SUBMIT, content=b"{", headers={"content-type": "text/plain"})
        assert answer.status_code == status  # before anything is read
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await nobody.post(SUBMIT)).headers["www-authenticate"].startswith("Bearer")
    assert (await viewer.post("/api/plan", json={"formData": brief(2)})).status_code == 200


@pytest.mark.timed
async def test_660_are_ordered_within_a_second(studio):
    client = await studio.client(Role.EDITOR)
    form = brief(5, 4, 3, 4, 3)
    product = 5 * 4 * 3 * 4 * 3
    plan = (await client.post("/api/plan", json={"formData": brief(5, 4, 3, 3, 3)})).json()
    assert plan["totalVideos"] == 540
    everything = await client.post("/api/plan", json={"formData": form})
    assert everything.status_code == 422  # 720 are above the cap
    assert f"{product:,}" in everything.text
    # 660 of the 720, as the specification has it.
    exclude = (
        [
            {"funnelLevel": "unaware", "aesthetic": a, "type": t, "intention": "educate"}
            for a, t in _pairs(("animated-2d", "ugc", "professional", "cinema"))
        ]
        + [
            {"funnelLevel": "unaware", "aesthetic": a, "type": t, "intention": "entertain"}
            for a, t in _pairs(("animated-2d", "ugc"))
        ]
        + [
            {"funnelLevel": "unaware", "aesthetic": "cinema", "type": t, "intention": "inspire"}
            for t in ("storytime", "listicle")
        ]
    )
    durations = []
    for number in range(6):
        asked = {"formData": form | {"exclude": exclude}, "batchId": f"big-{number}"}
        began = time.perf_counter()
        answer = await client.post(SUBMIT, json=asked)
        durations.append(time.perf_counter() - began)
        assert answer.json() == {
            "batchId": f"big-{number}",
            "totalVideos": 660,
            "status": "queued",
        }
        if durations[-1] < 1.0:
            break
    assert min(durations) < 1.0, durations


def _pairs(aesthetics):
    return [(a, t) for a in aesthetics for t in ("broll-visual-narrative", "storytime", "listicle")]


@pytest.mark.timed
async def test_the_loop_stays_free_while_660_are_planned(studio):
    client = await studio.client(Role.EDITOR)

    async def longest_tick(over):
        longest = 0.0
        while not over.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - began - 0.005)
        return longest

    worst = []
    for _ in range(5):  # the machine may hold up one, a loop that is not free holds up all
        over = asyncio.Event()
        watching = asyncio.create_task(longest_tick(over))
        answer = await client.post("/api/plan", json={"formData": brief(5, 4, 3, 3, 3)})
        over.set()
        worst.append(await watching)
        assert answer.status_code == 200
    assert min(worst) < 0.1, worst
