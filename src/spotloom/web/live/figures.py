"""The figures of a batch that every event repeats: how far, how much, how fast."""

import datetime as dt
from typing import Any

from spotloom.campaigns.reads import Header, Progress
from spotloom.contract.batches import BatchStatus, Spend
from spotloom.creative.status import Status


def figures(campaign: Header, progress: Progress) -> dict[str, Any]:
    """The batch's status without its lanes, as `GET /api/batch/{id}` answers it."""
    money, left_s = progress.money, progress.left_s
    status = BatchStatus(
        batch_id=campaign.batch_key,
        campaign_id=str(campaign.id),
        state=campaign.state,
        total_videos=progress.total,
        counts={status: progress.counts.get(status, 0) for status in Status},
        over=progress.over,
        percent=round(100 * progress.over / progress.total, 1) if progress.total else 100.0,
        finished_a_minute=progress.finished_a_minute,
        expected_seconds=None if left_s is None else round(left_s),
        expected_finish=None
        if left_s is None
        else dt.datetime.now(dt.UTC) + dt.timedelta(seconds=round(left_s)),
        spend=Spend(
            estimated=money.estimated,
            reserved=money.reserved,
            unknown=money.unknown,
            actual=money.actual,
            committed=money.committed,
            budget=campaign.budget,
        ),
        lanes=[],
    )
    return status.model_dump(mode="json", by_alias=True, exclude={"lanes"})
