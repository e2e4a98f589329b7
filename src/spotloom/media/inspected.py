"""What is known of a video file once a worker has looked at it; light, for every process."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from spotloom.errors import Permanent, Transient


class BadFile(Transient):
    """The file is cut or damaged; another download may bring it whole."""


class Unplayable(Permanent):
    """The file is whole, but no video that we can play; another download changes nothing."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="unplayable")


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file truly is; the length is measured from the decoded frames."""

    width: int
    height: int
    seconds: Decimal
    fps: float  # the mean
    frames: int
    video_codec: str
    audio_codec: str | None
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """All that one pass over a file yields; the sprite has 5 by 5 cells, in reading order."""

    video: Path
    probe: Probe
    poster: Path
    sprite: Path
