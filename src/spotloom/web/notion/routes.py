"""What the studio asks of the Notion mirror: how it stands, set up, tell again, pair."""

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.mirrors import outbox, places, status
from spotloom.campaigns.tenancy import LOCAL
from spotloom.contract.mirrors.notion import (
    BlockedPage,
    Connection,
    NotionStatus,
    Pages,
    PairingOpened,
    PairingToken,
    ResyncAsk,
    Resynced,
    SetUp,
    SetupAsk,
)
from spotloom.errors import Conflict
from spotloom.generation.mirrors.notion import TARGET
from spotloom.generation.mirrors.notion.connecting import keep, preparing
from spotloom.notion.setup import LIMITS
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import Admin, CampaignName, Editor, TheParts, Viewer, found, noted
from spotloom.web.door.bodies import PerhapsBody
from spotloom.web.errors import Refused
from spotloom.web.gate import Asked
from spotloom.web.idempotency import Answer, OnceOnly
from spotloom.web.parts import Parts

routes = APIRouter(prefix="/api/notion", tags=["notion"])

WEBHOOK = "/api/webhooks/notion"


@routes.get("", operation_id="getNotion", response_model=NotionStatus, responses=problems())
async def get_notion(asked: Viewer, parts: TheParts) -> Response:
    """Whether Notion can be used here, what is connected, and how the pages stand."""
    workspace_id = asked.actor.workspace_id
    async with asked.scope.read() as session:
        standing = await status.standing(session, workspace_id, TARGET)
        pages = None if standing is None else await status.pages(session, workspace_id, TARGET)
    desk = parts.notion
    return shaped(
        NotionStatus(
            key_set=desk is not None,
            connection=None if standing is None else _connection(standing),
            pages=None if pages is None else _pages(pages),
            webhook_url=_webhook_url(parts),
            links=desk is not None and desk.links is not None,
            limits=LIMITS,
        )
    )


@routes.get(
    "/batches/{batch_id}",
    operation_id="getNotionOfBatch",
    response_model=Pages,
    responses=problems(404),
)
async def get_batch(asked: Viewer, batch_id: CampaignName) -> Response:
    """How the pages of one batch stand."""
    workspace_id = asked.actor.workspace_id
    async with asked.scope.read() as session:
        header = await found(session, asked, batch_id)
        pages = await status.pages(session, workspace_id, TARGET, campaign_id=header.id)
    return shaped(_pages(pages))


@routes.post(
    "/setup",
    operation_id="setUpNotion",
    response_model=SetUp,
    responses=problems(409, body=True),
    openapi_extra=takes(SetupAsk, required=False),
)
async def set_up(asked: Admin, parts: TheParts, once: OnceOnly, body: PerhapsBody) -> Response:
    """Make the database, or check and complete one, and show this workspace's videos there.

    The key is the installation's: its own workspace's admin connects; another workspace's may check
    again what its operator has connected. 409 without a NOTION_API_KEY, where another workspace has
    the connection, and while somebody is at it.
    """
    ask = body.fit(SetupAsk)
    await _refuse_anothers(asked, ask)
    if (replayed := await once.replayed(asked.scope, body.digest)) is not None:
        return replayed
    if parts.notion is None:
        raise Conflict("Set NOTION_API_KEY for this installation first, and start it again.")
    async with preparing(
        parts.notion, asked.scope, page=ask.page, database=ask.database
    ) as prepared:

        async def act(session: AsyncSession) -> Answer:
            await keep(session, asked.scope, prepared)
            what = {"done": prepared.done}
            await noted(session, asked, "notion.connected", prepared.database_id, **what)
            told = SetUp(
                title=prepared.title,
                url=prepared.url,
                database_id=prepared.database_id,
                done=list(prepared.done),
            )
            return Answer.of(told)

        return await once.run(asked.scope, body.digest, act)


async def _refuse_anothers(asked: Asked, ask: SetupAsk) -> None:
    """Refuse who would use the operator's key for a place of their own."""
    workspace_id = asked.actor.workspace_id
    if workspace_id == LOCAL:
        return
    async with asked.scope.read() as session:
        standing = await status.standing(session, workspace_id, TARGET)
    if standing is None or ask.page is not None or ask.database is not None:
        raise Refused(
            403,
            "The Notion connection is the installation's",
            "An admin of the installation's own workspace connects Notion. For this workspace, who "
            "runs the installation does so with `spotloom notion setup --workspace NAME`.",
        )


@routes.delete("", operation_id="disconnectNotion", status_code=204, responses=problems(404))
async def disconnect(asked: Admin) -> Response:
    """Show nothing in Notion any more; the pages that are there stay as they are."""
    async with asked.scope.begin() as session:
        await places.disconnect(session, asked.actor.workspace_id, TARGET)
        await noted(session, asked, "notion.disconnected", TARGET)
    return Response(status_code=204)


@routes.post(
    "/resync",
    operation_id="resyncNotion",
    response_model=Resynced,
    responses=problems(404, 409, body=True),
    openapi_extra=takes(ResyncAsk, required=False),
)
async def resync(asked: Editor, body: PerhapsBody) -> Response:
    """Tell a batch, or everything, again: also what was made before the connection, or put away."""
    batch_id = body.fit(ResyncAsk).batch_id
    workspace_id = asked.actor.workspace_id
    async with asked.scope.begin() as session:
        await _connected(session, asked)
        header = None if batch_id is None else await found(session, asked, batch_id)
        videos = await outbox.append(
            session,
            TARGET,
            kind="anew",
            workspace_id=workspace_id,
            campaign_id=None if header is None else header.id,
        )
        await noted(session, asked, "notion.resynced", batch_id or "all", videos=videos)
    return shaped(Resynced(videos=videos))


@routes.post(
    "/pairing",
    operation_id="pairNotion",
    response_model=PairingOpened,
    responses=problems(404),
)
async def pair(asked: Admin, parts: TheParts) -> Response:
    """Take the token of a webhook that is entered in Notion now, for ten minutes."""
    async with asked.scope.begin() as session:
        until = await places.open_pairing(
            session, asked.actor.workspace_id, TARGET, by=asked.actor.text
        )
        await noted(session, asked, "notion.pairing_opened", TARGET)
    return shaped(PairingOpened(until=until, webhook_url=_webhook_url(parts)))


@routes.post(
    "/pairing/token",
    operation_id="showNotionToken",
    response_model=PairingToken,
    responses=problems(409),
)
async def show_token(asked: Admin) -> Response:
    """The token that has come with the pairing, once, to the admin who opened it.

    Notion asks for it before it sends anything. 409 before it has come, and when it was shown.
    """
    async with asked.scope.begin() as session:
        token = await places.token_for(
            session, asked.actor.workspace_id, TARGET, by=asked.actor.text
        )
        if token is None:
            raise Conflict(
                "No token waits for you: it has not come, was shown, or another admin opened the "
                "pairing. Open it again, and have Notion send its token again."
            )
        await noted(session, asked, "notion.token_shown", TARGET)
    return shaped(PairingToken(verification_token=token))


async def _connected(session: AsyncSession, asked: Asked) -> None:
    if await status.standing(session, asked.actor.workspace_id, TARGET) is None:
        raise Conflict("This workspace is not connected to Notion: set it up first.")


def _connection(standing: status.Standing) -> Connection:
    return Connection(
        title=standing.title,
        url=standing.url,
        database_id=standing.database_id,
        trouble=standing.trouble,
        paused_until=standing.paused_until,
        pairing_until=standing.pairing_until,
        token_came=standing.token_waits_for is not None,
        paired=standing.paired,
    )


def _webhook_url(parts: Parts) -> str:
    return f"{(parts.public_url or parts.gate.sign_in.public_url).rstrip('/')}{WEBHOOK}"


def _pages(pages: status.Pages) -> Pages:
    return Pages(
        up_to_date=pages.up_to_date,
        pending=pages.pending,
        blocked=pages.blocked,
        unlinked=pages.unlinked,
        in_doubt=pages.in_doubt,
        behind_seconds=pages.behind_s,
        blocked_pages=[
            BlockedPage(batch_id=page.batch_key, combination_id=page.key, reason=page.reason)
            for page in pages.blocked_pages
        ],
        last_error=pages.last_error,
    )
