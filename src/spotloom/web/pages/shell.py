"""The frame that every page stands in, and the answer in HTML where something is refused."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

import spotloom
from spotloom.web.door.asking import reader
from spotloom.web.errors import Refused, request_id
from spotloom.web.gate import Asked, Somebody
from spotloom.web.pages import files

_PACK_FROM = 1024  # bytes
_SIGN_IN = "/sign-in"
_FRAME = "core/shell.js"  # every page has it


def _icon(name: str, size: str = "") -> Markup:
    use = Markup('<use href="{}#{}"></use>').format(files.address("icons.svg"), name)
    return Markup('<svg class="icon {}" aria-hidden="true">{}</svg>').format(size, use)


def _modules(*names: str) -> Markup:
    """The modules' scripts, with all that they import fetched at once rather than in a chain."""
    there = frozenset(files.imports(_FRAME)) if _FRAME not in names else frozenset()
    wanted = dict.fromkeys(each for name in names for each in files.imports(name))
    link = Markup('<link rel="modulepreload" href="{}">\n')
    script = Markup('<script type="module" src="{}"></script>\n')
    return Markup("").join(
        [
            *(link.format(files.address(each)) for each in wanted if each not in there),
            *(script.format(files.address(name)) for name in names),
        ]
    )


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.policies["json.dumps_kwargs"] = {"sort_keys": False}  # dimensions have an order
_TEMPLATES.globals.update(
    static=files.address, icon=_icon, modules=_modules, release=spotloom.__version__
)


async def _looking(request: Request, actor: Somebody) -> Asked:
    """Whoever may see pages; everybody else is shown the way in, and comes back afterwards."""
    if actor is None:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise Refused(
            303, "Sign in first", "", location=f"{_SIGN_IN}?after={quote(target, safe='')}"
        )
    return await reader(request, actor)


Looking = Annotated[Asked, Depends(_looking)]


def page(
    request: Request,
    asked: Asked,
    template: str,
    *,
    title: str,
    section: str = "",
    data: Mapping[str, Any] | None = None,
    **more: Any,
) -> Response:
    """The page; `data` is JSON for its elements, `section` the tab that is lit."""
    text = _TEMPLATES.get_template(template).render(
        title=title,
        section=section,
        data={} if data is None else data,
        actor=asked.actor,
        role=asked.actor.role.value,
        path=request.url.path,
        **more,
    )
    return _packed(request, text)


def outside(
    request: Request, template: str, *, headers: Mapping[str, str], **values: Any
) -> Response:
    """A page for who is not signed in, with headers of its own."""
    text = _TEMPLATES.get_template(template).render(values)
    return _packed(request, text, headers=headers)


def told(answer: Response) -> dict[str, Any]:
    """What the API answers, to stand in a page."""
    found: dict[str, Any] = json.loads(bytes(answer.body))
    return found


def refused(request: Request, problem: Refused) -> Response | None:
    """The refusal as a page for a person at a browser; None where a program asks."""
    if not _for_a_person(request):
        return None
    if location := problem.headers.get("location"):
        return RedirectResponse(location, 303, headers={"Cache-Control": "no-store"})
    text = _TEMPLATES.get_template("refused.html").render(
        title=problem.title, problem=problem, request_id=request_id()
    )
    return _packed(request, text, status=problem.status, headers=problem.headers)


def _for_a_person(request: Request) -> bool:
    return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")


def _packed(
    request: Request, text: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding", **(headers or {})}
    body = text.encode("utf-8", "replace")
    if len(body) < _PACK_FROM or not files.packs(request):
        return HTMLResponse(body, status, headers=headers)
    # Nothing secret stands in a page beside what a stranger may choose, so its size tells nothing.
    return HTMLResponse(
        gzip.compress(body, 5, mtime=0), status, headers=headers | {"Content-Encoding": "gzip"}
    )
