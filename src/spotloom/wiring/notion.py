"""Opens the Notion mirror, where a key is set."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from spotloom.campaigns.database import Sessions
from spotloom.campaigns.mirrors.places import Place
from spotloom.errors import SetupError
from spotloom.forms import load_vocabulary
from spotloom.generation.mirrors.notion import Desk
from spotloom.media.links import Standing
from spotloom.notion.api import Key, Notion
from spotloom.notion.properties import properties
from spotloom.notion.setup import lacking
from spotloom.settings import Settings
from spotloom.wiring.secret import secret_if_any


@contextlib.asynccontextmanager
async def desk(settings: Settings, home: Path, sessions: Sessions) -> AsyncIterator[Desk | None]:
    """What the mirror works with; None without a key."""
    if settings.notion_api_key is None:
        yield None
        return
    async with _client(settings) as notion:
        yield Desk(
            sessions=sessions,
            notion=notion,
            vocabulary=load_vocabulary(settings.vocabulary),
            links=_links(settings, home),
            database=settings.notion_database_id,
        )


async def examined(settings: Settings, place: Place | None) -> str:
    """What of Notion works, in words; the errors of the API when something does not."""
    async with _client(settings) as notion:
        await notion.me()
        if place is None:
            return "takes the key; run `spotloom notion setup` to show videos there"
        wanted = properties(load_vocabulary(settings.vocabulary))
        gone = await lacking(notion, place.data_source_id, wanted, dict(place.properties))
    if gone:
        raise SetupError(
            f"The database '{place.title}' lacks {', '.join(gone)}; run `spotloom notion setup`."
        )
    if place.trouble is not None:
        return f"answers now; the mirror was stopped by: {place.trouble}"
    links = "" if settings.public_url else "; pages have no links without SPOTLOOM_PUBLIC_URL"
    return f"shows videos in '{place.title}'{links}"


def _client(settings: Settings) -> Notion:
    key = settings.notion_api_key
    assert key is not None  # noqa: S101 - whoever calls has looked
    return Notion(Key(token=key.get_secret_value(), address=str(settings.notion_base_url)))


def _links(settings: Settings, home: Path) -> Standing | None:
    """Links from Notion to our files; None where only this machine could follow them."""
    if settings.public_url is None:
        return None
    found: bytes | None = None

    def secret() -> bytes | None:
        nonlocal found
        if found is None:
            found = secret_if_any(settings, home)
        return found

    return Standing(address=str(settings.public_url).rstrip("/"), secret=secret)
