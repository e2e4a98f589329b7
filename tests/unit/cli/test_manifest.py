"""The manifest has its promised shape, and neither table nor page can be turned against readers."""

import csv
import io
import json
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from tests.unit.cli import made

from spotloom.cli.export import contact_sheet
from spotloom.contract.combinations import Failure
from spotloom.contract.manifest import SANDBOX_NOTICE, Placed, as_csv, as_json, manifest, trouble
from spotloom.creative.status import Status

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)> & \'"'


def whole(*videos, **changes):
    placed = [
        Placed(
            video=each,
            file=f"{each.combination_id}.mp4" if each.files else None,
            trouble=trouble(each),
        )
        for each in videos
    ]
    return manifest(made.campaign(**changes), placed)


def rows(written):
    return list(csv.reader(io.StringIO(as_csv(written).decode(), newline=""), strict=True))


def test_the_manifest_has_the_promised_keys_in_order():
    written = whole(made.video())
    assert list(written) == [
        *("campaign", "batchId", "currency", "estimatedCost", "actualCost", "videos"),
        *("reservedCost", "unknownCost"),
    ]
    entry = written["videos"][0]
    assert list(entry) == [
        *("combinationId", "values", "prompt", "status", "file", "seconds", "width", "height"),
        *("sha256", "provider", "model", "providerJobId", "attempts", "estimatedCost"),
        *("actualCost", "error"),
    ]
    assert list(entry["values"].items()) == list(made.VALUES)
    assert (entry["seconds"], entry["width"], entry["height"]) == (10.0, 720, 1280)
    assert (entry["status"], entry["error"], entry["attempts"]) == ("completed", None, 1)
    assert (written["campaign"], written["batchId"], written["currency"]) == (
        "01900000-0000-7000-8000-0000000000aa",
        "tarn-1",
        "USD",
    )


def test_nothing_is_measured_before_there_is_a_file():
    waiting = made.video(status=Status.QUEUED, files={}, actual_cost=None, provider_job_id=None)
    entry = whole(waiting)["videos"][0]
    unknown = ("file", "seconds", "width", "height", "sha256", "providerJobId", "actualCost")
    assert [entry[key] for key in unknown] == [None] * len(unknown)


def test_a_failure_says_why():
    failed = made.video(
        status=Status.FAILED, files={}, error=Failure(code="moderation", message="Refused.")
    )
    written = whole(failed)
    assert written["videos"][0]["error"] == {"code": "moderation", "message": "Refused."}
    assert rows(written)[1][-2:] == ["moderation", "Refused."]


@pytest.mark.parametrize(
    ("amount", "number", "cell"),
    [
        ("120.000000", "120.0", "120.00"),
        ("635", "635.0", "635.00"),
        ("0.012500", "0.0125", "0.0125"),
        ("0.1", "0.1", "0.10"),
        ("0.000001", "1e-06", "0.000001"),
    ],
)
def test_money_is_a_number_with_all_its_digits(amount, number, cell):
    written = whole(made.video(actual_cost=Decimal(amount)))
    assert f'"actualCost": {number}' in as_json(written).decode()
    header, row = rows(written)
    assert row[header.index("actualCost")] == cell


def test_only_the_sandbox_carries_a_notice():
    assert whole(made.video(), provider="sandbox")["notice"] == SANDBOX_NOTICE
    assert "notice" not in whole(made.video())


def test_the_json_reads_back_and_keeps_letters():
    written = whole(made.video(prompt="Idée: naïve café 東京"))
    assert json.loads(as_json(written)) == written
    assert "東京" in as_json(written).decode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start):
    text = f'{start}HYPERLINK("http://evil.example","x")'
    written = whole(made.video(prompt=text, provider_job_id=text))
    header, row = rows(written)
    assert row[header.index("prompt")] == row[header.index("providerJobId")] == f"'{text}"


def test_the_table_keeps_commas_quotes_and_lines():
    text = 'Idea: "one", two\nLook: three\r\nfour'
    written = whole(made.video(prompt=text), made.video(chosen={"aesthetic": "cinema"}))
    header, first, second = rows(written)
    assert header[:12] == ["combinationId", *(key for key, _ in made.VALUES)]
    assert first[header.index("prompt")] == text
    assert second[header.index("aesthetic")] == "cinema"
    assert as_csv(written).startswith(b"combinationId,")
    assert as_csv(written).endswith(b"\r\n")


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and the text of each script."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.scripts, self.words = [], [], []
        self._script = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._script = tag == "script"

    def handle_endtag(self, tag):
        self._script = self._script and tag != "script"

    def handle_data(self, data):
        (self.scripts if self._script else self.words).append(data)


def page(*placed, **changes):
    return contact_sheet.page(made.campaign(**changes), placed)


def test_a_hostile_brief_stays_text():
    brief = {"brand": EVIL, "bigIdea": EVIL, "aspectRatio": EVIL}
    video = made.video(
        prompt=f"Idea: {EVIL}",
        status=Status.FAILED,
        files={},
        error=Failure(code=EVIL, message=EVIL),
    )
    other = made.video(prompt=EVIL, chosen={"aesthetic": EVIL})
    good = Placed(video=other, file=f"{EVIL}.mp4", poster=EVIL, sprite=EVIL)
    seen = Reader(page(Placed(video=video, trouble=trouble(video)), good, brief=brief, model=EVIL))
    tags = [tag for tag, _ in seen.elements]
    assert tags.count("script") == 2
    assert [
        attrs for _, attrs in seen.elements if any(name.startswith("on") for name in attrs)
    ] == []
    assert "".join(seen.words).count("alert(1)") >= 4
    prompts = json.loads(seen.scripts[-1])
    assert [prompts["lines"][line] for line in prompts["cards"][other.combination_id]] == [EVIL]


def test_a_prompt_comes_back_whole_and_its_shared_lines_stand_once():
    first = made.video(prompt="Idea: Shared.\nLook: One.\n\nFormat: Last.")
    second = made.video(prompt="Idea: Shared.\nLook: Two.", chosen={"aesthetic": "cinema"})
    text = page(Placed(video=first), Placed(video=second))
    prompts = json.loads(Reader(text).scripts[-1])
    for video in (first, second):
        lines = [prompts["lines"][line] for line in prompts["cards"][video.combination_id]]
        assert "\n".join(lines) == video.prompt
    assert text.count("Idea: Shared.") == 1


def test_the_page_names_no_other_host():
    text = page(Placed(video=made.video(), file="a.mp4", poster="posters/a.webp"))
    loads = [
        value
        for tag, attrs in Reader(text).elements
        for name, value in attrs.items()
        if name in {"src", "href", "data-sprite", "action", "srcset"}
    ]
    assert loads
    assert [value for value in loads if re.match(r"[a-z]+:|//", value)] == []
    assert re.findall(r"url\((?!\"data:|data:)", text.partition("</style>")[0]) == []


def test_options_that_vary_are_on_the_cards_and_the_others_once():
    videos = [made.video(chosen={"aesthetic": option}) for option in ("ugc", "cinema")]
    text = page(*(Placed(video=video) for video in videos))
    assert "<b>UGC</b>" in text
    assert "<b>Cinema</b>" in text
    assert text.count("Wholesome") == 1
    assert ">Any<" not in text


def test_an_option_of_another_vocabulary_still_gets_a_name():
    text = page(*(Placed(video=made.video(chosen={"mood": m})) for m in ("very-calm", "intense")))
    assert "<b>Very Calm</b>" in text


@pytest.mark.parametrize("status", list(Status))
def test_every_state_has_a_word_and_a_mark(status):
    text = page(Placed(video=made.video(status=status, files={}, actual_cost=None)))
    state = re.search(r'class="frame state [a-z-]+"><span aria-hidden="true">(.)</span>', text)
    assert state
    assert re.search(r"<strong>[A-Z][a-z]+[^<]*</strong>", text)


def test_a_page_of_660_stays_small():
    prompt = "\n".join(["Idea: " + "i" * 900, "Look: " + "l" * 900, "Sound: " + "s" * 900])
    placed = []
    for number in range(660):
        video = made.video(prompt=f"{prompt}\nStory: {number}", chosen={"type": f"own-{number}"})
        name = f"{video.combination_id}_{'word-' * 20}.mp4"
        still = f"s/{video.combination_id}.webp"
        placed.append(
            Placed(video=video, file=name, poster=f"poster{still}", sprite=f"sprite{still}")
        )
    assert len(page(*placed).encode()) < 1_500_000
