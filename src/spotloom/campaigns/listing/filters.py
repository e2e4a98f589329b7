"""Which combinations of a campaign are asked for, and in what order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from spotloom.campaigns.listing.pages import BadCursor
from spotloom.creative.status import Status
from spotloom.errors import BriefError, Problem

_STATUSES = ", ".join(f"'{status}'" for status in Status)
_MOST_TRANSACTIONS = 2**64
_WHOLE = re.compile(r"[0-9]{1,20}")
_COST = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,4})?")  # as the column writes it: numeric(14, 4)


class Sort(StrEnum):
    """What a list of combinations is ordered by; equals stand in the order of the matrix."""

    POSITION = "position"
    STATUS = "status"
    COST = "cost"  # what it cost, or is expected to
    UPDATED = "updated"

    @property
    def by(self) -> str:
        """The SQL that gives a row's place; it is never NULL."""
        return _BY[self][0]

    @property
    def type(self) -> str:
        """That place's type in SQL."""
        return _BY[self][1]

    def check(self, place: str) -> str:
        """The place as a cursor told it; BadCursor when no row can have it."""
        if self is Sort.COST:
            fits = _COST.fullmatch(place) is not None
        else:
            bits = _MOST_TRANSACTIONS if self is Sort.UPDATED else 2**31
            fits = _WHOLE.fullmatch(place) is not None and int(place) < bits
        if not fits:
            raise BadCursor
        return place


_BY = {
    Sort.POSITION: ("k.position", "int"),
    Sort.STATUS: (f"array_position(ARRAY[{_STATUSES}], g.status::text)", "int"),
    Sort.COST: ("coalesce(g.actual_cost, g.estimated_cost)", "numeric"),
    Sort.UPDATED: ("greatest(k.changed, g.changed)", "xid8"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the combinations must be; whatever is left empty does not matter."""

    statuses: frozenset[Status] = frozenset()
    reviews: frozenset[str] = frozenset()
    winner: bool | None = None
    text: str | None = None  # in the prompt, an option, or the key
    options: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by dimension

    def where(self) -> tuple[str, dict[str, Any]]:
        """The conditions in SQL, and what they name."""
        conditions, named = [], dict[str, Any]()
        if self.statuses:
            conditions.append("g.status = ANY(:statuses)")
            named["statuses"] = [status.value for status in self.statuses]
        if self.reviews:
            conditions.append("k.review = ANY(:reviews)")
            named["reviews"] = [storable("review", review) for review in self.reviews]
        if self.winner is not None:
            conditions.append("k.winner = :winner")
            named["winner"] = self.winner
        if self.text:
            conditions.append(_TEXT)
            named["text"] = storable("text", self.text).lower()
        for number, (dimension, options) in enumerate(self.options.items()):
            conditions.append(_OPTION.format(number=number))
            named[f"dimension_{number}"] = storable("options", dimension)
            named[f"options_{number}"] = [storable("options", option) for option in options]
        return "".join(f" AND {condition}" for condition in conditions), named


_TEXT = """(strpos(lower(g.request ->> 'prompt'), :text) > 0 OR strpos(k.key, :text) > 0
    OR EXISTS (SELECT FROM jsonb_array_elements(k.values) v
                WHERE strpos(lower(v ->> 1), :text) > 0))"""
_OPTION = """EXISTS (SELECT FROM jsonb_array_elements(k.values) v
    WHERE v ->> 0 = :dimension_{number} AND v ->> 1 = ANY(:options_{number}))"""


def storable(field_name: str, text: str) -> str:
    """The text, if a database can hold it: no NUL, no half of a surrogate pair."""
    try:
        if "\0" not in text and text.encode():
            return text
    except UnicodeEncodeError:
        pass
    raise BriefError([Problem(field_name, "must be text, without control characters.")])
