"""A batch against any other `/v1/videos` server, named by SORA_BASE_URL alone."""

import asyncio
from pathlib import Path

import pytest
from tests.integration.command_line import Place, Said, data_folder, written
from tests.integration.generating_provider import write_clip
from tests.integration.vendor_servers.pairs import KEY, SERVERS
from tests.integration.vendor_servers.videos import Accepting, VideosServer
from tests.integration.vendor_servers.wire import CUT, Answer, Request

MOST = 4  # jobs that these servers take at once
LARGER = {"aesthetic": ["cinema", "ugc"], "intention": ["educate", "inspire"]}  # 24 videos


@pytest.fixture(scope="module")
def home():
    with data_folder() as folder:
        yield folder


def at_work(base: type[VideosServer], clip: bytes) -> type[VideosServer]:
    """That server, with jobs that are done at the third question about them."""

    class Working(base):  # type: ignore[misc, valid-type] # any of the dialects' servers
        def __init__(self) -> None:
            super().__init__(key=KEY)
            self.asked: dict[str, int] = {}
            self.peak = 0

        def create(self, request: Request) -> Answer:
            answer = super().create(request)
            running = [j for j in self.jobs.values() if j["status"] in {"queued", "in_progress"}]
            self.peak = max(self.peak, len(running))
            return answer

        def get(self, job) -> Answer:
            name = job["id"]
            self.asked[name] = self.asked.get(name, 0) + 1
            if self.asked[name] == 3:
                self.finish(name, clip)
            return super().get(job)

    return Working


async def run(place: Place, *words: str | Path, **settings: str) -> Said:
    """The command, while this process goes on serving."""
    return await asyncio.to_thread(place.run, *words, **settings)


@pytest.mark.parametrize("dialect", SERVERS)
async def test_24_videos_are_made_at_another_server(home, tmp_path, dialect):
    write_clip(tmp_path / "clip.mp4")
    place = Place(home=home, cwd=tmp_path)
    brief = written(tmp_path / "brief.yaml", brand=f"Tarn {dialect}", dimensions=LARGER)
    words = ("make", brief, "--provider", "openai-videos", "--yes", "--json", "--batch-id", dialect)
    async with at_work(SERVERS[dialect], (tmp_path / "clip.mp4").read_bytes())() as server:
        settings = {
            "SORA_BASE_URL": f"{server.url}/v1",
            "SORA_API_KEY": KEY,
            "SPOTLOOM_DIALECT": dialect,
        }
        said = await run(place, *words, **settings)
        assert said.code == 0, said
        manifest = said.json
        assert [v["status"] for v in manifest["videos"]] == ["completed"] * 24
        assert {v["providerJobId"] for v in manifest["videos"]} == set(server.jobs)
        assert (manifest["estimatedCost"], manifest["actualCost"]) == (48.0, 48.0)
        assert "notice" not in manifest  # real footage, as far as we can tell
        assert len(server.jobs) == len(server.creates) == 24
        assert server.peak <= MOST
        assert KEY not in said.out + said.err
        again = await run(place, *words, **settings)
        assert again.json == manifest
        assert len(server.creates) == 24
    folder = tmp_path / "out" / dialect
    assert len(list(folder.glob("*.mp4"))) == 24


async def test_a_key_that_is_refused_stops_the_batch_and_says_how_to_go_on(home, tmp_path):
    write_clip(tmp_path / "clip.mp4")
    place = Place(home=home, cwd=tmp_path)
    brief = written(tmp_path / "brief.yaml", brand="Tarn with a wrong key")
    words = ("make", brief, "--provider", "openai-videos", "--yes", "--json", "--batch-id", "key")
    async with at_work(SERVERS["generic"], (tmp_path / "clip.mp4").read_bytes())() as server:
        settings = {"SORA_BASE_URL": f"{server.url}/v1", "SORA_API_KEY": "sk-wrong"}
        said = await run(place, *words, **settings)
        assert said.code == 1
        message = said.json["error"]["message"]
        assert "The provider openai-videos takes no more videos" in message
        assert "spotloom lanes openai-videos --resume" in message
        assert "To continue: " in message
        assert not server.jobs
        assert "sk-wrong" not in said.out + said.err
        settings["SORA_API_KEY"] = KEY
        resumed = await run(place, "lanes", "openai-videos", "--resume", **settings)
        assert resumed.code == 0, resumed
        said = await run(place, *words, **settings)
        assert said.code == 0, said
        assert len(server.jobs) == 6


async def test_a_batch_is_not_continued_at_another_server(home, tmp_path):
    write_clip(tmp_path / "clip.mp4")
    clip = (tmp_path / "clip.mp4").read_bytes()
    place = Place(home=home, cwd=tmp_path)
    brief = written(tmp_path / "brief.yaml", brand="Tarn that moves")
    words = ("make", brief, "--provider", "openai-videos", "--yes", "--json", "--batch-id", "moves")
    generic = at_work(SERVERS["generic"], clip)
    async with generic() as first, generic() as second:
        settings = {"SORA_API_KEY": "sk-wrong", "SORA_BASE_URL": f"{first.url}/v1"}
        assert (await run(place, *words, **settings)).code == 1  # stored, and not begun
        settings = {"SORA_API_KEY": KEY, "SORA_BASE_URL": f"{second.url}/v1"}
        said = await run(place, *words, **settings)
        assert said.code == 1
        assert "Set SORA_BASE_URL back" in said.json["error"]["message"]
        assert not second.jobs


def differing(base: type[VideosServer], **how) -> type[VideosServer]:
    """That server, where the first create is cut after acceptance and jobs are told otherwise."""

    class Differing(base):  # type: ignore[misc, valid-type] # any of the dialects' servers
        def __init__(self) -> None:
            super().__init__()
            self.script("create", Accepting(CUT))

        def listed(self, jobs, *, more: bool):
            return super().listed([job | how["list"] for job in jobs], more=more)

        def shown(self, job):
            return super().shown(job) | how.get("get", {})

    return Differing


ROUNDED = {"list": {"seconds": "9"}, "get": {"seconds": "9"}}
SHORT = {"list": {"prompt": None}}


@pytest.mark.parametrize(
    ("how", "made", "code"), [(ROUNDED, 5, 1), (SHORT, 6, 0)], ids=["rounded", "short list"]
)
async def test_an_order_that_may_be_there_is_never_sent_again(home, tmp_path, how, made, code):
    write_clip(tmp_path / "clip.mp4")
    place = Place(home=home, cwd=tmp_path)
    batch = f"may-be-{made}"
    brief = written(tmp_path / "brief.yaml", brand=f"Tarn {batch}")
    words = ("make", brief, "--provider", "openai-videos", "--yes", "--json", "--batch-id", batch)
    served = differing(at_work(SERVERS["generic"], (tmp_path / "clip.mp4").read_bytes()), **how)
    async with served() as server:
        settings = {
            "SORA_BASE_URL": f"{server.url}/v1",
            "SORA_API_KEY": KEY,
            "SPOTLOOM_LIST_LAG_SECONDS": "2",
        }
        said = await run(place, *words, **settings)
        assert said.code == code, said
        assert len(server.orders) == 6
        states = [v["status"] for v in said.json["videos"]]
        assert (states.count("completed"), states.count("unknown")) == (made, 6 - made)


async def test_a_job_name_that_was_used_before_buys_nothing_twice(home, tmp_path):
    write_clip(tmp_path / "clip.mp4")
    place = Place(home=home, cwd=tmp_path)
    async with at_work(SERVERS["generic"], (tmp_path / "clip.mp4").read_bytes())() as server:
        settings = {"SORA_BASE_URL": f"{server.url}/v1", "SORA_API_KEY": KEY}
        for batch, code in (("names", 0), ("names-again", 1)):
            brief = written(tmp_path / f"{batch}.yaml", brand=f"Tarn {batch}")
            words = ("make", brief, "--provider", "openai-videos", "--yes", "--json")
            said = await run(place, *words, "--batch-id", batch, **settings)
            assert said.code == code, said
            server.jobs.clear()  # it starts anew, and counts from one again
            server.asked.clear()
    assert {v["status"] for v in said.json["videos"]} == {"unknown"}
    assert len(server.orders) == 12
    assert "which is another video's" in str(said.json)
