"""Spells the database's address as SQLAlchemy and as libpq read it."""

from urllib.parse import urlsplit, urlunsplit

from spotloom.errors import SetupError


def driver_url(url: str) -> str:
    """A libpq URL, as hosts hand it out, in SQLAlchemy's spelling."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise SetupError(
            f"DATABASE_URL starts with '{parts.scheme}:'; it must be a postgresql:// URL."
        )
    rebuilt = urlunsplit(parts._replace(scheme="postgresql+psycopg"))
    # urlunsplit drops the empty host that a unix-socket URL needs.
    return rebuilt if "://" in rebuilt else rebuilt.replace(":", "://", 1)


def plain_url(url: str) -> str:
    """The URL as libpq reads it."""
    return driver_url(url).replace("postgresql+psycopg", "postgresql", 1)
