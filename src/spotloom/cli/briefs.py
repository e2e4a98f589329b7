"""From a brief's file to its plan, for every command that takes a brief."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from spotloom import wiring
from spotloom.creative.plan import Plan, plan
from spotloom.errors import BriefError, Problem
from spotloom.forms import brief_to_data, parse_brief, read_brief
from spotloom.providers.provider import Capability
from spotloom.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A brief worked out, with what makes it."""

    plan: Plan
    offer: Capability
    written: Mapping[str, Any]  # the brief in its canonical form, as it is stored


def planned(
    path: Path,
    settings: Settings,
    *,
    provider: str | None = None,
    model: str | None = None,
    budget: str | None = None,
) -> Planned:
    """The plan of the brief in that file; BriefError with everything that is wrong with it.

    `model` and `budget` stand above what the file says.
    """
    written = read_brief(path)
    if model is not None:
        written["model"] = model
    cap = None if budget is None else _budget(budget)
    offers = wiring.offers(settings, provider)
    vocabulary = wiring.vocabulary(settings)
    brief = parse_brief(written, vocabulary=vocabulary, offers=offers)
    if cap is not None:
        brief = replace(brief, budget=cap)
    offer = next(o for o in offers if o.model == brief.model)
    worked_out = plan(brief, vocabulary, rate=offer.rate, cap=settings.max_videos)
    return Planned(plan=worked_out, offer=offer, written=brief_to_data(brief))


def _budget(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        message = f"must be an amount of US dollars, 0 or more, such as 250 or 99.50, not '{text}'."
        raise BriefError([Problem("--budget", message)])
    return amount
