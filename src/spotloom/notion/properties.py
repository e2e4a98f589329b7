"""What our properties are called in Notion, of which type they are, and who owns each of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spotloom.creative.dimensions import ANY, Vocabulary

LONGEST_OPTION = 100  # characters of a select's option; it takes no comma either
DIMENSION = "dimension."
OURS = "(Spotloom)"  # after a name that something else has already


class Kind(StrEnum):
    """The types of Notion's properties that we use."""

    TITLE = "title"
    TEXT = "rich_text"
    NUMBER = "number"
    SELECT = "select"
    CHECKBOX = "checkbox"
    URL = "url"
    FILES = "files"
    DATE = "date"
    EDITED_BY = "last_edited_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of every page."""

    key: str
    name: str
    kind: Kind
    human: bool = False  # people own it: what they write in Notion wins
    options: tuple[tuple[str, str], ...] = ()  # (name, colour)
    money: bool = False
    told: str | None = None  # what it is for, shown in Notion

    def schema(self) -> dict[str, Any]:
        """The property as a data source is told of it."""
        body: dict[str, Any] = {}
        if self.kind is Kind.SELECT:
            body = {"options": [{"name": n, "color": c} for n, c in self.options]}
        elif self.kind is Kind.NUMBER:
            body = {"format": "dollar" if self.money else "number"}
        described = {} if self.told is None else {"description": self.told}
        return {"type": self.kind.value, self.kind.value: body, **described}


STATUSES = {
    "queued": ("Queued", "gray"),
    "submitting": ("Generating", "blue"),
    "generating": ("Generating", "blue"),
    "finishing": ("Generating", "blue"),
    "completed": ("Completed", "green"),
    "failed": ("Failed", "red"),
    "cancelled": ("Cancelled", "brown"),
    "expired": ("Expired", "orange"),
    "lost": ("Lost", "orange"),
    "unknown": ("Unknown", "yellow"),
}
REVIEWS = {"approved": "Approved", "rejected": "Rejected"}
PRIORITIES = {"high": "High", "normal": "Normal", "low": "Low"}

_SYSTEM = (
    Property(key="title", name="Video", kind=Kind.TITLE),
    Property(
        key="status",
        name="Status",
        kind=Kind.SELECT,
        options=tuple(dict.fromkeys(STATUSES.values())),
    ),
    Property(key="batchId", name="Batch ID", kind=Kind.TEXT),
    Property(key="combinationId", name="Combination ID", kind=Kind.TEXT),
)
_MADE = (
    Property(key="brand", name="Brand", kind=Kind.TEXT),
    Property(key="bigIdea", name="Big Idea", kind=Kind.TEXT),
    Property(key="prompt", name="Prompt", kind=Kind.TEXT),
    Property(key="model", name="Model", kind=Kind.TEXT),
    Property(key="seconds", name="Seconds", kind=Kind.NUMBER),
    Property(key="ratio", name="Ratio", kind=Kind.TEXT),
    Property(key="estimatedCost", name="Estimated Cost", kind=Kind.NUMBER, money=True),
    Property(key="actualCost", name="Actual Cost", kind=Kind.NUMBER, money=True),
    Property(key="video", name="Video URL", kind=Kind.URL),
    Property(key="poster", name="Poster", kind=Kind.FILES),
    Property(key="attempts", name="Attempts", kind=Kind.NUMBER),
    Property(key="error", name="Error", kind=Kind.TEXT),
)
_HUMAN = (
    Property(
        key="review",
        name="Review",
        kind=Kind.SELECT,
        human=True,
        options=((REVIEWS["approved"], "green"), (REVIEWS["rejected"], "red")),
        told="Yours: may this video be used? It comes back to Spotloom.",
    ),
    Property(
        key="rejectReason",
        name="Reject Reason",
        kind=Kind.TEXT,
        human=True,
        told="Yours: why it may not be used.",
    ),
    Property(
        key="winner",
        name="Winner",
        kind=Kind.CHECKBOX,
        human=True,
        told="Yours: tick what won.",
    ),
    Property(
        key="notes", name="Notes", kind=Kind.TEXT, human=True, told="Yours: anything to remember."
    ),
    Property(
        key="priorityRequest",
        name="Priority Request",
        kind=Kind.SELECT,
        human=True,
        options=tuple(zip(PRIORITIES.values(), ("red", "gray", "brown"), strict=True)),
        told="Choose one to move a waiting video; it is cleared when that is done.",
    ),
    Property(
        key="retryRequest",
        name="Retry Request",
        kind=Kind.CHECKBOX,
        human=True,
        told="Tick to make a failed video again, within the approved budget.",
    ),
)
_LAST = (
    Property(
        key="answer",
        name="Answer",
        kind=Kind.TEXT,
        told="What became of your last request.",
    ),
    Property(key="updated", name="Updated", kind=Kind.DATE),
    Property(key="editedBy", name="Edited By", kind=Kind.EDITED_BY),
)


def properties(vocabulary: Vocabulary) -> tuple[Property, ...]:
    """Every property of a page, in the order in which they are made."""
    taken = {one.name for one in (*_SYSTEM, *_MADE, *_HUMAN, *_LAST)}
    dimensions = tuple(
        Property(
            key=f"{DIMENSION}{dimension.key}",
            name=dimension.label if dimension.label not in taken else f"{dimension.label} {OURS}",
            kind=Kind.SELECT,
            options=tuple(
                (option_name(option.label), "default")
                for option in dimension.options
                if option.key != ANY
            ),
        )
        for dimension in vocabulary.dimensions
    )
    return (*_SYSTEM, *dimensions, *_MADE, *_HUMAN, *_LAST)


def option_name(label: str) -> str:
    """The label as a select takes it."""
    return label.replace(",", ";")[:LONGEST_OPTION]
