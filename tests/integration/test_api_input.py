"""What strangers send is read one way or refused, field by field, and never a fault of ours."""

import json
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio, brief

JSON = {"content-type": "application/json"}
GOOD = brief(2)


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


def form(**changes):
    return {"formData": GOOD | changes}


UNREADABLE = {
    "no JSON": b"{",
    "two values": b"{}{}",
    "a trailing comma": b'{"a": 1,}',
    "not UTF-8": b'{"formData": "\xff"}',
    "UTF-16": '{"formData": {}}'.encode("utf-16"),
    "the same key twice": b'{"formData": {}, "formData": {}}',
    "the same key twice inside": b'{"formData": {"brand": "a", "brand": "b"}}',
    "NUL, escaped": b'{"formData": {"brand": "a\\u0000b"}}',
    "NUL, bare": b'{"formData": {"brand": "a\x00b"}}',
    "NUL in a key": b'{"formData": {"br\\u0000and": "a"}}',
    "half a character": b'{"formData": {"brand": "\\ud83d"}}',
    "the other half": b'{"formData": {"brand": "\\ude00"}}',
    "NaN": b'{"formData": {"budget": NaN}}',
    "infinity": b'{"formData": {"budget": -Infinity}}',
    "a number of 5,000 digits": b'{"formData": {"duration": ' + b"9" * 5000 + b"}}",
    "a number of 10^999": b'{"formData": {"budget": 1e999}}',
    "a number of 10^-999": b'{"formData": {"budget": 1e-999}}',
    "a number of 10^(10^19)": b'{"formData": {"budget": 1e9999999999999999999}}',
    "a number of 10^-(10^19)": b'{"formData": {"budget": 1e-9999999999999999999}}',
    "a number of -10^(10^19)": b'{"formData": {"budget": -1.5E+9999999999999999999}}',
    "13 levels": b'{"a":' * 13 + b"1" + b"}" * 13,
    "100,000 levels": b"[" * 100_000,
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"formData"',
}


@pytest.mark.parametrize("route", ["/api/plan", "/api/generate-batch"])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_cannot_be_read_one_way_is_refused(studio, route, body):
    client = await studio.client()
    answer = await client.post(route, content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422
    assert problem["errors"]
    assert len(answer.content) < 4000


@pytest.mark.parametrize("number", ["1e9999999999999999999", "-1e-9999999999999999999"])
async def test_the_doors_read_no_such_number_from_strangers(studio, number):
    nobody = await studio.client(None)
    for door, field in (
        *(("/auth/link", "secret"), ("/auth/password", "password")),
        *(("/auth/invitations", "secret"), ("/auth/clerk", "token")),
    ):
        body = f'{{"{field}": {number}}}'.encode()
        assert (await nobody.post(door, content=body, headers=JSON)).status_code == 422


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=UTF-8", 200),
        ("application/merge-patch+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonp", 415),
        ("application/json; charset=utf-16", 415),
        ("", 415),
    ],
)
async def test_only_json_is_taken(studio, content_type, status):
    client = await studio.client()
    body = json.dumps(form()).encode()
    answer = await client.post("/api/plan", content=body, headers={"content-type": content_type})
    assert answer.status_code == status, answer.text


async def test_a_body_over_two_megabytes_is_refused(studio):
    client = await studio.client()
    answer = await client.post("/api/plan", content=b" " * 2_200_000, headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


FIELDS = {
    "formData.brand": form(brand=""),
    "formData.bigIdea": form(bigIdea="x" * 601),
    "formData.dimensions.mood[0]": form(dimensions=GOOD["dimensions"] | {"mood": ["happy"]}),
    "formData.dimensions.mode": form(dimensions=GOOD["dimensions"] | {"mode": ["x"]}),
    "formData.duration": form(duration=7.5),
    "formData.model": form(model="sora-9"),
    "formData.aspectRatio": form(aspectRatio="4:3"),
    "formData.priority": form(priority="urgent"),
    "formData.budget": form(budget=-1),
    "formData.landingUrl": form(landingUrl="javascript:alert(1)"),
    "formData.moods": form(moods=["x"]),
    "formData.exclude[0]": form(exclude=["x"]),
    "formData.loop": form(loop="yes"),  # a file may say so, a program may not
    "excludedCombinations[1]": form() | {"excludedCombinations": ["kaaaaaaaaaaa", "x"]},
    "excludedCombinations[0].mood[0]": form() | {"excludedCombinations": [{"mood": ["happy"]}]},
    "batchID": form() | {"batchID": "x"},
    "batchId": form() | {"batchId": "a/b"},
    "matrixResult.totalVideos": form() | {"matrixResult": {"totalVideos": -1}},
    "matrixResult.estimatedCost": form() | {"matrixResult": {"estimatedCost": "12"}},
    "formData": {"excludedCombinations": []},
}


@pytest.mark.parametrize(("field", "body"), FIELDS.items(), ids=FIELDS.keys())
async def test_each_wrong_field_is_named(studio, field, body):
    client = await studio.client()
    answer = await client.post("/api/generate-batch", json=body)
    assert answer.status_code == 422, answer.text
    assert [e["field"] for e in answer.json()["errors"]] == [field], answer.text
    assert all(e["message"] for e in answer.json()["errors"])


async def test_all_that_is_wrong_is_told_at_once(studio):
    client = await studio.client()
    answer = await client.post("/api/plan", json=form(brand="", duration=7, model="sora-9"))
    fields = {e["field"] for e in answer.json()["errors"]}
    assert fields == {"formData.brand", "formData.model"}
    assert answer.json()["detail"] == "The brief has 2 problems."


@pytest.mark.timed
async def test_ten_thousand_options_are_refused_at_once(studio):
    client = await studio.client()
    many = {key: [f"option-{n}" for n in range(1000)] for key in GOOD["dimensions"]}
    many |= {f"dimension{n}": ["x"] * 1000 for n in range(4)}
    began = time.perf_counter()
    answer = await client.post("/api/plan", json=form(dimensions=many))
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) <= 51
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/campaigns/nothing"),
        ("GET", "/api/campaigns/%00"),
        ("GET", "/api/campaigns/%ED%A0%80"),
        ("GET", "/api/campaigns/" + "x" * 3000),
        ("GET", "/api/campaigns/00000000-0000-0000-0000-000000000000"),
        ("GET", "/api/batch/%F0%9F%98%80"),
        ("POST", "/api/batch/nothing/pause"),
        ("GET", "/api/campaigns/x/combinations/%00"),
        ("DELETE", "/api/hooks/00000000-0000-0000-0000-000000000000"),
        ("GET", "/api/nothing"),
        ("GET", "/api/"),
    ],
)
async def test_what_is_not_there_is_404(studio, method, path):
    client = await studio.client()
    answer = await client.request(method, path)
    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:spotloom:problem:not-found"


@pytest.mark.parametrize("name", ["%00", "nothing", "%ED%A0%80"])
async def test_what_a_batch_does_not_have_is_404(studio, name):
    client = await studio.client()
    submitted = await client.post("/api/generate-batch", json=form() | {"batchId": "there"})
    assert submitted.status_code == 200, submitted.text
    combination = f"/combinations/{name}"
    for method, path, body in (
        ("POST", f"/api/batch/there{combination}/resolve", {"decision": "give-up"}),
        ("POST", f"/api/campaigns/there{combination}/retry", None),
        ("POST", f"/api/campaigns/there{combination}/cancel", None),
        ("POST", f"/api/campaigns/there{combination}/approve", None),
        ("POST", f"/api/campaigns/there{combination}/reject", {}),
        ("GET", f"/api/campaigns/there{combination}/attempts", None),
        ("GET", f"/api/campaigns/there/files.zip?key={name}", None),
    ):
        answer = await client.request(method, path, json=body)
        assert answer.status_code == 404, f"{method} {path}: {answer.text}"


@pytest.mark.parametrize(
    "path",
    [
        "/api/campaigns?limit=0",
        "/api/campaigns?limit=201",
        "/api/campaigns?limit=x",
        "/api/campaigns?cursor=x",
        "/api/campaigns?cursor=WyJjYW1wYWlnbnMiLCAieCJd",
        "/api/campaigns?cursor=%00",
        "/api/campaigns?state=gone",
        "/api/campaigns?text=%00",
        "/api/audit?cursor=eyJ4IjoxfQ",
    ],
)
async def test_a_wrong_query_is_named(studio, path):
    client = await studio.client()
    answer = await client.get(path)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == path.partition("?")[2].partition("=")[0]
    assert answer.json()["type"] == "urn:spotloom:problem:invalid"


async def test_a_text_that_cannot_be_sought_is_named(studio):
    client = await studio.client()
    await client.post("/api/generate-batch", json=form() | {"batchId": "there"})
    answer = await client.get("/api/campaigns/there/combinations?text=%00")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:spotloom:problem:invalid"
    assert answer.json()["errors"][0]["field"] == "text"


async def test_null_is_no_empty_object(studio):
    client = await studio.client()
    for route in ("/api/batch/spring/cancel", "/api/batch/spring/retry-failed"):
        answer = await client.post(route, content=b"null", headers=JSON)
        assert answer.status_code == 422, answer.text


async def test_a_wrong_method_names_the_right_one(studio):
    client = await studio.client()
    answer = await client.put("/api/plan", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await client.post("/api/budget", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "with space", "ü", "x" * 256])
async def test_an_idempotency_key_is_plain_text(studio, key):
    client = await studio.client()
    headers = [(b"idempotency-key", key.encode())]
    answer = await client.post("/api/generate-batch", json=form(), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "idempotency-key"
    assert studio.count("campaign") == 0


async def test_a_fault_of_ours_tells_its_id_and_nothing_else(studio):
    client = await studio.client()
    studio.ground.run("ALTER TABLE spotloom.campaign RENAME TO elsewhere")
    answer = await client.get("/api/campaigns")
    assert answer.status_code == 500
    assert answer.json()["requestId"] == answer.headers["x-request-id"]
    studio.ground.run("ALTER TABLE spotloom.elsewhere RENAME TO campaign")
    assert "spotloom." not in answer.text.replace("urn:spotloom:", "")


async def test_a_database_that_is_away_is_503(studio):
    client = await studio.client()
    (row,) = studio.ground.run("SELECT current_database() AS name")
    with studio.ground.connect(dbname="postgres", autocommit=True) as elsewhere:
        elsewhere.execute(f'ALTER DATABASE "{row["name"]}" ALLOW_CONNECTIONS false')
        elsewhere.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [row["name"]],
        )
        answer = await client.get("/api/campaigns")
        write = await client.post("/api/generate-batch", json=form())
        elsewhere.execute(f'ALTER DATABASE "{row["name"]}" ALLOW_CONNECTIONS true')
    assert answer.status_code == write.status_code == 503
    assert "carried out" not in answer.json()["detail"]
    assert answer.headers["retry-after"].isdigit()
    assert row["name"] not in answer.text
    assert (await client.get("/api/campaigns")).status_code == 200
    assert "may have been carried out" in write.json()["detail"]
    assert "Idempotency-Key" in write.json()["detail"]


async def test_a_write_whose_commit_was_not_answered_does_not_say_that_nothing_happened(studio):
    client = await studio.client()
    studio.ground.run(
        "CREATE FUNCTION spotloom.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
    )
    studio.ground.run(
        "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON spotloom.hook"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION spotloom.die()"
    )
    hook = {"url": "https://a.example/x", "events": ["batch.completed"]}
    answer = await client.post("/api/hooks", json=hook)
    studio.ground.run("DROP TRIGGER die ON spotloom.hook")
    assert answer.status_code == 503
    assert "nothing was changed" not in answer.json()["detail"]
    assert "Idempotency-Key" in answer.json()["detail"]
