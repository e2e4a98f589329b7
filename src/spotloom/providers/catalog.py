"""The dated data of `catalog.yaml` as values: what providers offer, cost, and how they speak."""

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib import resources
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict

from spotloom.creative.pricing import Rate
from spotloom.creative.request import Seconds, Size
from spotloom.errors import SetupError
from spotloom.providers.account import account
from spotloom.providers.dialects import Body, Cancelling, Dialect, Vocabulary
from spotloom.providers.openai_videos import OpenAIVideos, Timeouts
from spotloom.providers.provider import AspectRatio, Capability, Limits

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Offer:
    """What one provider makes, how it wants to be asked, and which dialect it speaks."""

    capabilities: tuple[Capability, ...]
    limits: Limits
    dialect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a seller asked for a second of one model's video at one resolution."""

    seller: str
    model: str
    resolution: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything known of providers before any of them is asked."""

    offers: dict[str, Offer]
    dialects: dict[str, Dialect]
    words: Vocabulary
    prices: tuple[Price, ...]

    def offer(self, provider: str) -> Offer:
        """What the provider offers; SetupError names the known ones."""
        return _known(self.offers, provider, what="provider")

    def capabilities(self, provider: str) -> tuple[Capability, ...]:
        """The models of a provider."""
        return self.offer(provider).capabilities

    def limits(self, provider: str) -> Limits:
        """How many jobs the provider takes at once, and how often it is asked about them."""
        return self.offer(provider).limits

    def dialect(self, name: str) -> Dialect:
        """One server's habits; SetupError names the known ones."""
        return _known(self.dialects, name, what="dialect")

    def openai_videos(
        self,
        name: str,
        *,
        base_url: str,
        api_key: str | None,
        account_name: str | None = None,
        dialect: str | None = None,
        concurrent: int | None = None,
        poll_s: float | None = None,
        list_lag_s: float | None = None,
        capabilities: Sequence[Capability] | None = None,
        timeouts: Timeouts | None = None,
    ) -> OpenAIVideos:
        """The adapter for a provider at one account; what is not given is as in the catalog."""
        offer = self.offer(name)
        spoken = self.dialect(offer.dialect if dialect is None else dialect)
        limits = replace(offer.limits, list_lag_s=spoken.list_lag_s)
        if concurrent is not None:
            limits = replace(limits, concurrent=concurrent)
        if poll_s is not None:
            limits = replace(limits, poll_s=poll_s)
        if list_lag_s is not None:
            limits = replace(limits, list_lag_s=list_lag_s)
        return OpenAIVideos(
            name=name,
            account=account(provider=name, base_url=base_url, api_key=api_key, name=account_name),
            dialect=spoken,
            words=self.words,
            capabilities=offer.capabilities if capabilities is None else capabilities,
            limits=limits,
            timeouts=timeouts,
        )


@functools.cache
def catalog() -> Catalog:
    """The catalog that ships with Spotloom."""
    text = resources.files("spotloom.providers").joinpath("catalog.yaml").read_text("utf-8")
    file = _File.model_validate(yaml.safe_load(text))
    return Catalog(
        offers={name: _offer(name, entry, file) for name, entry in file.providers.items()},
        dialects={
            name: Dialect(name=name, **entry.model_dump()) for name, entry in file.dialects.items()
        },
        words=Vocabulary(**file.words.model_dump()),
        prices=tuple(price for entry in file.prices for price in entry.each()),
    )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Words(_Strict):
    moderation_codes: frozenset[str]
    moderation_phrases: tuple[str, ...]
    billing_codes: frozenset[str]
    expired_codes: frozenset[str]


class _Dialect(_Strict):
    body: Body
    extension: bool
    variants: bool
    lists: bool
    list_lag_s: float
    echoes_model: bool
    cancelling: Cancelling
    failed_as_http_error: bool
    bills_failures: bool
    refusals: frozenset[int]
    source: str
    as_of: dt.date


class _Rate(_Strict):
    per_second: Decimal
    as_of: dt.date
    source: str


class _Price(_Strict):
    seller: str
    model: str
    resolutions: dict[str, Decimal]
    as_of: dt.date
    source: str

    def each(self) -> list[Price]:
        return [
            Price(
                seller=self.seller,
                model=self.model,
                resolution=resolution,
                rate=Rate(per_second=per_second, as_of=self.as_of, source=self.source),
            )
            for resolution, per_second in self.resolutions.items()
        ]


def _spread(value: object) -> object:
    match value:
        case {"first": int(first), "last": int(last)}:
            return tuple(range(first, last + 1))
        case _:
            return value


class _Provider(_Strict):
    dialect: str
    models: tuple[str, ...]
    durations: Annotated[tuple[int, ...], BeforeValidator(_spread)]
    sizes: dict[AspectRatio, str]
    loop: bool
    audio: bool
    charges: bool
    concurrent: int
    poll_s: float


class _File(_Strict):
    words: _Words
    dialects: dict[str, _Dialect]
    rates: dict[str, _Rate]
    prices: tuple[_Price, ...]
    providers: dict[str, _Provider]


def _offer(name: str, entry: _Provider, file: _File) -> Offer:
    capabilities = tuple(
        Capability(
            provider=name,
            model=model,
            durations=tuple(Seconds(s) for s in entry.durations),
            sizes={ratio: Size.parse(text) for ratio, text in entry.sizes.items()},
            loop=entry.loop,
            audio=entry.audio,
            rate=Rate(**file.rates[model].model_dump()),
            charges=entry.charges,
        )
        for model in entry.models
    )
    limits = Limits(
        concurrent=entry.concurrent,
        poll_s=entry.poll_s,
        list_lag_s=file.dialects[entry.dialect].list_lag_s,
    )
    return Offer(capabilities, limits, entry.dialect)


def _known(entries: dict[str, T], name: str, *, what: str) -> T:
    if name not in entries:
        raise SetupError(f"There is no {what} {name!r}; choose one of {', '.join(entries)}.")
    return entries[name]
