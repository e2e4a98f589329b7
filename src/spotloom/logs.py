"""Sets up the log: events with fields on stderr, and nothing in them that opens or quotes."""

import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

LONGEST = 500  # characters of a value
FRAMES = 8
HIDDEN = "…"
# Fields under these names are never told, whatever they hold.
_KEPT_BACK = re.compile(
    r"prompt|secret|password|passphrase|api_?key|authorization|cookie|signature|credential"
    r"|(^|_)(token|jwt|key|body|headers|query)$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]{40,}\"|'[^']{40,}'|“[^”]{40,}”")  # a vendor may quote the prompt
_OPENING = [
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@\"']*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s?#\"'<>]*)[?#][^\s\"'<>]*"), rf"\1?{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9._-]+"), HIDDEN),  # a JWT
    (re.compile(r"\[(SQL|parameters):.*", re.DOTALL), HIDDEN),  # SQLAlchemy quotes both
    # Ours begin with sps_, spk_, spl_, spi_, spo_; the rest are vendors'.
    (
        re.compile(r"\b(sp[skilo]_|whsec_|[sp]k[-_]|ntn_|secret_)[A-Za-z0-9_=+/-]{8,}"),
        rf"\1{HIDDEN}",
    ),
]


def configure(level: int) -> None:
    """Log to stderr from this level on: for people on a terminal, else a JSON object a line."""
    terminal = sys.stderr.isatty()
    show: Processor = (
        structlog.dev.ConsoleRenderer(colors=True)
        if terminal
        else structlog.processors.JSONRenderer(default=str)
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[*CHAIN, show],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def fault(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Tell where an error came from and of what kind; not its message, nor anybody's locals."""
    told = event.pop("exc_info", None)
    if not told:
        return event
    error = told if isinstance(told, BaseException) else sys.exc_info()[1]
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event.setdefault("fault", type(error).__name__)
        event["at"] = [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno}" for f in frames]
    return event


def discreet(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Hide what opens something, and what is a marketer's own words."""
    return {
        name: value if name == "event" else _shown(name, value) for name, value in event.items()
    }


def _shown(name: str, value: Any) -> Any:
    if _KEPT_BACK.search(name):
        return HIDDEN
    match value:
        case str():
            return _plain(value)
        case Mapping():
            return {str(key): _shown(str(key), one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown("", one) for one in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _plain(str(value))


def _plain(text: str) -> str:
    for opening, shown in _OPENING:
        text = opening.sub(shown, text)
    text = _QUOTED.sub(f"“{HIDDEN}”", text)
    return text if len(text) <= LONGEST else text[:LONGEST] + HIDDEN


CHAIN: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
    fault,
    discreet,
)
