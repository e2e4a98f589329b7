"""Notion: what is connected, how the pages stand, and what may be asked of the mirror."""

import datetime as dt
from typing import Annotated, Self

from pydantic import Field, model_validator

from spotloom.contract.shapes import Asked, Told

Address = Annotated[str, Field(min_length=32, max_length=500)]


class BlockedPage(Told):
    """A page that Notion refused, and why; its video is not touched."""

    batch_id: str
    combination_id: str
    reason: str


class Pages(Told):
    """How the pages stand."""

    up_to_date: int
    pending: int
    blocked: int
    unlinked: int = Field(description="Put into Notion's trash by a person; the videos stay.")
    in_doubt: int = Field(
        description="Of the pending ones: made perhaps, and looked up before anything is repeated."
    )
    behind_seconds: float | None = Field(description="Age of the oldest change still to be told.")
    blocked_pages: list[BlockedPage] = Field(description="At most 100.")
    last_error: str | None


class Connection(Told):
    """The database that this workspace's videos are shown in."""

    title: str
    url: str
    database_id: str
    trouble: str | None = Field(
        description="Why nothing, or no new page, can be written; a person acts. It is tried again."
    )
    paused_until: dt.datetime | None = Field(
        description="Notion asked for a pause until then; null while there is trouble."
    )
    pairing_until: dt.datetime | None = Field(description="A webhook's token is taken until then.")
    token_came: bool = Field(
        description="A token came with the pairing, and who opened it has not seen it yet."
    )
    paired: bool = Field(description="Notion's webhooks hasten what comes back.")


class NotionStatus(Told):
    """Whether Notion can be used here, and how it stands."""

    key_set: bool = Field(description="Whether this installation has a NOTION_API_KEY.")
    connection: Connection | None
    pages: Pages | None
    webhook_url: str = Field(description="The address to enter in Notion.")
    links: bool = Field(
        description="Whether pages link to the files: they do when SPOTLOOM_PUBLIC_URL is set."
    )
    limits: str = Field(description="What to know of free Notion workspaces before the first page.")


class SetupAsk(Asked):
    """Where the database is made, or which one is used; neither checks the present one again."""

    page: Address | None = Field(
        default=None, description="Link or id of the page under which the database is made."
    )
    database: Address | None = Field(
        default=None, description="Link or id of a database that is there."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.page is not None and self.database is not None:
            raise ValueError("must name a page or a database, not both")
        return self


class SetUp(Told):
    """What was made or changed in Notion."""

    title: str
    url: str
    database_id: str
    done: list[str]


class ResyncAsk(Asked):
    """Which batch is told again; none for all."""

    batch_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class Resynced(Told):
    """How many videos are told again."""

    videos: int


class PairingToken(Told):
    """What Notion wants to be told before it sends anything to a new webhook."""

    verification_token: str


class PairingOpened(Told):
    """Until when a webhook's token is taken."""

    until: dt.datetime
    webhook_url: str
