"""Making a batch on this machine: its provider, its database, and a worker of its own."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from spotloom.cli.desk.shapes import Exported, Studio
from spotloom.contract.batches import BatchStatus
from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination, File
from spotloom.contract.plans import Plan
from spotloom.errors import SetupError, Transient
from spotloom.forms.planned import Planned
from spotloom.settings import Settings

if TYPE_CHECKING:  # the engine and its friends take seconds to import: `plan` needs none of them
    from spotloom.campaigns.submit import Batch
    from spotloom.providers.provider import Provider
    from spotloom.wiring import Base


class DraftHere:
    """An order worked out here."""

    def __init__(
        self, settings: Settings, planned: Planned, *, retries: bool, serves: bool
    ) -> None:
        self.planned, self._settings = planned, settings
        self._retries, self._serves = retries, serves

    @property
    def plan(self) -> Plan:
        """What would be made, and for how much."""
        return Plan.of(
            self.planned.plan,
            provider=self.planned.offer.provider,
            charges=self.planned.offer.charges,
            slots=self._settings.max_concurrent,
            now=dt.datetime.now(dt.UTC),
        )

    def check(self) -> None:
        """SetupError when nobody has said where the provider is."""
        if self.planned.offer.provider == "openai-videos":
            _ = self._settings.videos_address

    @contextlib.asynccontextmanager
    async def opened(self) -> "AsyncIterator[MakingHere]":
        """The database and the provider, ready."""
        from spotloom import wiring

        name = self.planned.offer.provider
        async with (
            wiring.opened(self._settings) as base,
            wiring.providers(self._settings, base.home, names={name}) as using,
        ):
            yield MakingHere(
                self._settings,
                self.planned,
                base,
                using[0],
                retries=self._retries,
                serves=self._serves,
            )


class MakingHere:
    """A batch that this process makes."""

    def __init__(
        self,
        settings: Settings,
        planned: Planned,
        base: "Base",
        using: "Provider",
        *,
        retries: bool,
        serves: bool,
    ) -> None:
        self._settings, self._planned = settings, planned
        self._retries, self._serves = retries, serves
        self._base, self._using = base, using
        self._batch: Batch | None = None

    async def submit(self, batch_id: str, *, place: Callable[[], None]) -> bool:
        """Store the batch, unless `place` raises; whether it is new."""
        from spotloom import wiring
        from spotloom.campaigns import attempts, submit

        async with self._base.sessions.begin() as session:
            self._batch = batch = await submit.submit(
                session,
                self._planned.plan,
                batch_key=batch_id,
                brief=self._planned.written,
                lane=wiring.lane_key(self._settings, self._using),
            )
            if self._retries and not batch.created:
                await attempts.again(session, batch.campaign_id)
            # Before the commit: where the files have no place, nothing is stored.
            await asyncio.to_thread(place)
        return batch.created

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[Studio | None]:
        """This process works on the lane of the batch, and serves the studio if it should."""
        from spotloom import wiring

        await self._refuse_another_account()
        async with (
            wiring.worker_of(self._settings, self._base, [self._using]),
            self._studio() if self._serves else contextlib.nullcontext() as studio,
        ):
            yield studio

    @contextlib.asynccontextmanager
    async def _studio(self) -> AsyncIterator[Studio]:
        from spotloom.wiring import serving

        async with serving.served(
            self._settings,
            self._base,
            [self._using],
            host="127.0.0.1",
            port=serving.PORT,
            or_free=True,
        ) as served:
            yield Studio(
                address=served.address,
                taken=None if served.address.endswith(f":{serving.PORT}") else serving.PORT,
                link=await served.gate.login_link(),
            )

    async def look(self) -> BatchStatus:
        """How far the batch is."""
        return await look(self._base, str(self._campaign_id))

    async def export(self, folder: Path) -> Exported:
        """The finished files, the manifest and the contact sheet in the folder."""
        from spotloom.cli.notion import caught_up

        if self._settings.notion_api_key is not None:
            await caught_up(self._base.sessions, self._campaign_id)
        return await exported(self._base, str(self._campaign_id), folder)

    @property
    def _campaign_id(self) -> UUID:
        assert self._batch is not None  # noqa: S101 - it was submitted before
        return self._batch.campaign_id

    async def _refuse_another_account(self) -> None:
        """A batch stays with the account that it began with, and would wait here for ever."""
        using, state = self._using, await self.look()
        others = [lane.account for lane in state.lanes if lane.account != using.account]
        if others and state.over < state.total_videos:
            setting_of = "SPOTLOOM_HOME" if using.name == "sandbox" else "SORA_BASE_URL"
            raise SetupError(
                f"This batch began at {using.name} {others[0]}, and this is {using.account}. "
                f"Set {setting_of} back to finish it there, or use another --batch-id here."
            )


async def exported(base: "Base", name: str, folder: Path) -> Exported:
    """The campaign's finished files, its manifest and contact sheet in the folder."""
    from spotloom.campaigns import listing, reads
    from spotloom.campaigns.tenancy import LOCAL
    from spotloom.cli.export import export

    async with base.sessions() as session:
        header = await reads.find(session, name)
        figures = await listing.figures(session, LOCAL, [header.id])
        rows = await listing.every_combination(session, LOCAL, header.id)
    places = {file.id: file.uri for row in rows for file in row.files.values()}

    async def fetch(file: File, to: Path) -> None:
        await base.store.fetch(places[file.asset_id], to)

    campaign = Campaign.of(header, figures[header.id])
    return await export(campaign, [Combination.of(r) for r in rows], fetch=fetch, folder=folder)


async def look(base: "Base", name: str) -> BatchStatus:
    """How far the batch is; Transient while the database is away."""
    from sqlalchemy.exc import SQLAlchemyError

    from spotloom.campaigns import reads

    try:
        async with base.sessions() as session:
            header = await reads.find(session, name)
            return BatchStatus.of(header, await reads.progress(session, header.id))
    except (SQLAlchemyError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise Transient(f"The database does not answer any more: {reason}") from error
