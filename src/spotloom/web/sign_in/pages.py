"""The sign-in pages: small, served whole by us, with no script in them but one file of ours."""

import html
from pathlib import Path
from string import Template

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from spotloom.auth import passwords
from spotloom.auth.sign_in import ClerkSettings
from spotloom.errors import NotFound
from spotloom.web.gate import TheGate
from spotloom.web.sign_in import oidc

routes = APIRouter(include_in_schema=False)

_FILES = Path(__file__).parent / "static"
_TYPES = {"sign-in.js": "text/javascript", "sign-in.css": "text/css"}
_STATIC = {name: (_FILES / name).read_bytes() for name in _TYPES}
_PAGES = {name: Template((_FILES / f"{name}.html").read_text()) for name in ("sign-in", "done")}
_CLERK_MAJOR = 6
_PROBLEMS = {
    "provider": "The sign-in provider does not answer as it should. Try again in a moment.",
    "state": "The sign-in took too long, or began in another browser. Begin it again here.",
    "refused": "The sign-in provider did not let you through.",
    "untrusted": "The sign-in provider's answer could not be trusted. The log has the reason.",
    "stranger": "You have no place here yet. Ask an admin to invite your address.",
    "unverified": "You have no place here yet, and the provider has not verified your address.",
}


@routes.get("/sign-in")
async def sign_in(gate: TheGate, problem: str = "", after: str | None = None) -> HTMLResponse:
    """The page that offers each configured way in, and no other."""
    settings = gate.sign_in
    async with gate.sessions() as session:
        has_password = settings.local and await passwords.any_set(session)
    clerk = settings.clerk
    page = _PAGES["sign-in"].substitute(
        after=html.escape(oidc.local_path(after)),
        problem=html.escape(_PROBLEMS.get(problem, "")),
        password="" if has_password else "hidden",
        local="" if settings.local else "hidden",
        oidc="" if settings.oidc else "hidden",
        oidc_host=html.escape(_host(settings.oidc.issuer) if settings.oidc else ""),
        clerk="" if clerk else "hidden",
        clerk_key=html.escape(clerk.publishable_key if clerk else ""),
        clerk_script=html.escape(_script(clerk) if clerk else ""),
    )
    return HTMLResponse(page, headers=_headers(clerk))


@routes.get("/sign-in/done")
async def done(gate: TheGate) -> HTMLResponse:
    """The page that says who is signed in, and lets them out again."""
    return HTMLResponse(_PAGES["done"].substitute(), headers=_headers(gate.sign_in.clerk))


@routes.get("/static/{name}")
async def static(name: str) -> Response:
    """The pages' own script and style."""
    if name not in _STATIC:
        raise NotFound("There is nothing at this address.")
    return Response(
        _STATIC[name],
        media_type=_TYPES[name],
        headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
    )


def _headers(clerk: ClerkSettings | None) -> dict[str, str]:
    """Nothing but our own files; and Clerk's script and API, where Clerk is configured."""
    script = connect = img = "'self'"
    worker, frame = "'none'", "'none'"
    if clerk is not None:
        ours = f"https://{clerk.frontend}"
        # https://clerk.com/docs/guides/secure/best-practices/csp-headers (2026-11); without its
        # own components Clerk needs no inline style.
        script += f" {ours} https://challenges.cloudflare.com"
        connect += f" {ours}"
        img += " https://img.clerk.com"
        worker, frame = "'self' blob:", "https://challenges.cloudflare.com"
    policy = (
        f"default-src 'none'; script-src {script}; style-src 'self'; img-src {img} data:; "
        f"connect-src {connect}; worker-src {worker}; frame-src {frame}; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


def _script(clerk: ClerkSettings) -> str:
    return f"https://{clerk.frontend}/npm/@clerk/clerk-js@{_CLERK_MAJOR}/dist/clerk.browser.js"


def _host(issuer: str) -> str:
    return issuer.partition("://")[2].partition("/")[0]
