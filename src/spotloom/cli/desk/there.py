"""The desk at a server: everything over its API."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from spotloom.cli.briefs import dollars_option
from spotloom.cli.desk.shapes import Decision, Exported, Order, Standing
from spotloom.client import AsyncClient, Client
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
from spotloom.errors import BriefError, NotFound, Problem
from spotloom.forms import read_brief

_FORM = "formData."


class There:
    """Commands are carried out by a server."""

    def __init__(self, server: str, *, key: str) -> None:
        self._server, self._key = server, key

    def draft(self, order: Order) -> "DraftThere":
        """The order worked out by the server, with its vocabulary and its offers."""
        form = read_brief(order.brief)
        if order.model is not None:
            form["model"] = order.model
        if order.budget is not None:
            form["budget"] = dollars_option("--budget", order.budget)
        try:
            with Client(self._server, key=self._key) as client:
                plan = client.plan(form)
        except BriefError as error:
            raise BriefError([_as_in_the_file(problem) for problem in error.problems]) from error
        if order.provider not in {None, plan.provider}:
            message = f"is not for you to choose: {self._server} makes videos with {plan.provider}."
            raise BriefError([Problem("--provider", message)])
        return DraftThere(self._client(), form, plan)

    @contextlib.asynccontextmanager
    async def opened(self) -> "AsyncIterator[WorkThere]":
        """A connection to the server."""
        async with self._client() as client:
            yield WorkThere(client)

    def _client(self) -> AsyncClient:
        return AsyncClient(self._server, key=self._key)


class WorkThere:
    """What people do to the work at a server."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def standings(self, name: str | None, *, most: int) -> list[Standing]:
        """The campaign of that name, or the latest ones."""
        if name is not None:
            found: Sequence[Campaign] = [await self._client.campaign(name)]
        else:
            found = (await self._client.campaigns(limit=most)).items
        looks = await asyncio.gather(*(self.look(str(each.id)) for each in found))
        return [Standing(each, look) for each, look in zip(found, looks, strict=True)]

    async def look(self, name: str) -> BatchStatus:
        """How far the batch is."""
        return await self._client.batch(name)

    async def export(self, name: str, folder: Path) -> Exported:
        """The campaign's finished files, its manifest and contact sheet in the folder."""
        return await _exported(self._client, name, folder)

    async def cancel(self, name: str, videos: Sequence[str] | None) -> Cancelled:
        """Stop the batch, or these videos of it."""
        return await self._client.cancel(name, combinations=videos)

    async def retry(self, name: str, videos: Sequence[str] | None) -> Retried:
        """Queue a new attempt for what ended without a file, or for these videos."""
        return await self._client.retry(name, combinations=videos)

    async def pause(self, name: str) -> BatchState:
        """Start nothing more of the batch."""
        return await self._client.pause(name)

    async def resume(self, name: str) -> BatchState:
        """Go on with the batch."""
        return await self._client.resume(name)

    async def prioritise(
        self, name: str, priority: Priority, videos: Sequence[str] | None
    ) -> Moved:
        """Move what waits of the batch."""
        return await self._client.prioritise(name, priority, combinations=videos)

    async def resolve(
        self, name: str, video: str, decision: Decision, *, job: str | None
    ) -> Resolved:
        """Decide about a possibly charged video."""
        return await self._client.resolve(name, video, decision, job=job)

    async def lanes(self, provider: str | None, change: LaneEdit | None) -> list[Lane]:
        """The lanes, or the provider's, after the change if there is one."""
        found = (await self._client.queue()).lanes
        wanted: list[Lane] = [lane for lane in found if provider in {None, lane.provider}]
        if change is None:
            return wanted
        if not wanted:
            raise NotFound(f"There is no lane of {provider}: nothing was queued for it yet.")
        return [await self._client.edit_lane(lane.id, change) for lane in wanted]

    async def budget(self, change: BudgetEdit | None) -> Budget:
        """The caps, after the change if there is one."""
        if change is None:
            return await self._client.budget()
        return await self._client.edit_budget(change)


class DraftThere:
    """An order that a server has worked out."""

    def __init__(self, client: AsyncClient, form: dict[str, Any], plan: Plan) -> None:
        self._client, self._form, self.plan = client, form, plan

    def check(self) -> None:
        """Nothing: what it takes to make it, the server knows."""

    @contextlib.asynccontextmanager
    async def opened(self) -> "AsyncIterator[MakingThere]":
        """A connection to the server."""
        async with self._client:
            yield MakingThere(self._client, self._form, self.plan)


class MakingThere:
    """A batch that a server makes."""

    def __init__(self, client: AsyncClient, form: dict[str, Any], plan: Plan) -> None:
        self._client, self._form, self._plan = client, form, plan
        self._batch_id = ""

    async def submit(self, batch_id: str, *, place: Callable[[], None]) -> bool:
        """Order exactly the plan that was shown; whether the batch is new."""
        await asyncio.to_thread(place)
        created = not await self._is_there(batch_id)
        await self._client.submit(self._form, batch_id=batch_id, plan=self._plan)
        self._batch_id = batch_id
        return created

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:  # no studio of its own
        """The server's workers work."""
        yield

    async def look(self) -> BatchStatus:
        """How far the batch is."""
        return await self._client.batch(self._batch_id)

    async def export(self, folder: Path) -> Exported:
        """The finished files, the manifest and the contact sheet in the folder."""
        return await _exported(self._client, self._batch_id, folder)

    async def _is_there(self, batch_id: str) -> bool:
        try:
            await self._client.batch(batch_id)
        except NotFound:
            return False
        return True


async def _exported(client: AsyncClient, name: str, folder: Path) -> Exported:
    from spotloom.cli.export import export

    campaign = await client.campaign(name)
    videos = [each async for each in client.each_combination(name)]
    return await export(campaign, videos, fetch=client.download, folder=folder)


def _as_in_the_file(problem: Problem) -> Problem:
    """The problem under the name that its field has in a brief's file."""
    return Problem(problem.field.removeprefix(_FORM), problem.message)
