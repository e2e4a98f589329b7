"""`spotloom notion`: sets up the Notion mirror, shows how it stands, tells again, sweeps."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from spotloom import settings as setting
from spotloom.cli import say
from spotloom.errors import SetupError
from spotloom.settings import Settings

if TYPE_CHECKING:
    from uuid import UUID

    from spotloom.campaigns.database import Sessions
    from spotloom.campaigns.mirrors.status import Pages, Standing
    from spotloom.campaigns.tenancy import Scope
    from spotloom.generation.mirrors.notion import Desk
    from spotloom.generation.mirrors.notion.sweep import Swept
    from spotloom.notion.setup import Prepared

T = TypeVar("T")

PATIENCE_S, LOOK_S = 15.0, 0.25  # without any page written; between two looks
BY = "local"  # who did it, in the audit log: whoever may use this machine's database

notion_app = typer.Typer(help="Notion: one page a video, both ways.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Batch = Annotated[
    str | None, typer.Argument(metavar="[CAMPAIGN]", help="A batch id or campaign id. [all]")
]


@dataclass(frozen=True, slots=True)
class _Here:
    """The workspace that is connected, else this machine's own, and what it works with."""

    scope: "Scope"
    desk: "Desk | None"


@notion_app.command("setup")
def setup_command(
    page: Annotated[
        str | None,
        typer.Option(help="Link of the Notion page to make the database under.", metavar="LINK"),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            help="Link or id of a database to check and complete. "
            "[the one that is connected, else NOTION_DATABASE_ID]",
            metavar="LINK",
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            help="Name or id of the workspace whose videos are shown. "
            "[the one that is connected, else this machine's own]",
            metavar="NAME",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the database in Notion, or check and complete one; from then on videos are shown there.

    Needs NOTION_API_KEY, and in Notion the page or database shared with that connection.

    Examples:
      spotloom notion setup --page https://www.notion.so/Videos-0123456789abcdef0123456789abcdef
      spotloom notion setup
      spotloom notion setup --workspace "Tarn Audio"
    """
    from spotloom.notion.setup import LIMITS

    say.err.print(f"Before the first page: {LIMITS}", markup=False)
    done = _here(lambda here: _set_up(here, page=page, database=database), workspace=workspace)
    if as_json:
        say.answer_json(asdict(done) | {"done": list(done.done)})
        return
    for line in (*done.done, f"Videos are shown in '{done.title}': {done.url}"):
        say.out.print(line, markup=False)
    say.err.print("Workers that have NOTION_API_KEY write the pages. Older batches: notion resync.")


@notion_app.command("status")
def status_command(campaign: Batch = None, as_json: Json = False) -> None:
    """Show what is up to date, what waits, and what Notion refused.

    Example: spotloom notion status spring-launch
    """
    standing, pages = _here(lambda here: _status(here, campaign))
    if as_json:
        say.answer_json(_json(standing, pages))
        return
    if standing is None:
        say.out.print("Not connected. `spotloom notion setup` connects.", markup=False)
        return
    _tell(standing, pages)


@notion_app.command("resync")
def resync_command(campaign: Batch = None, as_json: Json = False) -> None:
    """Tell a campaign, or all, again: also what is older than the connection, or was put away.

    Example: spotloom notion resync spring-launch
    """
    count = _here(lambda here: _resync(here, campaign))
    if as_json:
        say.answer_json({"videos": count})
        return
    say.out.print(f"{count} videos are told again by the next worker.", markup=False)


@notion_app.command("sweep")
def sweep_command(
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Trash duplicates and orphans; link what lost its link."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Walk through every page: duplicates, orphans, pages that lost their link.

    Without --fix it only looks. A page without a batch id and combination id is left alone.

    Example: spotloom notion sweep --fix
    """
    swept = _here(lambda here: _sweep(here, fix=fix))
    if as_json:
        say.answer_json(asdict(swept))
        return
    say.out.print(
        f"{swept.pages} pages: {len(swept.duplicates)} duplicates, {len(swept.orphans)} orphans, "
        f"{len(swept.unlinked)} that lost their link; {len(swept.missing)} videos whose page is "
        "gone.",
        markup=False,
    )
    if fix:
        say.out.print(f"{swept.trashed} trashed, {swept.linked} linked.", markup=False)


@notion_app.command("pair")
def pair_command() -> None:
    """Take the token of a webhook that is entered in Notion now, and show it, for Notion wants it.

    The webhook's address is that of `spotloom up`, seen from the internet:
    SPOTLOOM_PUBLIC_URL and /api/webhooks/notion. It is waited for, for ten minutes at most.

    Example: spotloom notion pair
    """
    token = _here(_pair)
    if token is None:
        raise SetupError(
            "No token has come. Is `spotloom up` reached from the internet at SPOTLOOM_PUBLIC_URL?"
        )
    say.err.print("The token has come. Enter it in Notion, under Webhooks, at Verify:")
    say.out.print(token, soft_wrap=True, markup=False, highlight=False)


@notion_app.command("disconnect")
def disconnect_command() -> None:
    """Show nothing in Notion any more; the pages that are there stay as they are.

    Example: spotloom notion disconnect
    """
    _here(_disconnect)
    say.out.print("Disconnected.", markup=False)


async def caught_up(sessions: "Sessions", campaign_id: "UUID") -> None:
    """Return when the campaign's pages say how it ended, or Notion does not take them now."""
    from spotloom.campaigns.mirrors import status
    from spotloom.campaigns.submit import LOCAL
    from spotloom.campaigns.tenancy import Scope
    from spotloom.generation.mirrors.notion import TARGET

    scope, left, moved_at = Scope(sessions, LOCAL), -1, time.monotonic()
    while time.monotonic() - moved_at < PATIENCE_S:
        async with scope.read() as session:
            standing = await status.standing(session, LOCAL, TARGET)
            pages = await status.pages(session, LOCAL, TARGET, campaign_id=campaign_id)
            noted = await status.noted(session, LOCAL, TARGET)
        if standing is None or standing.trouble is not None:
            break
        waiting = pages.pending + noted
        if not waiting:
            return
        if waiting != left:
            left, moved_at = waiting, time.monotonic()
        await asyncio.sleep(LOOK_S)
    if left > 0:
        say.err.print(
            f"{left} pages in Notion are still to be written; `spotloom worker` writes them.",
            markup=False,
        )


def _here(act: Callable[[_Here], Awaitable[T]], *, workspace: str | None = None) -> T:
    async def run() -> T:
        async with _opened(setting.load(), workspace) as here:
            return await act(here)

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def _opened(settings: Settings, workspace: str | None) -> AsyncIterator[_Here]:
    from spotloom import wiring
    from spotloom.campaigns.mirrors import places
    from spotloom.campaigns.submit import ensure_workspace
    from spotloom.campaigns.tenancy import Scope, named
    from spotloom.generation.mirrors.notion import TARGET
    from spotloom.wiring import notion

    async with (
        wiring.opened(settings) as base,
        notion.desk(settings, base.home, base.sessions) as desk,
    ):
        async with base.sessions.begin() as session:
            place = await places.of_any(session, TARGET)
            own = await ensure_workspace(session)
            workspace_id = own if place is None else place.workspace_id
            if workspace is not None:
                workspace_id = await named(session, workspace)
        yield _Here(Scope(base.sessions, workspace_id), desk)


def _needed(here: _Here) -> "Desk":
    if here.desk is None:
        raise SetupError(
            "Set NOTION_API_KEY to the secret of a Notion connection: make one in Notion's "
            "settings, under Connections, and share a page with it."
        )
    return here.desk


async def _set_up(here: _Here, *, page: str | None, database: str | None) -> "Prepared":
    from spotloom.generation.mirrors.notion.connecting import connect

    done = await connect(_needed(here), here.scope, page=page, database=database)
    await _note(here, "notion.connected", done.database_id)
    return done


async def _status(here: _Here, campaign: str | None) -> "tuple[Standing | None, Pages]":
    from spotloom.campaigns.mirrors import status
    from spotloom.generation.mirrors.notion import TARGET

    async with here.scope.read() as session:
        campaign_id = await _campaign(here, campaign)
        standing = await status.standing(session, here.scope.workspace_id, TARGET)
        pages = await status.pages(
            session, here.scope.workspace_id, TARGET, campaign_id=campaign_id
        )
    return standing, pages


async def _resync(here: _Here, campaign: str | None) -> int:
    from spotloom.campaigns.mirrors import outbox, status
    from spotloom.errors import NotFound
    from spotloom.generation.mirrors.notion import TARGET

    campaign_id = await _campaign(here, campaign)
    async with here.scope.begin() as session:
        if await status.standing(session, here.scope.workspace_id, TARGET) is None:
            raise NotFound("Notion is not connected; run `spotloom notion setup`.")
        return await outbox.append(
            session,
            TARGET,
            kind="anew",
            workspace_id=here.scope.workspace_id,
            campaign_id=campaign_id,
        )


async def _sweep(here: _Here, *, fix: bool) -> "Swept":
    from spotloom.generation.mirrors.notion import sweep

    return await sweep.sweep(_needed(here), here.scope, fix=fix)


async def _pair(here: _Here) -> str | None:
    from spotloom.campaigns.mirrors import places
    from spotloom.generation.mirrors.notion import TARGET

    workspace_id = here.scope.workspace_id
    async with here.scope.begin() as session:
        until = await places.open_pairing(session, workspace_id, TARGET, by=BY)
    await _note(here, "notion.pairing_opened", TARGET)
    say.err.print(f"A webhook's token is taken until {until:%H:%M:%S} UTC; waiting for it.")
    end = time.monotonic() + places.PAIRING.total_seconds()
    while time.monotonic() < end:
        async with here.scope.begin() as session:
            token = await places.token_for(session, workspace_id, TARGET, by=BY)
        if token is not None:
            return token
        await asyncio.sleep(LOOK_S)
    return None


async def _disconnect(here: _Here) -> None:
    from spotloom.campaigns.mirrors import places
    from spotloom.generation.mirrors.notion import TARGET

    async with here.scope.begin() as session:
        await places.disconnect(session, here.scope.workspace_id, TARGET)
    await _note(here, "notion.disconnected", TARGET)


async def _campaign(here: _Here, name: str | None) -> "UUID | None":
    from spotloom.campaigns import reads

    if name is None:
        return None
    async with here.scope.read() as session:
        header = await reads.find(session, name, workspace_id=here.scope.workspace_id)
    return header.id


async def _note(here: _Here, action: str, target: str) -> None:
    from spotloom.campaigns import audit

    async with here.scope.begin() as session:
        await audit.record(session, here.scope.workspace_id, actor=BY, action=action, target=target)


def _json(standing: "Standing | None", pages: "Pages") -> dict[str, Any]:
    told = None
    if standing is not None:
        until = standing.paused_until
        told = {
            "title": standing.title,
            "url": standing.url,
            "databaseId": standing.database_id,
            "trouble": standing.trouble,
            "pausedUntil": until and until.isoformat(),
            "paired": standing.paired,
        }
    return {
        "connection": told,
        "upToDate": pages.up_to_date,
        "pending": pages.pending,
        "blocked": pages.blocked,
        "unlinked": pages.unlinked,
        "inDoubt": pages.in_doubt,
        "behindSeconds": pages.behind_s,
        "blockedPages": [
            {"batchId": p.batch_key, "combinationId": p.key, "reason": p.reason}
            for p in pages.blocked_pages
        ],
        "lastError": pages.last_error,
    }


def _tell(standing: "Standing", pages: "Pages") -> None:
    behind = "" if pages.behind_s is None else f", the oldest for {pages.behind_s:,.0f} s"
    lines = [
        f"'{standing.title}' {standing.url}",
        (
            f"{pages.up_to_date} up to date, {pages.pending} waiting{behind}, "
            f"{pages.blocked} refused, {pages.unlinked} put away in Notion"
        ),
    ]
    if standing.trouble is not None:
        lines.append(f"Stopped: {standing.trouble}")
    if standing.paused_until is not None:
        lines.append(f"Notion asked for a pause until {standing.paused_until:%H:%M:%S} UTC.")
    if pages.last_error is not None:
        lines.append(f"Tried again: {pages.last_error}")
    lines += [f"  {p.batch_key} {p.key}: {p.reason}" for p in pages.blocked_pages[:20]]
    for line in lines:
        say.out.print(say.plain(line), soft_wrap=True, markup=False, highlight=False)
