"""Writes how a generation went: state, money and slot change in one transaction."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

import structlog
from sqlalchemy import case, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import attempts, generations, ledger
from spotloom.campaigns.generations import Order
from spotloom.campaigns.tables import Generation, Lane
from spotloom.creative.status import Status
from spotloom.errors import BudgetRefused, Conflict, Transient
from spotloom.generation import lanes
from spotloom.generation.mirrors import outbound
from spotloom.generation.tools import tools
from spotloom.providers.provider import LaneBlocked, Outage, Ready, Rejected

log = structlog.get_logger()

TOO_LATE = "Cancelled too late: the provider had made it, so it is kept."
AT_PROVIDER = (Status.SUBMITTING, Status.GENERATING, Status.UNKNOWN)


class JobTaken(Conflict):
    """Another generation owns the job."""


async def accepted(order: Order, job: str) -> None:
    """The provider has it, under this job id; JobTaken when another generation owns the job."""
    try:
        async with tools().sessions.begin() as session:
            await generations.move(
                session,
                order.id,
                expect=(Status.SUBMITTING,),
                to=Status.GENERATING,
                intent=order.sent_at,
                provider_job_id=job,
                accepted_at=func.clock_timestamp(),
            )
            await lanes.well(session, order.lane_id)
    except IntegrityError as error:
        raise JobTaken(f"job {job} belongs to another generation") from error


async def back_to_queue(order: Order, why: Transient) -> None:
    """Nothing was bought: the lane waits, and the video keeps its turn and its attempt."""
    async with tools().sessions.begin() as session:
        await generations.move(
            session,
            order.id,
            expect=(Status.SUBMITTING,),
            to=Status.QUEUED,
            intent=order.sent_at,
            sent_at=None,
        )
        if isinstance(why, LaneBlocked):
            await lanes.block(session, order.lane_id, reason=str(why))
        else:
            await lanes.pause(
                session, order.lane_id, reason=str(why), retry_after_s=why.retry_after_s
            )
        await lanes.free(session, order.id)
        # Cancelled meanwhile: it would never be admitted again, nor cancelled.
        if (await generations.load(session, order.id)).cancelled:
            await generations.move(
                session,
                order.id,
                expect=(Status.QUEUED,),
                to=Status.CANCELLED,
                error_code="cancelled",
                error_text="Cancelled before it was sent.",
                over_at=func.clock_timestamp(),
            )
            await ledger.release(session, order.id)
            await outbound.announce(session, order.workspace_id, order.id)


async def possibly_charged(order: Order, why: str) -> None:
    """Nobody can say whether it was bought; the slot stays held until the caller frees it."""
    async with tools().sessions.begin() as session:
        await generations.move(
            session,
            order.id,
            expect=(Status.SUBMITTING,),
            to=Status.UNKNOWN,
            intent=order.sent_at,
            error_code="outcome_unknown",
            error_text=why,
        )
        await ledger.mark_unknown(session, order.id)
        await outbound.announce(session, order.workspace_id, order.id)


async def free_slot(generation_id: UUID) -> None:
    """Nobody knows better in time: a job that may be running keeps no other video waiting."""
    async with tools().sessions.begin() as session:
        if await generations.held(session, generation_id) in {Status.UNKNOWN, Status.LOST}:
            await lanes.free(session, generation_id)


async def outage(order: Order, why: Outage) -> None:
    """The provider says that it cannot work: buy nothing new there for a while."""
    async with tools().sessions.begin() as session:
        await lanes.pause(
            session, order.lane_id, reason=str(why), retry_after_s=why.retry_after_s, full=False
        )


async def no_room(order: Order, why: str, *, for_s: float) -> None:
    """Buy nothing new on the lane while there is no room for what it makes."""
    async with tools().sessions.begin() as session:
        await lanes.hold_back(session, order.lane_id, reason=why, for_s=for_s)


async def ready(order: Order, outcome: Ready) -> None:
    """The provider is done: its slot is the next one's, the file is to be fetched."""
    admitted: list[lanes.Admitted] = []
    async with tools().sessions.begin() as session:
        await generations.move(
            session,
            order.id,
            expect=(Status.GENERATING,),
            to=Status.FINISHING,
            progress=100,
            error_text=None,
            ready_at=func.clock_timestamp(),
            expires_at=outcome.expires_at,
            actual_cost=charge(order, outcome.cost),
            note=case(
                (Generation.cancel_asked_at.is_not(None), func.coalesce(Generation.note, TOO_LATE)),
                else_=Generation.note,
            ),
        )
        if tools().admitting and len(tools().wakes) <= tools().share:
            admitted = await lanes.hand_on(session, order.lane_id, order.id)
        else:
            await lanes.free(session, order.id)
    for one in admitted:  # started there, because a step may start no workflow
        tools().admitted.put_nowait(one)


async def rejected(order: Order, outcome: Rejected) -> None:
    """The provider gave it up; tried again by itself where the fault was the provider's."""
    cost = charge(order, None) if outcome.billed else Decimal(0)
    again = not outcome.moderation and order.attempt <= tools().automatic_retries
    await _ended(order, Status.FAILED, code=outcome.code, text=outcome.text, cost=cost, again=again)


async def refused(order: Order, *, code: str, text: str) -> None:
    """The provider never accepted it, and never will."""
    await _ended(order, Status.FAILED, code=code, text=text, cost=Decimal(0), intent=order.sent_at)


async def cancelled(order: Order, text: str) -> None:
    """It was stopped before the provider charged for it."""
    await _ended(order, Status.CANCELLED, code="cancelled", text=text, cost=Decimal(0))


async def lost(order: Order) -> None:
    """The provider accepted the job and no longer knows it: charged or not, nobody can say.

    It may be running still, so its slot stays held until the caller frees it. A job that we asked
    it to stop is gone for that reason, even where the answer was lost.
    """
    async with tools().sessions() as session:
        now = await generations.load(session, order.id)
    text = f"The provider no longer knows job {order.job}, which it had accepted."
    if now.cancelled and now.note is None:
        text = (
            f"Job {order.job} was to be stopped, and the provider no longer knows it. "
            "Nobody said whether it was charged."
        )
        await _ended(order, Status.CANCELLED, code="cancelled", text=text, cost=None)
    else:
        await _ended(order, Status.LOST, code="lost", text=text, cost=None)


async def stop_lane(order: Order, why: str) -> None:
    """Buy nothing new where the provider refuses even our questions, until a person resumes."""
    async with tools().sessions.begin() as session:
        if not await session.scalar(select(Lane.blocked).where(Lane.id == order.lane_id)):
            await lanes.block(session, order.lane_id, reason=why)


async def spoiled(order: Order, *, code: str, text: str) -> None:
    """The video was made and charged, but what came is no use."""
    cost = charge(order, order.actual_cost)
    await _ended(order, Status.FAILED, code=code, text=text, cost=cost)


async def expired(order: Order) -> None:
    """The video was made and charged, but its file was gone before we had it."""
    text = "The provider dropped the file before it could be fetched."
    cost = charge(order, order.actual_cost)
    await _ended(order, Status.EXPIRED, code="expired", text=text, cost=cost)


def charge(order: Order, told: Decimal | None) -> Decimal:
    """What a made video cost: as the provider told, else as estimated; a free one nothing."""
    offers = tools().provider(order.lane_id).models()
    if not any(o.charges for o in offers if o.model == order.request.model):
        return Decimal(0)
    return order.estimated_cost if told is None else told


async def _ended(
    order: Order,
    to: Status,
    *,
    code: str,
    text: str,
    cost: Decimal | None,
    again: bool = False,
    intent: dt.datetime | None = None,
) -> None:
    async with tools().sessions.begin() as session:
        if again:  # in the order in which a cancel takes its locks
            await attempts.lock(session, order.campaign_id)
        await generations.move(
            session,
            order.id,
            expect=(*AT_PROVIDER, Status.FINISHING),
            to=to,
            intent=intent,
            error_code=code,
            error_text=text[:2000],
            over_at=func.clock_timestamp(),
            actual_cost=cost,
        )
        if cost is None:
            await ledger.mark_unknown(session, order.id)
        elif cost:
            await ledger.settle(session, order.id, cost)
        else:
            await ledger.release(session, order.id)
        if to is not Status.LOST:
            await lanes.free(session, order.id)
        if again and not (await generations.load(session, order.id)).cancelled:
            await _again(session, order)
        await outbound.announce(session, order.workspace_id, order.id)


async def _again(session: AsyncSession, order: Order) -> None:
    try:
        async with session.begin_nested():
            await attempts.again(session, order.campaign_id, keys=[order.combination_key])
    except BudgetRefused as error:  # it stays failed, and a person may retry it
        log.info("generation.not_retried", generation_id=str(order.id), reason=str(error))
        await outbound.announce_budget(
            session, order.workspace_id, campaign_id=order.campaign_id, reason=str(error)
        )
