"""Builds campaigns as the reads give them, for tests of what is exported."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from spotloom.campaigns import ledger, reads
from spotloom.creative.matrix import combination_key
from spotloom.creative.request import Seconds, Size, VideoRequest
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


def campaign(**changes: Any) -> reads.Header:
    header = reads.Header(
        id=UUID("01900000-0000-7000-8000-0000000000aa"),
        batch_key="tarn-1",
        brief={"brand": "Tarn Audio", "bigIdea": "Mend it with a coin.", "aspectRatio": "9:16"},
        provider="openai-videos",
        model="sora-2",
        state="done",
        estimated_cost=Decimal("10.000000"),
        budget=None,
        created_at=dt.datetime(2026, 11, 24, 8, 15, tzinfo=dt.UTC),
    )
    return replace(header, **changes)


def video(*, prompt: str = "Idea: A coin.\nLook: Green.", chosen: Any = (), **changes: Any) -> Any:
    values = tuple((dict(VALUES) | dict(chosen)).items())
    request = VideoRequest(
        prompt=prompt,
        model="sora-2",
        duration=Seconds(10),
        size=Size(720, 1280),
        loop=False,
        brand="Tarn Audio",
        values=values,
        idempotency_key="key",
    )
    made = reads.Video(
        key=combination_key(values),
        values=values,
        request=request,
        status=Status.COMPLETED,
        provider="openai-videos",
        model="sora-2",
        job="video_1",
        attempt=1,
        progress=100,
        estimated_cost=Decimal("5.000000"),
        actual_cost=Decimal("5.000000"),
        error_code=None,
        error_text=None,
        files={"video": file()},
    )
    return replace(made, **changes)


def file(**changes: Any) -> reads.File:
    kept = reads.File(
        uri="c/k/1/video.mp4",
        sha256="ab" * 32,
        bytes=3,
        width=720,
        height=1280,
        seconds=Decimal("10.000"),
    )
    return replace(kept, **changes)


def money(**changes: Any) -> ledger.Money:
    nothing = Decimal("0.000000")
    stands = ledger.Money(
        estimated=Decimal(10), reserved=nothing, unknown=nothing, actual=Decimal("5.000000")
    )
    return replace(stands, **changes)
