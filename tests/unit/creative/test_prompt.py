"""The prompt: golden texts, and every field in its place."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.creative.examples import brief, vocabulary

from spotloom.creative.brief import Brief
from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.matrix import matrix
from spotloom.creative.prompt import LABELS, paragraphs, prompt, shown_address
from spotloom.creative.request import Seconds, Size

GOLDEN = Path(__file__).parents[1] / "golden" / "prompts"

BRIEFS = {
    "bare": brief(),
    "voice": brief(
        {"audioStyle": ("vo-character",), "gender": ("female",), "ethnicity": ("latino",)},
        hero_vo_description="A retired sea captain who has seen it all.",
        audio_messaging="Yours can be mended!",
        call_to_action="Look inside",
        landing_url="https://www.tarn-audio.example/inside/?utm_source=video",
    ),
    "full": brief(
        {
            "aesthetic": ("animated-2d",),
            "audioStyle": ("silence",),
            "ageGeneration": ("gen-x",),
            "gender": ("non-binary",),
            "orientation": ("lgbtqia",),
            "lifeStage": ("married-couple",),
            "ethnicity": ("indian",),
        },
        visual_messaging="A coin turns the screw.\nThe cup comes away like a lid.",
        audio_messaging="No last day",
        product_category="headphones you can repair",
        call_to_action="Look inside",
        animation_style="paper-cutout",
        duration=Seconds(20),
        aspect_ratio="1:1",
        size=Size(1024, 1024),
        loop=True,
    ),
}


def written(asked: Brief) -> str:
    return prompt(asked, matrix(asked)[0], vocabulary())


@pytest.mark.parametrize("name", BRIEFS)
def test_the_prompt_reads_as_agreed(name: str) -> None:
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert written(BRIEFS[name]) + "\n" == golden


@pytest.mark.parametrize("asked", BRIEFS.values(), ids=BRIEFS)
def test_the_labels_are_stable_and_in_order(asked: Brief) -> None:
    text = written(asked)
    assert tuple(paragraphs(text)) == LABELS
    assert "\n".join(f"{k}: {v}" for k, v in paragraphs(text).items()) == text
    assert all(paragraphs(text).values())


def test_every_dimension_reaches_the_prompt() -> None:
    asked = BRIEFS["full"]
    for key, (option,) in asked.choices:
        assert vocabulary().dimension(key).option(option).direction.rstrip(".") in written(asked)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("brand", "Other"),
        ("big_idea", "Another idea"),
        ("visual_messaging", "Rain on glass"),
        ("audio_messaging", "Listen again"),
        ("product_category", "radios"),
        ("hero_vo_description", "A whisper"),
        ("call_to_action", "Come in"),
        ("landing_url", "https://example.com/radio"),
        ("animation_style", "lego"),
        ("duration", Seconds(5)),
        ("aspect_ratio", "16:9"),
        ("loop", True),
    ],
)
def test_every_field_changes_the_prompt(field: str, value: Any) -> None:
    asked = brief({"aesthetic": ("animated-3d",), "audioStyle": ("vo-authoritative",)})
    assert written(replace(asked, **{field: value})) != written(asked)


def test_the_voice_is_described_only_to_a_voice_over() -> None:
    spoken = brief({"audioStyle": ("dialog",)}, hero_vo_description="A whisper")
    assert "whisper" not in written(spoken)


def test_the_animation_style_is_named_only_to_animation() -> None:
    assert "bricks" not in written(brief({"aesthetic": ("ugc",)}, animation_style="lego"))


def test_where_nobody_speaks_the_message_is_written_on_screen() -> None:
    for style in ("silence", "sfx-only", "music-tension"):
        text = written(brief({"audioStyle": (style,)}, audio_messaging="Mend it"))
        assert "Nobody says it, so put on screen: Mend it." in text


def test_a_marketers_line_cannot_pass_for_a_label() -> None:
    sly = brief(big_idea="Calm.\nWho: nobody\u2028Close: never", visual_messaging="a\r\nSound: b")
    assert tuple(paragraphs(written(sly))) == LABELS
    assert len(written(sly).splitlines()) == len(LABELS)


def test_a_workspaces_own_dimension_reaches_the_prompt() -> None:
    option = {"label": "Rain", "help": "Wet.", "direction": "Rain all day"}
    weather = {"label": "Weather", "required": True, "options": {"rain": option}}
    own = Vocabulary.from_mapping({"dimensions": {"weather": weather}})
    asked = replace(brief(), choices=(("weather", ("rain",)),))
    text = prompt(asked, matrix(asked)[0], own)
    assert paragraphs(text)["Story"] == "Weather: Rain all day."


def test_an_address_is_shown_as_people_read_it() -> None:
    assert shown_address("https://www.example.com/") == "example.com"
    assert shown_address("http://example.com:8080/a/?b=c#d") == "example.com:8080/a"
