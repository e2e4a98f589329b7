"""Where a provider is reached and who pays there: the address, the key, and keeping the key in."""

import re
from dataclasses import dataclass, field

import httpx2
from pydantic import SecretStr

from spotloom.errors import SetupError

_VERSION = re.compile(r"v\d+\w*")


@dataclass(frozen=True, slots=True)
class Account:
    """One server's address and the key that pays there; the key shows in no repr."""

    base: str  # ends in the protocol's version, without a slash
    key: SecretStr | None = field(repr=False)
    name: str | None = None  # where the address is not what tells accounts apart

    @property
    def id(self) -> str:
        """Names the account; the same on every machine, and after the key was renewed.

        What is in flight must be found again under a renewed key, so the key has no part in it.
        """
        return self.name or self.base.partition("://")[2]

    def headers(self) -> dict[str, str]:
        """What proves to the server who pays. It goes nowhere else."""
        return {"Authorization": f"Bearer {self.key.get_secret_value()}"} if self.key else {}

    def hide(self, text: str) -> str:
        """A vendor's sentence without the key, which some repeat when they refuse it."""
        return text.replace(self.key.get_secret_value(), "[key]") if self.key else text


def account(
    *, provider: str, base_url: str, api_key: str | None, name: str | None = None
) -> Account:
    """The account as the settings give it; SetupError when the address or key cannot be one."""
    return Account(_base(base_url, provider), _key(api_key, provider), name)


def _base(text: str, provider: str) -> str:
    try:
        url = httpx2.URL(text.strip())
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise SetupError(f"The base URL of {provider} must look like https://host/v1.")
    if url.userinfo or url.query or url.fragment:
        raise SetupError(
            f"The base URL of {provider} must be an address only, without user, password, ? or #."
        )
    path = url.path.rstrip("/").removesuffix("/videos")
    if not _VERSION.fullmatch(path.rpartition("/")[2]):
        path += "/v1"
    return str(url.copy_with(path=path))


def _key(text: str | None, provider: str) -> SecretStr | None:
    key = (text or "").strip()
    if not key:
        return None
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SetupError(f"The API key of {provider} has characters that no key has; copy it anew.")
    return SecretStr(key)
