"""From a brief to its videos: planning, campaigns, batches and combinations."""

import uuid
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter

from spotloom.client.call import Call, Query
from spotloom.client.calls import asks
from spotloom.client.calls.briefs import Brief, form_of
from spotloom.contract.batches import (
    BatchQueued,
    BatchState,
    BatchStatus,
    CancelAsk,
    Cancelled,
    Moved,
    Priority,
    PriorityAsk,
    ResolveAsk,
    Resolved,
    Retried,
    RetryAsk,
)
from spotloom.contract.briefs import Condition
from spotloom.contract.campaigns import BrandPage, Campaign, CampaignPage
from spotloom.contract.combinations import (
    AttemptList,
    Combination,
    CombinationEdit,
    CombinationPage,
    RejectAsk,
    Review,
)
from spotloom.contract.plans import Plan
from spotloom.creative.status import Status

Excluded = Sequence[str | Condition]
LARGEST_PAGE = 200
_MANIFEST = TypeAdapter(dict[str, Any])


def plan(brief: Brief, *, excluded: Excluded = ()) -> Call[Plan]:
    """What the brief would make and cost; nothing is stored. BriefError when it cannot be made."""
    return Call(
        operation="planBrief",
        method="POST",
        path="/api/plan",
        parse=Plan.model_validate_json,
        body=_ordered(brief, excluded),
    )


def submit(
    brief: Brief,
    *,
    batch_id: str | None = None,
    plan: Plan | None = None,
    excluded: Excluded = (),
) -> Call[BatchQueued]:
    """Order the brief's videos, all or none; the same batch id again is the same batch.

    With the `plan` that was shown, anything else that would be made or charged is Different.
    """
    named = batch_id or f"b-{uuid.uuid4().hex[:12]}"
    shown = None if plan is None else _shown(plan)
    return Call(
        operation="generateBatch",
        method="POST",
        path="/api/generate-batch",
        parse=BatchQueued.model_validate_json,
        body=_ordered(brief, excluded)
        | {"batchId": named}
        | ({"matrixResult": shown} if shown else {}),
    )


def campaigns(
    *,
    state: Literal["active", "paused", "cancelled"] | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Call[CampaignPage]:
    """A page of the campaigns, newest first."""
    query = asks.query(state=state, text=text, cursor=cursor, limit=limit)
    return asks.get("listCampaigns", "/api/campaigns", CampaignPage, query)


def brands(*, cursor: str | None = None, limit: int = 50) -> Call[BrandPage]:
    """A page of the brands, by name, each with its videos and what they cost."""
    return asks.get("listBrands", "/api/brands", BrandPage, asks.query(cursor=cursor, limit=limit))


def campaign(name: str | UUID) -> Call[Campaign]:
    """One campaign, by its id or its batch id."""
    return asks.get("getCampaign", asks.path_of("/api/campaigns/{}", name), Campaign)


def delete_campaign(name: str | UUID) -> Call[None]:
    """Take a campaign off every list; Conflict while any of its videos may still cost money."""
    return asks.delete("deleteCampaign", asks.path_of("/api/campaigns/{}", name))


def restore_campaign(campaign_id: UUID) -> Call[Campaign]:
    """Put a deleted campaign back on the lists; it is known by its id alone."""
    path = asks.path_of("/api/campaigns/{}/restore", campaign_id)
    return asks.post("restoreCampaign", path, Campaign)


def batch(name: str | UUID) -> Call[BatchStatus]:
    """How far a batch is: videos by status, money, pace and expected finish."""
    return asks.get("getBatch", asks.path_of("/api/batch/{}", name), BatchStatus)


def cancel(name: str | UUID, *, combinations: Sequence[str] | None = None) -> Call[Cancelled]:
    """Stop a batch, or some of its videos."""
    body = CancelAsk(**_chosen(combinations))
    return asks.post("cancelBatch", asks.path_of("/api/batch/{}/cancel", name), Cancelled, body)


def pause(name: str | UUID) -> Call[BatchState]:
    """Start nothing more of a batch; what is at the provider goes on."""
    return asks.post("pauseBatch", asks.path_of("/api/batch/{}/pause", name), BatchState)


def resume(name: str | UUID) -> Call[BatchState]:
    """Go on with a paused batch."""
    return asks.post("resumeBatch", asks.path_of("/api/batch/{}/resume", name), BatchState)


def retry(name: str | UUID, *, combinations: Sequence[str] | None = None) -> Call[Retried]:
    """Queue a new attempt, a new purchase, for every video that ended without a file, or some."""
    body = RetryAsk(**_chosen(combinations))
    path = asks.path_of("/api/batch/{}/retry-failed", name)
    return asks.post("retryFailed", path, Retried, body)


def prioritise(
    name: str | UUID, priority: Priority, *, combinations: Sequence[str] | None = None
) -> Call[Moved]:
    """Move what still waits of a batch ahead of other campaigns, or behind them."""
    body = PriorityAsk(priority=priority, **_chosen(combinations))
    return asks.post("prioritiseBatch", asks.path_of("/api/batch/{}/priority", name), Moved, body)


def resolve(
    name: str | UUID,
    combination: str,
    decision: Literal["paid", "retry", "give-up"],
    *,
    job: str | None = None,
) -> Call[Resolved]:
    """Decide about a possibly charged video; `paid` names the provider's job."""
    path = asks.path_of("/api/batch/{}/combinations/{}/resolve", name, combination)
    body = ResolveAsk(decision=decision, job=job)
    return asks.post("resolveCombination", path, Resolved, body)


def combinations(
    name: str | UUID,
    *,
    status: Sequence[Status] = (),
    review: Sequence[Review] = (),
    winner: bool | None = None,
    text: str | None = None,
    options: Sequence[str] = (),
    sort: str = "position",
    descending: bool = False,
    cursor: str | None = None,
    limit: int = LARGEST_PAGE,
) -> Call[CombinationPage]:
    """A page of a campaign's combinations; `options` are such as `mood:wholesome`."""
    query = asks.query(
        status=[each.value for each in status],
        review=list(review),
        winner=None if winner is None else str(winner).lower(),
        text=text,
        option=list(options),
        sort=sort,
        order="desc" if descending else "asc",
        cursor=cursor,
        limit=limit,
    )
    path = asks.path_of("/api/campaigns/{}/combinations", name)
    return asks.get("listCombinations", path, CombinationPage, query)


def combination(name: str | UUID, combination: str) -> Call[Combination]:
    """One combination; `version` counts what people edit of it."""
    return asks.get("getCombination", _combination(name, combination), Combination)


def attempts(name: str | UUID, combination: str) -> Call[AttemptList]:
    """Every attempt at a combination, the latest first: times, money, errors, files."""
    path = f"{_combination(name, combination)}/attempts"
    return asks.get("listAttempts", path, AttemptList)


def edit(
    name: str | UUID, combination: str, changes: CombinationEdit, *, version: int
) -> Call[Combination]:
    """Set the video's address, winner, review or notes; Stale when the version is an old one."""
    path = _combination(name, combination)
    return asks.patch("editCombination", path, Combination, changes, version=version)


def approve(name: str | UUID, combination: str, *, version: int | None = None) -> Call[Combination]:
    """Say that the video may be used; Stale when the version, if one is named, is an old one."""
    path = f"{_combination(name, combination)}/approve"
    return asks.post("approveCombination", path, Combination, once=False, version=version)


def reject(
    name: str | UUID, combination: str, *, reason: str | None = None, version: int | None = None
) -> Call[Combination]:
    """Say that the video may not be used, and why; Stale as for an approval."""
    path, body = f"{_combination(name, combination)}/reject", RejectAsk(reason=reason)
    return asks.post("rejectCombination", path, Combination, body, once=False, version=version)


def manifest(name: str | UUID) -> Call[dict[str, Any]]:
    """What came of each video, as `manifest.json` has it; `contract.manifest` makes CSV of it."""
    return Call(
        operation="getCampaignManifest",
        method="GET",
        path=asks.path_of("/api/campaigns/{}/manifest", name),
        parse=_MANIFEST.validate_json,
    )


def zip_of(
    name: str | UUID, combinations: Sequence[str] | None, positions: Sequence[int] | None
) -> tuple[str, Query]:
    """Where a campaign's finished videos, or these, are to be had as a ZIP."""
    return asks.path_of("/api/campaigns/{}/files.zip", name), asks.query(
        key=list(combinations or ()), at=_ranges(positions or ()) or None
    )


def _ranges(positions: Sequence[int]) -> str:
    """The positions as the API takes them: `0-40,57`."""
    found: list[tuple[int, int]] = []
    for place in sorted(set(positions)):
        if found and place == found[-1][1] + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return ",".join(str(one) if one == end else f"{one}-{end}" for one, end in found)


def _ordered(brief: Brief, excluded: Excluded) -> dict[str, Any]:
    return {"formData": form_of(brief)} | (
        {"excludedCombinations": list(excluded)} if excluded else {}
    )


def _shown(plan: Plan) -> dict[str, Any]:
    """What of a plan is to be compared: the figures, and the price of each video."""
    return plan.model_dump(
        mode="json",
        by_alias=True,
        include={
            "total_videos": True,
            "estimated_cost": True,
            "provider": True,
            "charges": True,
            "combinations": {"__all__": {"combination_id", "estimated_cost"}},
        },
    )


def _chosen(combinations: Sequence[str] | None) -> dict[str, Any]:
    return {} if combinations is None else {"combinations": list(combinations)}


def _combination(name: str | UUID, combination: str) -> str:
    return asks.path_of("/api/campaigns/{}/combinations/{}", name, combination)
