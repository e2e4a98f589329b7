"""Starts the PostgreSQL 18 that comes in a wheel, for whoever has set no DATABASE_URL."""

import sys
from dataclasses import dataclass
from pathlib import Path

from spotloom import leases
from spotloom.embedded import place, server, trouble
from spotloom.errors import SetupError

__all__ = ["Embedded", "start"]


@dataclass
class Embedded:
    """A running server that this process uses."""

    url: str
    _place: place.Place
    _lease: leases.Lease | None

    def stop(self) -> None:
        """Leave the server; the last to leave stops it, and waits until it has ended."""
        if self._lease is None:
            return
        with leases.exclusively(self._place.folder):
            lease, self._lease = self._lease, None
            if lease.release():
                server.shut_down(self._place)


def start(home: Path) -> Embedded:
    """The server of this home, started if it is not running; raises SetupError."""
    if sys.platform == "win32":
        raise SetupError(
            "Spotloom cannot start its own PostgreSQL on Windows. "
            "Set DATABASE_URL to a PostgreSQL 15 or later, or run Spotloom in WSL."
        )
    try:
        found = place.find(home)
        with leases.exclusively(found.folder):
            lease = leases.Lease(found.folder)
            try:
                url = server.bring_up(found)
            except BaseException:
                if lease.release():
                    server.shut_down(found)
                raise
    except OSError as error:
        raise trouble.unusable(error, home) from error
    return Embedded(url, found, lease)
