"""What people may do to work under way: cancel, retry, resolve, pause, hurry.

Each is safe to repeat, and safe against the work that goes on meanwhile: every change names the
state it expects, and what is at the provider is asked to stop by message, never killed.

They take a campaign's id, and trust it: the door has looked the campaign up within its workspace
(`reads.find`), and the database shows the web no other's rows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from spotloom.campaigns import attempts, generations, ledger
from spotloom.campaigns.channels import CAMPAIGNS, LANES, WAKE, notify
from spotloom.campaigns.submit import PRIORITIES
from spotloom.campaigns.tables import Campaign, CombinationRow, Generation
from spotloom.creative.status import ACTIVE, Status
from spotloom.errors import Conflict, NotFound
from spotloom.generation import lanes
from spotloom.generation.mirrors import outbound

FETCHED_AGAIN = "Fetched again, without another purchase."
DOUBTFUL = (Status.UNKNOWN, Status.LOST)  # nobody can say whether it was charged


@dataclass(frozen=True, slots=True)
class CancelResult:
    """How many were stopped before anything was sent, and how many the provider is asked about."""

    at_once: int
    asked: int


class Decision(StrEnum):
    """What a person says of a possibly charged video."""

    PAID = "paid"  # the provider has it, as this job
    RETRY = "retry"  # buy it again
    GIVE_UP = "give-up"


async def cancel(
    session: AsyncSession, campaign_id: UUID, *, keys: Collection[str] | None = None
) -> CancelResult:
    """Stop the whole campaign, or the combinations in `keys`.

    What waits is cancelled at once and costs nothing. What is at the provider is asked to stop;
    where it cannot, the video still arrives and is kept.
    """
    await _hold(session, campaign_id, keys)
    if keys is None:
        await session.execute(
            update(Campaign)
            .where(Campaign.id == campaign_id)
            .values(state="cancelled", version=Campaign.version + 1)
        )
    g = Generation
    waiting = await session.scalars(
        update(g)
        .where(_of(campaign_id, keys), g.status == Status.QUEUED.value)
        .values(
            status=Status.CANCELLED.value,
            error_code="cancelled",
            error_text="Cancelled before it was sent.",
            over_at=func.clock_timestamp(),
        )
        .returning(g.id)
    )
    stopped = list(waiting)
    await ledger.release(session, *stopped)
    asked = await session.scalars(
        update(g)
        .where(
            _of(campaign_id, keys),
            g.status.in_([Status.SUBMITTING.value, Status.GENERATING.value]),
            g.cancel_asked_at.is_(None),
        )
        .values(cancel_asked_at=func.clock_timestamp())
        .returning(g.id)
    )
    waking = list(asked)
    for generation_id in waking:
        await notify(session, WAKE, str(generation_id))
    await notify(session, CAMPAIGNS, str(campaign_id))
    if stopped:
        await outbound.announce_batch(session, await _workspace(session, campaign_id), campaign_id)
    return CancelResult(len(stopped), len(waking))


async def pause(session: AsyncSession, campaign_id: UUID) -> None:
    """Start nothing more of this campaign; what is at the provider goes on."""
    await _set_state(session, campaign_id, "paused", unless="cancelled")


async def resume(session: AsyncSession, campaign_id: UUID) -> None:
    """Go on with a paused campaign."""
    await _set_state(session, campaign_id, "active", unless="cancelled")
    lane_ids = await session.scalars(
        select(Generation.lane_id).where(Generation.campaign_id == campaign_id).distinct()
    )
    for lane_id in list(lane_ids):
        await notify(session, LANES, str(lane_id))


async def prioritise(
    session: AsyncSession,
    campaign_id: UUID,
    *,
    priority: str,
    keys: Collection[str] | None = None,
) -> int:
    """Move what waits to another priority: high, normal or low; how many moved."""
    await _hold(session, campaign_id, keys)
    moved = await session.scalars(
        update(Generation)
        .where(_of(campaign_id, keys), Generation.status == Status.QUEUED.value)
        .values(priority=PRIORITIES[priority])
        .returning(Generation.id)
    )
    await notify(session, CAMPAIGNS, str(campaign_id))
    return len(list(moved))


async def retry(
    session: AsyncSession, campaign_id: UUID, *, keys: Collection[str] | None = None
) -> int:
    """A new attempt for every video that ended without a file, or those in `keys`; how many.

    What was made, but could not be fetched, is fetched again at first, and costs nothing more.
    BudgetRefused when the others cost more than is left.
    """
    await _hold(session, campaign_id, keys)
    fetched = await _fetch_again(session, campaign_id, keys)
    return fetched + await attempts.again(session, campaign_id, keys=keys)


async def _fetch_again(
    session: AsyncSession, campaign_id: UUID, keys: Collection[str] | None
) -> int:
    """Go on with the latest attempts whose file may still be had; how many.

    Once each, but for a file that was too large: it will be so however often it is bought.
    """
    g, later = Generation, aliased(Generation)
    in_vain = g.note.is_not_distinct_from(FETCHED_AGAIN)
    moved = await session.execute(
        update(g)
        .where(
            _of(campaign_id, keys),
            g.status == Status.FAILED.value,
            g.provider_job_id.is_not(None),
            (g.error_code == "too_large")
            | g.error_code.in_(("no_file", "damaged_file")) & ~in_vain,
            func.coalesce(g.expires_at > func.clock_timestamp(), True),
            ~exists().where(later.combination_id == g.combination_id, later.attempt > g.attempt),
        )
        .values(
            status=Status.FINISHING.value,
            error_code=None,
            error_text=None,
            over_at=None,
            note=FETCHED_AGAIN,
            admissions=g.admissions + 1,
            admitted_at=func.to_timestamp(0),
        )
        .returning(g.lane_id)
    )
    lane_ids = list(moved.scalars())
    for lane_id in set(lane_ids):
        await notify(session, LANES, str(lane_id))
    if lane_ids:
        await notify(session, CAMPAIGNS, str(campaign_id))
    return len(lane_ids)


async def resolve(
    session: AsyncSession,
    campaign_id: UUID,
    *,
    key: str,
    decision: Decision,
    job: str | None = None,
) -> None:
    """Decide about a possibly charged video; Conflict when it is none (any more).

    A lost one, too, goes on with its job when that turns up again.
    """
    await _hold(session, campaign_id, [key])
    attempts_of = select(Generation.id, Generation.status).where(_of(campaign_id, [key]))
    latest = await session.execute(attempts_of.order_by(Generation.attempt.desc()).limit(1))
    generation_id, status = latest.one_or_none() or (None, None)
    if generation_id is None or status not in DOUBTFUL:
        raise Conflict(f"Video {key} does not wait for a decision.")
    if decision is Decision.PAID:
        if not job:
            raise Conflict(f"To take video {key} as paid, name the provider's job id.")
        await bought(session, generation_id, job=job, states=DOUBTFUL)
        return
    if status == Status.LOST:
        raise Conflict(f"Video {key} is lost already; `spotloom retry` buys it again.")
    await generations.move(
        session,
        generation_id,
        expect=(Status.UNKNOWN,),
        to=Status.LOST,
        over_at=func.clock_timestamp(),
    )
    await lanes.free(session, generation_id)
    if decision is Decision.RETRY:
        await attempts.again(session, campaign_id, keys=[key], states=(Status.LOST,))
    else:
        workspace_id = await _workspace(session, campaign_id)
        await outbound.announce(session, workspace_id, generation_id)


async def bought(
    session: AsyncSession,
    generation_id: UUID,
    *,
    job: str,
    states: Collection[Status] = (Status.UNKNOWN,),
) -> None:
    """Go on with a video in these states, which the provider turns out to have as this job.

    Conflict when nobody is in doubt about it (any more), or another video is that job.
    """
    order = await generations.load(session, generation_id)
    try:
        await generations.move(
            session,
            generation_id,
            expect=states,
            to=Status.GENERATING,
            provider_job_id=job,
            error_code=None,
            error_text=None,
            over_at=None,
            accepted_at=func.clock_timestamp(),
            # A new admission: the workflow that waits with the old one can do no more.
            admissions=Generation.admissions + 1,
            admitted_at=func.to_timestamp(0),
        )
    except IntegrityError as error:
        raise Conflict(
            f"Job {job} is another video's already; look up the job of this one."
        ) from error
    await lanes.take_back(session, order.lane_id, generation_id)
    await notify(session, LANES, str(order.lane_id))


async def _hold(session: AsyncSession, campaign_id: UUID, keys: Collection[str] | None) -> None:
    """Lock the campaign and its open generations; NotFound names the keys that it does not have.

    A generation that moves at this moment is waited for: each statement that follows sees where
    it went, and the hand that moves it next sees what was decided here.
    """
    await attempts.lock(session, campaign_id)
    if keys is not None:
        known = select(CombinationRow.key).where(
            CombinationRow.campaign_id == campaign_id, CombinationRow.key.in_(keys)
        )
        if missing := set(keys).difference(await session.scalars(known)):
            raise NotFound(f"The campaign has no video {', '.join(sorted(missing))}.")
    open_ones = select(Generation.id).where(
        _of(campaign_id, keys), Generation.status.in_([s.value for s in ACTIVE])
    )
    await session.execute(open_ones.order_by(Generation.id).with_for_update(key_share=True))


async def _workspace(session: AsyncSession, campaign_id: UUID) -> UUID:
    found = await session.scalars(select(Campaign.workspace_id).where(Campaign.id == campaign_id))
    return found.one()


def _of(campaign_id: UUID, keys: Collection[str] | None) -> ColumnElement[bool]:
    chosen = Generation.campaign_id == campaign_id
    if keys is None:
        return chosen
    ids = select(CombinationRow.id).where(
        CombinationRow.campaign_id == campaign_id, CombinationRow.key.in_(keys)
    )
    return chosen & Generation.combination_id.in_(ids)


async def _set_state(session: AsyncSession, campaign_id: UUID, state: str, *, unless: str) -> None:
    found = await session.scalar(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state != unless)
        .values(state=state, version=Campaign.version + 1)
        .returning(Campaign.id)
    )
    if found is None:
        known = await session.scalar(select(Campaign.state).where(Campaign.id == campaign_id))
        if known is None:
            raise NotFound(f"There is no campaign {campaign_id}.")
        raise Conflict(f"The campaign is {known}; `spotloom retry` makes its videos again.")
    await notify(session, CAMPAIGNS, str(campaign_id))
