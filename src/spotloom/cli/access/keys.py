"""`spotloom key`: API keys of the local workspace, made, listed and revoked."""

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from spotloom import settings as setting
from spotloom.cli import say
from spotloom.errors import BriefError, Problem
from spotloom.settings import Settings

if TYPE_CHECKING:
    from spotloom.auth.tables import ApiKey

BY = "local"  # who did it, in the audit log: whoever may use this machine's database

key_app = typer.Typer(help="API keys: a program's way in.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@key_app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[str, typer.Option(help="viewer, editor or admin.")] = "editor",
    scope: Annotated[
        list[str] | None, typer.Option(help="Only this; may be given again. [everything]")
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Days until it ends. [never]", min=1, max=3650)
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once.

    Examples:
      spotloom key create nightly --role editor
      spotloom key create grafana --role viewer --scope metrics --days 365 --json
    """
    key = asyncio.run(_create(setting.load(), name=name, role=role, scopes=scope or [], days=days))
    if as_json:
        say.answer_json({"key": key})
        return
    say.out.print(key, soft_wrap=True, markup=False, highlight=False)
    say.err.print("Keep it: it is not shown again. Send it as `Authorization: Bearer …`.")


@key_app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the keys, without their secrets.

    Example: spotloom key list --json
    """
    rows = asyncio.run(_list(setting.load()))
    if as_json:
        say.answer_json({"keys": rows})
        return
    for row in rows:
        ends = row["expiresAt"] or "never"
        say.out.print(
            f"{row['id']}  {row['prefix']}…  {row['role']:<6}  ends {ends}  {row['name']}",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )


@key_app.command("revoke")
def revoke_command(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `spotloom key list` shows it.")],
) -> None:
    """Let nobody in with that key any more.

    Example: spotloom key revoke 01a20bf3-c55a-7679-ab15-ba607a91376d
    """
    asyncio.run(_revoke(setting.load(), key_id))
    say.err.print("Revoked.")


async def _create(
    settings: Settings, *, name: str, role: str, scopes: list[str], days: int | None
) -> str:
    from spotloom import wiring
    from spotloom.auth import keys, local
    from spotloom.auth.roles import EVERYTHING, Role
    from spotloom.campaigns import audit
    from spotloom.wiring import serving

    if role not in list(Role):
        raise BriefError([Problem("role", f"'{role}' is none; there are {', '.join(Role)}.")])
    wanted = keys.Wanted(
        name=name,
        role=Role(role),
        scopes=frozenset(scopes or [EVERYTHING]),
        expires_at=None if days is None else dt.datetime.now(dt.UTC) + dt.timedelta(days=days),
    )
    async with (
        wiring.opened(settings) as base,
        serving.gate(settings, base, address="http://127.0.0.1") as gate,
        gate.sessions.begin() as session,
    ):
        workspace_id = await local.workspace(session)
        row, key = await keys.create(session, workspace_id, wanted, by=BY)
        await audit.record(
            session, workspace_id, actor=BY, action="key.made", target=str(row.id), name=name
        )
        return key


async def _list(settings: Settings) -> list[dict[str, Any]]:
    from spotloom import wiring
    from spotloom.auth import keys, local
    from spotloom.wiring import serving

    async with (
        wiring.opened(settings) as base,
        serving.gate(settings, base, address="http://127.0.0.1") as gate,
        gate.sessions.begin() as session,
    ):
        return [_told(row) for row in await keys.living(session, await local.workspace(session))]


def _told(row: "ApiKey") -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "role": row.role,
        "scopes": row.scopes,
        "prefix": row.prefix,
        "expiresAt": row.expires_at and row.expires_at.isoformat(),
    }


async def _revoke(settings: Settings, key_id: str) -> None:
    from spotloom import wiring
    from spotloom.auth import keys, local
    from spotloom.campaigns import audit
    from spotloom.wiring import serving

    try:
        known = UUID(key_id)
    except ValueError as error:
        raise BriefError([Problem("ID", f"'{key_id}' is no key's id.")]) from error
    async with (
        wiring.opened(settings) as base,
        serving.gate(settings, base, address="http://127.0.0.1") as gate,
        gate.sessions.begin() as session,
    ):
        workspace_id = await local.workspace(session)
        name = await keys.revoke(session, workspace_id, known)
        await audit.record(
            session, workspace_id, actor=BY, action="key.revoked", target=key_id, name=name
        )
