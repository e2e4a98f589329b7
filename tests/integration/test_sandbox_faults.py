"""Each scripted fault happens on the wire as it is written in the script."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from openai import InvalidWebhookSignatureError, OpenAI
from tests.integration.sandbox_process import INSTANT, Server, serving, until

from spotloom.errors import SetupError
from spotloom.sandbox.faults import Faults, Script, read_script

SHAPE: dict[str, Any] = {"prompt": "Tea", "seconds": "1", "size": "720x1280"}
DOCS = Path(__file__).parents[2] / "docs" / "sandbox.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("sandbox") / "home"
    with serving(home, *INSTANT, "--warm", "720x1280:1", "--limit", "100") as server:
        yield server


def fresh(server: Server, *rules: dict[str, Any]) -> str:
    """A finished job, and then these rules."""
    server.faults()
    job = server.ended(server.create(**SHAPE)["id"])["id"]
    server.faults(*rules)
    return str(job)


@pytest.mark.parametrize(("accepted", "charged"), [(False, 0), (True, 1)])
def test_creates_are_dropped_before_or_after_acceptance(
    server: Server, *, accepted: bool, charged: int
) -> None:
    rule = {"where": "create", "fault": "drop", "calls": {"first": 1}, "accepted": accepted}
    fresh(server, rule)
    before = server.ledger()["accepted"]
    with pytest.raises(httpx2.RemoteProtocolError):
        server.http.post("/v1/videos", json=SHAPE)
    assert server.ledger()["accepted"] == before + charged
    assert server.http.post("/v1/videos", json=SHAPE).status_code == 200


@pytest.mark.parametrize(
    ("rule", "status", "code", "charged"),
    [
        ({"fault": "status", "status": 500}, 500, None, 0),
        ({"fault": "status", "status": 503, "accepted": True}, 503, None, 1),
        ({"fault": "status", "status": 429}, 429, "rate_limit_exceeded", 0),
        ({"fault": "moderation"}, 400, "moderation_blocked", 0),
        (
            {"fault": "moderation", "code": "content_policy_violation"},
            400,
            "content_policy_violation",
            0,
        ),
    ],
)
def test_creates_are_refused(
    server: Server, rule: dict[str, Any], status: int, code: str | None, charged: int
) -> None:
    fresh(server, {"where": "create", **rule})
    before = server.ledger()["accepted"]
    answer = server.http.post("/v1/videos", json=SHAPE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "retry-after" not in answer.headers
    assert server.ledger()["accepted"] == before + charged


def test_retry_after_is_said_when_asked_for(server: Server) -> None:
    fresh(server, {"where": "create", "fault": "status", "status": 429, "retryAfter": 7})
    assert server.http.post("/v1/videos", json=SHAPE).headers["retry-after"] == "7"


def test_headers_can_be_slow(server: Server) -> None:
    job = fresh(server, {"where": "poll", "fault": "slow", "seconds": 0.4})
    begun = time.monotonic()
    assert server.get(job)["status"] == "completed"
    assert time.monotonic() - begun >= 0.4


def test_pages_and_redirects_come_instead_of_answers(server: Server) -> None:
    job = fresh(server, {"where": "any", "fault": "html", "calls": {"only": [1]}})
    page = server.http.get(f"/v1/videos/{job}/content")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    server.faults({"where": "content", "fault": "redirect"})
    answer = server.http.get(f"/v1/videos/{job}/content")
    assert answer.status_code == 302
    followed = server.http.get(f"/v1/videos/{job}/content", follow_redirects=True)
    assert followed.headers["content-type"] == "video/mp4"
    server.faults({"where": "content", "fault": "redirect", "location": "http://127.0.0.1:9/x"})
    answer = server.http.get(f"/v1/videos/{job}/content")
    assert answer.headers["location"] == "http://127.0.0.1:9/x"


def test_polls_can_say_odd_things(server: Server) -> None:
    server.faults({"where": "job", "fault": "hang"})
    job = server.create(**SHAPE)["id"]
    assert server.get(job)["status"] == "in_progress"
    server.faults(
        {"where": "poll", "fault": "word", "word": "pondering", "calls": {"only": [1]}},
        {"where": "poll", "fault": "stuck", "value": 37, "calls": {"only": [2, 3]}},
        {"where": "poll", "fault": "backwards", "calls": {"only": [4]}},
        {"where": "poll", "fault": "status", "status": 503, "calls": {"only": [5]}},
    )
    assert server.get(job)["status"] == "pondering"
    assert [server.get(job)["progress"] for _ in range(4 - 1)] == [37, 37, 98]
    assert server.http.get(f"/v1/videos/{job}").status_code == 503
    server.faults({"where": "poll", "fault": "lost"})
    assert server.http.get(f"/v1/videos/{job}").json()["error"]["code"] == "not_found"
    server.faults()
    assert server.http.delete(f"/v1/videos/{job}").status_code == 200


def test_jobs_fail_at_the_end_and_may_say_so_as_an_error(server: Server) -> None:
    server.faults(
        {"where": "job", "fault": "fail", "code": "moderation_blocked", "message": "No."},
        {"where": "poll", "fault": "failed-as-error", "status": 502},
    )
    job = server.create(**SHAPE)["id"]
    answer = until(
        lambda: (a := server.http.get(f"/v1/videos/{job}")).status_code == 502 and a,
        what="the failure",
    )
    assert answer
    assert answer.json()["status"] == "failed"
    assert answer.json()["error"] == {"code": "moderation_blocked", "message": "No."}
    server.faults()
    assert server.http.get(f"/v1/videos/{job}/content").status_code == 404


def test_done_without_content_and_expired(server: Server) -> None:
    for fault, code in (("no-content", "content_not_found"), ("expire", "video_expired")):
        server.faults({"where": "job", "fault": fault})
        job = server.ended(server.create(**SHAPE)["id"])
        assert job["status"] == "completed"
        answer = server.http.get(f"/v1/videos/{job['id']}/content")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
    assert job["expires_at"] <= time.time()


def test_content_comes_late_and_cut(server: Server) -> None:
    job = fresh(
        server,
        {"where": "content", "fault": "status", "status": 409, "calls": {"first": 2}},
        {"where": "content", "fault": "truncate", "calls": {"only": [3]}},
    )
    url = f"/v1/videos/{job}/content"
    assert [server.http.get(url).status_code for _ in range(2)] == [409, 409]
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending complete"):
        server.http.get(url)
    assert server.http.get(url).status_code == 200


def test_the_list_can_be_missing_or_behind(server: Server) -> None:
    job = fresh(server, {"where": "list", "fault": "status", "status": 405})
    assert server.http.get("/v1/videos").status_code == 405
    server.faults({"where": "list", "fault": "lag", "seconds": 60})
    assert job not in server.http.get("/v1/videos").text
    server.faults()
    assert job in server.http.get("/v1/videos").text


def test_an_outage_covers_every_route_for_its_time(server: Server) -> None:
    job = fresh(server, {"where": "any", "fault": "status", "status": 503, "during": [0, 0.5]})
    for path in ("/v1/videos", f"/v1/videos/{job}", f"/v1/videos/{job}/content"):
        assert server.http.get(path).status_code == 503
    assert server.http.post("/v1/videos", json=SHAPE).status_code == 503
    assert server.http.get("/sandbox/ledger").status_code == 200
    until(lambda: server.http.get("/v1/videos").status_code == 200, what="the outage's end")


def test_jobs_are_chosen_by_their_order_of_acceptance(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("rules: [{where: job, fault: fail, code: odd, jobs: {every: 2}}]")
    with serving(tmp_path / "home", *INSTANT, "--faults", str(script)) as server:
        ends = [server.ended(server.create(**SHAPE)["id"])["status"] for _ in range(4)]
        assert ends == ["completed", "failed"] * 2


def test_a_share_is_the_same_in_every_run() -> None:
    script = Script.model_validate(
        {"seed": 3, "rules": [{"where": "create", "fault": "drop", "calls": {"share": 0.3}}]}
    )
    runs = []
    for _ in range(2):
        faults = Faults(script)
        runs.append([faults.strike("create") is not None for _ in range(2000)])
    assert runs[0] == runs[1]
    assert 500 < sum(runs[0]) < 700


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"where": "create", "fault": "explode"}, "no fault is called 'explode'"),
        ({"where": "create", "fault": "truncate"}, "belongs to content, not to create"),
        ({"where": "create", "fault": "status"}, "needs status"),
        ({"where": "create", "fault": "drop", "status": 500}, "does not take status"),
        ({"where": "nowhere", "fault": "drop"}, "rules.0.where"),
        ({"where": "poll", "fault": "drop", "accepted": True}, "'accepted' belongs to create"),
        ({"where": "list", "fault": "drop", "jobs": {"first": 1}}, "use calls"),
        ({"where": "job", "fault": "hang", "calls": {"first": 1}}, "use jobs"),
        ({"where": "poll", "fault": "drop", "calls": {}}, "exactly one of"),
        ({"where": "poll", "fault": "drop", "calls": {"first": 1, "every": 2}}, "exactly one of"),
        ({"where": "poll", "fault": "drop", "during": [5, 1]}, "from below to"),
        ({"where": "poll", "fault": "drop", "wen": 1}, "rules.0.wen"),
    ],
)
def test_a_wrong_rule_is_refused_at_the_door(
    server: Server, tmp_path: Path, rule: dict[str, Any], says: str
) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"rules": [rule]}))
    with pytest.raises(SetupError, match=re.escape(says)):
        read_script(file)
    answer = server.http.post("/sandbox/faults", json={"rules": [rule]})
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


class Hook:
    """A receiver of webhooks that keeps what came."""

    def __init__(self) -> None:
        hook = self
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.refuse = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.came.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(503 if len(hook.came) <= hook.refuse else 204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def jobs(self) -> list[str]:
        return [json.loads(body)["data"]["id"] for _, body in self.came]


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def test_webhooks_are_signed_retried_and_misused(tmp_path: Path, hook: Hook) -> None:
    secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="
    arguments = (*INSTANT, "--webhook-url", hook.url, "--webhook-secret", secret)
    hook.refuse = 1
    with (
        OpenAI(api_key="x", webhook_secret=secret) as sdk,
        serving(tmp_path / "home", *arguments) as server,
    ):

        def valid(number: int) -> bool:
            headers, body = hook.came[number]
            try:
                sdk.webhooks.verify_signature(body, headers)
            except InvalidWebhookSignatureError:
                return False
            return True

        job = server.ended(server.create(**SHAPE)["id"])
        until(lambda: len(hook.came) == 2, what="the second try")
        assert hook.came[0][1] == hook.came[1][1]
        assert valid(0)
        event = json.loads(hook.came[1][1])
        assert (event["object"], event["type"]) == ("event", "video.completed")
        assert event["data"] == {"id": job["id"]}
        assert event["id"] == hook.came[1][0]["webhook-id"]

        server.faults(
            {"where": "webhook", "fault": "duplicate", "times": 3, "jobs": {"only": [2]}},
            {"where": "webhook", "fault": "stale", "jobs": {"only": [3]}},
            {"where": "webhook", "fault": "bad-signature", "jobs": {"only": [4]}},
            {"where": "webhook", "fault": "reorder", "jobs": {"only": [5]}},
            {"where": "webhook", "fault": "drop", "jobs": {"only": [7]}},
        )
        jobs = [job["id"]]
        for number in range(2, 9):
            jobs.append(server.ended(server.create(**SHAPE)["id"])["id"])
            if number not in {5, 7}:
                until(lambda: jobs[-1] in hook.jobs(), what=f"webhook {number}")
        until(lambda: jobs[4] in hook.jobs(), what="the held back one")
        came = [jobs.index(job) + 1 for job in hook.jobs()]
        assert came == [1, 1, 2, 2, 2, 3, 4, 6, 5, 8]
        assert [valid(n) for n in range(len(came))] == [n not in {5, 6} for n in range(len(came))]


def test_a_webhook_can_come_before_the_end(tmp_path: Path, hook: Hook) -> None:
    arguments = ("--instant-seconds", "600", "--webhook-url", hook.url)
    with serving(tmp_path / "home", *arguments) as server:
        server.faults({"where": "webhook", "fault": "early"})
        job = server.create(**SHAPE)["id"]
        until(lambda: hook.jobs() == [job], what="the early webhook")
        assert server.get(job)["status"] == "in_progress"


def test_an_unsent_webhook_survives_a_kill(tmp_path: Path, hook: Hook) -> None:
    hook.refuse = 1
    server = Server(tmp_path / "home", *INSTANT, "--webhook-url", hook.url)
    try:
        server.ended(server.create(**SHAPE)["id"])
        until(lambda: hook.came, what="the refused try")
        server.stop(kill=True)
        hook.refuse = 0
        server.start()
        until(lambda: len(hook.came) >= 2, what="the try after the restart")
        assert len({headers["webhook-id"] for headers, _ in hook.came}) == 1
    finally:
        server.stop()


async def test_the_documented_example_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(blocks) == 1
    file = tmp_path / "faults.yaml"
    file.write_text(blocks[0])
    assert len(read_script(file).rules) == len(yaml.safe_load(blocks[0])["rules"])

    def drive() -> list[str]:
        with serving(tmp_path / "home", *INSTANT, "--faults", str(file)) as server:
            seen = []
            for _ in range(6):
                try:
                    answer = server.http.post("/v1/videos", json=SHAPE)
                    seen.append(str(answer.status_code))
                except httpx2.RemoteProtocolError:
                    seen.append("cut")
            assert server.ledger()["accepted"] == 4
            return seen

    assert await asyncio.to_thread(drive) == ["cut", "cut", "429", "200", "200", "429"]
