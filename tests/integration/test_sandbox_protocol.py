"""The sandbox speaks /v1/videos to the letter: the vendor's own SDK drives it."""

import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from openai import APIStatusError, OpenAI
from openai.types import Video, VideoDeleteResponse
from PIL import Image
from tests.integration.sandbox_process import INSTANT, Server, serving, until

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
SHAPE: dict[str, Any] = {"seconds": "1", "size": "720x1280"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("sandbox") / "home"
    with serving(home, *INSTANT, "--warm", "720x1280:1") as server:
        yield server


@pytest.fixture(scope="module")
def sdk(server: Server) -> Iterator[OpenAI]:
    with (
        warnings.catch_warnings(),
        OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client,
    ):
        yield client


def checked(video: Video) -> Video:
    """The video, once the SDK's model has validated it strictly and found every field set."""
    raw = video.model_dump(exclude_unset=True)
    assert set(raw) >= set(Video.model_fields)
    Video.model_validate(raw, strict=True)
    return video


def wait(sdk: OpenAI, video: Video) -> Video:
    def over() -> Video | None:
        shown = checked(sdk.videos.retrieve(video.id))
        return shown if shown.status in {"completed", "failed"} else None

    found = until(over, what="the video")
    assert found is not None
    return found


def test_a_video_lives_its_whole_life_through_the_sdk(sdk: OpenAI) -> None:
    video = checked(sdk.videos.create(prompt="A calm morning", model="sora-2", **SHAPE))
    assert (video.status, video.progress, video.seconds, video.size) == (
        "queued",
        0,
        "1",
        "720x1280",
    )
    done = wait(sdk, video)
    assert (done.status, done.progress, done.error) == ("completed", 100, None)
    assert done.completed_at is not None
    assert done.expires_at is not None
    assert done.created_at <= done.completed_at < done.expires_at

    film = sdk.videos.download_content(video.id)
    assert film.response.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(film.content)) as opened:
        stream = opened.streams.video[0]
        assert (stream.width, stream.height) == (720, 1280)
        frames = sum(1 for _ in opened.decode(video=0))
        assert stream.average_rate is not None
        assert frames == stream.average_rate
    for variant, kind in (("thumbnail", "webp"), ("spritesheet", "jpeg")):
        still = sdk.videos.download_content(video.id, variant=variant)  # type: ignore[arg-type] # a literal of the list above
        assert still.response.headers["content-type"] == f"image/{kind}"
        assert (Image.open(io.BytesIO(still.content)).format or "").lower() == kind

    gone = sdk.videos.delete(video.id)
    VideoDeleteResponse.model_validate(gone.to_dict(), strict=True)
    assert (gone.id, gone.deleted, gone.object) == (video.id, True, "video.deleted")
    with pytest.raises(APIStatusError) as caught:
        sdk.videos.retrieve(video.id)
    assert caught.value.status_code == 404


def test_lists_page_in_both_orders(sdk: OpenAI, server: Server) -> None:
    made = []
    for number in range(5):
        made.append(sdk.videos.create(prompt=f"Number {number}", **SHAPE).id)
        wait(sdk, sdk.videos.retrieve(made[-1]))
    assert [v.id for v in sdk.videos.list(limit=2)][:5] == made[::-1]
    forward = [checked(v).id for v in sdk.videos.list(limit=2, order="asc", after=made[0])]
    assert forward == made[1:]
    page = server.http.get("/v1/videos", params={"limit": 2}).json()
    assert set(page) == {"object", "data", "first_id", "last_id", "has_more"}
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == (
        "list",
        made[4],
        made[3],
        True,
    )


def test_a_form_with_a_reference_and_the_extension_is_taken(sdk: OpenAI) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    extension = json.dumps({"brand": "Fern", "loop": True, "values": [["mood", "intense"]]})
    video = sdk.videos.create(
        prompt="With a picture",
        input_reference=("a.png", picture.getvalue(), "image/png"),
        extra_body={"spotloom": extension},
        **SHAPE,
    )
    assert wait(sdk, checked(video)).status == "completed"


def test_a_reference_by_link_is_taken(server: Server) -> None:
    link = {"image_url": "http://127.0.0.1/a.png"}
    job = server.create("With a link", input_reference=link, **SHAPE)
    assert server.ended(job["id"])["status"] == "completed"


def test_a_remix_names_its_source(sdk: OpenAI) -> None:
    source = wait(sdk, sdk.videos.create(prompt="First", model="sora-2-pro", **SHAPE))
    remix = checked(sdk.videos.remix(source.id, prompt="Second"))
    assert (remix.remixed_from_video_id, remix.prompt) == (source.id, "Second")
    assert (remix.model, remix.seconds, remix.size) == ("sora-2-pro", "1", "720x1280")
    assert wait(sdk, remix).status == "completed"


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"model": "sora-9"}, "model", "sora-2, sora-2-pro"),
        ({"seconds": "61"}, "seconds", '"1" to "60"'),
        ({"seconds": "0"}, "seconds", '"1" to "60"'),
        ({"seconds": 4}, "seconds", "string"),
        ({"seconds": "4.5"}, "seconds", "whole"),
        ({"size": "1x1"}, "size", "1024x1024"),
        ({"prompt": ""}, "prompt", "empty"),
        ({"prompt": None}, "prompt", "Missing"),
        ({"prompt": "a\0b"}, "prompt", "NUL"),
        ({"prompt": "x" * 32_001}, "prompt", "32000"),
        ({"secons": "4"}, "secons", "Unknown parameter"),
        ({"spotloom": {"brand": 5}}, "spotloom.brand", "string"),
        ({"spotloom": {"colour": "red"}}, "spotloom.colour", "not permitted"),
    ],
)
def test_bad_input_names_the_parameter(
    server: Server, body: dict[str, Any], param: str, says: str
) -> None:
    before = server.ledger()["accepted"]
    answer = server.http.post("/v1/videos", json={"prompt": "Fine", **body})
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert says in error["message"]
    assert server.ledger()["accepted"] == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"text"'])
def test_a_body_that_is_no_object_is_refused(server: Server, body: bytes) -> None:
    answer = server.http.post("/v1/videos", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


def test_an_endless_body_is_cut_off(server: Server) -> None:
    answer = server.http.post("/v1/videos", content=b"x" * (33 * 1024 * 1024))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "status", "param"),
    [
        ("/v1/videos?limit=0", 400, "limit"),
        ("/v1/videos?limit=101", 400, "limit"),
        ("/v1/videos?order=up", 400, "order"),
        ("/v1/videos?after=video_none", 400, "after"),
        ("/v1/videos/video_none", 404, None),
        ("/v1/videos/video_none/content", 404, None),
        ("/v1/videos/video_none/content?variant=gif", 400, "variant"),
        ("/v1/elsewhere", 404, None),
    ],
)
def test_bad_questions_get_the_vendors_error(
    server: Server, path: str, status: int, param: str | None
) -> None:
    answer = server.http.get(path)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_content_comes_in_ranges(server: Server) -> None:
    job = server.ended(server.create(**SHAPE)["id"])["id"]
    url = f"/v1/videos/{job}/content"
    whole = server.http.get(url)
    part = server.http.get(url, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    rest = server.http.get(url, headers={"range": "bytes=500-", "if-range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[500:])
    other = server.http.get(url, headers={"range": "bytes=500-", "if-range": '"other"'})
    assert (other.status_code, len(other.content)) == (200, len(whole.content))
    assert server.http.get(url, headers={"range": "bytes=99999999-"}).status_code == 416


def test_web_pages_of_strangers_are_refused(server: Server) -> None:
    for headers in ({"origin": "https://elsewhere.example"}, {"host": "elsewhere.example"}):
        answer = server.http.get("/sandbox/ledger", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_the_limit_refuses_and_never_charges(tmp_path: Path) -> None:
    with serving(tmp_path / "home", "--instant-seconds", "600", "--limit", "2") as server:
        first = server.create(**SHAPE)["id"]
        server.create(**SHAPE)
        for _ in range(3):
            answer = server.http.post("/v1/videos", json={"prompt": "One too many", **SHAPE})
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
            assert answer.json()["error"]["code"] == "rate_limit_exceeded"
        ledger = server.ledger()
        assert (ledger["accepted"], ledger["peakConcurrent"]) == (2, 2)
        assert server.http.delete(f"/v1/videos/{first}").status_code == 200
        server.create(**SHAPE)
        assert server.ledger()["accepted"] == 3
        assert [job["status"] for job in server.ledger()["jobs"]] == [
            "deleted",
            "in_progress",
            "in_progress",
        ]


def test_an_idempotency_key_counts_only_when_asked_for(tmp_path: Path) -> None:
    head = {"idempotency-key": "one"}
    for option, accepted in ((("--idempotency",), 1), ((), 2)):
        home = tmp_path / f"home{accepted}"
        with serving(home, "--instant-seconds", "600", *option) as server:
            body = {"prompt": "Once", **SHAPE}
            answers = [server.http.post("/v1/videos", json=body, headers=head) for _ in range(2)]
            assert len({answer.json()["id"] for answer in answers}) == accepted
            assert server.ledger()["accepted"] == accepted
            if option:
                other = server.http.post(
                    "/v1/videos", json={**body, "prompt": "Twice"}, headers=head
                )
                assert other.status_code == 409


def test_a_real_animatic_is_drawn_to_the_order(tmp_path: Path) -> None:
    with serving(tmp_path / "home", "--processes", "1") as server:
        extension = {"brand": "Fern", "loop": False, "values": [["mood", "wholesome"]]}
        job = server.create(
            "Idea: tea at dawn.", seconds="3", size="1024x1024", spotloom=extension
        )["id"]
        seen = []
        until(
            lambda: seen.append(server.get(job)) or seen[-1]["status"] == "completed",
            what="the film",
        )
        steps = [shown["progress"] for shown in seen]
        assert steps == sorted(steps)
        assert {"in_progress", "completed"} <= {shown["status"] for shown in seen}
        film = server.http.get(f"/v1/videos/{job}/content").content
        with av.open(io.BytesIO(film)) as opened:
            stream = opened.streams.video[0]
            assert (stream.width, stream.height) == (1024, 1024)
            assert stream.average_rate is not None
            assert stream.frames == 3 * stream.average_rate
        assert "tea at dawn" not in (server.home / "sandbox.log").read_text()


def test_a_killed_server_goes_on_where_it_was(tmp_path: Path) -> None:
    server = Server(tmp_path / "home", "--instant-seconds", "1.5", "--warm", "720x1280:1")
    try:
        done = server.ended(server.create("Before", **SHAPE)["id"])
        live = [server.create(f"During {n}", **SHAPE)["id"] for n in range(3)]
        ledger = server.ledger()
        server.stop(kill=True)
        server.start()
        assert [job["id"] for job in server.ledger()["jobs"]] == [
            job["id"] for job in ledger["jobs"]
        ]
        assert server.get(done["id"]) == done
        assert server.http.get(f"/v1/videos/{done['id']}/content").status_code == 200
        assert [server.ended(job)["status"] for job in live] == ["completed"] * 3
        assert server.ledger()["accepted"] == 4
    finally:
        server.stop()
