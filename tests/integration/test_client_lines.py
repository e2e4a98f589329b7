"""Where the line is lost the client goes on, and repeats nothing that could pay twice."""

import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.integration.client_lines import FILM, Broken, Line, film

from spotloom.client.call import MOST_TRIES
from spotloom.client.errors import Misused, ServerFault
from spotloom.contract.combinations import CombinationEdit
from spotloom.errors import Conflict, OutcomeUnknown, SetupError, Transient


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pauses between tries."""
    monkeypatch.setattr("time.sleep", lambda _: None)


QUEUED = {"batchId": "spring", "totalVideos": 1, "status": "queued"}


async def test_a_submit_whose_answer_was_lost_is_sent_again_under_its_key(quick: None) -> None:
    lost = [httpx2.ReadError("reset"), httpx2.ReadTimeout("slow")]
    line = Line(lambda _: lost.pop() if lost else httpx2.Response(200, json=QUEUED))
    with line.client() as client:
        assert client.submit({"brand": "x"}, batch_id="spring").batch_id == "spring"
    assert len(line.seen) == 3
    assert len({r.headers["idempotency-key"] for r in line.seen}) == 1
    assert {json.loads(r.content)["batchId"] for r in line.seen} == {"spring"}


async def test_an_edit_whose_answer_was_lost_is_not_repeated(quick: None) -> None:
    line = Line(lambda _: httpx2.ReadError("reset"))
    with line.client() as client, pytest.raises(OutcomeUnknown, match="may have been carried out"):
        client.edit("spring", "k1", CombinationEdit(winner=True), version=1)
    assert len(line.seen) == 1


async def test_a_word_on_a_video_is_not_said_again_over_a_later_one(quick: None) -> None:
    line = Line(lambda _: httpx2.ReadError("reset"))
    with line.client() as client:
        for say in (client.approve, client.reject):
            with pytest.raises(OutcomeUnknown):
                say("spring", "k1")
        with pytest.raises(OutcomeUnknown):
            client.redeliver("d1")
    assert len(line.seen) == 3


async def test_a_cookie_of_a_proxy_is_not_kept() -> None:
    stuck = {"set-cookie": "AWSALB=x; Path=/"}
    line = Line(lambda _: httpx2.Response(200, headers=stuck, json=QUEUED))
    with line.client() as client:
        for batch in ("one", "two"):
            client.submit({"brand": "x"}, batch_id=batch)
    assert [r.headers.get("cookie") for r in line.seen] == [None, None]


@pytest.mark.parametrize(
    ("status", "headers", "times", "error"),
    [
        (429, {"retry-after": "1"}, MOST_TRIES, Transient),
        (429, {"retry-after": "3600"}, 1, Transient),
        (503, {}, MOST_TRIES, Transient),
        (502, {}, MOST_TRIES, Transient),
        (500, {}, 1, ServerFault),
        (404, {}, 1, SetupError),  # of something that is no Spotloom
        (400, {}, 1, SetupError),
    ],
)
async def test_only_what_can_pass_is_asked_again(
    quick: None, status: int, headers: dict[str, str], times: int, error: type[Exception]
) -> None:
    line = Line(lambda _: httpx2.Response(status, headers=headers, text="<html>"))
    with line.client() as client, pytest.raises(error):
        client.queue()
    assert len(line.seen) == times


async def test_nothing_is_lost_where_nothing_was_sent(quick: None) -> None:
    line = Line(lambda _: httpx2.ConnectError("refused"))
    with line.client() as client, pytest.raises(Transient, match="does not answer: refused"):
        client.edit("spring", "k1", CombinationEdit(winner=True), version=1)
    assert len(line.seen) == MOST_TRIES


async def test_an_answer_that_is_not_ours_is_told(quick: None) -> None:
    line = Line(lambda _: httpx2.Response(200, json={"hello": "world"}))
    with line.client() as client, pytest.raises(SetupError, match="does not answer as this"):
        client.queue()
    problem = {"type": "urn:spotloom:problem:too-large", "title": "Too large", "status": 413}
    line = Line(lambda _: httpx2.Response(413, json=problem | {"detail": "The body is big."}))
    with line.client() as client, pytest.raises(Misused, match=r"Too large: The body is big\."):
        client.plan({})


def told(kind: str, place: str, **videos: str) -> bytes:
    """An event as the server writes it."""
    money = dict.fromkeys(("estimated", "reserved", "unknown", "actual", "committed"), 0)
    data: dict[str, Any] = {
        "batchId": "spring",
        "campaignId": "01900000-0000-7000-8000-0000000000aa",
        "state": "active",
        "totalVideos": 2,
        "counts": {"queued": 2},
        "over": 0,
        "percent": 0,
        "finishedAMinute": None,
        "expectedSeconds": None,
        "expectedFinish": None,
        "spend": money | {"budget": None},
        "videos": [
            {"combinationId": k, "status": v, "attempt": 1, "review": "none", "version": 1}
            for k, v in videos.items()
        ],
    }
    return f"event: {kind}\ndata: {json.dumps(data)}\nid: {place}\n\n".encode()


async def test_a_lost_watch_goes_on_after_the_last_event_that_was_whole(quick: None) -> None:
    sse = {"content-type": "text/event-stream"}
    first = Broken(
        b"retry: 1000\n\n", told("snapshot", "p1", k1="queued", k2="queued"),
        b": heartbeat\n\n", told("delta", "p2", k1="failed")[:-9],
    )  # fmt: skip
    rest = [told("delta", "p2", k1="failed"), told("delta", "p3", k2="failed")]
    answers = [
        httpx2.Response(200, headers=sse, stream=first),
        httpx2.ConnectError("refused"),
        httpx2.Response(503, headers={"retry-after": "1"}, text="busy"),
        httpx2.Response(200, headers=sse, content=rest[0]),  # and the server ends it
        httpx2.Response(200, headers=sse, content=rest[1] + told("over", "p3!")),
    ]
    line = Line(lambda _: answers.pop(0))
    with line.client() as client:
        events = [(e.kind, e.id, len(e.videos)) for e in client.watch("spring")]
    assert events == [
        ("snapshot", "p1", 2),
        ("delta", "p2", 1),
        ("delta", "p3", 1),
        ("over", "p3!", 0),
    ]
    asked = [request.headers.get("last-event-id") for request in line.seen]
    assert asked == [None, "p1", "p1", "p1", "p2"]


async def test_a_file_that_breaks_off_is_fetched_from_there(quick: None, tmp_path: Path) -> None:
    begun: list[int] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        begun.append(start)
        status = 206 if start else 200
        piece = FILM[start : start + 500_000]
        if start + len(piece) == len(FILM):
            return httpx2.Response(status, content=piece)
        return httpx2.Response(status, stream=Broken(piece))

    line = Line(answers)
    with line.client() as client:
        client.download(film(), tmp_path / "new" / "film.mp4")
    assert (tmp_path / "new" / "film.mp4").read_bytes() == FILM
    assert begun == [0, 500_000, 1_000_000]
    assert [r.headers.get("if-range") for r in line.seen[1:]] == [f'"{film().sha256}"'] * 2
    assert os.listdir(tmp_path / "new") == ["film.mp4"]  # noqa: PTH208 - as below


async def test_a_file_that_never_comes_whole_is_given_up(quick: None, tmp_path: Path) -> None:
    line = Line(lambda _: httpx2.Response(200, stream=Broken(FILM[:10])))
    with line.client() as client, pytest.raises(Transient):
        client.download(film(), tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()
    line = Line(lambda _: httpx2.Response(200, content=FILM[::-1]))
    (tmp_path / "film.mp4.part").unlink()
    with line.client() as client, pytest.raises(Conflict, match="is not the file that was made"):
        client.download(film(), tmp_path / "film.mp4")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib in a coroutine is refused, too
