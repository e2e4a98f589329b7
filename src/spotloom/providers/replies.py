"""What a `/v1/videos` server says, parsed once: jobs, lists of jobs, errors."""

import datetime as dt
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ValidationError, model_validator

Known = Literal["queued", "in_progress", "completed", "failed", "cancelled", "expired"]
Word = Known | Literal["other"]

_KNOWN = frozenset(Known.__args__)  # type: ignore[attr-defined]  # typeshed hides it
_TEXT_LIMIT = 500  # of a vendor's sentence that we show


def _word(value: object) -> object:
    if not isinstance(value, str):
        return value
    word = {"canceled": "cancelled"}.get(value.lower(), value.lower())
    return word if word in _KNOWN else "other"


def _percent(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return max(0, min(100, int(value)))


def _moment(value: object) -> dt.datetime | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None  # 0 is how some servers write "not known"
    try:
        return dt.datetime.fromtimestamp(value, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).replace("\0", "").strip() or None  # a NUL cannot be stored


def _job_id(value: object) -> str | None:
    """The id as it was told: one that we could not keep to the letter is none."""
    text = _text(value)
    return None if text is None or "\0" in str(value) else text


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _cause(value: object) -> object:
    if isinstance(value, str):
        return {"message": value}
    return value if isinstance(value, dict) else None


# A field that only informs never makes an answer unreadable: odd values become None.
Text = Annotated[str | None, BeforeValidator(_text)]
JobId = Annotated[str, BeforeValidator(_job_id)]
Moment = Annotated[dt.datetime | None, BeforeValidator(_moment)]


class Cause(BaseModel):
    """Why a job failed or a call was refused."""

    code: Text = None
    message: Text = None
    type: Text = None


class Listed(BaseModel):
    """What a list must tell of a job for us to recognise our own order."""

    id: JobId
    created_at: Moment = None
    model: Text = None
    prompt: Text = None
    seconds: Text = None
    size: Text = None


class JobList(BaseModel):
    """One page of the server's jobs."""

    data: list[Listed]
    has_more: Annotated[bool | None, BeforeValidator(_flag)] = None
    unreadable: int = 0  # entries that tell not even their id

    @model_validator(mode="before")
    @classmethod
    def _in_any_shape(cls, value: object) -> object:
        """A bare list, and `null` for none, as servers in other languages write them."""
        if isinstance(value, list):
            value = {"data": value}
        if not isinstance(value, dict) or "data" not in value:
            return value
        entries = [] if value["data"] is None else value["data"]
        if not isinstance(entries, list):
            return value
        told = [e for e in entries if isinstance(e, dict) and _job_id(e.get("id")) is not None]
        return value | {"data": told, "unreadable": len(entries) - len(told)}


class Job(BaseModel):
    """How one video job stands."""

    id: JobId
    status: Annotated[Word, BeforeValidator(_word)]
    progress: Annotated[int | None, BeforeValidator(_percent)] = None
    expires_at: Moment = None
    error: Annotated[Cause | None, BeforeValidator(_cause)] = None


class Deleted(BaseModel):
    """Whether a job was deleted; servers that answer with something else have done it."""

    deleted: bool = True
    status: Text = None


class Accepted(BaseModel):
    """The only part of an answered create that matters: under which id the job runs."""

    id: JobId


def cause(content: bytes) -> Cause:
    """What an error's body says, in any of the shapes such servers use; empty when unreadable."""
    try:
        error = _ErrorBody.model_validate_json(content)
    except ValidationError:
        return Cause()
    found = error.error or Cause()
    said = found.message or error.message or _detail(error.detail) or ""
    code = found.code or error.code or found.type
    return Cause(code=code, message=said[:_TEXT_LIMIT], type=found.type)


class _ErrorBody(BaseModel):
    error: Annotated[Cause | None, BeforeValidator(_cause)] = None
    detail: Any = None
    message: Text = None
    code: Text = None


def _detail(value: object) -> str | None:
    """FastAPI's `detail`: a sentence, an object with a message, or a list of field problems."""
    match value:
        case str():
            return value
        case {"message": str(message)}:
            return message
        case {"error": str(message)} | {"error": {"message": str(message)}}:
            return message
        case [{"msg": str(message), "loc": [*where]}, *_]:
            return f"{'.'.join(str(part) for part in where)}: {message}"
        case _:
            return None
