"""Says what came of each video of a campaign, for machines: `manifest.json` and `manifest.csv`."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination
from spotloom.creative import matrix
from spotloom.creative.naming import file_name

SANDBOX_NOTICE = (
    "Animatics drawn locally by the Spotloom sandbox, not AI footage; nothing was charged."
)
_ACTIVE_CELLS = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet runs what begins like this


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why there is no file of a video, in the words of the manifest."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A video, and the names of its files in the folder or the ZIP."""

    video: Combination
    file: str | None = None
    poster: str | None = None
    sprite: str | None = None
    trouble: Trouble | None = None


def trouble(video: Combination) -> Trouble | None:
    """What went wrong with the video, as far as we were told."""
    if video.error is None:
        return None
    return Trouble(
        code=video.error.code or str(video.status),
        message=video.error.message or "No reason was given.",
    )


def name_of(video: Combination) -> str:
    """The readable name of the video's file."""
    return file_name(matrix.Combination(video.combination_id, tuple(video.values.items())))


def manifest(campaign: Campaign, placed: Sequence[Placed]) -> dict[str, Any]:
    """The campaign and its videos as plain JSON values, in the order of the matrix."""
    notice = {"notice": SANDBOX_NOTICE} if campaign.provider == "sandbox" else {}
    return {
        "campaign": str(campaign.id),
        "batchId": campaign.batch_id,
        "currency": "USD",
        "estimatedCost": float(campaign.estimated_cost),
        "actualCost": float(campaign.spend.actual),
        "videos": [_entry(each) for each in placed],
        "reservedCost": float(campaign.spend.reserved),
        "unknownCost": float(campaign.spend.unknown),
        **notice,
    }


def _entry(placed: Placed) -> dict[str, Any]:
    video, wrong = placed.video, placed.trouble
    file = video.files.get("video") if placed.file else None
    return {
        "combinationId": video.combination_id,
        "values": video.values,
        "prompt": video.prompt,
        "status": str(video.status),
        "file": placed.file,
        "seconds": file.seconds if file else None,
        "width": file.width if file else None,
        "height": file.height if file else None,
        "sha256": file.sha256 if file else None,
        "provider": video.provider,
        "model": video.model,
        "providerJobId": video.provider_job_id,
        "attempts": video.attempts,
        "estimatedCost": float(video.estimated_cost),
        "actualCost": None if video.actual_cost is None else float(video.actual_cost),
        "error": {"code": wrong.code, "message": wrong.message} if wrong else None,
    }


def as_json(written: dict[str, Any]) -> bytes:
    """The manifest as the bytes of `manifest.json`."""
    return (json.dumps(written, ensure_ascii=False, indent=2) + "\n").encode()


def as_csv(written: dict[str, Any]) -> bytes:
    """The manifest as the bytes of `manifest.csv`: a row per video, safe to open (RFC 4180)."""
    videos = written["videos"]
    # Every video has every dimension; a dict keeps them in the order of the table.
    dimensions = list(dict.fromkeys(key for video in videos for key in video["values"]))
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(["combinationId", *dimensions, *_FIELDS, "errorCode", "errorMessage"])
    for video in videos:
        wrong = video["error"] or {}
        cells = [
            video["combinationId"],
            *(video["values"].get(key) for key in dimensions),
            *(video[field] for field in _FIELDS),
            wrong.get("code"),
            wrong.get("message"),
        ]
        rows.writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode()


_FIELDS = (
    "prompt",
    "status",
    "file",
    "seconds",
    "width",
    "height",
    "sha256",
    "provider",
    "model",
    "providerJobId",
    "attempts",
    "estimatedCost",
    "actualCost",
)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        # The shortest digits that are this number, and cents where there are none.
        exact = Decimal(repr(value))
        return f"{exact:.2f}" if exact == round(exact, 2) else f"{exact:f}"
    text = str(value)
    return f"'{text}" if text.startswith(_ACTIVE_CELLS) else text
