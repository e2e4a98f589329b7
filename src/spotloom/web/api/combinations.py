"""Combinations: one of them, what people say of it, and what they do to its video."""

from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import listing, reviews
from spotloom.campaigns.listing import Combination as Listed
from spotloom.contract.batches import Cancelled, Retried
from spotloom.contract.combinations import (
    Attempt,
    AttemptList,
    Combination,
    CombinationEdit,
    RejectAsk,
)
from spotloom.errors import Conflict, Problem
from spotloom.generation import control
from spotloom.web.api.lists import told
from spotloom.web.door.answers import ETAG, problems, shaped, takes
from spotloom.web.door.asking import (
    CampaignName,
    CombinationKey,
    Editor,
    Spender,
    Viewer,
    budget_told,
    found,
    noted,
)
from spotloom.web.door.bodies import Body, PerhapsBody, Written
from spotloom.web.door.versions import IfMatch, etag, expected, perhaps_expected
from spotloom.web.errors import invalid
from spotloom.web.gate import Asked
from spotloom.web.idempotency import Answer, OnceOnly

routes = APIRouter(prefix="/api/campaigns/{campaign_id}/combinations", tags=["combinations"])

_NO_REASON = Problem("rejectReason", "is for a rejected video; send review: rejected with it.")


@routes.get(
    "/{combination_id}",
    operation_id="getCombination",
    response_model=Combination,
    responses=problems(404) | ETAG,
)
async def get_combination(
    asked: Viewer, campaign_id: CampaignName, combination_id: CombinationKey
) -> Response:
    """One combination; its ETag is the version of what people edit."""
    async with asked.scope.read() as session:
        header = await found(session, asked, campaign_id)
        row = await listing.combination(
            session, asked.actor.workspace_id, header.id, combination_id
        )
        return await _tagged(session, asked, row)


@routes.get(
    "/{combination_id}/attempts",
    operation_id="listAttempts",
    response_model=AttemptList,
    responses=problems(404),
)
async def list_attempts(
    asked: Viewer, campaign_id: CampaignName, combination_id: CombinationKey
) -> Response:
    """Every attempt at the combination, latest first: times, provider job, money and failure."""
    workspace_id = asked.actor.workspace_id
    async with asked.scope.read() as session:
        header = await found(session, asked, campaign_id)
        row = await listing.combination(session, workspace_id, header.id, combination_id)
        made = await listing.attempts(session, workspace_id, row.id)
    return shaped(AttemptList(items=[Attempt.of(each) for each in made]))


@routes.patch(
    "/{combination_id}",
    operation_id="editCombination",
    response_model=Combination,
    responses=problems(404, 412, 428, body=True) | ETAG,
    openapi_extra=takes(CombinationEdit),
)
async def edit(
    asked: Editor,
    campaign_id: CampaignName,
    combination_id: CombinationKey,
    body: Body,
    if_match: IfMatch = None,
) -> Response:
    """Set the video's address, winner, review or notes; what is not named stays.

    Only a rejection has a reason: `rejectReason` goes with `review`, or to a rejected video.
    `If-Match` names the version that you have seen: where somebody else was quicker the answer is
    412, and nothing is changed.
    """
    changes = body.fit(CombinationEdit).changes()
    if changes.get("reject_reason") is not None and changes.get("review", "rejected") != "rejected":
        raise invalid([_NO_REASON])
    workspace_id = asked.actor.workspace_id
    async with asked.scope.begin() as session:
        header = await found(session, asked, campaign_id)
        before = await listing.combination(session, workspace_id, header.id, combination_id)
        version = expected(if_match, before.version)
        if _is_reason_alone(changes) and version in (None, before.version):
            version = before.version  # what was read of its review holds
            if before.review != "rejected":
                raise invalid([_NO_REASON])
        await reviews.edit(
            session,
            workspace_id,
            header.id,
            combination_id,
            expected_version=version,
            actor=asked.actor.text,
            **changes,
        )
        what = {"combination": combination_id, "fields": sorted(changes)}
        await noted(session, asked, "video.edited", header.id, **what)
        row = await listing.combination(session, workspace_id, header.id, combination_id)
        return await _tagged(session, asked, row)


@routes.post(
    "/{combination_id}/approve",
    operation_id="approveCombination",
    response_model=Combination,
    responses=problems(404, 412) | ETAG,
)
async def approve(
    asked: Editor,
    campaign_id: CampaignName,
    combination_id: CombinationKey,
    if_match: IfMatch = None,
) -> Response:
    """Say that the video may be used.

    With `If-Match`, 412 where somebody else was quicker, and nothing is changed; without, the last
    word counts.
    """
    workspace_id, actor = asked.actor.workspace_id, asked.actor.text
    async with asked.scope.begin() as session:
        header = await found(session, asked, campaign_id)
        before = await listing.combination(session, workspace_id, header.id, combination_id)
        await _hold(session, asked, before, if_match)
        if await reviews.approve(session, workspace_id, header.id, [before.key], actor=actor):
            await noted(session, asked, "video.approved", header.id, combination=before.key)
        row = await listing.combination(session, workspace_id, header.id, before.key)
        return await _tagged(session, asked, row)


@routes.post(
    "/{combination_id}/reject",
    operation_id="rejectCombination",
    response_model=Combination,
    responses=problems(404, 412, body=True) | ETAG,
    openapi_extra=takes(RejectAsk, required=False),
)
async def reject(
    asked: Editor,
    campaign_id: CampaignName,
    combination_id: CombinationKey,
    body: PerhapsBody,
    if_match: IfMatch = None,
) -> Response:
    """Say that the video may not be used, and why; `If-Match` as for an approval."""
    reason = body.fit(RejectAsk).reason
    workspace_id, actor = asked.actor.workspace_id, asked.actor.text
    async with asked.scope.begin() as session:
        header = await found(session, asked, campaign_id)
        before = await listing.combination(session, workspace_id, header.id, combination_id)
        key = before.key
        await _hold(session, asked, before, if_match)
        if await reviews.reject(
            session, workspace_id, header.id, [key], actor=actor, reason=reason
        ):
            await noted(session, asked, "video.rejected", header.id, combination=key)
        row = await listing.combination(session, workspace_id, header.id, key)
        return await _tagged(session, asked, row)


@routes.post(
    "/{combination_id}/retry",
    operation_id="retryCombination",
    response_model=Retried,
    responses=problems(404, 409),
)
async def retry(
    asked: Spender, campaign_id: CampaignName, combination_id: CombinationKey, once: OnceOnly
) -> Response:
    """Queue a new attempt at a video that ended without a file; a new purchase within the budgets.

    409 when it did not end so, or a budget does not allow it.
    """

    async def act(session: AsyncSession) -> Answer:
        header = await found(session, asked, campaign_id)
        row = await listing.combination(
            session, asked.actor.workspace_id, header.id, combination_id
        )
        if not await control.retry(session, header.id, keys=[row.key]):
            raise Conflict(
                f"Video {row.key} is {row.status}; only one that ended without a file is retried."
            )
        await noted(session, asked, "video.retried", header.id, combination=row.key)
        return Answer.of(Retried(queued=1))

    async with budget_told(asked):
        return await once.run(asked.scope, Written(None).digest, act)


@routes.post(
    "/{combination_id}/cancel",
    operation_id="cancelCombination",
    response_model=Cancelled,
    responses=problems(404),
)
async def cancel(
    asked: Editor, campaign_id: CampaignName, combination_id: CombinationKey
) -> Response:
    """Stop one video: at once where it waits, by asking the provider where it is there."""
    async with asked.scope.begin() as session:
        header = await found(session, asked, campaign_id)
        row = await listing.combination(
            session, asked.actor.workspace_id, header.id, combination_id
        )
        done = await control.cancel(session, header.id, keys=[row.key])
        await noted(session, asked, "video.cancelled", header.id, combination=row.key)
    return shaped(Cancelled(cancelled=done.at_once, asked_to_stop=done.asked))


def _is_reason_alone(changes: dict[str, Any]) -> bool:
    return changes.get("reject_reason") is not None and "review" not in changes


async def _hold(session: AsyncSession, asked: Asked, row: Listed, if_match: str | None) -> None:
    """Keep the video as the asker has seen it until the transaction ends, if they say what."""
    version = perhaps_expected(if_match, row.version)
    if version is not None:
        await reviews.hold(
            session, asked.actor.workspace_id, row.campaign_id, row.key, version=version
        )


async def _tagged(session: AsyncSession, asked: Asked, row: Listed) -> Response:
    (answer,) = await told(session, asked.actor.workspace_id, [row])
    return shaped(answer, headers={"ETag": etag(row.version)})
