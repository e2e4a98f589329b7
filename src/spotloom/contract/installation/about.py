"""This installation: its release, its ways to sign in, and where it keeps things."""

from pydantic import Field

from spotloom.contract.shapes import Told


class WaysIn(Told):
    """How people may sign in here; a link of `spotloom login-link` works with any of it."""

    password: bool = Field(description="People of our own may have one.")
    password_set: bool = Field(description="Whether any of them has one.")
    oidc: str | None = Field(description="The OpenID provider's host.")
    clerk: bool


class Place(Told):
    """Where something is kept."""

    name: str
    where: str


class About(Told):
    """What runs here."""

    version: str
    workspace: str
    sign_in: WaysIn
    public_url: str
    places: list[Place] = Field(
        description="Data folder, database, store: for admins of the installation's own workspace."
    )
