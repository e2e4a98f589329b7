"""Opens the Notion mirror, where a key is set."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from spotloom.campaigns.database import Sessions
from spotloom.forms import load_vocabulary
from spotloom.generation.mirrors.notion import Desk
from spotloom.media.links import Standing
from spotloom.notion.api import Key, Notion
from spotloom.settings import Settings
from spotloom.wiring.secret import secret_if_any


@contextlib.asynccontextmanager
async def desk(settings: Settings, home: Path, sessions: Sessions) -> AsyncIterator[Desk | None]:
    """What the mirror works with; None without a key."""
    if settings.notion_api_key is None:
        yield None
        return
    key = Key(
        token=settings.notion_api_key.get_secret_value(), address=str(settings.notion_base_url)
    )
    async with Notion(key) as notion:
        yield Desk(
            sessions=sessions,
            notion=notion,
            vocabulary=load_vocabulary(settings.vocabulary),
            links=_links(settings, home),
        )


def _links(settings: Settings, home: Path) -> Standing | None:
    """Links from Notion to our files; None where only this machine could follow them."""
    if settings.public_url is None:
        return None
    return Standing(
        address=str(settings.public_url).rstrip("/"), secret=secret_if_any(settings, home)
    )
