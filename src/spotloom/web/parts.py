"""What the web application is made of; wiring fills it in."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi.telemetry import TelemetryConfig
from prometheus_client import Histogram

from spotloom.auth.gate import Gate
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.submit import LaneKey
from spotloom.creative.dimensions import Vocabulary
from spotloom.generation.mirrors.notion import Desk
from spotloom.media.store import Store
from spotloom.providers.provider import Capability, Provider
from spotloom.web.limits import Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSetting:
    """A setting of the server that a provider needs or takes, without its value."""

    name: str
    about: str
    is_set: bool
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProvider:
    """A provider of the catalog, open where it is set up."""

    name: str
    adapter: Provider | None
    settings: Sequence[ProviderSetting] = ()
    dialect: str | None = None  # None: the catalog's
    poll_s: float | None = None  # None: the catalog's


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything the routes reach for. No route opens, reads or decides any of it anew."""

    web: Sessions  # in the role that sees one workspace at a time
    worker: Sessions  # in the role that sees them all: for figures, and for providers' webhooks
    gate: Gate
    store: Store
    secret: bytes = field(repr=False)  # 32 bytes; sign with a purpose: HMAC of `purpose|…`
    provider: str  # whose webhooks are taken
    webhook_secret: str | None = field(repr=False)
    trusted_hosts: frozenset[str]
    public_url: str | None
    vocabulary: Callable[[], Vocabulary]
    offers: Callable[[], Sequence[Capability]]  # what new batches are made with, default first
    lane: Callable[[], LaneKey]  # where new batches queue
    most_videos: int
    known: Sequence[KnownProvider] = ()
    places: Mapping[str, str] = field(default_factory=dict)  # where things are kept, for people
    notion: Desk | None = None  # None without a key
    calls: Histogram | None = None  # how long providers take to answer, in this process
    telemetry: TelemetryConfig | None = None  # None: none leaves
    rates: Rates = field(default_factory=Rates)
    ask_gate_every_s: float = 15.0  # whether who gets a long answer would still be let in
    # Set before the server is stopped: long answers then end themselves.
    ending: asyncio.Event = field(default_factory=asyncio.Event)
