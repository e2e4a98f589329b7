"""How fast Notion is asked: three requests a second, fewer for as long as it wants fewer."""

from dataclasses import dataclass

REQUESTS_A_SECOND = 3.0  # what its documents promise on average (2026-11)
SLOWEST_S = 5.0  # between two requests
SLOWER, FASTER = 1.25, 0.96
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The time between two requests, and the refusals in a row."""

    interval_s: float
    setbacks: int

    def refused(self, retry_after_s: float | None, *, fastest_s: float) -> tuple["Pace", float]:
        """The pace after Notion wanted fewer requests, and the seconds to send none at all."""
        slower = min(max(self.interval_s, fastest_s) * SLOWER, max(SLOWEST_S, fastest_s))
        wait_s = min(FIRST_WAIT_S * 2.0**self.setbacks, LONGEST_WAIT_S)
        return Pace(slower, self.setbacks + 1), wait_s if retry_after_s is None else retry_after_s

    def well(self, *, fastest_s: float) -> "Pace":
        """The pace after an answer."""
        return Pace(max(fastest_s, self.interval_s * FASTER), 0)
