"""The routes: Notion's under /v1, and /peer for the test that scripts it, looks on and edits."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from tests.integration.notion_peer import queries, schemas
from tests.integration.notion_peer.conditions import Conditions, Rule, Script
from tests.integration.notion_peer.hooks import Hooks
from tests.integration.notion_peer.ledger import Ledger
from tests.integration.notion_peer.records import BOT, PERSON, WORKSPACE, Answer, Page, View
from tests.integration.notion_peer.refusals import Refused, invalid, not_found
from tests.integration.notion_peer.workspace import Workspace

from spotloom.sandbox.server import HangUp, Transports

VERSION = "2026-03-11"
MOST_BYTES = 500_000
_NUMBERS = frozenset({"page_size"})
_LISTS = frozenset({"filter_properties"})
_UNUSABLE = "<!doctype html><title>Bad gateway</title><p>The peer was told to answer with a page."

Handler = Callable[[Answer], Answer]


class Notion:
    """The server's state, and an answer to each request."""

    def __init__(
        self, *, tokens: frozenset[str], transports: Transports, state: Path | None
    ) -> None:
        self._tokens, self._transports, self._state = tokens, transports, state
        self.ledger = Ledger()
        self.conditions = Conditions(Script())
        self.hooks = Hooks(lambda: self.conditions, self._complain)
        self.workspace = Workspace(self.hooks.tell)
        if state is not None and state.exists():
            self.workspace.restore(state)

    async def close(self) -> None:
        """Keep what is there for the next run."""
        await self.hooks.close()
        if self._state is not None:
            self.workspace.save(self._state)

    def _complain(self, text: str) -> None:
        self.ledger.problems.append(text)

    @property
    def _rounded(self) -> bool:
        return self.conditions.script.rounded

    # /v1

    def endpoint(self, kind: str, shape: str, handle: Handler) -> Callable[[Request], Any]:
        """One of Notion's requests: checked before and after it is handled."""

        async def answer(request: Request) -> Response:
            self.ledger.arrived(kind, request.headers.get("user-agent", ""))
            await asyncio.sleep(self.conditions.script.latencySeconds)
            try:
                response = await self._answer(request, kind, shape, handle)
            except Refused as refused:
                headers = (
                    {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
                )
                body = refused.body(str(uuid.uuid4()))
                response = JSONResponse(body, refused.status, headers=headers)
            dropped = isinstance(response, HangUp)
            self.ledger.answered(kind, 0 if dropped else response.status_code)
            return response

        return answer

    async def _answer(self, request: Request, kind: str, shape: str, handle: Handler) -> Response:
        self.conditions.admit(self._known(request))
        if (early := await self._struck(kind, request, committed=False)) is not None:
            return early
        said = await self._said(request, kind)
        body = handle(said)
        if (wrong := schemas.problem("answers", shape, body)) is not None:
            self.ledger.problems.append(f"answer to {kind}: {wrong}")
            raise Refused("internal_server_error", f"The peer's own answer is wrong: {wrong}")
        if kind == "createPage":
            self.ledger.created += 1
        late = await self._struck(kind, request, committed=True)
        return late or JSONResponse(body | {"request_id": str(uuid.uuid4())})

    def _known(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._tokens:
            raise Refused("unauthorized")
        version = request.headers.get("notion-version")
        if version is None:
            raise Refused("missing_version")
        if version != VERSION:
            raise invalid(f"This peer speaks Notion-Version {VERSION} alone, not {version}.")
        return token

    async def _struck(self, kind: str, request: Request, *, committed: bool) -> Response | None:
        rule = self.conditions.strike(kind, committed=committed)
        match rule:
            case Rule(fault="status"):
                raise rule.refusal()
            case Rule(fault="drop"):
                await request.body()
                return HangUp(self._transports)
            case Rule(fault="html"):
                return HTMLResponse(_UNUSABLE, 502)
            case Rule(fault="slow", seconds=float() as seconds):
                await asyncio.sleep(seconds)
        return None

    async def _said(self, request: Request, kind: str) -> Answer:
        said: Answer = dict(request.path_params)
        for name, value in request.query_params.multi_items():
            if name in _LISTS:
                said.setdefault(name, []).append(value)
            else:
                said[name] = int(value) if name in _NUMBERS and value.isdigit() else value
        raw = await request.body()
        if len(raw) > MOST_BYTES:
            raise invalid(f"The body has {len(raw)} bytes; {MOST_BYTES} are allowed.")
        try:
            said |= json.loads(raw) if raw else {}
        except (ValueError, TypeError):
            raise Refused("invalid_json") from None
        if (wrong := schemas.problem("requests", kind, said)) is not None:
            self.ledger.problems.append(f"request {kind}: {wrong}")
            raise invalid(f"body failed validation: {wrong}")
        return said

    def v1(self) -> list[Route]:
        """Notion's routes."""
        work = self.workspace

        def shown(act: Callable[[Answer], Any]) -> Handler:
            return lambda said: dict(act(said).answer(rounded=self._rounded))

        def page(act: Callable[[Answer], Page]) -> Handler:
            return lambda said: self._page(act(said), said)

        base, source, one = "databases/{database_id}", "data_sources/{data_source_id}", "{page_id}"
        table: list[tuple[str, str, str, str, Handler]] = [
            ("POST", "databases", "createDatabase", "database", shown(work.create_database)),
            ("GET", base, "getDatabase", "database", shown(_by_id(work.database, "database_id"))),
            ("PATCH", base, "updateDatabase", "database", shown(work.update_database)),
            ("POST", "data_sources", "createDataSource", "dataSource", shown(work.create_source)),
            (
                "GET",
                source,
                "getDataSource",
                "dataSource",
                shown(_by_id(work.source, "data_source_id")),
            ),
            ("PATCH", source, "updateDataSource", "dataSource", shown(work.update_source)),
            ("POST", f"{source}/query", "queryDataSource", "query", self._query),
            ("POST", "pages", "createPage", "page", page(work.create_page)),
            ("GET", f"pages/{one}", "getPage", "page", page(_by_id(work.page, "page_id"))),
            ("PATCH", f"pages/{one}", "updatePage", "page", page(work.update_page)),
            ("POST", "search", "search", "search", self._search),
            ("GET", "users/me", "getSelf", "user", lambda _: _bot()),
            ("GET", "users", "listUsers", "users", _users),
            ("GET", "users/{user_id}", "getUser", "user", _user),
            ("POST", "views", "createView", "view", shown(work.create_view)),
            ("GET", "views", "listDatabaseViews", "views", self._views),
            ("GET", "views/{view_id}", "getView", "view", shown(_by_id(work.view, "view_id"))),
            ("PATCH", "views/{view_id}", "updateView", "view", shown(work.update_view)),
            ("DELETE", "views/{view_id}", "deleteView", "deletedView", self._delete_view),
        ]
        return [
            Route(f"/v1/{path}", self.endpoint(kind, shape, handle), methods=[method])
            for method, path, kind, shape, handle in table
        ]

    def _page(self, page: Page, said: Answer) -> Answer:
        return page.answer(rounded=self._rounded, only=said.get("filter_properties"))

    def _query(self, said: Answer) -> Answer:
        cap = self.conditions.script.queryCap
        return queries.query(self.workspace, said, cap=cap, rounded=self._rounded)

    def _search(self, said: Answer) -> Answer:
        cap = self.conditions.script.queryCap
        return queries.search(self.workspace, said, cap=cap, rounded=self._rounded)

    def _views(self, said: Answer) -> Answer:
        rows = []
        for view in self.workspace.all(View):
            wanted = {view.database.id: "database_id", view.source.id: "data_source_id"}
            if any(said.get(name) == one for one, name in wanted.items()):
                rows.append((view.id, lambda v=view: {"object": "view", "id": v.id}))
        return queries.listed(rows, said, kind="view")

    def _delete_view(self, said: Answer) -> Answer:
        answer = self.workspace.delete_view(said["view_id"]).answer(rounded=self._rounded)
        return {name: answer[name] for name in ("object", "id", "parent", "type")}

    # /peer

    async def set_faults(self, request: Request) -> Response:
        script = Script.model_validate(await request.json())
        self.conditions = Conditions(script)
        self.workspace.lag_s, self.workspace.most_blocks = script.lagSeconds, script.blockLimit
        return JSONResponse({"rules": len(script.rules)})

    async def show_ledger(self, _: Request) -> Response:
        pages = [page for page in self.workspace.all(Page) if page.source is not None]
        return JSONResponse(self.ledger.told(pages) | {"blocks": self.workspace.blocks})

    async def show_count(self, _: Request) -> Response:
        """The requests so far: cheap to ask."""
        return JSONResponse({"requests": len(self.ledger.arrivals)})

    async def reset(self, _: Request) -> Response:
        """Forget what was asked; what was made stays."""
        self.ledger = Ledger()
        return JSONResponse({})

    async def show_pages(self, _: Request) -> Response:
        told = [
            {
                "id": page.id,
                "dataSource": page.source.id,
                "inTrash": page.in_trash,
                "values": page.plain(),
                "editedBy": page.edited_by,
                "history": page.history,
            }
            for page in self.workspace.all(Page)
            if page.source is not None
        ]
        return JSONResponse({"pages": told})

    async def edit(self, request: Request) -> Response:
        """A person changes a page in Notion, or its place in the trash."""
        return self._by_person("updatePage", await request.json(), self.workspace.update_page)

    async def write(self, request: Request) -> Response:
        """A person makes a page in Notion."""
        return self._by_person("createPage", await request.json(), self.workspace.create_page)

    async def reshape(self, request: Request) -> Response:
        """A person changes the properties of a data source."""
        said = await request.json()
        return self._by_person("updateDataSource", said, self.workspace.update_source)

    def _by_person(self, kind: str, said: Answer, act: Callable[..., Any]) -> Response:
        if (wrong := schemas.problem("requests", kind, said)) is not None:
            raise invalid(wrong)
        return JSONResponse(act(said, by=PERSON).answer(rounded=False))

    async def empty_trash(self, request: Request) -> Response:
        self.workspace.delete_for_ever((await request.json())["page_id"])
        return JSONResponse({})

    async def advance(self, request: Request) -> Response:
        """Let the workspace's clock run ahead of the machine's."""
        self.workspace.ahead += timedelta(seconds=(await request.json())["seconds"])
        return JSONResponse({"now": self.workspace.now().isoformat()})

    async def subscribe(self, request: Request) -> Response:
        made = await self.hooks.subscribe((await request.json())["url"])
        return JSONResponse({"id": made.id})

    async def verify(self, request: Request) -> Response:
        """A person pastes the token that the endpoint was sent."""
        said = await request.json()
        subscription = self.hooks.subscriptions[said["id"]]
        if said["token"] != subscription.token:
            raise invalid("This is not the verification token that was sent.")
        subscription.verified = True
        return JSONResponse({})

    async def unsubscribe(self, request: Request) -> Response:
        del self.hooks.subscriptions[(await request.json())["id"]]
        return JSONResponse({})

    async def show_hooks(self, _: Request) -> Response:
        return JSONResponse({"log": self.hooks.log})

    def control(self) -> list[Route]:
        """The test's own routes."""
        return [
            Route("/peer/faults", self.set_faults, methods=["POST"]),
            Route("/peer/ledger", self.show_ledger),
            Route("/peer/count", self.show_count),
            Route("/peer/reset", self.reset, methods=["POST"]),
            Route("/peer/pages", self.show_pages),
            Route("/peer/edit", self.edit, methods=["POST"]),
            Route("/peer/write", self.write, methods=["POST"]),
            Route("/peer/reshape", self.reshape, methods=["POST"]),
            Route("/peer/empty-trash", self.empty_trash, methods=["POST"]),
            Route("/peer/clock", self.advance, methods=["POST"]),
            Route("/peer/subscribe", self.subscribe, methods=["POST"]),
            Route("/peer/verify", self.verify, methods=["POST"]),
            Route("/peer/unsubscribe", self.unsubscribe, methods=["POST"]),
            Route("/peer/hooks", self.show_hooks),
        ]


def _by_id(find: Callable[[str], Any], name: str) -> Callable[[Answer], Any]:
    return lambda said: find(said[name])


def _bot() -> Answer:
    limits = {"max_file_upload_size_in_bytes": 5_242_880}
    owner = {"type": "workspace", "workspace": True}
    bot = {"owner": owner, "workspace_id": WORKSPACE, "workspace_limits": limits}
    return {
        "object": "user",
        "id": BOT,
        "name": "Spotloom",
        "avatar_url": None,
        "type": "bot",
        "bot": bot | {"workspace_name": "Spotloom's tests"},
    }


def _person() -> Answer:
    told = {"object": "user", "id": PERSON, "name": "Alice", "avatar_url": None}
    return told | {"type": "person", "person": {"email": "alice@example.com"}}


def _user(said: Answer) -> Answer:
    for one in (_bot(), _person()):
        if one["id"] == said["user_id"]:
            return one
    raise not_found("user", said["user_id"])


def _users(said: Answer) -> Answer:
    rows = [(BOT, _bot), (PERSON, _person)]
    return queries.listed(rows, said, kind="user")


async def _refused(_: Request, error: Exception) -> Response:
    match error:
        case Refused():
            return JSONResponse(error.body(str(uuid.uuid4())), error.status)
        case ValidationError():
            return JSONResponse({"problems": json.loads(error.json())}, 400)
    raise error


async def _unknown(request: Request, _: Exception) -> Response:
    refused = Refused("invalid_request_url", f"Invalid request URL: {request.url.path}")
    return JSONResponse(refused.body(str(uuid.uuid4())), refused.status)


def build(notion: Notion) -> Starlette:
    """The application."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await notion.close()

    return Starlette(
        routes=[*notion.v1(), *notion.control()],
        lifespan=lifespan,
        exception_handlers={Refused: _refused, ValidationError: _refused, 404: _unknown},
    )
