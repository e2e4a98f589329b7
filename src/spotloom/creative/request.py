"""The order for one video, fixed when the batch is submitted and carried whole from then on."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NewType, Self

Seconds = NewType("Seconds", int)


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """A picture's width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The size written as `WIDTHxHEIGHT`; ValueError when it is not."""
        width, _, height = text.partition("x")
        return cls(int(width), int(height))


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """The order for one video: what is paid for, and the key that names the attempt for ever."""

    prompt: str
    model: str
    duration: Seconds
    size: Size
    loop: bool
    brand: str
    values: tuple[tuple[str, str], ...]  # (dimension key, option key) in the order of the matrix
    idempotency_key: str

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values, for the attempt's row."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {"size": str(self.size), "values": [list(pair) for pair in self.values]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The request that `to_json` wrote."""
        # Thousands of requests may wait in one process, and they say the same few words.
        values = tuple((sys.intern(k), sys.intern(v)) for k, v in stored["values"])
        return cls(**{**stored, "size": Size.parse(stored["size"]), "values": values})

    @property
    def fingerprint(self) -> str:
        """A SHA-256 over everything but the key: equal requests ask for the same video."""
        body = {k: v for k, v in self.to_json().items() if k != "idempotency_key"}
        text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
