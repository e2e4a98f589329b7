"""Decides between what a page says and what we know: people's fields are Notion's, others ours."""

from collections.abc import Collection
from dataclasses import dataclass

from spotloom.notion.pages import Value, Values

REQUESTS = ("priorityRequest", "retryRequest")  # deeds to be done once, not values to be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What of ours a page was told, and how Notion showed it then: it may trim and round."""

    said: Values
    shown: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What follows from looking at a page."""

    taken: Values  # people changed these in Notion: we take them over
    asked: Values  # people asked for these
    agreed: Values  # what both sides now know of people's fields
    told: Told
    undone: tuple[str, ...]  # of ours, and changed in Notion: to be said again


def merge(
    *,
    ours: Values,
    agreed: Values,
    theirs: Values,
    told: Told,
    seen: Values,
    wrote: Collection[str] = (),
) -> Merged:
    """Compare a page (`theirs` people's fields, `seen` ours) with what was agreed and told.

    Where both sides changed one of people's fields, Notion wins. Where nothing was agreed yet, what
    is empty in Notion was never said there. A field that the page lacks, or
    says in words that we do not know, changes nothing. `wrote` are the fields of ours that the
    page shows in answer to our own writing.
    """
    changed = {k: v for k, v in theirs.items() if (v != agreed[k] if k in agreed else v)}
    undone = tuple(
        sorted(
            key
            for key, value in seen.items()
            if key not in wrote and key in told.shown and told.shown[key] != value
        )
    )
    said = {key: value for key, value in told.said.items() if key not in undone}
    return Merged(
        taken={k: v for k, v in changed.items() if k not in REQUESTS and v != ours.get(k)},
        asked={k: v for k, v in changed.items() if k in REQUESTS and v},
        agreed=agreed | theirs,
        told=Told(said=said, shown=dict(seen)),
        undone=undone,
    )


def news(now: Values, before: Values) -> dict[str, Value]:
    """What of `now` was not so before."""
    return {key: value for key, value in now.items() if key not in before or before[key] != value}
