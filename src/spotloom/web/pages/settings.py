"""The settings, a page for each section; whoever may not see one is told why not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel

from spotloom.auth.roles import KeyScope
from spotloom.errors import NotFound
from spotloom.web.api.audit import list_audit
from spotloom.web.api.budgets import get_budget
from spotloom.web.api.hooks import list_hooks
from spotloom.web.gate import Asked, gate_of, parts_of
from spotloom.web.installation.about import about
from spotloom.web.installation.providers import listed as list_providers
from spotloom.web.pages.shell import Looking, page, told
from spotloom.web.sign_in import keys, members, session

routes = APIRouter()

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """One page of the settings: what it is called, what stands in it at first, what that takes."""

    key: str
    title: str
    icon: str
    data: Callable[[Request, Asked], Awaitable[Told]]
    scope: KeyScope = KeyScope.READ


def _shape(answer: BaseModel) -> Told:
    return answer.model_dump(mode="json", by_alias=True)


async def _providers(request: Request, asked: Asked) -> Told:
    return told(await list_providers(asked, parts_of(request)))


async def _members(_request: Request, asked: Asked) -> Told:
    return {
        "members": _shape(await members.listed(asked))["items"],
        "invitations": _shape(await members.invited(asked))["items"],
        "me": str(asked.actor.person_id),
    }


async def _keys(_request: Request, asked: Asked) -> Told:
    named = asked.actor.may(KeyScope.MEMBERS)  # who made a key, in words
    return {
        "keys": _shape(await keys.listed(asked))["items"],
        "members": _shape(await members.listed(asked))["items"] if named else [],
    }


async def _budgets(request: Request, asked: Asked) -> Told:
    charges = any(offer.charges for offer in parts_of(request).offers())
    return told(await get_budget(asked)) | {"charges": charges}


async def _hooks(_request: Request, asked: Asked) -> Told:
    return {"hooks": told(await list_hooks(asked))["items"]}


async def _notion(_request: Request, _asked: Asked) -> Told:
    return {}  # asked for by the page, again and again: it changes by itself


async def _sign_in(request: Request, asked: Asked) -> Told:
    gate = gate_of(request)
    ways = told(await about(asked, parts_of(request), gate))["signIn"]
    if asked.actor.session_id is None:  # a key has no sessions
        return {"session": None, "ways": ways}
    return {
        "session": _shape(await session.show(asked, gate)),
        "sessions": _shape(await session.browsers(asked, gate))["items"],
        "workspaces": _shape(await session.workspaces(asked, gate))["items"],
        "ways": ways,
    }


async def _audit(_request: Request, asked: Asked) -> Told:
    return told(await list_audit(asked))


async def _about(request: Request, asked: Asked) -> Told:
    return told(await about(asked, parts_of(request), gate_of(request)))


SECTIONS = (
    Section("providers", "Providers", "plug", _providers),
    Section("budgets", "Budgets", "wallet", _budgets),
    Section("members", "Members and roles", "users", _members, KeyScope.MEMBERS),
    Section("keys", "API keys", "key-round", _keys, KeyScope.KEYS),
    Section("webhooks", "Webhooks", "send", _hooks, KeyScope.ADMIN),
    Section("notion", "Notion", "table", _notion),
    Section("sign-in", "Sign-in", "shield", _sign_in),
    Section("audit", "Audit log", "history", _audit, KeyScope.ADMIN),
    Section("about", "About", "info", _about),
)


@routes.get("/settings")
async def first(asked: Looking) -> RedirectResponse:
    """The first section."""
    del asked
    return RedirectResponse(f"/settings/{SECTIONS[0].key}", 303)


@routes.get("/settings/{section}")
async def settings(request: Request, asked: Looking, section: str) -> Response:
    """One section."""
    shown = next((each for each in SECTIONS if each.key == section), None)
    if shown is None:
        raise NotFound(f"There is no section {section[:80]!r} in the settings.")
    allowed = asked.actor.may(shown.scope)
    return page(
        request,
        asked,
        "settings.html",
        title=f"{shown.title} · Settings",
        section="settings",
        data=await shown.data(request, asked) if allowed else None,
        sections=SECTIONS,
        shown=shown,
        allowed=allowed,
    )
