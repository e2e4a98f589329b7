"""The ways to sign in that this installation has."""

import base64
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from spotloom.errors import SetupError

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")  # it goes into pages and their policy
CLERK_API = "https://api.clerk.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """An OpenID provider, and what we are called there."""

    issuer: str
    client_id: str
    client_secret: str | None  # None: a public client, which PKCE alone protects
    admin_email: str | None  # who becomes the admin of an installation without members


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkSettings:
    """A Clerk application; its tokens are checked without asking Clerk."""

    publishable_key: str
    jwt_key: str  # the application's public key, PEM
    secret_key: str | None  # asks Clerk for a person's name and address, when given
    webhook_secret: str | None
    organizations: frozenset[str] | None = None  # which may come in; None: every one there
    api_url: str = CLERK_API

    @property
    def frontend(self) -> str:
        """The host of Clerk's Frontend API, which the publishable key carries."""
        for start in ("pk_test_", "pk_live_"):
            if self.publishable_key.startswith(start):
                coded = self.publishable_key.removeprefix(start)
                return _host(coded)
        raise SetupError("CLERK_PUBLISHABLE_KEY must begin with pk_test_ or pk_live_.")

    @property
    def issuer(self) -> str:
        """Who signs the tokens."""
        return f"https://{self.frontend}"

    def admits(self, organization: str) -> bool:
        """Whether the organisation of that id may come in."""
        return self.organizations is None or organization in self.organizations


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What is configured; a link from `spotloom login-link` works with any of it."""

    local: bool  # people of our own may sign in with a password
    password_set: bool  # whether any of them has one
    oidc: OidcSettings | None = None
    clerk: ClerkSettings | None = None
    public_url: str  # where browsers reach us, without a slash at the end

    @property
    def origin(self) -> str:
        """Scheme, host and port of our pages, as a browser says them."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over TLS."""
        return self.public_url.lower().startswith("https://")


def is_loopback(host: str) -> bool:
    """Whether the host names this machine, and no other can reach it."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def may_bind(host: str, sign_in: SignIn) -> None:
    """Do nothing when it is safe to listen there; else SetupError."""
    has_password = sign_in.local and sign_in.password_set
    if is_loopback(host) or has_password or sign_in.oidc or sign_in.clerk:
        return
    raise SetupError(
        f"--host {host} would open Spotloom to other machines, and nobody could sign in from "
        "there. Set a password for the owner (start it on 127.0.0.1, and set it under /sign-in), "
        "or configure SPOTLOOM_OIDC_ISSUER or CLERK_PUBLISHABLE_KEY; or use --host 127.0.0.1."
    )


def _host(coded: str) -> str:
    try:
        text = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode("ascii")
    except ValueError as error:
        raise SetupError("CLERK_PUBLISHABLE_KEY was not copied whole; copy it again.") from error
    host = text.removesuffix("$")
    if not text.endswith("$") or not _HOST.fullmatch(host):
        raise SetupError("CLERK_PUBLISHABLE_KEY was not copied whole; copy it again.")
    return host
