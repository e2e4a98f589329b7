"""An OpenID provider and a Clerk that others wrote: the npm package `emulate`, as a process.

How it differs from the real ones, and what we change in it, is told in docs/security.md.
"""

import contextlib
import html
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwk
from tests.integration import npm

HERE = Path(__file__).parent
# What its session tokens lack of the real ones: azp, v, sts and jti; and the organisation as
# version 2 of the claims says it.
_CLAIMS = ("sid: sessionId\n", "sid: sessionId, ...JSON.parse(process.env.PEER_CLAIMS)\n")
_ORGANIZATION = (
    (
        'claims.org_id = orgId;\n    claims.org_role = orgRole ?? "org:member";\n'
        "    claims.org_slug = orgSlug;\n    claims.org_permissions = orgPermissions ?? [];\n"
    ),
    'claims.o = { id: orgId, rol: (orgRole ?? "org:member").replace("org:", ""), slg: orgSlug };\n',
)
_USERINFO = "`${oauthUrlBase}/userinfo`"  # where its Okta says that an access token is taken


@dataclass(frozen=True, slots=True)
class Peer:
    """A running service."""

    url: str

    def pem(self, path: str) -> str:
        """The public key that it publishes there, as PEM."""
        (key,) = httpx2.get(self.url + path, trust_env=False).json()["keys"]
        return jwk.RSAKey.import_key(key).as_pem(private=False).decode()


def installed(folder: Path) -> Path:
    """A folder with the package in it, like that one and shared by all that ask in this run.

    Skips only where there is no Node, and never in CI.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("Node is not installed, and the peer is a Node program")
    folder = npm.shared(folder)
    npm.install(HERE, ("package.json", "package-lock.json", "peer.mjs"), folder=folder)
    return folder


def adapted(folder: Path, into: Path) -> Path:
    """A copy in which Clerk's session tokens have the claims that Clerk's own have."""
    return _changed(folder, into, "async function createSessionToken(", _CLAIMS, _ORGANIZATION)


def userinfo_at(address: str, folder: Path, into: Path) -> Path:
    """A copy whose Okta says that it tells of people at that address."""
    return _changed(folder, into, _USERINFO, (_USERINFO, json.dumps(address)))


def _changed(folder: Path, into: Path, where: str, *changes: tuple[str, str]) -> Path:
    shutil.copytree(folder, into, dirs_exist_ok=True)
    for source in (into / "node_modules/emulate/dist").glob("*.js"):
        text = source.read_text()
        if where in text:
            for before, after in changes:
                assert text.count(before) == 1, before
                text = text.replace(before, after)
            source.write_text(text)
            return into
    pytest.fail(f"the peer has {where} elsewhere than it did")


@contextlib.contextmanager
def running(
    folder: Path,
    service: str,
    *,
    seed: Mapping[str, Any],
    base_url: str | None = None,
    claims: Mapping[str, Any] | None = None,
) -> Iterator[Peer]:
    """The service on a free port of this machine."""
    for _ in range(3):  # a stranger may take the port before the peer does
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        options = {"service": service, "port": port, "baseUrl": base_url or url, "seed": dict(seed)}
        process = subprocess.Popen(
            ["node", "peer.mjs", json.dumps(options)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PEER_CLAIMS": json.dumps(claims or {})},
        )
        assert process.stdout is not None
        assert process.stdin is not None
        if process.stdout.readline():
            break
        process.communicate()
    else:
        pytest.fail("the peer ended without a word")
    with process:
        try:
            yield Peer(url)
        finally:
            process.stdin.close()
            process.wait(10)


async def choose(page: httpx2.Response, peer: Peer, *, email: str) -> str:
    """Click the button of that person on the peer's page; where it then sends the browser."""
    assert page.status_code == 200, page.text
    for form in re.findall(r"<form.*?</form>", page.text, re.DOTALL):
        if email in form:
            action = html.unescape(re.search(r'action="([^"]*)"', form)[1])
            fields = re.findall(r'name="([^"]*)" value="([^"]*)"', form)
            chosen = {name: html.unescape(value) for name, value in fields}
            async with httpx2.AsyncClient(trust_env=False) as browser:
                answer = await browser.post(peer.url + action, data=chosen)
            assert answer.status_code == 302, answer.text
            return str(answer.headers["location"])
    pytest.fail(f"the peer's page has no button for {email}")
