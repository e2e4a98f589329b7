"""Reads what a brief orders of a model, and holds it against what the model offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spotloom.creative.request import Seconds, Size
from spotloom.forms.problems import Problems, did_you_mean, kind, listed, quoted
from spotloom.providers.provider import AspectRatio, Capability

_USUAL_DURATION = 10
_LONGEST_VIDEO = 24 * 60 * 60
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of the model, all of it on offer."""

    model: str
    duration: Seconds
    aspect_ratio: AspectRatio
    size: Size
    loop: bool


def read_order(
    data: Mapping[object, object], offers: Sequence[Capability], problems: Problems
) -> Order | None:
    """The order; None when something in it cannot be had, which `problems` then says."""
    offer = _offer(data.get("model"), offers, problems)
    duration = _duration(data.get("duration"), offer, problems)
    ratio = _ratio(data.get("aspectRatio"), offer, problems)
    loop = _loop(data.get("loop"), offer, problems)
    if offer is None or duration is None or ratio is None:
        return None
    return Order(
        model=offer.model,
        duration=duration,
        aspect_ratio=ratio,
        size=offer.sizes[ratio],
        loop=loop,
    )


def _offer(written: object, offers: Sequence[Capability], problems: Problems) -> Capability | None:
    if written is None or written == "":
        return offers[0]
    for offer in offers:
        if offer.model == written:
            return offer
    known = [offer.model for offer in offers]
    hint = did_you_mean(written, known)
    problems.add("model", f"{quoted(written)} is not on offer.{hint} Available: {listed(known)}.")
    return None


def _duration(written: object, offer: Capability | None, problems: Problems) -> Seconds | None:
    if written is None or written == "":
        if offer is None:
            return None
        usual = Seconds(_USUAL_DURATION)
        return usual if usual in offer.durations else offer.durations[0]
    seconds = _whole(written)
    if seconds is None:
        problems.add("duration", f"must be whole seconds such as 10, but is {_shown(written)}.")
    elif offer and seconds not in offer.durations:
        made = listed(offer.durations)
        problems.add("duration", f"{offer.model} makes {made} s, not {seconds} s.")
    else:
        return Seconds(seconds)
    return None


def _whole(written: object) -> int | None:
    if isinstance(written, str) and written.isascii() and written.isdigit() and len(written) < 7:
        return int(written)
    if isinstance(written, float) and written.is_integer():
        written = int(written)
    if not isinstance(written, int) or isinstance(written, bool):
        return None
    return written if 0 <= written <= _LONGEST_VIDEO else None


def _ratio(written: object, offer: Capability | None, problems: Problems) -> AspectRatio | None:
    if written is None or written == "":
        usual = AspectRatio.PORTRAIT
        return usual if offer is None or usual in offer.sizes else next(iter(offer.sizes))
    if not isinstance(written, str) or written not in tuple(AspectRatio):
        known = listed(AspectRatio)
        problems.add("aspectRatio", f"{_shown(written)} is not a ratio. Allowed: {known}.")
        return None
    ratio = AspectRatio(written)
    if offer and ratio not in offer.sizes:
        problems.add("aspectRatio", f"{offer.model} makes {listed(offer.sizes)}, not {ratio}.")
        return None
    return ratio


def _loop(written: object, offer: Capability | None, problems: Problems) -> bool:
    loop = _TRUTH.get(written.lower()) if isinstance(written, str) else written
    if written is None or written == "":
        return False
    if not isinstance(loop, bool):
        problems.add("loop", f"must be true or false, but is {_shown(written)}.")
        return False
    if loop and offer and not offer.loop:
        problems.add("loop", f"{offer.model} makes no seamless loops; leave it false.")
    return loop


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else kind(value)
