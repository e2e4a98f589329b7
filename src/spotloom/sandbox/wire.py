"""The `/v1/videos` protocol on the wire: what a create may say, and how jobs and errors read."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spotloom.creative.request import Seconds, Size

MODELS = ("sora-2", "sora-2-pro")
SIZES = ("720x1280", "1280x720", "1024x1024", "1024x1792", "1792x1024")
MAX_SECONDS = 60
MAX_PROMPT = 32_000
MAX_BODY = 32 * 1024 * 1024
CONTENT_TYPES = {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}

_MEMBERS = frozenset({"prompt", "model", "seconds", "size", "input_reference", "spotloom"})


class ApiError(Exception):
    """A refusal in the vendor's shape: `{"error": {message, type, param, code}}`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status, self.message, self.code, self.param = status, message, code, param
        self.retry_after = retry_after
        super().__init__(message)

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        error = {
            "message": self.message,
            "type": _error_type(self.status),
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers add."""
        return {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}


def _error_type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


class Extension(BaseModel):
    """What Spotloom adds so that the animatic knows the combination; strangers leave it out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: str = Field(default="", max_length=500)
    loop: bool = False
    values: tuple[tuple[str, str], ...] = Field(default=(), max_length=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One video, as a create asked for it."""

    prompt: str
    model: str
    size: Size
    seconds: Seconds
    extension: Extension
    remixed_from: str | None = None

    @property
    def fingerprint(self) -> str:
        """A SHA-256 over all of it: the same body gives the same one."""
        text = json.dumps(
            [self.prompt, self.model, str(self.size), self.seconds, self.extension.model_dump()]
        )
        return hashlib.sha256(text.encode()).hexdigest()


def read_ask(members: Mapping[str, object]) -> Ask:
    """The video that the members of a create ask for; ApiError when it cannot be."""
    for name in members:
        if name not in _MEMBERS:
            refuse(
                name,
                f"Unknown parameter: '{name}'. Known are {', '.join(sorted(_MEMBERS))}.",
                code="unknown_parameter",
            )
    return Ask(
        prompt=read_prompt(members),
        model=_choice("model", members.get("model", MODELS[0]), MODELS),
        size=Size.parse(_choice("size", members.get("size", SIZES[0]), SIZES)),
        seconds=_seconds(members.get("seconds", "4")),
        extension=_extension(members.get("spotloom")),
    )


def read_prompt(members: Mapping[str, object]) -> str:
    """The prompt, which a create and a remix must have."""
    value = members.get("prompt")
    if value is None:
        refuse("prompt", "Missing required parameter: 'prompt'.", code="missing_required_parameter")
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        refuse("prompt", "'prompt' must be text, not empty and without NUL characters.")
    if len(value) > MAX_PROMPT:
        refuse("prompt", f"'prompt' has {len(value)} characters; at most {MAX_PROMPT} are taken.")
    return value


def read_members(body: bytes) -> dict[str, object]:
    """The members of a JSON object; ApiError when the body is none."""
    try:
        members = json.loads(body)
    except ValueError as error:
        raise ApiError(400, f"The body is not JSON: {error}.", code="invalid_json") from error
    if not isinstance(members, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    return members


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        refuse(name, f"'{name}' is {_shown(value)}; this server offers {', '.join(allowed)}.")
    return str(value)


def _seconds(value: object) -> Seconds:
    whole = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4
    if not whole or not 1 <= int(str(value)) <= MAX_SECONDS:
        refuse(
            "seconds",
            f"'seconds' is {_shown(value)}; it must be a string with a whole number "
            f'from "1" to "{MAX_SECONDS}".',
        )
    return Seconds(int(str(value)))


def _extension(value: object) -> Extension:
    try:
        return Extension.model_validate({} if value is None else value)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(["spotloom", *(str(part) for part in first["loc"])])
        refuse(path, f"'{path}': {first['msg']}.")


def _shown(value: object) -> str:
    text = json.dumps(value) if isinstance(value, str | int | float | None) else "no text"
    return text if len(text) <= 60 else text[:57] + "…"


def refuse(param: str, message: str, *, code: str = "invalid_value") -> NoReturn:
    """Raise the 400 that names a parameter, what is wrong with it and what is allowed."""
    raise ApiError(400, message, code=code, param=param)


def signature(secret: str, *, event_id: str, timestamp: int, body: bytes) -> str:
    """The Standard Webhooks signature of one delivery, over the raw bytes of its body."""
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
