"""From a parsed brief to its plan, for everyone who plans: the command line and the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spotloom.creative.brief import Brief
from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.plan import Plan, plan
from spotloom.forms.brief import brief_to_data
from spotloom.providers.provider import Capability


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A brief worked out, with what makes it."""

    plan: Plan
    offer: Capability
    written: Mapping[str, Any]  # the brief in its canonical form, as it is stored


def worked_out(
    brief: Brief, *, vocabulary: Vocabulary, offers: Sequence[Capability], most: int
) -> Planned:
    """The brief's plan of at most so many videos; BriefError when it has none that fits."""
    offer = next(o for o in offers if o.model == brief.model)
    return Planned(
        plan=plan(brief, vocabulary, rate=offer.rate, cap=most),
        offer=offer,
        written=brief_to_data(brief),
    )
