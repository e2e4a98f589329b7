"""Builds campaigns as the API tells them, for tests of what is exported."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from spotloom.contract.batches import Spend
from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination, File
from spotloom.creative.matrix import combination_key
from spotloom.creative.status import Status

VALUES = (
    ("funnelLevel", "problem-aware"),
    ("aesthetic", "ugc"),
    ("type", "storytime"),
    ("intention", "challenge-belief"),
    ("mood", "wholesome"),
    ("audioStyle", "silence"),
    ("ageGeneration", "any"),
    ("gender", "any"),
    ("orientation", "any"),
    ("lifeStage", "any"),
    ("ethnicity", "any"),
)
AT = dt.datetime(2026, 11, 24, 8, 15, tzinfo=dt.UTC)


def campaign(**changes: Any) -> Campaign:
    made = Campaign(
        id=UUID("01900000-0000-7000-8000-0000000000aa"),
        batch_id="tarn-1",
        brief={"brand": "Tarn Audio", "bigIdea": "Mend it with a coin.", "aspectRatio": "9:16"},
        provider="openai-videos",
        model="sora-2",
        state="active",
        total_videos=1,
        counts={Status.COMPLETED: 1},
        estimated_cost=Decimal("10.000000"),
        spend=spend(),
        created_at=AT,
        created_by=None,
        last_activity=AT,
        posters=[],
        version=1,
    )
    return made.model_copy(update=changes)


def video(
    *, prompt: str = "Idea: A coin.\nLook: Green.", chosen: Any = (), **changes: Any
) -> Combination:
    values = dict(VALUES) | dict(chosen)
    made = Combination(
        combination_id=combination_key(values.items()),
        position=1,
        values=values,
        prompt=prompt,
        status=Status.COMPLETED,
        attempts=1,
        progress=100,
        provider="openai-videos",
        model="sora-2",
        duration=10,
        size="720x1280",
        provider_job_id="video_1",
        estimated_cost=Decimal("5.000000"),
        actual_cost=Decimal("5.000000"),
        error=None,
        note=None,
        files={"video": file()},
        created_at=AT,
        over_at=AT,
        video_url=None,
        review="none",
        reject_reason=None,
        reviewed_by=None,
        reviewed_at=None,
        winner=False,
        notes=None,
        notion_page_id=None,
        version=1,
    )
    return made.model_copy(update=changes)


def file(**changes: Any) -> File:
    """A file; the tests keep it in their store under its `url`."""
    kept = File(
        asset_id=UUID("01900000-0000-7000-8000-0000000000bb"),
        url="c/k/1/video.mp4",
        content_type="video/mp4",
        sha256="ab" * 32,
        bytes=3,
        width=720,
        height=1280,
        seconds=10.0,
    )
    return kept.model_copy(update=changes)


def spend(**changes: Any) -> Spend:
    nothing = Decimal("0.000000")
    stands = Spend(
        estimated=Decimal(10),
        reserved=nothing,
        unknown=nothing,
        actual=Decimal("5.000000"),
        committed=Decimal("5.000000"),
        budget=None,
    )
    return stands.model_copy(update=changes)
