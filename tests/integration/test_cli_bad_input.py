"""Bad input is told at once, in one message that names the field, and leaves nothing behind."""

import os
import sys
from pathlib import Path

import pytest
import structlog
from tests.integration.command_line import Place, Said, written

from spotloom import cli

EVERY_TYPE = [
    "review-social-proof", "broll-visual-narrative", "storytime", "listicle", "vsl", "skit",
    "review-testimonial", "vintage-2000s-ad", "modern-tv-ad", "vintage-90s-ad", "vintage-80s-ad",
]  # fmt: skip
FUNNEL = ["unaware", "problem-aware", "solution-aware", "product-aware", "most-aware"]
LARGE = {  # 5 × 4 × 11 × 3 = 660
    "funnelLevel": FUNNEL,
    "aesthetic": ["ugc", "professional", "cinema", "animated-3d"],
    "type": EVERY_TYPE,
    "mood": ["wholesome", "unhinged", "intense"],
}


@pytest.fixture
def spotloom(monkeypatch, capsys, tmp_path):
    """`spotloom(*words)`: the command in this process, in an empty folder, with an empty home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPOTLOOM_HOME", str(tmp_path / "home"))

    def run(*words: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["spotloom", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return Said(int(stopped.value.code or 0), said.out, said.err)

    yield run
    structlog.reset_defaults()  # it would go on writing to this test's stderr


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(home=tmp_path / "home", cwd=tmp_path)


@pytest.fixture
def refused(spotloom, tmp_path):
    """`refused(words…, **brief)`: the problems of a brief, told to people and machines alike."""

    def problems(*words: str, **brief) -> dict[str, str]:
        file = written(tmp_path / "brief.yaml", **brief)
        before = sorted(path.name for path in tmp_path.iterdir())
        said = spotloom("make", file, "--yes", "--json", *words)
        assert said.code == 2, said
        found = {p["field"]: p["message"] for p in said.json["error"]["problems"]}
        for field, message in found.items():
            assert f"{field}: {message}" in said.err
        assert sorted(path.name for path in tmp_path.iterdir()) == before
        return found

    return problems


def test_an_unknown_option_is_named_with_the_allowed_ones(refused):
    found = refused(dimensions={"mood": ["wholesom"]})
    assert list(found) == ["dimensions.mood[0]"]
    assert "“wholesom” is not an option. Did you mean wholesome?" in found["dimensions.mood[0]"]
    assert "unhinged" in found["dimensions.mood[0]"]


def test_a_missing_required_dimension_is_named_with_its_options(refused):
    found = refused(dimensions={"intention": None})
    assert "needs at least one option: educate" in found["dimensions.intention"]


def test_a_duration_that_the_model_does_not_offer(refused):
    found = refused("--provider", "openai-videos", duration=7)
    assert found["duration"] == "sora-2 makes 4, 5, 8, 10, 12 or 20 s, not 7 s."


def test_a_ratio_that_there_is_not(refused):
    found = refused(aspectRatio="4:5")
    assert "“4:5” is not a ratio. Allowed: 16:9, 9:16 or 1:1." in found["aspectRatio"]


def test_an_unknown_key_brings_the_nearest_known_one(refused):
    found = refused(bigidea2="x", callToActoin="Buy")
    assert "Did you mean bigIdea?" in found["bigidea2"]
    assert "Did you mean callToAction?" in found["callToActoin"]


def test_everything_wrong_is_told_at_once(refused):
    found = refused(
        *("--budget", "-5", "--provider", "sandbx"),
        brand=None,
        duration="long",
        loop="maybe",
        priority="urgent",
        dimensions={"mood": ["calm"], "aesthetic": []},
    )
    assert set(found) == {
        *("--budget", "--provider", "brand", "duration", "loop", "priority"),
        *("dimensions.mood[0]", "dimensions.aesthetic"),
    }
    assert "Did you mean sandbox? Known: sandbox and openai-videos." in found["--provider"]


@pytest.mark.parametrize("budget", ["-1", "a lot", "nan", "inf", "1e99", "12.345", ""])
def test_a_budget_on_the_command_line_is_an_amount(refused, budget):
    assert "must be an amount of US dollars from 0" in refused("--budget", budget)["--budget"]


@pytest.mark.parametrize("budget", [-1, "-0.01", "plenty", True, 1.234])
def test_a_budget_in_the_brief_is_an_amount(refused, budget):
    assert list(refused(budget=budget)) == ["budget"]


def test_no_video_left_says_what_excluded_them(refused):
    found = refused(exclude=[{"mood": ["wholesome"]}])
    assert "leave no video to make. All 6 combinations are excluded" in found["dimensions"]


def test_660_videos_are_planned_with_their_equation_and_cost(spotloom, tmp_path):
    file = written(tmp_path / "brief.yaml", dimensions=LARGE, duration=10)
    said = spotloom("plan", file)
    assert said.code == 0
    assert "5 × 4 × 11 × 3 = 660 videos" in said.out
    assert "= 660 × $5.00 = $3,300.00" in said.out
    assert "Warning (24 videos): " in said.err
    answer = spotloom("plan", file, "--json").json
    assert (answer["totalVideos"], answer["estimatedCost"]) == (660, 3300.0)
    assert len({c["combinationId"] for c in answer["combinations"]}) == 660


@pytest.mark.parametrize(
    "more", [{"intention": ["educate", "inspire"]}, {"gender": ["male", "any"]}]
)
def test_more_than_660_videos_are_refused_with_the_count_and_the_way_out(refused, more):
    found = refused(dimensions=LARGE | more)
    assert "= 1,320 videos; a batch holds 660 at most. To fit, drop" in found["dimensions"]


def test_661_videos_are_one_too_many(refused):
    """Of 672 combinations eleven are struck out, and one is still too many."""
    dimensions = LARGE | {
        "type": EVERY_TYPE[:7],
        "mood": ["wholesome", "intense", "professional", "shocking"],
        "ageGeneration": ["gen-z", "millennial", "gen-x", "any", "gen-alpha", "baby-boomer"],
        "funnelLevel": FUNNEL[:4],
        "aesthetic": ["cinema"],
    }
    one = {"type": ["vsl"], "mood": ["intense"]}
    exclude = [
        one | {"ageGeneration": ["gen-z", "millennial"]},
        {"funnelLevel": ["unaware"], "type": ["skit"], "mood": ["intense"],
         "ageGeneration": ["gen-z", "millennial", "gen-x"]},
    ]  # fmt: skip
    found = refused(dimensions=dimensions, exclude=exclude)
    assert "4 × 7 × 4 × 6 = 672 videos, 661 after exclusions" in found["dimensions"]
    assert "a batch holds 660 at most" in found["dimensions"]


def test_an_absurd_product_is_refused_as_quickly(refused):
    everything = {
        "funnelLevel": FUNNEL,
        "type": EVERY_TYPE,
        "aesthetic": ["animated-2d", "ugc", "professional", "cinema", "animated-3d"],
        "intention": ["educate", "entertain", "challenge-belief", "inspire"],
        "mood": ["wholesome", "unhinged", "intense", "professional", "shocking"],
        "lifeStage": ["people", "student", "parents", "retired", "any"],
        "ethnicity": ["white", "black", "asian", "latino", "indian", "any"],
        "orientation": ["straight", "lgbtqia", "any"],
    }
    found = refused(dimensions=everything)
    assert "495,000 videos" in found["dimensions"]
    assert "choose one option each in" in found["dimensions"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"brand: [never closed", "line 1, column"),
        (b"brand: a\n\tmood: b", "line 2, column 1"),
        (b"brand: a\nbrand: b", "stands here a second time"),
        (b"- one\n- two", "must be a mapping such as `brand: …`, but is a list."),
        (b"", "must be a mapping such as `brand: …`, but is empty."),
        (b"brand: \x00", "line 1, column 8: holds a NUL byte; take it out."),
        (b"brand: caf\xe9", "line 1: is not UTF-8 text; save the file as UTF-8."),
        (b"bigIdea: " + b"x" * 10_000_000, "is larger than 1 MiB; a brief is a page of text."),
        (b"a: &a [1]\nb: *a", "not supported; write the value out"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "make"])
def test_an_unreadable_brief_is_told_with_the_place(spotloom, tmp_path, command, content, says):
    file = tmp_path / "brief.yaml"
    file.write_bytes(content)
    said = spotloom(command, file, "--json")
    assert said.code == 2
    [problem] = said.json["error"]["problems"]
    assert problem["field"] == "brief"
    assert problem["message"].startswith(str(file))
    assert says in problem["message"]
    assert not (tmp_path / "home").exists()


def test_a_brief_that_is_not_there(spotloom, tmp_path):
    said = spotloom("plan", tmp_path / "none.yaml")
    assert said.code == 2
    assert "none.yaml: cannot be read (No such file or directory)." in said.words


def test_a_folder_is_no_brief(spotloom, tmp_path):
    said = spotloom("make", tmp_path, "--yes")
    assert said.code == 2
    assert "cannot be read (Is a directory)." in said.words


def test_a_budget_refuses_before_anything_is_stored(spotloom, tmp_path):
    file = written(tmp_path / "brief.yaml")
    said = spotloom("make", file, "--budget", "11.99", "--json", "--out", tmp_path / "out")
    assert said.code == 3
    assert said.json["error"]["kind"] == "BudgetRefused"
    message = said.json["error"]["message"]
    assert "6 videos cost $12.00; the budget is $11.99. Nothing was stored or spent." in message
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "out").exists()


def test_the_budget_of_the_command_stands_above_the_brief_s(spotloom, tmp_path):
    file = written(tmp_path / "brief.yaml", budget=1)
    answer = spotloom("plan", file, "--budget", "$20", "--json").json
    assert (answer["budget"], answer["overBudget"]) == (20.0, 0.0)
    assert spotloom("plan", file).out.count("$11.00 over the budget of $1.00") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plan"], "Missing argument 'BRIEF.yaml'"),
        (["plan", "a", "b"], "unexpected extra argument"),
        (["plan", "--jason", "a"], "No such option: --jason"),
        (["mak", "a"], "No such command 'mak'"),
        (["sandbox", "--port", "99999"], "'--port': Input should be less than or equal to 65535"),
        (["sandbox", "--port", "http"], "'--port': Input should be a valid integer"),
        (["sandbox", "--limit", "0"], "'--limit': Input should be greater than or equal to 1"),
        (["sandbox", "--instant-seconds", "-1"], "Input should be greater than or equal to 0"),
        (["sandbox", "--faults", "nowhere.yaml"], "'nowhere.yaml' does not exist"),
    ],
)
def test_a_command_that_there_is_not_is_told_in_words_and_in_json(spotloom, words, says):
    said = spotloom(*words)
    assert (said.code, said.out) == (2, "")
    assert says in said.words
    said = spotloom(*words, "--json")
    assert (said.code, said.json["error"]["kind"]) == (2, "UsageError")


@pytest.mark.parametrize("batch_id", ["", "   ", "a/b", "..", "a\\b", "x" * 201, "a\nb"])
def test_a_batch_id_is_a_name(spotloom, tmp_path, batch_id):
    file = written(tmp_path / "brief.yaml")
    said = spotloom("make", file, "--batch-id", batch_id, "--json")
    assert said.code == 2
    assert [p["field"] for p in said.json["error"]["problems"]] == ["--batch-id"]


def test_what_the_brief_says_cannot_command_the_terminal(spotloom, tmp_path):
    file = written(tmp_path / "brief.yaml", dimensions={"mood": ["\x1b[2J[red]calm[/red]:smile:"]})
    said = spotloom("plan", file)
    assert said.code == 2
    assert "\x1b" not in said.err
    assert "[red]calm[/red]:smile:" in said.err


def test_a_terminal_that_lacks_letters_still_gets_its_answer(tmp_path, place):
    file = written(tmp_path / "brief.yaml")
    said = place.run("plan", file, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert (said.code, said.out.splitlines()[0]) == (0, "2 ? 3 = 6 videos")
    said = place.run("plan", file, "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert said.json["equation"] == "2 × 3 = 6 videos"


def test_a_reader_that_leaves_ends_it_quietly(tmp_path, place):
    file = written(tmp_path / "brief.yaml", dimensions=LARGE)
    reading, writing = os.pipe()
    os.close(reading)
    process = place.start("plan", file, "--json", to=writing)
    os.close(writing)
    said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said[1].strip() == ""
