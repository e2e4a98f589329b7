"""The brief as a client sends it: the same object as a brief file."""

from typing import Annotated, Any, Literal

from pydantic import Field

from spotloom.contract.shapes import Asked, CombinationId, Dollars

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
