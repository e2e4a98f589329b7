"""Which of our errors a server's refusal is: what is proven about the order, and who acts next."""

import datetime as dt
import email.utils
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from spotloom.errors import OutcomeUnknown, Permanent, SpotloomError, Transient
from spotloom.providers.account import Account
from spotloom.providers.dialects import Dialect, Vocabulary
from spotloom.providers.provider import LaneBlocked, Outage
from spotloom.providers.replies import Cause, cause

LONGEST_WAIT_S = 86_400.0  # a server that asks for more is asked again after a day

# A create answered so was not accepted, and will not be however often it is sent.
_REFUSED_FOR_GOOD = frozenset({400, 413, 414, 422, 451})
# A create answered so was not accepted, and no other order will be until a person mends something.
_REFUSED_UNTIL_MENDED = {
    401: "key",
    402: "credit",
    403: "key",
    404: "address",
    405: "address",
    407: "address",
    415: "dialect",
    301: "address",
    307: "address",
    308: "address",
}
_ADVICE = {
    "key": "check the API key and what it may do",
    "credit": "add credit or raise the limit at the provider",
    "address": "check the base URL and the model's name",
    "dialect": "check which dialect the server speaks (SPOTLOOM_DIALECT)",
}


# Every order has a prompt: a server that misses it reads orders of another form.
_UNREAD = re.compile(
    r"\bprompt\b\W*(field required|(is |field is )?(required|missing))"
    r"|(missing|required) (required )?(parameter|field|property)s?\W*prompt\b"
    r"|unsupported media type|multipart/form-data|application/json",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not a success, read as far as it can be."""

    provider: str
    status: int
    cause: Cause
    retry_after_s: float | None

    def __str__(self) -> str:
        said = f": {self.cause.message}" if self.cause.message else ""
        code = f" ({self.cause.code})" if self.cause.code else ""
        return f"{self.provider} answered {self.status}{code}{said}"


def read(
    status: int, headers: Mapping[str, str], body: bytes, *, provider: str, account: Account
) -> Refusal:
    """The answer of a server that did not do what it was asked, without our key in it."""
    wait = retry_after(headers, now=dt.datetime.now(dt.UTC))
    return Refusal(provider, status, shown(cause(body), account), wait)


def shown(why: Cause, account: Account) -> Cause:
    """The cause as it may be shown and compared: without our key, its code in lower case."""
    code, message = account.hide(why.code or ""), account.hide(why.message or "")
    return Cause(code=code.lower() or None, message=message or None, type=why.type)


def on_create(refusal: Refusal, *, dialect: Dialect, words: Vocabulary) -> SpotloomError:
    """The error for a refused create. Only what proves that nothing was accepted may be repeated.

    409 is not such proof: beside an idempotency key it says that the same order is already there.
    """
    status = refusal.status
    if 400 <= status < 500 and moderation(refusal.cause, words):
        return Permanent(str(refusal), code=refusal.cause.code or "moderation_blocked")
    if 400 <= status < 500 and refusal.cause.code in words.billing_codes:
        return _blocked(refusal, "credit")
    if status == 429 or status in dialect.refusals:
        return Transient(str(refusal), retry_after_s=refusal.retry_after_s)
    if status in _REFUSED_UNTIL_MENDED:
        return _blocked(refusal, _REFUSED_UNTIL_MENDED[status])
    if status in {400, 422} and _UNREAD.search(refusal.cause.message or ""):
        return _blocked(refusal, "dialect")
    if status in _REFUSED_FOR_GOOD:
        return Permanent(str(refusal), code=refusal.cause.code or "invalid_request")
    doubt = f"{refusal}; the order may have been accepted all the same"
    if status >= 500:
        return Outage(doubt, retry_after_s=refusal.retry_after_s)
    return OutcomeUnknown(doubt)


def on_question(refusal: Refusal) -> Transient:
    """The error for a refused question: nothing is bought by asking, so it may be asked again."""
    if refusal.status in {401, 403, 407}:
        return _blocked(refusal, "key")
    return Transient(str(refusal), retry_after_s=refusal.retry_after_s)


def moderation(cause: Cause, words: Vocabulary) -> bool:
    """Whether the provider refused because of what the video would show.

    The phrases count only where the server told no code of its own.
    """
    if cause.code in words.moderation_codes:
        return True
    # A number or the name of a whole family of errors is no code for this.
    vague = cause.code is None or cause.code.isdigit() or cause.code.endswith("_error")
    text = (cause.message or "").lower() if vague else ""
    return any(phrase in text for phrase in words.moderation_phrases)


def retry_after(headers: Mapping[str, str], *, now: dt.datetime) -> float | None:
    """Seconds to wait as the server asks for them, in seconds or as a date; None when untold."""
    text = headers.get("retry-after", "").strip()
    seconds = _number(headers.get("retry-after-ms"), scale=0.001)
    seconds = _number(text, scale=1.0) if seconds is None else seconds
    if seconds is None and text:
        at = _date(text)
        # Both dates from the server's clock where it tells it: ours may be off.
        told = _date(headers.get("date", "")) or now
        seconds = None if at is None else (at - told).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT_S)


def _blocked(refusal: Refusal, reason: str) -> LaneBlocked:
    return LaneBlocked(
        f"{refusal}; {_ADVICE[reason]}.", reason=reason, retry_after_s=refusal.retry_after_s
    )


def _number(text: str | None, *, scale: float) -> float | None:
    try:
        number = float(text or "") * scale
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def ahead_s(headers: Mapping[str, str], *, now: dt.datetime) -> float:
    """Seconds by which the server's clock, where it tells it, is ahead of ours."""
    told = _date(headers.get("date", ""))
    return 0.0 if told is None else (told - now).total_seconds()


def _date(text: str) -> dt.datetime | None:
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
