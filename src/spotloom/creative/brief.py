"""The brief: what the marketer asks for, checked and complete."""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from spotloom.creative.request import Seconds, Size
from spotloom.creative.rules import Choices, Condition


class Priority(StrEnum):
    """How a campaign stands in line beside others."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One advertising idea, and the choices that multiply it into videos."""

    brand: str
    big_idea: str
    visual_messaging: str = ""
    audio_messaging: str = ""
    product_category: str = ""
    hero_vo_description: str = ""  # the voice of a voice-over; heard only with vo-*
    call_to_action: str = ""
    landing_url: str = ""
    choices: Choices  # every dimension in the order of the table, nothing chosen = ("any",)
    animation_style: str | None = None  # seen only with animated-*
    model: str
    duration: Seconds
    aspect_ratio: str
    size: Size  # what the model makes of the aspect ratio
    loop: bool = False
    priority: Priority = Priority.NORMAL
    budget: Decimal | None = None  # US dollars
    exclude: tuple[str | Condition, ...] = ()  # combinations by id, or by what they hold

    @property
    def product(self) -> int:
        """How many combinations the choices make before any is excluded."""
        return math.prod(len(options) for _, options in self.choices)

    def chosen(self, dimension: str) -> tuple[str, ...]:
        """The options chosen in that dimension; none when the brief does not know it."""
        return dict(self.choices).get(dimension, ())
