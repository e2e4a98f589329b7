"""Files on their way: what has come stays when the line is lost, and the rest is asked for."""

import hashlib
import os
import random
from pathlib import Path

import httpx2

from spotloom.client import errors
from spotloom.contract.combinations import File
from spotloom.errors import Conflict, Transient

MOST_TRIES = 5  # in a row that bring nothing new
PAUSE_S = 0.5
PART = ".part"


class Arriving:
    """One finished file that is fetched into a place, over as many connections as it takes."""

    def __init__(self, file: File, to: Path) -> None:
        self.path = file.url
        self._file, self._to, self._part = file, to, to.with_name(to.name + PART)
        self._have = self._part.stat().st_size if self._part.exists() else 0
        self._most, self._tries = self._have, 0

    @property
    def whole(self) -> bool:
        """Whether all of it has come."""
        return self._have >= self._file.bytes

    @property
    def headers(self) -> dict[str, str]:
        """Asks for what is missing, as long as it is still that file."""
        if not self._have:
            return {}
        return {"Range": f"bytes={self._have}-", "If-Range": f'"{self._file.sha256}"'}

    def begin(self, response: httpx2.Response) -> None:
        """Take an answer; raises when the file is not in it."""
        if not response.is_success:
            raise errors.of_answer(response)
        self._tries += 1
        if self._tries > MOST_TRIES:
            raise Transient(f"{response.url} ends before its end, {MOST_TRIES} times in a row.")
        self._to.parent.mkdir(parents=True, exist_ok=True)
        if response.status_code != httpx2.codes.PARTIAL_CONTENT:
            self._part.unlink(missing_ok=True)
            self._have = 0

    def take(self, block: bytes) -> None:
        """Keep a block."""
        with self._part.open("ab") as part:
            part.write(block)
        self._have += len(block)
        if self._have > self._most:
            self._most, self._tries = self._have, 0

    def pause_after(self, error: httpx2.TransportError) -> float:
        """The seconds until the next connection; raises when the last ones brought nothing new."""
        self._tries += 1
        if self._tries > MOST_TRIES:
            raise errors.of_silence(error, once=True) from error
        return PAUSE_S * self._tries * random.uniform(0.5, 1)  # noqa: S311 - no secret

    def settle(self) -> None:
        """Put the whole file in its place; Conflict when it is another one."""
        with self._part.open("rb") as part:
            digest = hashlib.file_digest(part, "sha256").hexdigest()
            os.fsync(part.fileno())
        if digest != self._file.sha256:
            self._part.unlink()
            raise Conflict(
                f"{self._file.url} is not the file that was made: its SHA-256 is {digest}, "
                f"not {self._file.sha256}."
            )
        self._part.replace(self._to)


class Whole:
    """An answer that is kept as a file, and that cannot go on where it broke off."""

    def __init__(self, to: Path) -> None:
        self._to, self._part = to, to.with_name(to.name + PART)

    def begin(self, response: httpx2.Response) -> None:
        """Take an answer; raises when the file is not in it."""
        if not response.is_success:
            raise errors.of_answer(response)
        self._to.parent.mkdir(parents=True, exist_ok=True)
        self._part.unlink(missing_ok=True)

    def take(self, block: bytes) -> None:
        """Keep a block."""
        with self._part.open("ab") as part:
            part.write(block)

    def settle(self) -> None:
        """Put the file in its place."""
        self._part.replace(self._to)

    def drop(self) -> None:
        """Leave nothing of what broke off."""
        self._part.unlink(missing_ok=True)
