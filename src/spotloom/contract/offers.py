"""What a brief can choose from: dimensions and options, models and their prices."""

import datetime as dt
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from spotloom.contract.shapes import Money, Told
from spotloom.creative.dimensions import Option as KnownOption
from spotloom.creative.dimensions import Vocabulary as KnownVocabulary

if TYPE_CHECKING:  # clients of ours know no provider
    from spotloom.providers.provider import Capability


class Option(Told):
    """One value of a dimension."""

    key: str
    label: str
    help: str

    @classmethod
    def of(cls, option: KnownOption) -> Self:
        """The option as people choose it."""
        return cls(key=option.key, label=option.label, help=option.help)


class Dimension(Told):
    """One of the choices that a brief multiplies."""

    key: str
    label: str
    required: bool
    options: list[Option]


class Rule(Told):
    """A conflict between options."""

    key: str
    effect: Literal["exclude", "warn"]
    when: dict[str, list[str]]
    reason: str


class Vocabulary(Told):
    """Everything that a brief can choose from, in the order of the matrix."""

    dimensions: list[Dimension]
    animation_styles: list[Option]
    rules: list[Rule]
    most_videos: int = Field(description="Most videos in one batch.")

    @classmethod
    def of(cls, vocabulary: KnownVocabulary, *, most_videos: int) -> Self:
        """The vocabulary as the API tells it."""
        return cls(
            dimensions=[
                Dimension(
                    key=dimension.key,
                    label=dimension.label,
                    required=dimension.required,
                    options=[Option.of(option) for option in dimension.options],
                )
                for dimension in vocabulary.dimensions
            ],
            animation_styles=[Option.of(style) for style in vocabulary.animation_styles],
            rules=[
                Rule(
                    key=rule.key,
                    effect=rule.effect.value,
                    when={key: list(options) for key, options in rule.when.terms},
                    reason=rule.reason,
                )
                for rule in vocabulary.rules
            ],
            most_videos=most_videos,
        )


class Model(Told):
    """What one model makes, and at what price."""

    provider: str
    model: str
    durations: list[int] = Field(description="Seconds.")
    sizes: dict[str, str] = Field(description="Pixels by aspect ratio.")
    loop: bool
    audio: bool
    charges: bool
    per_second: Money
    price_as_of: dt.date
    price_source: str

    @classmethod
    def of(cls, offer: "Capability") -> Self:
        """The model as the API tells it."""
        return cls(
            provider=offer.provider,
            model=offer.model,
            durations=[int(duration) for duration in offer.durations],
            sizes={ratio.value: str(size) for ratio, size in offer.sizes.items()},
            loop=offer.loop,
            audio=offer.audio,
            charges=offer.charges,
            per_second=offer.rate.per_second,
            price_as_of=offer.rate.as_of,
            price_source=offer.rate.source,
        )


class Models(Told):
    """The models to choose from, the default first."""

    models: list[Model]
