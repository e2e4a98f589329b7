"""A link to one finished file."""

import datetime as dt
from typing import Annotated

from pydantic import Field

from spotloom.contract.shapes import Asked, Told

WEEK_S = 7 * 24 * 3600


class LinkWanted(Asked):
    """For how long the link is to be good."""

    seconds: Annotated[int, Field(ge=60, le=WEEK_S)] = 3600


class Link(Told):
    """A link that needs no sign-in."""

    url: str
    expires_at: dt.datetime
