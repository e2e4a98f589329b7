"""Briefs before they are ordered: templates of a workspace, and files in and out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
import yaml
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio, brief

from spotloom.auth.roles import Role
from spotloom.campaigns.listing import templates

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


async def added(client, name="Ours", **form):
    ask = {"name": name, "formData": {"brand": "Tarn Audio", **form}}
    answer = await client.post("/api/templates", json=ask)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_template_keeps_a_brief_with_its_gaps(studio):
    editor = await studio.client(Role.EDITOR)
    form = {"brand": "Tarn Audio", "dimensions": {"mood": ["intense"]}, "budget": 99.5}
    form |= {"exclude": ["kabcd2345wxy", {"mood": ["intense"]}]}
    kept = await added(editor, "  Ours  ", **form)
    assert kept["name"] == "Ours"
    viewer = await studio.client(Role.VIEWER)
    found = (await viewer.get(f"/api/templates/{kept['id']}")).json()
    assert found["formData"] == form
    listed = (await viewer.get("/api/templates")).json()["items"]
    assert [entry["id"] for entry in listed] == [kept["id"]]
    assert "formData" not in listed[0]


async def test_a_template_is_renamed_saved_over_and_deleted(studio):
    editor = await studio.client(Role.EDITOR)
    path = f"/api/templates/{(await added(editor))['id']}"
    answer = await editor.patch(path, json={"name": "Theirs"}, headers={"If-Match": '"1"'})
    renamed = answer.json()
    assert (answer.headers["etag"], renamed["version"]) == ('"2"', 2)
    assert (renamed["name"], renamed["formData"]) == ("Theirs", {"brand": "Tarn Audio"})
    tag = {"If-Match": answer.headers["etag"]}
    other = (await editor.patch(path, json={"formData": {"brand": "Brine"}}, headers=tag)).json()
    assert (other["name"], other["formData"]) == ("Theirs", {"brand": "Brine"})
    assert other["updatedAt"] > renamed["createdAt"]
    assert (await editor.get(path)).headers["etag"] == '"3"'
    assert (await editor.delete(path, headers=tag)).status_code == 412
    assert (await editor.delete(path)).status_code == 204
    assert (await editor.get(path)).status_code == 404
    assert (await editor.delete(path)).status_code == 404


async def test_of_twenty_who_save_over_it_one_is_first(studio):
    editor = await studio.client(Role.EDITOR)
    path = f"/api/templates/{(await added(editor))['id']}"
    tag = {"If-Match": (await editor.get(path)).headers["etag"]}
    forms = [{"formData": {"brand": f"Brand {number}"}} for number in range(20)]
    answers = await asyncio.gather(*(editor.patch(path, json=form, headers=tag) for form in forms))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 19}
    won = next(answer for answer in answers if answer.status_code == 200)
    assert {answer.headers["etag"] for answer in answers} == {'"2"'}
    assert (await editor.get(path)).json() == won.json()
    assert (await editor.patch(path, json=forms[0])).status_code == 428
    assert (await editor.get(path)).json() == won.json()


async def test_an_edit_by_an_older_release_counts(studio):
    editor = await studio.client(Role.EDITOR)
    kept = await added(editor)
    studio.ground.run(
        "UPDATE spotloom.brief_template SET brief = '{}', updated_at = now() WHERE id = %s",
        kept["id"],
    )
    late = await editor.patch(
        f"/api/templates/{kept['id']}", json={"name": "Late"}, headers={"If-Match": '"1"'}
    )
    assert late.status_code == 412


async def test_a_name_stands_for_one_template(studio):
    editor = await studio.client(Role.EDITOR)
    await added(editor)
    second = await added(editor, "Second")
    again = await editor.post("/api/templates", json={"name": "Ours", "formData": {}})
    assert again.status_code == 409
    assert "Choose another name" in again.json()["detail"]
    tag = {"If-Match": f'"{second["version"]}"'}
    onto = await editor.patch(f"/api/templates/{second['id']}", json={"name": "Ours"}, headers=tag)
    assert onto.status_code == 409
    elsewhere = await studio.elsewhere().client(Role.EDITOR)
    await added(elsewhere)  # another workspace has names of its own


async def test_a_template_sent_twice_under_its_key_is_one(studio):
    editor = await studio.client(Role.EDITOR)
    ask = {"name": "Ours", "formData": {}}
    key = {"Idempotency-Key": uuid4().hex}
    first = await editor.post("/api/templates", json=ask, headers=key)
    second = await editor.post("/api/templates", json=ask, headers=key)
    assert (first.status_code, second.text) == (201, first.text)
    assert first.headers["etag"] == second.headers["etag"] == '"1"'
    assert studio.count("brief_template") == 1


async def test_templates_have_an_end(studio):
    studio.ground.run(
        "INSERT INTO spotloom.brief_template (id, workspace_id, name, brief)"
        " SELECT gen_random_uuid(), %s, 'n' || n, '{}' FROM generate_series(1, %s) n",
        *(studio.workspace_id, templates.MOST),
    )
    editor = await studio.client(Role.EDITOR)
    answer = await editor.post("/api/templates", json={"name": "One more", "formData": {}})
    assert answer.status_code == 409
    seen, cursor = set(), None
    while True:
        query = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = (await editor.get("/api/templates", params=query)).json()
        seen |= {entry["id"] for entry in page["items"]}
        if (cursor := page["nextCursor"]) is None:
            break
    assert len(seen) == templates.MOST


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        ({"name": " ", "formData": {}}, "name"),
        ({"name": "two\nlines", "formData": {}}, "name"),
        ({"name": "x", "formData": {"brand": 7}}, "formData.brand"),
        ({"name": "x", "formData": {"colour": "red"}}, "formData.colour"),
        ({"name": "x"}, "formData"),
    ],
)
async def test_a_template_that_is_none_is_refused_by_its_field(studio, ask, field):
    editor = await studio.client(Role.EDITOR)
    answer = await editor.post("/api/templates", json=ask)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]


async def test_a_viewer_keeps_no_template(studio):
    viewer = await studio.client(Role.VIEWER)
    answer = await viewer.post("/api/templates", json={"name": "x", "formData": {}})
    assert answer.status_code == 403


async def test_a_brief_goes_through_a_file_and_back(studio):
    viewer = await studio.client(Role.VIEWER)
    form = brief(2, 3, budget=99.5, aspectRatio="9:16", loop=True, priority="high")
    form |= {"brand": "1984", "visualMessaging": "Two\nlines: “true” & no.", "callToAction": "no"}
    form |= {"exclude": ["kabcd2345wxy", {"mood": ["wholesome"], "aesthetic": ["ugc"]}]}
    written = await viewer.post("/api/brief/write", json={"formData": form})
    assert written.status_code == 200, written.text
    text = written.json()["yaml"]
    assert yaml.safe_load(text)["dimensions"] == form["dimensions"]
    read = await viewer.post("/api/brief/read", json={"yaml": text})
    assert read.json() == {"formData": form, "problems": []}


async def test_what_is_wrong_in_a_file_is_told_beside_what_could_be_read(studio):
    viewer = await studio.client(Role.VIEWER)
    text = "brand: Tarn\ndimensions: {mood: [wholesome, happy], aesthetic: ugc}\nduration: 900\n"
    answer = (await viewer.post("/api/brief/read", json={"yaml": text})).json()
    fields = [problem["field"] for problem in answer["problems"]]
    assert {"bigIdea", "dimensions.mood[1]", "dimensions.type", "duration"} <= set(fields)
    read = answer["formData"]
    assert read["brand"] == "Tarn"
    assert read["dimensions"] == {"mood": ["wholesome"], "aesthetic": ["ugc"]}
    assert "duration" not in read


@pytest.mark.parametrize("text", ["brand: [", "- a\n- b", "a: &x 1\nb: *x", "brand: \x07"])
async def test_a_text_that_is_no_brief_is_refused(studio, text):
    viewer = await studio.client(Role.VIEWER)
    answer = await viewer.post("/api/brief/read", json={"yaml": text, "name": "mine.yaml"})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "yaml"
    assert problem["message"].startswith("mine.yaml")


async def test_a_plan_without_rows_has_the_same_figures(studio):
    viewer = await studio.client(Role.VIEWER)
    ask = {"formData": brief(2, 2)}
    whole = (await viewer.post("/api/plan", json=ask)).json()
    figures = (await viewer.post("/api/plan", json=ask | {"rows": False})).json()
    assert len(whole["combinations"]) == 4
    assert (figures["combinations"], figures["excluded"]) == ([], [])
    lists = {"combinations", "excluded", "expectedFinish"}
    assert {k: v for k, v in figures.items() if k not in lists} == {
        k: v for k, v in whole.items() if k not in lists
    }
