"""Brings one page up to date: made once, changed where it differs, never touching a video."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.mirrors import claims, outbox, places
from spotloom.campaigns.mirrors.outbox import Claim
from spotloom.campaigns.mirrors.places import Place
from spotloom.generation.mirrors.notion import back
from spotloom.generation.mirrors.notion.content import Content, content
from spotloom.generation.mirrors.notion.desk import TARGET, Desk, NotNow
from spotloom.notion import pages, setup
from spotloom.notion.api import NotionAway, NotionRefused, NotionSilent, NotionSlow, Page
from spotloom.notion.merge import Told, news
from spotloom.notion.pages import Seen, Values

log = structlog.get_logger()

ANOTHERS = "Another process writes this page."


async def write(desk: Desk, place: Place, claim: Claim) -> None:
    """Have the page say what is so now, whatever Notion makes of it."""
    try:
        async with desk.sessions.begin() as session:
            now = await content(session, claim, desk.links)
            if now is None:
                await claims.forget(session, claim)
        if now is not None:
            await (_create if claim.page_id is None else _update)(desk, place, claim, now)
    except NotNow as error:
        await _postpone(desk, claim, in_s=0.0, error=str(error), in_vain=False)
    except NotionSlow as error:
        await _not_made(desk, claim)
        await _postpone(desk, claim, in_s=0.0, error=str(error), in_vain=False)
    except NotionAway as error:
        await _not_made(desk, claim)
        await _postpone(desk, claim, in_s=desk.delay_s(claim.attempts), error=str(error))
    except NotionSilent as error:  # a create stays in doubt, and is looked up
        await _postpone(desk, claim, in_s=desk.delay_s(claim.attempts), error=str(error))
    except NotionRefused as error:
        await _judge(desk, place, claim, error)


async def _create(desk: Desk, place: Place, claim: Claim, now: Content) -> None:
    system = pages.system(now.video, desk.vocabulary)
    human = pages.human(now.video)
    body = _json(desk, place, system | human)

    async def intend(session: AsyncSession) -> None:
        if not await claims.creating(session, claim, sent={"said": system}, agreed=human):
            raise NotNow(ANOTHERS)

    page = await desk.ask(
        lambda: desk.notion.create_page(place.data_source_id, body), writes=True, before=intend
    )
    seen = _seen(desk, place, page)
    told = Told(said=system, shown={})
    await settle(
        desk, place, claim, seen, told=told, agreed=human, wrote=system, renew_at=now.renew_at
    )
    log.info("notion.created", page_id=page.id, combination_id=claim.key)
    if place.trouble is not None:
        await desk.go_on(made=True)


async def _update(desk: Desk, place: Place, claim: Claim, now: Content) -> None:
    assert claim.page_id is not None  # noqa: S101 - whoever calls has looked
    page_id = claim.page_id
    # Before people's fields are written, they are read: what was changed in Notion wins.
    if claim.look or news(pages.human(now.video), back.known(claim)[1]):
        looked = await _looked(desk, place, claim, page_id)
        if looked is None:
            return
        claim, now = looked
    told, agreed = back.known(claim)
    system = pages.system(now.video, desk.vocabulary)
    ours = news(system, told.said)
    theirs = news(pages.human(now.video), agreed)
    if not _kept(place, ours | theirs):
        await _settled(
            desk,
            claim,
            told=Told(said=system, shown=told.shown),
            agreed=agreed,
            renew_at=now.renew_at,
            asked=claim.look,
        )
        return
    body = {"properties": _json(desk, place, ours | theirs)}
    page = await desk.ask(lambda: desk.notion.update_page(page_id, body), writes=True)
    seen = _seen(desk, place, page)
    if seen.in_trash:
        await _unlink(desk, claim)
        return
    await settle(
        desk,
        place,
        claim,
        seen,
        told=Told(said=system, shown=told.shown),
        agreed=agreed | theirs,
        wrote=ours,
        renew_at=now.renew_at,
    )


async def _looked(
    desk: Desk, place: Place, claim: Claim, page_id: str
) -> tuple[Claim, Content] | None:
    """Take over what the page says: the claim as it is then, and what the page is to show.

    None when there is no page to write to.
    """
    seen = _seen(desk, place, await desk.ask(lambda: desk.notion.page(page_id)))
    if seen.in_trash:
        await _unlink(desk, claim)
        return None
    told, agreed = back.known(claim)
    async with desk.sessions.begin() as session:
        taken = await back.take(session, claim, seen, bot_id=place.bot_id, told=told, agreed=agreed)
        # With what it led to, or whoever tries again after a failure does it once more.
        sent = {"said": taken.told.said, "shown": taken.told.shown}
        if not await claims.looked(session, claim, sent=sent, agreed=taken.agreed):
            raise NotNow(ANOTHERS)
        answer = await claims.answer_of(session, claim)
    claim = replace(claim, sent=sent, agreed=taken.agreed, answer=answer)
    async with desk.sessions.begin() as session:
        now = await content(session, claim, desk.links)
    return None if now is None else (claim, now)


async def settle(
    desk: Desk,
    place: Place,
    claim: Claim,
    seen: Seen,
    *,
    told: Told,
    agreed: Values,
    wrote: Mapping[str, object],
    renew_at: dt.datetime | None,
) -> None:
    """Keep that the page says so, and take over what people have changed on it meanwhile."""
    async with desk.sessions.begin() as session:
        await claims.link(session, claim, seen.id)
        taken = await back.take(
            session, claim, seen, bot_id=place.bot_id, told=told, agreed=agreed, wrote=wrote
        )
        await _keep(session, claim, taken.told, taken.agreed, renew_at=renew_at, asked=True)
        if taken.again:
            await outbox.append(
                session,
                TARGET,
                kind="changed",
                workspace_id=claim.workspace_id,
                combinations=[claim.combination_id],
            )


async def _settled(
    desk: Desk,
    claim: Claim,
    *,
    told: Told,
    agreed: Values,
    renew_at: dt.datetime | None,
    asked: bool,
) -> None:
    async with desk.sessions.begin() as session:
        await _keep(session, claim, told, agreed, renew_at=renew_at, asked=asked)


async def _keep(
    session: AsyncSession,
    claim: Claim,
    told: Told,
    agreed: Values,
    *,
    renew_at: dt.datetime | None,
    asked: bool,
) -> None:
    if not await claims.told(
        session,
        claim,
        sent={"said": told.said, "shown": told.shown},
        agreed=agreed,
        renew_at=renew_at,
        asked=asked,
    ):
        raise NotNow(ANOTHERS)  # and nothing of it was done


async def _judge(desk: Desk, place: Place, claim: Claim, refused: NotionRefused) -> None:
    """What a refusal means: for this page, for new pages, or for everything."""
    try:
        if refused.status == 403 and claim.page_id is None:
            await _full(desk, place, claim, refused)
        elif refused.unauthorised:
            await _stop(desk, claim, f"Notion refuses the key, or its access: {refused}")
        elif claim.page_id is not None and await _is_away(desk, place, claim.page_id):
            await _unlink(desk, claim)
        elif reason := await _schema_trouble(desk, place, refused):
            await _stop(desk, claim, reason)
        else:
            async with desk.sessions.begin() as session:
                await claims.block(session, claim, str(refused))
            log.warning("notion.blocked", combination_id=claim.key, reason=str(refused))
    except (NotNow, NotionSlow, NotionAway, NotionSilent) as error:
        await _not_made(desk, claim)
        await _postpone(desk, claim, in_s=desk.delay_s(claim.attempts), error=str(error))
    except NotionRefused as error:
        await _stop(desk, claim, f"Notion does not show the database any more: {error}")


async def _is_away(desk: Desk, place: Place, page_id: str) -> bool:
    """Whether a person has put the page away, or deleted it; the database must be there."""
    try:
        return (await desk.ask(lambda: desk.notion.page(page_id))).in_trash
    except NotionRefused as error:
        if not error.missing:
            raise
    await desk.ask(lambda: desk.notion.data_source(place.data_source_id))
    return True


async def _schema_trouble(desk: Desk, place: Place, refused: NotionRefused) -> str | None:
    """What is wrong with the whole database, so that no page would be taken."""
    gone = await desk.ask(
        lambda: setup.lacking(
            desk.notion, place.data_source_id, desk.properties, dict(place.properties)
        )
    )
    if not gone:
        return None
    return (
        f"The database has lost what is written to: {', '.join(gone)}. Run `spotloom notion "
        f"setup`, which adds them. Notion said: {refused}"
    )


async def _full(desk: Desk, place: Place, claim: Claim, refused: NotionRefused) -> None:
    """No new page is taken, though the database is shown: a free workspace is full, for one."""
    await desk.ask(lambda: desk.notion.data_source(place.data_source_id))
    reason = (
        f"Notion takes no new page: {refused}. A free workspace with several members is full after "
        "1,000 blocks; or the connection may not insert content."
    )
    async with desk.sessions.begin() as session:
        await claims.nothing_created(session, claim)
    async with desk.sessions.begin() as session:
        await places.is_full(session, TARGET, reason=reason, for_s=desk.timing.full_s)
    log.warning("notion.full", reason=reason)


async def _stop(desk: Desk, claim: Claim, reason: str) -> None:
    """Ask nothing for a while: every page would be refused alike."""
    await _not_made(desk, claim)
    await _postpone(desk, claim, in_s=0.0, error=reason, in_vain=False)
    async with desk.sessions.begin() as session:
        await places.stop(session, TARGET, reason=reason, for_s=desk.timing.trouble_s)
    log.warning("notion.stopped", reason=reason)


async def _unlink(desk: Desk, claim: Claim) -> None:
    async with desk.sessions.begin() as session:
        if not await claims.unlink(session, claim):
            return
    log.info("notion.unlinked", page_id=claim.page_id, combination_id=claim.key)


async def _not_made(desk: Desk, claim: Claim) -> None:
    async with desk.sessions.begin() as session:
        await claims.not_creating(session, claim)


async def _postpone(
    desk: Desk, claim: Claim, *, in_s: float, error: str, in_vain: bool = True
) -> None:
    async with desk.sessions.begin() as session:
        await claims.postpone(session, claim, in_s=in_s, error=error, in_vain=in_vain)


def _seen(desk: Desk, place: Place, page: Page) -> Seen:
    return pages.read(page, desk.properties, place.properties)


def _kept(place: Place, values: Values) -> Values:
    """Those of the values that the database has a property for."""
    return {key: value for key, value in values.items() if key in place.properties}


def _json(desk: Desk, place: Place, values: Values) -> dict[str, object]:
    stamped = {**values, "updated": pages.stamp(dt.datetime.now(dt.UTC))}
    return pages.written(stamped, desk.properties, place.properties)
