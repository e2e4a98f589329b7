"""From what the campaigns' room tells to the shapes of the contract."""

import datetime as dt
from dataclasses import asdict
from typing import Any

from spotloom.campaigns.ledger import Money
from spotloom.campaigns.listing import Combination as Listed
from spotloom.campaigns.listing import Figures
from spotloom.campaigns.listing import File as KeptFile
from spotloom.campaigns.listing.queue import Queue, Queued
from spotloom.campaigns.reads import Header, LaneState, Progress
from spotloom.campaigns.submit import PRIORITIES
from spotloom.contract.batches import BatchStatus, Spend
from spotloom.contract.campaigns import Campaign, Poster
from spotloom.contract.combinations import Combination, Failure, File
from spotloom.contract.lanes import Lane, LaneQueue, Occupied, Waiting
from spotloom.creative.status import Status

_PRIORITIES = {number: word for word, number in PRIORITIES.items()}


def campaign(header: Header, figures: Figures) -> Campaign:
    """The campaign, with how far it is."""
    return Campaign(
        id=header.id,
        batch_id=header.batch_key,
        brief=dict(header.brief),
        provider=header.provider,
        model=header.model,
        state=header.state,
        total_videos=sum(figures.counts.values()),
        counts={status: figures.counts.get(status, 0) for status in Status},
        estimated_cost=header.estimated_cost,
        spend=_spend(header, figures.money),
        created_at=header.created_at,
        created_by=header.created_by,
        last_activity=figures.last_at or header.created_at,
        posters=[
            Poster(
                combination_id=poster.combination_id,
                url=f"/api/media/{poster.id}",
                width=poster.width,
                height=poster.height,
            )
            for poster in figures.posters
        ],
        version=header.version,
    )


def batch_status(header: Header, progress: Progress) -> BatchStatus:
    """How the batch stands at this moment."""
    left_s = progress.left_s
    left = None if left_s is None else dt.timedelta(seconds=round(left_s))
    return BatchStatus(
        batch_id=header.batch_key,
        campaign_id=header.id,
        state=header.state,
        total_videos=progress.total,
        counts={status: progress.counts.get(status, 0) for status in Status},
        over=progress.over,
        percent=round(100 * progress.over / progress.total, 1) if progress.total else 100.0,
        finished_a_minute=progress.finished_a_minute,
        expected_seconds=None if left is None else int(left.total_seconds()),
        expected_finish=None if left is None else dt.datetime.now(dt.UTC) + left,
        spend=_spend(header, progress.money),
        lanes=[lane(state) for state in progress.lanes],
    )


def lane(state: LaneState) -> Lane:
    """How the lane stands."""
    return Lane.model_validate(state, from_attributes=True)


def lane_queue(state: LaneState, queue: Queue) -> LaneQueue:
    """How the lane stands, with what holds its slots and what starts next."""
    return LaneQueue(
        **dict(lane(state)),
        slots=[Occupied.model_validate(_queued(slot)) for slot in queue.slots],
        next=[Waiting.model_validate(_queued(video)) for video in queue.next],
        held_back=queue.held_back,
    )


def _queued(video: Queued) -> dict[str, Any]:
    return asdict(video) | {"priority": _PRIORITIES[video.priority]}


def combination(row: Listed) -> Combination:
    """The combination with its latest attempt, its files, and what people said of it."""
    request = row.request
    failed = row.error_code is not None or row.error_text is not None
    return Combination(
        combination_id=row.key,
        position=row.position,
        values=dict(row.values),
        prompt=request.prompt,
        status=row.status,
        attempts=row.attempt,
        progress=row.progress,
        provider=row.provider,
        model=request.model,
        duration=request.duration,
        size=str(request.size),
        provider_job_id=row.job,
        estimated_cost=row.estimated_cost,
        actual_cost=row.actual_cost,
        error=Failure(code=row.error_code, message=row.error_text) if failed else None,
        note=row.note,
        files={kind: file_told(file) for kind, file in row.files.items()},
        created_at=row.created_at,
        over_at=row.over_at,
        video_url=row.video_url,
        review=row.review,
        reject_reason=row.reject_reason,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
        winner=row.winner,
        notes=row.notes,
        notion_page_id=row.notion_page_id,
        version=row.version,
    )


def _spend(header: Header, money: Money) -> Spend:
    return Spend(
        estimated=money.estimated,
        reserved=money.reserved,
        unknown=money.unknown,
        actual=money.actual,
        committed=money.committed,
        budget=header.budget,
    )


def file_told(file: KeptFile) -> File:
    """The file as the contract tells it."""
    return File(
        asset_id=file.id,
        url=f"/api/media/{file.id}",
        content_type=file.content_type,
        sha256=file.sha256,
        bytes=file.bytes,
        width=file.width,
        height=file.height,
        seconds=None if file.seconds is None else float(file.seconds),
    )
