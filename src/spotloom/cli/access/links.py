"""`spotloom login-link`: a one-time link that signs the owner in."""

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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a link that signs the owner in: once, and within 15 minutes.

    SPOTLOOM_PUBLIC_URL, where it is set, goes before --url.

    Examples:
      spotloom login-link
      spotloom login-link --url http://127.0.0.1:9000
    """
    link = asyncio.run(_link(setting.load(), url=url.rstrip("/")))
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


async def _link(settings: Settings, *, url: str) -> str:
    from spotloom import wiring
    from spotloom.auth import local
    from spotloom.wiring import serving

    async with (
        wiring.opened(settings) as base,
        serving.gate(settings, base, address=url) as gate,
        gate.sessions.begin() as session,
    ):
        return await local.login_link(session, gate.sign_in.public_url)
