"""The sign-in page: small, served whole by us, with no script in it but files of ours."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from spotloom.auth import passwords
from spotloom.auth.sign_in import ClerkSettings
from spotloom.web.gate import TheGate
from spotloom.web.pages.shell import outside
from spotloom.web.sign_in import oidc

routes = APIRouter(include_in_schema=False)

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
async def sign_in(
    request: Request, gate: TheGate, problem: str = "", after: str | None = None
) -> Response:
    """The page that offers each configured way in, and no other."""
    settings = gate.sign_in
    async with gate.sessions() as session:
        has_password = settings.local and await passwords.any_set(session)
    clerk = settings.clerk
    return outside(
        request,
        "sign-in.html",
        headers=_headers(clerk),
        after=oidc.local_path(after),
        problem=_PROBLEMS.get(problem, ""),
        has_password=has_password,
        local=settings.local,
        oidc_host=_host(settings.oidc.issuer) if settings.oidc else "",
        clerk_key=clerk.publishable_key if clerk else "",
        clerk_script=_script(clerk) if clerk else "",
    )


@routes.get("/sign-in/done")
async def done() -> RedirectResponse:
    """Where people came once they were signed in; it is a section of the settings now."""
    return RedirectResponse("/settings/sign-in", 303)


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
        f"default-src 'none'; script-src {script}; style-src 'self'; font-src 'self'; "
        f"img-src {img} data:; connect-src {connect}; worker-src {worker}; "
        f"frame-src {frame}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
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
