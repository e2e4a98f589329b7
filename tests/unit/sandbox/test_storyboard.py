"""The words of an animatic: read from any prompt, never longer than their place."""

from dataclasses import replace

import pytest

from spotloom.sandbox.storyboard import Order, Storyboard, label, shorten

PROMPT = """Idea: The lamp that dims with the sun. No app, no remote. An ad for Dusk (lamps).
Look: Filmed like a feature film. Show this: The lamp fades as the window darkens.
Story: One person tells what happened to them.
Who: The lead is in their fifties.
Sound: A voice-over speaks with quiet authority. Let us hear: Evening comes by itself.
Close: End on the name Dusk with the words “See it fade” and the address dusk.example/lamp.
Format: One finished ad of 8 seconds, widescreen 16:9."""

ORDER = Order(
    prompt=PROMPT,
    seconds=8,
    width=1280,
    height=720,
    loop=False,
    brand="Dusk",
    values=(("funnelLevel", "most-aware"), ("type", "vsl"), ("ageGeneration", "any")),
    seed="one",
)


def test_the_four_beats_speak_the_prompts_words():
    hook, story, payoff, close = Storyboard(ORDER).beats()
    assert hook.headline == "The lamp that dims with the sun"
    assert hook.body == "No app, no remote."
    assert story.body == "“Evening comes by itself.”"
    assert payoff.body == "The lamp fades as the window darkens."
    assert (close.kicker, close.body) == ("See it fade", "dusk.example/lamp")
    assert close.headline == "Get Dusk now"


def test_a_choice_of_any_gets_no_chip():
    *_, close = Storyboard(ORDER).beats()
    assert close.chips == ()


def test_without_a_combination_the_prompt_says_what_to_draw():
    board = Storyboard(replace(ORDER, values=(), brand=""))
    assert board.brand == "Dusk"
    assert board.values["aesthetic"] == "cinema"
    assert board.values["type"] == "storytime"
    assert board.sound == "vo-authoritative"


@pytest.mark.parametrize(
    "prompt", ["", "   \n", "A dog runs.", "Close:", "Idea:\nLook:", "“" * 400]
)
def test_any_text_makes_four_beats(prompt):
    beats = Storyboard(replace(ORDER, prompt=prompt, values=(), brand="")).beats()
    assert [beat.name for beat in beats] == ["Hook", "Story", "Payoff", "Call to action"]
    assert all(beat.headline and beat.kicker for beat in beats)
    assert "{" not in repr(beats)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("vo-conversational", "VO Conversational"),
        ("animated-2d", "Animated 2D"),
        ("vsl", "VSL"),
        ("ugc", "UGC"),
        ("modern-tv-ad", "Modern TV Ad"),
        ("broll-visual-narrative", "B-Roll Visual Narrative"),
    ],
)
def test_labels_have_the_usual_capitals(option, words):
    assert label(option) == words


@pytest.mark.parametrize("limit", [10, 40, 84])
def test_shortened_text_keeps_its_limit_and_whole_words(limit):
    text = "One thing happened, then another; nobody saw it. And at last it was over, they said."
    short = shorten(text, limit=limit)
    assert len(short) <= limit
    assert all(word.strip("…,.;") in text for word in short.split())
