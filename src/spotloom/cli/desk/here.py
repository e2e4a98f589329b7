"""The desk on this machine: its settings, its database, and a worker of its own."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spotloom.cli.briefs import planned
from spotloom.cli.desk.making_here import DraftHere, exported, look
from spotloom.cli.desk.shapes import Decision, Exported, Order, Standing
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
from spotloom.errors import NotFound
from spotloom.settings import Settings

if TYPE_CHECKING:  # the engine and its friends take seconds to import: `plan` needs none of them
    from sqlalchemy.ext.asyncio import AsyncSession

    from spotloom.campaigns.reads import Header
    from spotloom.wiring import Base


class Here:
    """Commands are carried out over the database of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def draft(self, order: Order, *, retries: bool = False, serves: bool = False) -> DraftHere:
        """The order worked out with the vocabulary and the offers here.

        `retries`: what failed in an earlier call is tried again. `serves`: with the studio beside.
        """
        found = planned(
            order.brief,
            self._settings,
            provider=order.provider,
            model=order.model,
            budget=order.budget,
        )
        return DraftHere(self._settings, found, retries=retries, serves=serves)

    @contextlib.asynccontextmanager
    async def opened(self) -> "AsyncIterator[WorkHere]":
        """The database, ready."""
        from spotloom import wiring

        async with wiring.opened(self._settings) as base:
            yield WorkHere(base)


class WorkHere:
    """What people do to the work in this database; each deed is one transaction."""

    def __init__(self, base: "Base") -> None:
        self._base = base

    async def standings(self, name: str | None, *, most: int) -> list[Standing]:
        """The campaign of that name, or the latest ones."""
        from spotloom.campaigns import listing, reads
        from spotloom.campaigns.tenancy import LOCAL

        async with self._base.sessions() as session:
            if name is not None:
                headers = [await reads.find(session, name)]
            else:
                headers = await reads.campaigns(session, limit=most)
            figures = await listing.figures(session, LOCAL, [header.id for header in headers])
            return [
                Standing(
                    Campaign.of(header, figures[header.id]),
                    BatchStatus.of(header, await reads.progress(session, header.id)),
                )
                for header in headers
            ]

    async def look(self, name: str) -> BatchStatus:
        """How far the batch is."""
        return await look(self._base, name)

    async def export(self, name: str, folder: Path) -> Exported:
        """The campaign's finished files, its manifest and contact sheet in the folder."""
        return await exported(self._base, name, folder)

    async def cancel(self, name: str, videos: Sequence[str] | None) -> Cancelled:
        """Stop the batch, or these videos of it."""
        from spotloom.generation import control

        async with self._campaign(name) as (session, header):
            done = await control.cancel(session, header.id, keys=videos)
            return Cancelled(cancelled=done.at_once, asked_to_stop=done.asked)

    async def retry(self, name: str, videos: Sequence[str] | None) -> Retried:
        """Queue a new attempt for what ended without a file, or for these videos."""
        from spotloom.generation import control

        async with self._campaign(name) as (session, header):
            return Retried(queued=await control.retry(session, header.id, keys=videos))

    async def pause(self, name: str) -> BatchState:
        """Start nothing more of the batch."""
        from spotloom.generation import control

        async with self._campaign(name) as (session, header):
            await control.pause(session, header.id)
            return BatchState(batch_id=header.batch_key, state="paused")

    async def resume(self, name: str) -> BatchState:
        """Go on with the batch."""
        from spotloom.generation import control

        async with self._campaign(name) as (session, header):
            await control.resume(session, header.id)
            return BatchState(batch_id=header.batch_key, state="active")

    async def prioritise(
        self, name: str, priority: Priority, videos: Sequence[str] | None
    ) -> Moved:
        """Move what waits of the batch."""
        from spotloom.generation import control

        async with self._campaign(name) as (session, header):
            moved = await control.prioritise(session, header.id, priority=priority, keys=videos)
            return Moved(moved=moved, priority=priority)

    async def resolve(
        self, name: str, video: str, decision: Decision, *, job: str | None
    ) -> Resolved:
        """Decide about a possibly charged video."""
        from spotloom.generation import control

        async with self._campaign(name) as (session, header):
            taken = control.Decision(decision)
            await control.resolve(session, header.id, key=video, decision=taken, job=job)
            return Resolved(combination_id=video, decision=decision)

    async def lanes(self, provider: str | None, change: LaneEdit | None) -> list[Lane]:
        """The lanes, or the provider's, after the change if there is one."""
        from spotloom.campaigns import reads
        from spotloom.generation import lanes

        async with self._base.sessions.begin() as session:
            found = await reads.lanes(session, provider=provider)
            if change is not None:
                if not found:
                    raise NotFound(
                        f"There is no lane of {provider}: nothing was queued for it yet."
                    )
                for lane in found:
                    await lanes.change(session, lane.id, change, who="a person")
                found = await reads.lanes(session, provider=provider)
            return [Lane.of(lane) for lane in found]

    async def budget(self, change: BudgetEdit | None) -> Budget:
        """The caps, after the change if there is one."""
        from spotloom.campaigns import budgets
        from spotloom.campaigns.submit import ensure_workspace
        from spotloom.campaigns.tenancy import LOCAL

        async with self._base.sessions.begin() as session:
            await ensure_workspace(session)
            if change is None:
                caps = await budgets.caps_of(session, LOCAL)
            else:
                caps = await budgets.change(session, LOCAL, change.model_dump(exclude_unset=True))
            return Budget.model_validate(caps, from_attributes=True)

    @contextlib.asynccontextmanager
    async def _campaign(self, name: str) -> "AsyncIterator[tuple[AsyncSession, Header]]":
        from spotloom.campaigns import reads

        async with self._base.sessions.begin() as session:
            yield session, await reads.find(session, name)
