"""What links to files are signed with: the same on every machine that serves."""

import contextlib
import os
import secrets
from hashlib import sha256
from pathlib import Path

from spotloom.errors import SetupError
from spotloom.settings import Settings

SHORTEST = 32


def secret(settings: Settings, home: Path) -> bytes:
    """The secret of the setting, else the one made once in the data folder."""
    if (given := secret_if_any(settings, home)) is not None:
        return given
    path = home / "secret"
    draft = home / f".secret.{secrets.token_hex(6)}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)  # never replaces: of two starters, the first decides
    draft.unlink()
    return path.read_bytes()


def secret_if_any(settings: Settings, home: Path) -> bytes | None:
    """The secret where there is one already: one made here would be no other machine's."""
    if settings.secret is not None:
        given = settings.secret.get_secret_value()
        if len(given) < SHORTEST:
            raise SetupError(f"SPOTLOOM_SECRET has {len(given)} letters; it needs {SHORTEST}.")
        return sha256(given.encode()).digest()
    path = home / "secret"
    return path.read_bytes() if path.exists() else None
