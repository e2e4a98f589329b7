"""What every request passes: host names, other sites' requests, bodies, headers, ids, faults."""

import asyncio
import contextlib
import json
import socket
import time

import httpx2
import pytest
import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from spotloom.errors import SetupError
from spotloom.web import edge

log = structlog.get_logger()

LARGEST, WITHIN_S = 100_000, 0.5


class Note(BaseModel):
    text: str


async def _bound(request: Request):
    await edge.bind_route(request.scope)


routes = APIRouter(prefix="/api", dependencies=[Depends(_bound)])


@routes.get("/campaigns/{campaign_id}/notes")
async def notes(campaign_id: str):
    log.info("notes.read")
    return [campaign_id]


@routes.post("/notes")
async def write(note: Note):
    return {"length": len(note.text)}


@routes.post("/stream")
async def stream(request: Request):
    return {"length": sum([len(piece) async for piece in request.stream()])}


@routes.post("/unread")
async def unread():
    return {}


@routes.get("/fault")
async def fault():
    raise KeyError("a prompt that nobody may read")


@routes.get("/broken")
async def broken():
    async def pieces():
        yield b"x"
        raise KeyError("half way")

    return StreamingResponse(pieces())


def application(**more):
    app = FastAPI()
    app.add_api_route("/healthz", unread)
    app.include_router(routes)
    told = {"hosts": {"127.0.0.1"}, "public_url": None}
    limits = {"largest_body": LARGEST, "body_within_s": WITHIN_S}
    edge.protect(app, **told | limits | more)
    return app


@contextlib.asynccontextmanager
async def serving(app):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        task = asyncio.create_task(server.serve([listener]))
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False, timeout=10
        ) as client:
            try:
                yield client
            finally:
                server.should_exit = True
                await task


@pytest.fixture
async def client():
    async with serving(application()) as client:
        yield client


def problem(reply, status):
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert told["status"] == status
    assert told["title"]
    assert told["type"].startswith("urn:spotloom:problem:")
    assert told["requestId"] == reply.headers["x-request-id"]
    return told["detail"]


# Hosts


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost", "127.0.0.2", "[::1]", "", "[", "a@b"],
)
async def test_another_host_name_is_turned_away(client, host):
    for path in ("/api/campaigns/c1/notes", "/nowhere"):
        reply = await client.get(path, headers={"Host": host})
        assert reply.status_code in {400, 421}
    assert (await client.get("/healthz", headers={"Host": host or "a"})).status_code in {200, 400}


async def test_our_host_is_taken_with_any_port_and_a_final_dot(client):
    for host in ("127.0.0.1", "127.0.0.1:1", "127.0.0.1.:80"):
        reply = await client.get("/api/campaigns/c1/notes", headers={"Host": host})
        assert reply.status_code == 200


async def test_the_public_url_names_a_host_and_an_origin():
    async with serving(application(public_url="https://Studio.example:8443")) as client:
        named = {"Host": "studio.example", "Cookie": "a=b"}
        for origin, status in (
            ("https://studio.example:8443", 200),
            ("https://studio.example", 403),
            ("http://studio.example:8443", 403),
            ("http://127.0.0.1", 403),
        ):
            reply = await client.post("/api/unread", headers=named | {"Origin": origin})
            assert reply.status_code == status, origin
        told = reply.headers["strict-transport-security"]
        assert told == "max-age=31536000; includeSubDomains"


def test_a_public_url_that_is_none_is_refused_at_the_start():
    for wrong in ("studio.example", "ftp://studio.example", "https://"):
        with pytest.raises(SetupError, match="public URL"):
            application(public_url=wrong)


# Other sites


COOKIE, KEY = {"Cookie": "spotloom=s"}, {"Authorization": "Bearer k"}


def site(word):
    return {"Sec-Fetch-Site": word}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (COOKIE | site("same-origin"), 200),
        (COOKIE | site("same-site"), 403),
        (COOKIE | site("cross-site"), 403),
        (COOKIE | site("none"), 403),
        (COOKIE | site("nonsense"), 403),
        (COOKIE | site("cross-site") | {"Origin": "OURS"}, 403),
        (COOKIE | site("cross-site") | KEY, 403),
        (COOKIE | {"Origin": "OURS"}, 200),
        (COOKIE | {"Origin": "http://127.0.0.1:1"}, 403),
        (COOKIE | {"Origin": "https://evil.example"}, 403),
        (COOKIE | {"Origin": "null"}, 403),
        (COOKIE, 403),
        (COOKIE | KEY, 403),
        (KEY, 200),
        (KEY | site("cross-site"), 200),
        ({}, 200),
        (site("cross-site"), 403),
        ({"Origin": "https://evil.example"}, 403),
        (site("same-origin"), 200),
    ],
    ids=str,
)
async def test_a_write_is_taken_only_when_no_other_site_can_have_sent_it(client, headers, status):
    ours = str(client.base_url).rstrip("/")
    told = {name: value.replace("OURS", ours) for name, value in headers.items()}
    reply = await client.post("/api/unread", headers=told)
    assert reply.status_code == status
    if status == 403:
        problem(reply, 403)
    for method in ("PUT", "PATCH", "DELETE", "FROBNICATE"):
        reply = await client.request(method, "/api/unread", headers=told)
        assert reply.status_code == (403 if status == 403 else 405)
    reply = await client.get("/api/campaigns/c1/notes", headers=told)
    assert reply.status_code == 200  # reading changes nothing


async def test_two_answers_to_where_it_came_from_are_none(client):
    ours = str(client.base_url).rstrip("/")
    for name, value in (("Sec-Fetch-Site", "same-origin"), ("Origin", ours)):
        twice = [("Cookie", "a=b"), (name, value), (name, value)]
        problem(await client.post("/api/unread", headers=twice), 403)


# Bodies


async def test_a_body_within_the_limit_is_read_whole(client):
    assert (await client.post("/api/stream", content=b"x" * LARGEST)).json() == {"length": LARGEST}


@pytest.mark.parametrize("path", ["/api/notes", "/api/stream", "/api/unread"])
async def test_a_body_that_says_it_is_too_long_is_refused_unread(client, path):
    detail = problem(await client.post(path, content=b"x" * (LARGEST + 1)), 413)
    assert "100,000 bytes" in detail


@pytest.mark.parametrize("path", ["/api/notes", "/api/stream"])
async def test_a_body_that_does_not_say_how_long_it_is_is_counted(client, path):
    async def pieces():
        for _ in range(1000):
            yield b"x" * 1000

    problem(await client.post(path, content=pieces()), 413)


async def test_a_hundred_megabytes_get_an_answer(client):
    async def pieces():
        for _ in range(100):
            yield b"x" * 1_000_000

    problem(await client.post("/api/notes", content=pieces()), 413)


@pytest.mark.parametrize("path", ["/api/notes", "/api/stream"])
async def test_a_body_that_never_ends_is_given_up(client, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Content-Length: 1000\r\n\r\n")
    began = time.monotonic()
    # Its first line alone: what we go on sending may be answered by a reset of the connection.
    answer = asyncio.create_task(reader.readline())
    while not answer.done() and time.monotonic() < began + 15:
        with contextlib.suppress(ConnectionError):
            writer.write(b"x")
            await writer.drain()
        await asyncio.sleep(0.05)
    assert (await answer).startswith(b"HTTP/1.1 408 ")
    assert WITHIN_S <= time.monotonic() - began < 9
    writer.close()


# Headers, ids, faults


async def test_every_answer_carries_the_headers_of_the_house(client):
    answers = [
        await client.get("/api/campaigns/c1/notes"),
        await client.get("/nowhere"),
        await client.get("/api/fault"),
        await client.get("/healthz", headers={"Host": "evil.example"}),
        await client.get("/api/campaigns/c1/notes", headers={"Host": "evil.example"}),
        await client.post("/api/unread", headers=COOKIE),
        await client.post("/api/notes", content=b"x" * (LARGEST + 1)),
    ]
    assert [a.status_code for a in answers] == [200, 404, 500, 200, 421, 403, 413]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers


async def test_a_request_keeps_the_id_it_came_with_unless_that_could_forge_a_log(client):
    reply = await client.get("/healthz", headers={"X-Request-Id": "abc-123.DEF_9"})
    assert reply.headers["x-request-id"] == "abc-123.DEF_9"
    for wrong in ("short", "x" * 65, "with space", 'quote"s-and-more', "semi;colon-and"):
        made = (await client.get("/healthz", headers={"X-Request-Id": wrong})).headers
        assert made["x-request-id"] != wrong
        assert len(made["x-request-id"]) == 32


@pytest.fixture
def told():
    """Every event of the log, as fields, with what the context adds."""
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as events:
        yield events


async def test_the_log_names_the_request_the_route_and_the_campaign_and_no_more(told):
    durations = edge.new_durations()
    async with serving(application(durations=durations)) as client:
        reply = await client.get("/api/campaigns/c1/notes?token=s3cret", headers=COOKIE | KEY)
        request_id = reply.headers["x-request-id"]
        await client.get("/api/s3cret/nowhere?token=s3cret")
    read, answered, lost = told
    assert read["event"] == "notes.read"
    assert read["campaign_id"] == answered["campaign_id"] == "c1"
    assert read["route"] == answered["route"] == "/api/campaigns/{campaign_id}/notes"
    assert read["request_id"] == answered["request_id"] == request_id
    assert (answered["event"], answered["status"], answered["method"]) == (
        "http.answered",
        200,
        "GET",
    )
    assert answered["ms"] > 0
    assert (read["log_level"], answered["log_level"], lost["log_level"]) == ("info",) * 3
    assert lost["route"] == "none"
    assert lost["request_id"] != request_id
    assert "campaign_id" not in lost
    assert "s3cret" not in json.dumps(told)
    (family,) = durations.collect()
    assert {
        tuple(s.labels.values()): s.value for s in family.samples if s.name.endswith("_count")
    } == {
        ("GET", "/api/campaigns/{campaign_id}/notes", "200"): 1,
        ("GET", "none", "404"): 1,
    }


async def test_who_is_turned_away_is_told_loudly(told):
    async with serving(application()) as client:
        await client.post("/api/unread", headers=COOKIE)
        await client.get("/api/fault", headers={"Host": "evil.example"})
    assert [(e["log_level"], e["status"]) for e in told] == [("warning", 403), ("warning", 421)]


async def test_a_fault_of_ours_is_told_in_the_log_and_not_to_the_caller(told):
    async with serving(application()) as client:
        reply = await client.get("/api/fault")
        detail = problem(reply, 500)
        assert "our fault" in detail
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/api/broken")
    faults = [event for event in told if event["event"] == "http.fault"]
    assert [event["fault"] for event in faults] == ["KeyError", "KeyError"]
    assert faults[0]["at"][-1].endswith(" fault")
    assert "prompt" not in json.dumps(told) + reply.text
