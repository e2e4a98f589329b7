"""The brief as a client sends it: the same object as a brief file."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from spotloom.contract.problems import FieldProblem
from spotloom.contract.shapes import Asked, CombinationId, Dollars, Page, Told

Options = list[str] | str
Condition = dict[str, Options]  # holds for combinations with one of the options in each dimension

EXAMPLE_BRIEF: dict[str, Any] = {
    "brand": "Tarn Audio",
    "bigIdea": "The headphones you mend with a coin.",
    "visualMessaging": "A coin turns the slotted screw on the ear cup.",
    "dimensions": {
        "funnelLevel": ["problem-aware"],
        "aesthetic": ["ugc", "cinema"],
        "type": ["storytime", "listicle"],
        "intention": ["challenge-belief"],
        "mood": ["wholesome"],
        "audioStyle": ["music-light-upbeat"],
    },
    "model": "sora-2",
    "duration": 10,
    "aspectRatio": "9:16",
    "budget": 250,
}


class FormData(Asked):
    """What the marketer asks for. `GET /api/vocabulary` and `GET /api/models` list the choices."""

    brand: Annotated[str, Field(min_length=1, max_length=80)]
    big_idea: Annotated[str, Field(min_length=1, max_length=600)]
    visual_messaging: Annotated[str | None, Field(max_length=1000)] = None
    audio_messaging: Annotated[str | None, Field(max_length=1000)] = None
    product_category: Annotated[str | None, Field(max_length=120)] = None
    hero_vo_description: Annotated[str | None, Field(max_length=400)] = None
    call_to_action: Annotated[str | None, Field(max_length=120)] = None
    landing_url: Annotated[str | None, Field(max_length=500)] = None
    dimensions: dict[str, Options | None] = Field(
        description="The chosen options of each dimension; one option may stand alone."
    )
    animation_style: str | None = None
    model: str | None = Field(default=None, description="Without one, the provider's first.")
    duration: Annotated[int | None, Field(ge=0, le=86_400, description="Seconds.")] = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None
    loop: bool | None = None
    priority: Literal["high", "normal", "low"] | None = None
    budget: Dollars | None = Field(default=None, description="Most to spend on this campaign.")
    exclude: list[CombinationId | Condition] | None = Field(
        default=None, description="Combinations to leave out: ids, or what they hold."
    )


class BriefDraft(FormData):
    """A brief as far as it is filled in: `FormData` without anything that must be there."""

    brand: Annotated[str, Field(max_length=80)] = ""
    big_idea: Annotated[str, Field(max_length=600)] = ""
    dimensions: dict[str, Options | None] = Field(default_factory=dict)


def _plain_name(name: str) -> str:
    trimmed = name.strip()
    if not trimmed or not trimmed.isprintable():
        raise ValueError("must be printable characters on one line")
    return trimmed


TemplateName = Annotated[
    str,
    Field(min_length=1, max_length=80, examples=["Repairable audio"]),
    AfterValidator(_plain_name),
]


class TemplateAsk(Asked):
    """A brief to keep under a name."""

    name: TemplateName
    form_data: BriefDraft


class TemplateEdit(Asked):
    """What to change about a template; what is not named stays."""

    name: TemplateName | None = None
    form_data: BriefDraft | None = None


class TemplateSummary(Told):
    """A template in the list."""

    id: UUID
    name: str
    created_at: dt.datetime
    updated_at: dt.datetime
    created_by: str | None = Field(description="`person:…` or `key:…`.")
    version: int = Field(description="The ETag's number.")


class Template(TemplateSummary):
    """A template with its brief."""

    form_data: dict[str, Any] = Field(description="As it was kept; it may have gaps.")


class TemplatePage(Page[TemplateSummary]):
    """One page of templates, the newest first."""


class BriefFile(Asked):
    """The text of a brief file, as `spotloom make` takes it."""

    yaml: Annotated[str, Field(max_length=1_000_000, examples=["brand: Tarn Audio"])]
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        default="brief.yaml", description="What messages call the file."
    )


class BriefRead(Told):
    """What a brief file says."""

    form_data: dict[str, Any] = Field(description="What could be read; the rest is left out.")
    problems: list[FieldProblem] = Field(description="What is wrong or missing, field by field.")


class BriefWriteAsk(Asked):
    """A brief to write as a file."""

    form_data: BriefDraft = Field(examples=[EXAMPLE_BRIEF])


class BriefWritten(Told):
    """A brief as the text of a file."""

    yaml: str
