"""The states a generation can be in, and which may follow which."""

from enum import StrEnum


class Status(StrEnum):
    """Where one generation stands; the words are those of the tables, the API and the pages."""

    QUEUED = "queued"  # waits for a slot; nothing was sent
    SUBMITTING = "submitting"  # holds a slot; the intent is stored, the answer is not
    GENERATING = "generating"  # the provider has it
    FINISHING = "finishing"  # the provider is done; the file is on its way to us
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # the provider dropped the file before we had it
    LOST = "lost"  # the provider no longer knows a job it accepted
    UNKNOWN = "unknown"  # possibly charged; a person decides

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in TERMINAL or self is Status.UNKNOWN


TERMINAL = frozenset(
    {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED, Status.LOST}
)
ACTIVE = frozenset(Status) - TERMINAL
