"""The Notion of the tests is true to Notion: the official SDK works with it, its faults bite."""

import json

import httpx2
import pytest
from tests.integration.notion_peer import running, schemas
from tests.integration.notion_peer.stage import (
    KEY,
    PROPERTIES,
    TITLE,
    folder,
    notion,
    official,
    peer,
    row,
    text,
)

__all__ = ["folder", "notion", "official", "peer"]  # fixtures


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()["message"]


# The official SDK as a second client


def test_the_official_sdk_sets_up_a_database_with_its_views(official, notion):
    parent = {"type": "page_id", "page_id": notion.peer.home}
    made = official.call(
        "databases.create",
        parent=parent,
        title=text("By the SDK"),
        initial_data_source={"properties": PROPERTIES},
    )
    source = official.call("dataSources.retrieve", data_source_id=made["data_sources"][0]["id"])
    assert {name: one["type"] for name, one in source["properties"].items()} == {
        name: next(iter(one)) for name, one in PROPERTIES.items()
    }
    status = source["properties"]["Status"]["id"]
    group = {"type": "select", "property_id": status, "sort": {"type": "manual"}}
    board = official.call(
        "views.create",
        database_id=made["id"],
        data_source_id=source["id"],
        name="By status",
        type="board",
        configuration={"type": "board", "group_by": group},
    )
    listed = official.call("views.list", database_id=made["id"])["results"]
    views = [official.call("views.retrieve", view_id=view["id"]) for view in listed]
    assert [(view["name"], view["type"]) for view in views] == [
        ("Default view", "table"),
        ("By status", "board"),
    ]
    assert board["configuration"]["group_by"] == group
    changed = official.call(
        "dataSources.update",
        data_source_id=source["id"],
        properties={"Notes": {"rich_text": {}}, "Cost": None, "Video": {"name": "Video URL"}},
    )["properties"]
    assert {"Notes", "Video URL"} <= set(changed)
    assert not {"Cost", "Video"} & set(changed)
    assert notion.peer.ledger()["problems"] == []


def test_the_official_sdk_writes_reads_finds_and_trashes_pages(official, notion):
    parent = {"type": "data_source_id", "data_source_id": notion.source}
    for number in range(3):
        official.call("pages.create", parent=parent, properties=row(number, Cost={"number": 2.5}))
    asked = {"property": KEY, "rich_text": {"equals": "c1"}}
    (found,) = official.call("dataSources.query", data_source_id=notion.source, filter=asked)[
        "results"
    ]
    assert found["properties"]["Cost"]["number"] == 2.5
    file = {"name": "clip.mp4", "external": {"url": "https://files.example/clip.mp4"}}
    done = {"Status": {"select": {"name": "done"}}, "Files": {"files": [file]}}
    official.call("pages.update", page_id=found["id"], properties=done)
    shown = official.call("pages.retrieve", page_id=found["id"])
    assert shown["properties"]["Status"]["select"]["color"] == "green"
    official.call("pages.update", page_id=found["id"], in_trash=True)
    pages = official.call(
        "dataSources.query",
        data_source_id=notion.source,
        sorts=[{"property": KEY, "direction": "descending"}],
    )["results"]
    assert [page["properties"][TITLE]["title"][0]["plain_text"] for page in pages] == [
        "Video 2",
        "Video 0",
    ]
    assert official.call("users.me")["type"] == "bot"
    assert official.call("search", query="video 2")["results"][0]["id"] == pages[0]["id"]
    told = notion.peer.ledger()
    assert told["problems"] == []
    assert told["created"] == 3


def test_the_official_sdk_waits_out_a_window_and_never_repeats_an_unsure_create(official, notion):
    parent = {"type": "data_source_id", "data_source_id": notion.source}
    said = {"parent": parent, "properties": row(1)}
    notion.peer.faults(window={"requests": 1, "seconds": 1.0})
    for _ in range(2):
        official.call("users.me")
    assert notion.peer.ledger()["answers"]["getSelf"]["429"] >= 1
    rule = {"where": "createPage", "fault": "status", "status": 504, "committed": True}
    notion.peer.faults(rules=[rule])
    told = official.told("pages.create", **said)
    assert told["error"]["code"] == "gateway_timeout"
    assert len(notion.found()) == 1
    assert notion.peer.ledger()["byKind"]["createPage"] == 1


# The types of the SDK, in both directions


def test_the_schemas_are_of_the_locked_version_of_the_sdk():
    told = json.loads((running.HERE / "schemas.json").read_text())
    lock = json.loads((running.HERE / "package-lock.json").read_text())
    assert told["sdk"] == lock["packages"]["node_modules/@notionhq/client"]["version"]


@pytest.mark.parametrize(
    ("method", "path", "said", "told"),
    [
        ("POST", "pages", {"properties": {}}, "parent"),
        ("POST", "pages", {"parent": {"page_id": 7}, "properties": {}}, "string"),
        ("PATCH", "pages/{page}", {"properties": {"Cost": {"number": "12"}}}, "number"),
        ("PATCH", "pages/{page}", {"archived": True}, "archived"),
        ("PATCH", "pages/{page}", {"properties": {"Nope": {"number": 1}}}, "Nope is not a"),
        ("PATCH", "pages/{page}", {"properties": {"Cost": {"url": "x"}}}, "expected to be number"),
        ("POST", "data_sources/{source}/query", {"filter": {"property": KEY}}, "filter"),
        (
            "POST",
            "data_sources/{source}/query",
            {"filter": {"property": KEY, "select": {"equals": "c1"}}},
            "does not match filter select",
        ),
        ("POST", "data_sources/{source}/query", {"page_size": 101}, "100"),
    ],
)
def test_a_request_off_the_types_is_refused_and_noted(notion, method, path, said, told):
    page = notion.created(1)["id"]
    answer = notion.ask(method, path.format(page=page, source=notion.source), said)
    assert told in refused(answer, 400, "validation_error")


def test_an_answer_off_the_types_would_be_noted():
    page = {"object": "page", "id": "x"}
    assert "required" in schemas.problem("answers", "page", page)
    assert schemas.problem("requests", "getPage", {"page_id": "x"}) is None


def test_a_token_or_a_version_that_it_does_not_know_is_refused(notion):
    wrong = {"Authorization": "Bearer other"}
    refused(notion.http.get("users/me", headers=wrong), 401, "unauthorized")
    old = {"Notion-Version": "2022-06-28"}
    refused(notion.http.get("users/me", headers=old), 400, "validation_error")


# What is true of Notion


def test_a_text_may_have_2000_characters_as_javascript_counts_them(notion):
    for content, status in (("x" * 2000, 200), ("x" * 2001, 400), ("🎬" * 1000, 200)):
        assert notion.create(row(1) | {TITLE: {"title": text(content)}}).status_code == status
    told = refused(
        notion.create(row(1) | {TITLE: {"title": text("🎬" * 1001)}}), 400, "validation_error"
    )
    assert "`2000`, instead was `2002`" in told


def test_times_are_rounded_down_to_the_minute_also_in_filters(notion):
    page = notion.created(1)
    edited = page["last_edited_time"]
    assert edited.endswith(":00.000Z")
    asked = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": edited}}
    assert notion.found(filter=asked) == [page["id"]]
    asked["last_edited_time"] = {"after": edited}
    assert notion.found(filter=asked) == []
    notion.peer.advance(60)
    notion.peer.edit(page["id"], {"Winner": {"checkbox": True}})
    assert notion.found(filter=asked) == [page["id"]]


def test_a_query_tells_what_people_edited_from_what_the_connection_did(notion):
    theirs, ours = (notion.created(number)["id"] for number in range(2))
    notion.peer.edit(theirs, {"Winner": {"checkbox": True}})
    bot = notion.ok("GET", "users/me")["id"]
    by_others = {"property": "Edited By", "last_edited_by": {"does_not_contain": bot}}
    assert notion.found(filter=by_others) == [theirs]
    notion.ok("PATCH", f"pages/{ours}", {"properties": {"Winner": {"checkbox": True}}})
    notion.ok("PATCH", f"pages/{theirs}", {"properties": {"Cost": {"number": 1}}})
    assert notion.found(filter=by_others) == []


def test_an_option_that_is_left_out_of_an_update_is_gone(notion):
    names = {"options": [{"name": "done"}, {"name": "failed"}]}
    changed = {"properties": {"Status": {"select": names}}}
    after = notion.ok("PATCH", f"data_sources/{notion.source}", changed)["properties"]["Status"]
    assert [(one["name"], one["color"]) for one in after["select"]["options"]] == [
        ("done", "green"),
        ("failed", "default"),
    ]


def test_a_page_in_the_trash_is_out_of_queries_and_cannot_be_edited(notion):
    page = notion.created(1)["id"]
    notion.peer.trash(page)
    assert notion.found() == []
    assert notion.ok("GET", f"pages/{page}")["in_trash"] is True
    answer = notion.ask("PATCH", f"pages/{page}", {"properties": {"Cost": {"number": 1}}})
    refused(answer, 400, "validation_error")
    notion.peer.empty_trash(page)
    refused(notion.ask("GET", f"pages/{page}"), 404, "object_not_found")


def test_the_ledger_knows_two_pages_of_one_combination(notion):
    for number in (1, 2, 1):
        notion.created(number, batch="twice")
    (found,) = notion.twice("twice")
    assert (found["key"], len(found["pages"])) == (["twice", "c1"], 2)
    notion.peer.trash(found["pages"][0])
    assert notion.twice("twice") == []


# Faults


def test_a_window_takes_its_requests_and_refuses_the_rest_until_the_next(notion):
    notion.peer.faults(window={"requests": 3, "seconds": 60})
    answers = [notion.ask("GET", "users/me") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 50 < int(answers[-1].headers["retry-after"]) <= 60
    assert notion.peer.ledger()["peakPerSecond"] >= 5


@pytest.mark.parametrize("fault", [{"fault": "drop"}, {"fault": "status", "status": 504}])
def test_a_create_is_committed_though_its_answer_is_lost(notion, fault):
    notion.peer.faults(rules=[{"where": "createPage", "committed": True, **fault}])
    if fault["fault"] == "drop":
        with pytest.raises(httpx2.HTTPError):
            notion.create(row(1))
    else:
        refused(notion.create(row(1)), 504, "gateway_timeout")
    assert len(notion.found()) == 1


def test_a_fault_before_the_commit_leaves_nothing(notion):
    overload = {"where": "createPage", "fault": "status", "status": 529, "retryAfter": 7}
    notion.peer.faults(rules=[overload | {"calls": {"only": [1]}}])
    answer = notion.create(row(1))
    refused(answer, 529, "service_overload")
    assert answer.headers["retry-after"] == "7"
    assert notion.found() == []
    notion.created(1)


def test_a_query_finds_a_new_page_late_and_says_where_it_was_cut(notion):
    notion.peer.faults(lagSeconds=60)
    hidden = notion.created(1)["id"]
    assert notion.found() == []
    assert notion.ok("GET", f"pages/{hidden}")["id"] == hidden
    notion.peer.faults(queryCap=5)
    ids = [notion.created(number)["id"] for number in range(2, 9)]
    first = notion.query(page_size=3)
    second = notion.query(page_size=3, start_cursor=first["next_cursor"])
    assert [page["id"] for page in first["results"] + second["results"]] == ids[:5]
    assert (second["has_more"], second["next_cursor"]) == (False, None)
    reason = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    assert first["request_status"] == second["request_status"] == reason


def test_a_free_workspace_ends_at_its_block_limit(notion):
    limit = notion.peer.ledger()["blocks"] + 2
    notion.peer.faults(blockLimit=limit)
    page = notion.created(1)["id"]
    notion.created(2)
    refused(notion.create(row(3)), 403, "restricted_resource")
    notion.peer.trash(page)
    refused(notion.create(row(3)), 403, "restricted_resource")
    notion.ok("PATCH", f"pages/{page}", {"in_trash": False, "properties": {}})


def test_it_has_the_same_in_it_after_it_was_away(notion):
    page = notion.created(1)["id"]
    notion.peer.stop()
    with pytest.raises(httpx2.ConnectError):
        notion.ask("GET", f"pages/{page}")
    notion.peer.start()
    assert notion.ok("GET", f"pages/{page}")["id"] == page
    assert notion.found() == [page]
