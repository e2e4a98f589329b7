"""Stores a batch: campaign, combinations and queued generations, all or nothing."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import budgets, ids, ledger, tenancy
from spotloom.campaigns.channels import LANES, notify
from spotloom.campaigns.tables import (
    Campaign,
    CombinationRow,
    Generation,
    Lane,
    Workspace,
    insert_all,
    queue_turn,
)
from spotloom.creative.plan import Plan
from spotloom.creative.pricing import price
from spotloom.errors import Conflict

LOCAL = tenancy.LOCAL
PRIORITIES = {"high": 0, "normal": 1, "low": 2}
TURN = 1 << 20  # places in the queue between two turns: more than a batch can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKey:
    """Which account of which provider a batch goes to, and how many videos at once."""

    provider: str
    account: str
    slot_limit: int  # of a lane that is not there yet; from then on an admin's word counts


@dataclass(frozen=True, slots=True)
class Batch:
    """A stored batch; `created` is false when the batch key already had it."""

    campaign_id: UUID
    created: bool


async def submit(
    session: AsyncSession,
    plan: Plan,
    *,
    batch_key: str,
    brief: Mapping[str, Any],
    lane: LaneKey,
    workspace_id: UUID = LOCAL,
    created_by: str | None = None,
) -> Batch:
    """Store the plan under its batch key; the same key again is the same batch.

    `brief` is the brief as it was written (camelCase JSON values), kept for people and editing.
    Raises BudgetRefused, and Conflict when the key belongs to a different brief.
    """
    if workspace_id == LOCAL:
        await ensure_workspace(session)
    fingerprints = [request.fingerprint for request in plan.requests]
    campaign = {
        "id": ids.new(),
        "workspace_id": workspace_id,
        "batch_key": batch_key,
        "brief": dict(brief),
        "brief_hash": _hash(fingerprints, lane),
        "provider": lane.provider,
        "model": plan.brief.model,
        "estimated_cost": plan.total,
        "budget": plan.brief.budget,
        "created_by": created_by,
    }
    inserted = await session.scalar(
        upsert(Campaign)
        .values(campaign)
        .on_conflict_do_nothing(index_elements=["workspace_id", "batch_key"])
        .returning(Campaign.id)
    )
    if inserted is None:
        return await _existing(session, workspace_id, campaign)
    await budgets.hold(session, workspace_id, campaign_id=inserted, adding=plan.total)
    lane_id = await ensure_lane(session, workspace_id, lane)
    await _store_videos(session, plan, fingerprints, campaign=campaign, lane_id=lane_id)
    await notify(session, LANES, str(lane_id))
    return Batch(inserted, created=True)


async def stored(
    session: AsyncSession, plan: Plan, *, batch_key: str, lane: LaneKey, workspace_id: UUID
) -> bool:
    """Whether the batch key has exactly these videos already, whatever they cost today."""
    known = await session.scalar(
        select(Campaign.brief_hash).where(
            Campaign.workspace_id == workspace_id,
            Campaign.batch_key == batch_key,
            Campaign.deleted_at.is_(None),
        )
    )
    return known is not None and known == _hash([r.fingerprint for r in plan.requests], lane)


async def ensure_lane(session: AsyncSession, workspace_id: UUID, lane: LaneKey) -> UUID:
    """The lane of that account, made if need be; one that is there keeps its limit."""
    lane_id: UUID | None = await session.scalar(
        upsert(Lane)
        .values(
            id=ids.new(),
            workspace_id=workspace_id,
            provider=lane.provider,
            account=lane.account,
            slot_limit=lane.slot_limit,
        )
        .on_conflict_do_update(  # of nothing, so that its row is returned
            index_elements=["workspace_id", "provider", "account"],
            set_={"slot_limit": Lane.slot_limit},
        )
        .returning(Lane.id)
    )
    assert lane_id is not None  # noqa: S101 - an upsert always returns its row
    return lane_id


async def ensure_workspace(session: AsyncSession) -> UUID:
    """The workspace of this laptop's owner, made if need be; every other is made by sign-in."""
    await session.execute(upsert(Workspace).values(id=LOCAL, name="local").on_conflict_do_nothing())
    return LOCAL


def _hash(fingerprints: list[str], lane: LaneKey) -> str:
    parts = [lane.provider, *fingerprints]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


async def _existing(
    session: AsyncSession, workspace_id: UUID, campaign: Mapping[str, Any]
) -> Batch:
    row = (
        await session.execute(
            select(Campaign.id, Campaign.brief_hash, Campaign.deleted_at).where(
                Campaign.workspace_id == workspace_id,
                Campaign.batch_key == campaign["batch_key"],
            )
        )
    ).one()
    if row.deleted_at is not None:
        raise Conflict(
            f"Batch id '{campaign['batch_key']}' belongs to a campaign that was deleted. "
            "Use another for this one."
        )
    if row.brief_hash != campaign["brief_hash"]:
        raise Conflict(
            f"Batch id '{campaign['batch_key']}' already belongs to a different brief or provider. "
            "Use another --batch-id for this one, or the first brief unchanged to continue it."
        )
    return Batch(row.id, created=False)


async def _store_videos(
    session: AsyncSession,
    plan: Plan,
    fingerprints: list[str],
    *,
    campaign: Mapping[str, Any],
    lane_id: UUID,
) -> None:
    turn = await session.scalar(queue_turn.next_value())
    scope = {"workspace_id": campaign["workspace_id"], "campaign_id": campaign["id"]}
    combinations, generations = [], []
    kept = zip(plan.combinations, plan.requests, fingerprints, strict=True)
    for index, (combination, request, fingerprint) in enumerate(kept):
        combination_id = ids.new()
        keyed = replace(request, idempotency_key=f"{campaign['id']}:{combination.key}:1")
        combinations.append(
            scope
            | {
                "id": combination_id,
                "key": combination.key,
                "position": index,
                "values": [list(pair) for pair in combination.values],
            }
        )
        generations.append(
            scope
            | {
                "id": ids.new(),
                "combination_id": combination_id,
                "lane_id": lane_id,
                "attempt": 1,
                "position": (turn or 0) * TURN + index,
                "priority": PRIORITIES[plan.brief.priority],
                "request": keyed.to_json(),
                "request_hash": fingerprint,
                "idempotency_key": keyed.idempotency_key,
                "estimated_cost": price(plan.rate, request.duration),
            }
        )
    await insert_all(session, CombinationRow, combinations)
    await insert_all(session, Generation, generations)
    await ledger.reserve(session, [g["id"] for g in generations])
