"""`spotloom login-link`: a one-time link that signs the owner, or a member, in."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from spotloom import settings as setting
from spotloom.cli import say
from spotloom.settings import Settings

if TYPE_CHECKING:
    from spotloom.auth.gate import Gate


def login_link_command(
    url: Annotated[
        str, typer.Option(help="Where the browser reaches Spotloom.", metavar="URL")
    ] = "http://127.0.0.1:8765",
    email: Annotated[
        str | None,
        typer.Option(
            help="The member who signs in with a password. [the owner]", metavar="ADDRESS"
        ),
    ] = None,
    new_password: Annotated[
        bool,
        typer.Option("--new-password", help="Forget the present password: it was lost."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a link that signs the owner, or a member, in: once, and within 15 minutes.

    SPOTLOOM_PUBLIC_URL, where it is set, goes before --url.

    Examples:
      spotloom login-link
      spotloom login-link --url http://127.0.0.1:9000
      spotloom login-link --email ann@studio.example --new-password
    """
    settings = setting.load()
    link = asyncio.run(_link(settings, url=url.rstrip("/"), email=email, new_password=new_password))
    if as_json:
        say.answer_json({"link": link})
    else:
        say.out.print(link, soft_wrap=True, markup=False, highlight=False)


async def first_link(gate: "Gate") -> str | None:
    """A link for an installation in which nobody has ever signed in; else None."""
    from spotloom.auth import local

    async with gate.sessions.begin() as session:
        if not await local.is_new(session):
            return None
        return await local.login_link(session, gate.sign_in.public_url)


async def _link(settings: Settings, *, url: str, email: str | None, new_password: bool) -> str:
    from spotloom import wiring
    from spotloom.wiring import serving

    async with (
        wiring.opened(settings) as base,
        serving.gate(settings, base, address=url) as gate,
    ):
        return await gate.login_link(email, new_password=new_password)
