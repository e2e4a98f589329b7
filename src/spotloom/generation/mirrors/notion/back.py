"""Takes over what people did in Notion: their own fields, and what they ask for, once each."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import structlog
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import attempts, audit, ledger, reviews
from spotloom.campaigns.mirrors import claims, outbox
from spotloom.campaigns.mirrors.outbox import Claim
from spotloom.campaigns.tables import Campaign, CombinationRow, Generation
from spotloom.creative.pricing import dollars
from spotloom.creative.status import Status
from spotloom.errors import BudgetRefused
from spotloom.generation import control
from spotloom.generation.mirrors import outbound
from spotloom.notion import pages
from spotloom.notion.merge import Merged, Told, merge
from spotloom.notion.pages import Seen, Values
from spotloom.notion.properties import REVIEWS

log = structlog.get_logger()

_FIELDS = {
    "review": "review",
    "rejectReason": "reject_reason",
    "winner": "winner",
    "notes": "notes",
}


FAILED = attempts.AGAIN - {Status.CANCELLED}  # what a person stopped is no failure


@dataclass(frozen=True, slots=True)
class Taken:
    """How things stand between a page and us, now that it was looked at."""

    told: Told
    agreed: Values
    again: bool  # there is something to say that its last writing did not say


def known(claim: Claim) -> tuple[Told, Values]:
    """What the page was told, and what was agreed of people's fields, as far as we know."""
    sent = claim.sent or {}
    return Told(said=sent.get("said", {}), shown=sent.get("shown", {})), claim.agreed or {}


async def take(
    session: AsyncSession,
    claim: Claim,
    seen: Seen,
    *,
    bot_id: str,
    told: Told,
    agreed: Values,
    wrote: Collection[str] = (),
) -> Taken:
    """Take over what people changed on the page, and do what they ask for.

    What is taken is to be kept with the claim in the same transaction, or it is done again.
    Locks in the order of a cancel: campaign, then video. `wrote` are the fields that the page
    shows in answer to our own writing.
    """
    await attempts.lock(session, claim.campaign_id)
    row = (
        await session.scalars(
            select(CombinationRow)
            .where(CombinationRow.id == claim.combination_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    ).one()
    merged = merge(
        ours=_ours(row),
        agreed=agreed,
        theirs=seen.human,
        told=told,
        seen=seen.system,
        wrote=wrote,
    )
    # After our own writing the page names us: who edited it before, it does not say.
    actor = "notion" if seen.editor == bot_id else f"notion:{seen.editor}"
    if merged.taken:
        await _edit(session, claim, merged.taken, actor)
    if merged.asked:
        await claims.answer(session, claim, await _do(session, claim, merged, actor))
    if merged.undone:
        log.info(
            "notion.undone",
            page_id=seen.id,
            combination_id=claim.key,
            fields=list(merged.undone),
            actor=actor,
        )
    return Taken(merged.told, merged.agreed, again=bool(merged.asked or merged.undone))


def _ours(row: CombinationRow) -> Values:
    return {
        "review": REVIEWS.get(row.review),
        "rejectReason": row.reject_reason or "",
        "winner": row.winner,
        "notes": row.notes or "",
    }


async def _edit(session: AsyncSession, claim: Claim, taken: Values, actor: str) -> None:
    changes: reviews.Changes = {}
    if "review" in taken:
        changes["review"] = pages.review(taken["review"])
    if "winner" in taken:
        changes["winner"] = bool(taken["winner"])
    if "notes" in taken:
        changes["notes"] = str(taken["notes"]) or None
    # A reason alone rejects nothing; kept, it is there when the review follows.
    if "rejectReason" in taken:
        changes["reject_reason"] = str(taken["rejectReason"]) or None
    await reviews.edit(
        session,
        claim.workspace_id,
        claim.campaign_id,
        claim.key,
        expected_version=None,
        actor=actor,
        **changes,
    )
    await _note(session, claim, actor, "video.edited", fields=sorted(_FIELDS[k] for k in taken))


async def _do(session: AsyncSession, claim: Claim, merged: Merged, actor: str) -> str:
    """Do what was asked for; what became of it, for the page to say."""
    answers = []
    if wanted := pages.priority(merged.asked.get("priorityRequest")):
        moved = await control.prioritise(
            session, claim.campaign_id, priority=wanted, keys=[claim.key]
        )
        answers.append(
            f"Moved to {wanted} priority." if moved else "Not moved: it does not wait any more."
        )
        await _note(session, claim, actor, "video.prioritised", priority=wanted, moved=moved)
    if merged.asked.get("retryRequest"):
        answers.append(await _retry(session, claim, actor))
    return " ".join(answers)


async def _retry(session: AsyncSession, claim: Claim, actor: str) -> str:
    """Buy it again if it ended without a file and the approved budget allows; the answer."""
    g = Generation
    latest = (
        await session.execute(
            select(g.status, g.estimated_cost)
            .where(g.combination_id == claim.combination_id)
            .order_by(g.attempt.desc())
            .limit(1)
        )
    ).one()
    if Status(latest.status) not in FAILED:
        return f"Not tried again: the video is {latest.status}."
    try:
        async with session.begin_nested():
            await _within_approved(session, claim, latest.estimated_cost)
            await control.retry(session, claim.campaign_id, keys=[claim.key])
    except BudgetRefused as refused:
        log.info("notion.retry_refused", combination_id=claim.key, reason=str(refused))
        await outbound.announce_budget(
            session, claim.workspace_id, campaign_id=claim.campaign_id, reason=str(refused)
        )
        return f"Not tried again: {refused}"
    await _note(session, claim, actor, "video.retried")
    return "It is tried again."


async def _within_approved(session: AsyncSession, claim: Claim, cost: Decimal) -> None:
    """Refuse what passes the batch's budget, or else the sum that was confirmed at the submit.

    Whoever may edit in Notion may not be somebody who may spend here.
    """
    campaign = (
        await session.execute(
            select(Campaign.budget, Campaign.estimated_cost).where(Campaign.id == claim.campaign_id)
        )
    ).one()
    approved = campaign.estimated_cost if campaign.budget is None else campaign.budget
    money = await ledger.money(session, claim.campaign_id, workspace_id=claim.workspace_id)
    if money.committed + cost > approved:
        left = dollars(max(Decimal(0), approved - money.committed))
        raise BudgetRefused(
            f"it costs {dollars(cost)}, and {left} is left of the {dollars(approved)} that were "
            "approved. Retry it in Spotloom."
        )


async def _note(
    session: AsyncSession, claim: Claim, actor: str, action: str, **detail: object
) -> None:
    await audit.record(
        session,
        claim.workspace_id,
        actor=actor,
        action=action,
        target=str(claim.campaign_id),
        combination=claim.key,
        **detail,
    )


# Of pages that a query showed: it may lag behind, so it only says which to look at.

_LINKED = text(
    """
    SELECT k.notion_page_id AS page_id, k.id AS combination_id, o.sent, o.agreed
      FROM spotloom.combination k
      JOIN spotloom.mirror_outbox o ON o.combination_id = k.id AND o.target = :target
     WHERE k.workspace_id = :workspace AND k.notion_page_id = ANY(:pages)
    """
)
_UNLINKED = text(
    """
    SELECT c.batch_key, k.key, k.id AS combination_id
      FROM spotloom.combination k
      JOIN spotloom.campaign c ON c.id = k.campaign_id AND c.deleted_at IS NULL
      JOIN spotloom.mirror_outbox o ON o.combination_id = k.id AND o.target = :target
     WHERE k.workspace_id = :workspace AND k.notion_page_id IS NULL AND o.state = 'unlinked'
       AND k.key = ANY(:keys)
    """
)


async def notice(session: AsyncSession, target: str, workspace: UUID, seen: list[Seen]) -> None:
    """Have the pages looked at that are not as we know them.

    A page that was put away and is there again becomes its video's page again.
    """
    by_id = {page.id: page for page in seen}
    names = {"target": target, "workspace": workspace}
    linked = (await session.execute(_LINKED, names | {"pages": list(by_id)})).all()
    look = [row.combination_id for row in linked if _differs(by_id[row.page_id], row)]
    strangers = {page.ids: page for page in seen if not page.in_trash}
    for row in linked:
        strangers.pop(by_id[row.page_id].ids, None)
    keys = [combination for _, combination in strangers]
    for row in (await session.execute(_UNLINKED, names | {"keys": keys})).all():
        page = strangers.get((row.batch_key, row.key))
        if page is not None and await claims.relink(
            session, target, row.combination_id, page.id, was=None
        ):
            look.append(row.combination_id)
    if look:
        await outbox.append(session, target, kind="look", workspace_id=workspace, combinations=look)


def _differs(page: Seen, row: object) -> bool:
    sent = getattr(row, "sent", None) or {}
    agreed = getattr(row, "agreed", None) or {}
    shown = sent.get("shown", {})
    return (
        page.in_trash
        or any(agreed.get(key) != value for key, value in page.human.items())
        or any(key in shown and shown[key] != value for key, value in page.system.items())
    )
