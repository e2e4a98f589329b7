"""The log of a working house, at its most talkative, holds no secret, prompt or signed link."""

import contextlib
import io
import json
import logging
import sys
import uuid

import httpx2
import pytest
import structlog
from tests.integration import generating, live_stage, signing_in
from tests.integration.api_stage import brief
from tests.integration.receivers import Receiver

from spotloom import logs

WORDS = "Sorrel and quicksilver in the headphones"  # of a brief: nobody's business in a log
KEY = "sk-the-providers-own-key-1234567890"


@contextlib.contextmanager
def logged(monkeypatch):
    """The log as the product writes it, from debug on."""
    stream, before = io.StringIO(), structlog.get_config()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        logs.configure(logging.DEBUG)
        try:
            yield stream
        finally:
            structlog.configure(**before)


def events(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def scenery(database_url):
    with generating.scenery(database_url) as shared:
        yield shared


async def test_a_batch_that_meets_trouble_leaves_no_prompt_and_no_key(
    scenery, tmp_path, monkeypatch, capfd, caplog
):
    refusal = f'Your prompt "{WORDS} are a reason to say no" is against our rules.'
    with scenery.stage(tmp_path) as stage, logged(monkeypatch) as stream:
        monkeypatch.setenv("SORA_API_KEY", KEY)
        stage.sandbox.misbehave(
            {"where": "create", "fault": "moderation", "message": refusal, "calls": {"only": [1]}},
            {"where": "create", "fault": "status", "status": 429, "calls": {"only": [2]}},
            {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [3]}},
            {
                "where": "job",
                "fault": "fail",
                "code": "x",
                "message": refusal,
                "jobs": {"only": [2]},
            },
        )
        planned = stage.order(6, idea=WORDS)
        await stage.submit(planned)
        async with stage.working():
            await stage.finished(40)
        prompts, jobs = planned.prompts, [video["provider_job_id"] for video in stage.videos()]
    told = events(stream)
    names = {event["event"] for event in told}
    assert {"generation.submitted", "generation.completed", "generation.refused"} <= names
    assert all(e["generation_id"] for e in told if e["event"].startswith("generation."))
    everything = stream.getvalue() + caplog.text + "".join(capfd.readouterr())
    assert any(jobs)
    for secret in (WORDS, KEY, *prompts):
        assert secret not in everything


async def test_people_at_the_doors_leave_no_secret(database_url, monkeypatch, capfd, caplog):
    idea = {"bigIdea": f"{WORDS}, {uuid.uuid4().hex}"}
    secrets = [WORDS]
    with (
        live_stage.ground(database_url) as ground,
        logged(monkeypatch) as stream,
    ):
        async with signing_in.house(ground) as house, Receiver().listening() as receiver:
            link = await house.gate.login_link()
            async with house.browser() as owner:
                secrets.append(signing_in.secret_of(link))
                assert (await signing_in.enter(owner, link)).status_code == 200
                secrets.append(owner.cookies["spotloom"])
                batch_id = f"b-{uuid.uuid4().hex[:6]}"
                order = {"formData": brief(2) | idea, "batchId": batch_id}
                batch = await owner.post("/api/generate-batch", json=order)
                assert batch.status_code == 200, batch.text
                key = await owner.post(
                    "/api/keys", json={"name": "k", "role": "editor", "scopes": ["*"]}
                )
                secrets.append(key.json()["key"])
                hook = {"url": receiver.url, "events": ["video.completed"]}
                added = await owner.post("/api/hooks", json=hook)
                secrets += [added.json()["secret"], "s3cret"]
                wrong = await owner.post("/api/plan", json={"formData": {"bigIdea": WORDS}})
                assert wrong.status_code == 422
            async with httpx2.AsyncClient(base_url=house.url, trust_env=False) as client:
                headers = {"Authorization": f"Bearer {secrets[3]}", "X-Request-Id": "my-request"}
                one = f"/api/campaigns/{batch_id}/combinations?cursor={secrets[3]}"
                await client.get(one, headers=headers)
                await client.get(f"/api/media/{uuid.uuid4()}?signature=s3cret&expires=1")
                await client.get(f"/nowhere/{secrets[1]}")
                await client.post("/auth/link", json={"secret": secrets[1]})
                house.run("ALTER TABLE spotloom.combination RENAME COLUMN key TO elsewhere")
                assert (await client.get(one.split("?")[0], headers=headers)).status_code == 500
    told = events(stream)
    answered = [event for event in told if event["event"] == "http.answered"]
    assert len(answered) >= 9
    mine = [event for event in told if event.get("request_id") == "my-request"]
    assert {event.get("campaign_id") for event in mine} == {batch_id}
    assert {event["status"] for event in mine if "status" in event} == {422, 500}
    assert "http.fault" in {event["event"] for event in mine}
    everything = stream.getvalue() + caplog.text + "".join(capfd.readouterr())
    assert len(secrets) == 6
    for secret in secrets:
        assert secret not in everything


async def test_the_log_names_a_request_by_the_path_of_the_document(database_url, monkeypatch):
    with (
        live_stage.ground(database_url) as ground,
        logged(monkeypatch) as stream,
    ):
        async with signing_in.house(ground) as house, house.owner() as owner:
            document = (await owner.get("/api/openapi.json")).json()
            quiet = [path for path in document["paths"] if not path.endswith("/events")]
            before = len(events(stream))
            for path in quiet:
                await owner.request("HEAD" if path == "/metrics" else "GET", path)
            answered = [e for e in events(stream)[before:] if e["event"] == "http.answered"]
    who = {e["actor"] for e in answered if e["status"] == 200 and e["route"].startswith("/api/c")}
    assert [actor.partition(":")[0] for actor in who] == ["person"]
    routes = {event["route"] for event in answered}
    assert routes - set(quiet) <= {"none"}
    readable = {p for p in quiet if "get" in document["paths"][p] and p != "/metrics"}
    assert readable <= routes
