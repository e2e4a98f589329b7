"""A batch against any other `/v1/videos` server, named by SORA_BASE_URL alone."""

import asyncio
from pathlib import Path

import pytest
from tests.integration.command_line import Place, Said, data_folder, written
from tests.integration.generating_provider import write_clip
from tests.integration.vendor_servers.pairs import KEY, SERVERS
from tests.integration.vendor_servers.videos import VideosServer
from tests.integration.vendor_servers.wire import Answer, Request

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
