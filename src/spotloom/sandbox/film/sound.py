"""The animatic's sound: a soft bed made from sines and noise that follows the audio style."""

import numpy as np
from numpy.typing import NDArray

from spotloom.sandbox.film.encode import RATE

Wave = NDArray[np.float32]

_PEAK = 0.42  # well under clipping, and soft beside other tabs
# Chords as half-steps from the root, two bars' worth each; the root in Hz; the arpeggio's pace.
_MUSIC: dict[str, tuple[float, tuple[tuple[int, ...], ...], float]] = {
    "music-light-upbeat": (196.0, ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)), 0.25),
    "music-tension": (110.0, ((0, 3, 7), (0, 3, 8), (-1, 3, 6), (0, 3, 7)), 0.5),
    "music-inspirational": (146.83, ((0, 7, 12), (5, 9, 12), (-3, 4, 9), (-5, 2, 7)), 0.5),
    "soft-bed": (130.81, ((0, 7, 12), (-3, 4, 9)), 1.0),
}
_VOICES = {"vo-conversational": 128.0, "vo-authoritative": 96.0, "vo-character": 208.0}


def bed(style: str, *, seconds: int, cuts: tuple[float, ...], loop: bool, seed: int) -> Wave:
    """Two channels of exactly `seconds`; `cuts` are where the beats change, in seconds."""
    length = seconds * RATE
    if style == "silence":
        return np.zeros((2, length), np.float32)
    random = np.random.default_rng(seed)
    out = np.zeros((2, length), np.float32)
    if style == "sfx-only":
        for cut in cuts:
            _whoosh(out, cut, random)
    elif style == "dialog":
        _speech(out, (118.0, 182.0), random)
        _pad(out, "soft-bed", level=0.25)
    elif style in _VOICES:
        _speech(out, (_VOICES[style],), random)
        _pad(out, "soft-bed", level=0.3)
    else:
        _pad(out, style if style in _MUSIC else "soft-bed", level=1.0)
        _pluck(out, style if style in _MUSIC else "soft-bed", random)
    peak = float(np.abs(out).max())
    if peak > 0:
        out *= np.float32(_PEAK / peak)
    if not loop:
        _fade(out)
    return out


def _fade(out: Wave) -> None:
    rise, fall = min(RATE // 4, out.shape[1] // 6), min(RATE, out.shape[1] // 4)
    out[:, :rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    out[:, -fall:] *= np.linspace(1, 0, fall, dtype=np.float32) ** 2


def _add(out: Wave, start: int, sound: Wave, *, pan: float = 0.5) -> None:
    """Lay a sound in; what runs over the end begins again at the start, so that loops join."""
    length = out.shape[1]
    sound = sound[:length]
    start %= length
    head = min(length - start, sound.size)
    for channel, gain in enumerate((1.2 - pan * 0.4, 0.8 + pan * 0.4)):
        out[channel, start : start + head] += sound[:head] * np.float32(gain)
        out[channel, : sound.size - head] += sound[head:] * np.float32(gain)


def _time(length: int) -> Wave:
    return np.arange(length, dtype=np.float32) / np.float32(RATE)


def _swell(length: int, *, attack: float, release: float) -> Wave:
    """An envelope that rises and falls as half cosines."""
    shape = np.ones(length, np.float32)
    rise, fall = int(length * attack), int(length * release)
    shape[:rise] = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, rise, dtype=np.float32))
    shape[length - fall :] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fall, dtype=np.float32))
    return shape


def _pad(out: Wave, style: str, *, level: float) -> None:
    """Slow chords that overlap, spread evenly over the whole length."""
    root, chords, _ = _MUSIC[style]
    bars = max(len(chords), round(out.shape[1] / RATE / 2.5 / len(chords)) * len(chords))
    span = out.shape[1] / bars
    length = int(span * 1.6)
    t = _time(length)
    shape = _swell(length, attack=0.4, release=0.4) * np.float32(level)
    drawn: dict[tuple[int, ...], Wave] = {}
    for bar in range(bars):
        chord = chords[bar % len(chords)]
        if chord not in drawn:
            tone = np.zeros(length, np.float32)
            for note in chord:
                turn = np.float32(2 * np.pi * root * 2 ** (note / 12)) * t
                tone += np.sin(turn) + np.float32(0.5) * np.sin(turn * np.float32(1.004))
                tone += np.float32(0.12) * np.sin(turn * np.float32(2))
            drawn[chord] = tone * shape * np.float32(0.3)
        _add(out, int(bar * span - span * 0.3), drawn[chord], pan=0.35 + 0.3 * (bar % 2))


def _pluck(out: Wave, style: str, random: np.random.Generator) -> None:
    """Short bell-like notes of the chord that sounds."""
    root, chords, pace = _MUSIC[style]
    count = max(4, round(out.shape[1] / RATE / pace))
    span = out.shape[1] / count
    bars = max(len(chords), round(out.shape[1] / RATE / 2.5 / len(chords)) * len(chords))
    t = _time(int(RATE * 0.9))
    ring = np.exp(t * np.float32(-5.5)) * np.minimum(t * np.float32(200), 1)
    tail = _swell(t.size, attack=0, release=0.3)
    for number in range(count):
        if random.random() < 0.25:
            continue
        chord = chords[int(number * span / out.shape[1] * bars) % len(chords)]
        note = chord[int(random.integers(len(chord)))] + 12
        turn = np.float32(2 * np.pi * root * 2 ** (note / 12)) * t
        tone = (np.sin(turn) + np.float32(0.3) * np.sin(turn * np.float32(2))) * ring * tail
        gain = 0.35 if number % 4 else 0.55
        _add(out, int(number * span), tone * np.float32(gain), pan=float(random.random()))


def _speech(out: Wave, voices: tuple[float, ...], random: np.random.Generator) -> None:
    """Hummed phrases with the rhythm of talk and no words: clearly a placeholder."""
    position, turn = int(RATE * 0.2), 0
    while position < out.shape[1] - RATE // 3:
        voice = voices[turn % len(voices)]
        syllables = int(random.integers(4, 9))
        for number in range(syllables):
            length = int(RATE * random.uniform(0.11, 0.24))
            if position + length >= out.shape[1]:
                break
            fall = 1.06 - 0.14 * number / syllables
            pitch = voice * fall * random.uniform(0.97, 1.06)
            tone = _vowel(length, pitch, float(random.uniform(420, 760)))
            _add(out, position, tone, pan=0.25 + 0.5 * (turn % 2) if len(voices) > 1 else 0.5)
            position += int(length * 0.86)
        position += int(RATE * random.uniform(0.3, 0.6))
        turn += 1


def _vowel(length: int, pitch: float, formant: float) -> Wave:
    """One hummed syllable: a few harmonics under a single resonance."""
    t = _time(length)
    bend = pitch * (1 + 0.015 * np.sin(2 * np.pi * 5.2 * t))
    turn = (2 * np.pi * np.cumsum(bend) / RATE).astype(np.float32)
    tone = np.zeros(length, np.float32)
    for harmonic in range(1, 9):
        weight = np.exp(-(((harmonic * pitch - formant) / 380) ** 2)) + 0.5 / harmonic**1.6
        tone += np.float32(weight) * np.sin(turn * np.float32(harmonic))
    return tone * _swell(length, attack=0.3, release=0.45) * np.float32(0.4)


def _whoosh(out: Wave, at: float, random: np.random.Generator) -> None:
    """A breath of filtered noise with its height on the cut."""
    length = int(RATE * 0.7)
    noise = random.standard_normal(length).astype(np.float32)
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    spectrum *= np.exp(-(((np.log2(np.maximum(hertz, 20)) - np.log2(700)) / 1.1) ** 2))
    soft = np.fft.irfft(spectrum, length).astype(np.float32)
    soft /= np.float32(np.abs(soft).max())
    shape = _swell(length, attack=0.55, release=0.4) ** 2
    _add(out, int((at - 0.45) * RATE), soft * shape)
