"""Batches: `POST /api/generate-batch`, how far one is, and what people may do while it runs."""

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import ids, listing, reads
from spotloom.campaigns.submit import stored, submit
from spotloom.contract.batches import (
    BatchAsk,
    BatchQueued,
    BatchState,
    BatchStatus,
    CancelAsk,
    Cancelled,
    Moved,
    PriorityAsk,
    ResolveAsk,
    Resolved,
    Retried,
    RetryAsk,
)
from spotloom.generation import control
from spotloom.generation.control import Decision
from spotloom.web.api.orders import ordered, refuse_difference
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import (
    CampaignName,
    CombinationKey,
    Editor,
    Spender,
    ThePace,
    TheParts,
    Viewer,
    budget_told,
    each_once,
    found,
    noted,
)
from spotloom.web.door.bodies import Body, PerhapsBody
from spotloom.web.idempotency import Answer, OnceOnly

routes = APIRouter(prefix="/api", tags=["batches"])


@routes.post(
    "/generate-batch",
    operation_id="generateBatch",
    response_model=BatchQueued,
    responses=problems(409, body=True),
    openapi_extra=takes(BatchAsk),
)
async def generate_batch(
    asked: Spender, parts: TheParts, pace: ThePace, once: OnceOnly, body: Body
) -> Response:
    """Order a brief's videos: all of them are stored and queued, or none.

    The server works everything out anew and trusts no row, count or price: where `matrixResult`
    differs, the answer is 409 and names the difference. The same `batchId` with the same brief is
    the same batch, however often it is sent and whatever it would cost today; with another brief
    it is 409. So is a batch that a budget does not allow.
    """
    if (replayed := await once.replayed(asked.scope, body.digest)) is not None:
        return replayed
    ask, planned = await pace.aside(ordered, body, BatchAsk, parts)
    batch_id = ask.batch_id or f"b-{ids.new().hex[:12]}"
    workspace_id, lane = asked.actor.workspace_id, parts.lane()
    async with asked.scope.read() as session:
        again = await stored(
            session, planned.plan, batch_key=batch_id, lane=lane, workspace_id=workspace_id
        )
    if not again:  # what was ordered once is not ordered anew at another price
        await pace.aside(refuse_difference, ask.matrix_result, planned)

    async def act(session: AsyncSession) -> Answer:
        batch = await submit(
            session,
            planned.plan,
            workspace_id=workspace_id,
            created_by=asked.actor.text,
            batch_key=batch_id,
            brief=planned.written,
            lane=lane,
        )
        count = len(planned.plan.requests)
        if batch.created:
            cost = planned.plan.total
            what = {"batchId": batch_id, "videos": count, "estimatedCost": cost}
            await noted(session, asked, "batch.submitted", batch.campaign_id, **what)
        told = BatchQueued(batch_id=batch_id, total_videos=count)
        return Answer.of(told, location=f"/api/campaigns/{batch.campaign_id}")

    async with budget_told(asked):
        return await once.run(asked.scope, body.digest, act)


@routes.get(
    "/batch/{batch_id}",
    operation_id="getBatch",
    response_model=BatchStatus,
    responses=problems(404),
)
async def get_batch(asked: Viewer, batch_id: CampaignName) -> Response:
    """How far a batch is: videos by status, per cent, money, pace and expected finish."""
    async with asked.scope.read() as session:
        campaign = await found(session, asked, batch_id)
        progress = await reads.progress(session, campaign.id, workspace_id=asked.actor.workspace_id)
    return shaped(BatchStatus.of(campaign, progress))


@routes.post(
    "/batch/{batch_id}/cancel",
    operation_id="cancelBatch",
    response_model=Cancelled,
    responses=problems(404, 409, body=True),
    openapi_extra=takes(CancelAsk, required=False),
)
async def cancel(asked: Editor, batch_id: CampaignName, body: PerhapsBody) -> Response:
    """Stop a batch, or some of its videos.

    What waits is cancelled at once and costs nothing. What is at the provider is asked to stop;
    where it cannot, the video still arrives and is kept.
    """
    keys = each_once(body.fit(CancelAsk).combinations)
    async with asked.scope.begin() as session:
        campaign = await found(session, asked, batch_id)
        done = await control.cancel(session, campaign.id, keys=keys)
        await noted(session, asked, "batch.cancelled", campaign.id, combinations=keys)
    return shaped(Cancelled(cancelled=done.at_once, asked_to_stop=done.asked))


@routes.post(
    "/batch/{batch_id}/pause",
    operation_id="pauseBatch",
    response_model=BatchState,
    responses=problems(404, 409),
)
async def pause(asked: Editor, batch_id: CampaignName) -> Response:
    """Start nothing more of a batch; what is at the provider goes on."""
    async with asked.scope.begin() as session:
        campaign = await found(session, asked, batch_id)
        await control.pause(session, campaign.id)
        await noted(session, asked, "batch.paused", campaign.id)
    return shaped(BatchState(batch_id=campaign.batch_key, state="paused"))


@routes.post(
    "/batch/{batch_id}/resume",
    operation_id="resumeBatch",
    response_model=BatchState,
    responses=problems(404, 409),
)
async def resume(asked: Editor, batch_id: CampaignName) -> Response:
    """Go on with a paused batch."""
    async with asked.scope.begin() as session:
        campaign = await found(session, asked, batch_id)
        await control.resume(session, campaign.id)
        await noted(session, asked, "batch.resumed", campaign.id)
    return shaped(BatchState(batch_id=campaign.batch_key, state="active"))


@routes.post(
    "/batch/{batch_id}/retry-failed",
    operation_id="retryFailed",
    response_model=Retried,
    responses=problems(404, 409, body=True),
    openapi_extra=takes(RetryAsk, required=False),
)
async def retry_failed(
    asked: Spender, batch_id: CampaignName, once: OnceOnly, body: PerhapsBody
) -> Response:
    """Queue a new attempt for every video that ended without a file, or for those named.

    Each is a new purchase within the budgets; 409 when they do not allow it. What was made, but
    could not be fetched, is fetched again at first, and costs nothing more.
    """
    keys = each_once(body.fit(RetryAsk).combinations)

    async def act(session: AsyncSession) -> Answer:
        campaign = await found(session, asked, batch_id)
        queued = await control.retry(session, campaign.id, keys=keys)
        what = {"queued": queued, "combinations": keys}
        await noted(session, asked, "batch.retried", campaign.id, **what)
        return Answer.of(Retried(queued=queued))

    async with budget_told(asked):
        return await once.run(asked.scope, body.digest, act)


@routes.post(
    "/batch/{batch_id}/priority",
    operation_id="prioritiseBatch",
    response_model=Moved,
    responses=problems(404, 409, body=True),
    openapi_extra=takes(PriorityAsk),
)
async def prioritise(asked: Editor, batch_id: CampaignName, body: Body) -> Response:
    """Move what still waits of a batch ahead of other campaigns, or behind them."""
    ask = body.fit(PriorityAsk)
    keys = each_once(ask.combinations)
    async with asked.scope.begin() as session:
        campaign = await found(session, asked, batch_id)
        moved = await control.prioritise(session, campaign.id, priority=ask.priority, keys=keys)
        what = {"priority": ask.priority, "combinations": keys}
        await noted(session, asked, "batch.prioritised", campaign.id, **what)
    return shaped(Moved(moved=moved, priority=ask.priority))


@routes.post(
    "/batch/{batch_id}/combinations/{combination_id}/resolve",
    operation_id="resolveCombination",
    response_model=Resolved,
    responses=problems(404, 409, body=True),
    openapi_extra=takes(ResolveAsk),
)
async def resolve(
    asked: Spender,
    batch_id: CampaignName,
    combination_id: CombinationKey,
    once: OnceOnly,
    body: Body,
) -> Response:
    """Decide about a possibly charged video, after a look at the provider's own list of jobs.

    `paid`: it is this job, which a lost video may turn out to have, too. `retry`: buy it again.
    `give-up`: leave it. 409 when it waits for no decision (any more).
    """
    ask = body.fit(ResolveAsk)

    async def act(session: AsyncSession) -> Answer:
        campaign = await found(session, asked, batch_id)
        row = await listing.combination(
            session, asked.actor.workspace_id, campaign.id, combination_id
        )
        await control.resolve(
            session, campaign.id, key=row.key, decision=Decision(ask.decision), job=ask.job
        )
        what = {"combination": row.key, "decision": ask.decision, "job": ask.job}
        await noted(session, asked, "video.resolved", campaign.id, **what)
        return Answer.of(Resolved(combination_id=row.key, decision=ask.decision))

    async with budget_told(asked):
        return await once.run(asked.scope, body.digest, act)
