"""The parts an animatic is drawn with: colours that read, type that fits, layers that blend."""

import itertools

import numpy as np
import pytest
from PIL import Image

from spotloom.sandbox.film import lettering, sound
from spotloom.sandbox.film.encode import RATE, Box, Canvas, Layer
from spotloom.sandbox.film.palette import AA, WHITE, contrast, mix, oklch, palette, readable

MOODS = ("wholesome", "unhinged", "intense", "professional", "shocking", "")
LOOKS = ("animated-2d", "ugc", "professional", "cinema", "animated-3d", "")


@pytest.mark.parametrize("brand", ["Tarn Audio", "Zed", "", "Ölmühle", "北方咖啡"])
def test_text_reads_on_every_ground_of_every_mood(brand):
    for mood, look in itertools.product(MOODS, LOOKS):
        colours = palette(brand, prompt="", mood=mood, aesthetic=look)
        assert contrast(readable(colours.ink, colours.accent), colours.accent) >= AA
        for ground in colours.grounds:
            pattern = mix(ground, colours.accent, 0.17)
            tone = readable(colours.ink, ground, pattern)
            assert min(contrast(tone, ground), contrast(tone, pattern)) >= AA


def test_a_brand_keeps_its_colours_and_another_has_its_own():
    def named(brand: str, prompt: str = ""):
        return palette(brand, prompt=prompt, mood="wholesome", aesthetic="ugc")

    assert named("Tarn Audio") == named("  tarn   audio ")
    assert named("Tarn Audio").brand != named("Northbound").brand
    assert named("Any", "in #0a7d4f please").brand == (0x0A, 0x7D, 0x4F)
    assert contrast(oklch(0.2, 0.3, 30), WHITE) > AA


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Caf\u00e9 \U0001f525 now", "Caf\u00e9 now"),
        ("\u6771\u4eac", ""),
        ("\uff26\uff55\uff4c\uff4c", "Full"),
        ("a\u202eb\x00c", "abc"),
        ("\u041f\u0440\u0430, \u039a\u03cc\u03c3", "\u041f\u0440\u0430, \u039a\u03cc\u03c3"),
        ("\u0633\u0644\u0627\u0645 \u2013 \u0645", ""),
    ],
)  # fmt: skip
def test_what_the_type_cannot_draw_is_left_out(text, drawn):
    assert lettering.clean(text) == drawn


@pytest.mark.parametrize(
    "text",
    [
        "Short",
        "A perfectly ordinary headline of some length, set in a narrow column",
        "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
        "word " * 200,
        "x" * 4000,
    ],
)
@pytest.mark.parametrize("room", [(624, 190), (300, 400), (90, 60)])
def test_words_never_leave_their_room(text, room):
    setting = lettering.fit(text, lettering.BLACK, room=room, sizes=(96, 24))
    assert setting.lines
    assert setting.width <= room[0]
    assert setting.height <= room[1]


def test_a_headline_leaves_no_word_alone():
    setting = lettering.fit(
        "Fix it with Tarn Audio", lettering.BLACK, room=(560, 300), sizes=(90, 40)
    )
    assert setting.lines == ("Fix it with", "Tarn Audio")


def _rgb(canvas: Canvas) -> np.ndarray:
    return canvas.frame.to_ndarray(format="rgb24").astype(int)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (7, 4), (4, 7), (9, 9), (-5, -3), (58, 50)])
def test_a_layer_lands_where_it_is_laid(x, y):
    canvas = Canvas(64, 64)
    Layer(Image.new("RGB", (64, 64), (40, 90, 200))).lay(canvas, 0, 0)
    Layer(Image.new("RGBA", (16, 16), (240, 240, 240, 255))).lay(canvas, x, y)
    bright = _rgb(canvas)[..., 0] > 140
    wanted = np.zeros((64, 64), bool)
    wanted[max(y, 0) : y + 16, max(x, 0) : x + 16] = True
    assert (bright == wanted).mean() > 0.985  # chroma of odd edges may bleed by a pixel


def test_half_opacity_lands_half_way_and_a_clip_holds():
    canvas = Canvas(64, 64)
    Layer(Image.new("RGB", (64, 64), (0, 0, 0))).lay(canvas, 0, 0)
    glass = Layer(Image.new("RGBA", (64, 64), (255, 255, 255, 128)))
    glass.lay(canvas, 0, 0, opacity=128, clip=Box(0, 0, 32, 64))
    picture = _rgb(canvas)
    assert abs(picture[10:50, 4:28].mean() - 64) < 6
    assert picture[:, 34:].max() <= 2


STYLES = (
    "silence",
    "music-light-upbeat",
    "music-tension",
    "music-inspirational",
    "vo-conversational",
    "vo-authoritative",
    "vo-character",
    "dialog",
    "sfx-only",
    "soft-bed",
)


@pytest.mark.parametrize("style", STYLES)
def test_sound_has_its_length_and_never_clips(style):
    bed = sound.bed(style, seconds=4, cuts=(1.0, 2.1, 3.1), loop=False, seed=7)
    assert bed.shape == (2, 4 * RATE)
    peak = float(np.abs(bed).max())
    assert peak == 0 if style == "silence" else 0.1 < peak < 0.6
    assert np.abs(bed[:, -20:]).max() < 0.01


@pytest.mark.parametrize("style", STYLES[1:])
def test_looped_sound_joins(style):
    bed = sound.bed(style, seconds=4, cuts=(1.0, 2.1, 3.1, 4.0), loop=True, seed=7)
    steps = np.abs(np.diff(bed, axis=1)).max()
    assert np.abs(bed[:, 0] - bed[:, -1]).max() <= steps


def test_styles_sound_different():
    beds = [sound.bed(s, seconds=3, cuts=(1.0,), loop=False, seed=7) for s in STYLES]
    for one, other in itertools.combinations(beds, 2):
        assert np.abs(one - other).mean() > 0.001
