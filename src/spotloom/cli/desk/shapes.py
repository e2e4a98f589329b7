"""What commands want of the place where they are carried out, whichever it is."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from spotloom.contract.batches import (
    BatchState,
    BatchStatus,
    Cancelled,
    Moved,
    Priority,
    Resolved,
    Retried,
)
from spotloom.contract.campaigns import Campaign
from spotloom.contract.lanes import Budget, BudgetEdit, Lane, LaneEdit
from spotloom.contract.plans import Plan

Decision = Literal["paid", "retry", "give-up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command line says of a wanted batch."""

    brief: Path
    provider: str | None = None
    model: str | None = None
    budget: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A campaign, and how far it is."""

    campaign: Campaign
    status: BatchStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What lies in the folder now."""

    folder: Path
    manifest: dict[str, Any]
    videos: int  # files there now
    copied: int  # new in this call


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """The studio at work beside a batch."""

    address: str
    taken: int | None  # its usual port, where somebody else has it
    link: str  # signs its owner in, once


class Making(Protocol):
    """A draft whose desk is open: it can be made."""

    async def submit(self, batch_id: str, *, place: Callable[[], None]) -> bool:
        """Store the batch, unless `place` raises; whether it is new."""

    def working(self) -> AbstractAsyncContextManager[Studio | None]:
        """The batch is worked on while the context is open; the studio, if it is served too."""

    async def look(self) -> BatchStatus:
        """How far the batch is; Transient when that cannot be told now."""

    async def export(self, folder: Path) -> Exported:
        """The finished files, the manifest and the contact sheet in the folder."""


class Draft(Protocol):
    """An order that was worked out, and has not been given."""

    @property
    def plan(self) -> Plan:
        """What would be made, and for how much."""

    def check(self) -> None:
        """Do nothing when it can be made from here; else SetupError."""

    def opened(self) -> AbstractAsyncContextManager[Making]:
        """All that making it needs."""


class Work(Protocol):
    """What people do to work under way."""

    async def standings(self, name: str | None, *, most: int) -> list[Standing]:
        """The campaign of that name, or the latest ones."""

    async def look(self, name: str) -> BatchStatus:
        """How far the batch is; Transient when that cannot be told now."""

    async def export(self, name: str, folder: Path) -> Exported:
        """The campaign's finished files, its manifest and contact sheet in the folder."""

    async def cancel(self, name: str, videos: Sequence[str] | None) -> Cancelled:
        """Stop the batch, or these videos of it."""

    async def retry(self, name: str, videos: Sequence[str] | None) -> Retried:
        """Queue a new attempt for what ended without a file, or for these videos."""

    async def pause(self, name: str) -> BatchState:
        """Start nothing more of the batch."""

    async def resume(self, name: str) -> BatchState:
        """Go on with the batch."""

    async def prioritise(
        self, name: str, priority: Priority, videos: Sequence[str] | None
    ) -> Moved:
        """Move what waits of the batch."""

    async def resolve(
        self, name: str, video: str, decision: Decision, *, job: str | None
    ) -> Resolved:
        """Decide about a possibly charged video."""

    async def lanes(self, provider: str | None, change: LaneEdit | None) -> list[Lane]:
        """The lanes, or the provider's, after the change if there is one."""

    async def budget(self, change: BudgetEdit | None) -> Budget:
        """The caps, after the change if there is one."""


class Desk(Protocol):
    """Where commands are carried out."""

    def draft(self, order: Order) -> Draft:
        """The order worked out; BriefError with everything that is wrong with it."""

    def opened(self) -> AbstractAsyncContextManager[Work]:
        """The desk, open for work."""
