"""Finds the sandbox that serves a home folder, or starts one that ends with its last user."""

import contextlib
import hmac
import json
import os
import secrets
import select
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import spotloom
from spotloom.errors import SetupError
from spotloom.leases import Lease, exclusively

LOG = "sandbox.log"
READY = "ready.json"
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and the secret that it proves itself with."""

    url: str  # the API is at url + "/v1"
    secret: str

    @classmethod
    def new(cls, port: int) -> Self:
        """The address of a server that starts now."""
        return cls(f"http://127.0.0.1:{port}", secrets.token_hex(32))

    def write(self, target: Path) -> None:
        """Leave the address in a file that only its owner can read."""
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump({"url": self.url, "secret": self.secret}, file)
        unfinished.replace(target)

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """The address that was left last; None when there is none that can be read."""
        try:
            content = json.loads((home / READY).read_text())
            return cls(str(content["url"]), str(content["secret"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget(self, home: Path) -> None:
        """Take the address away, unless another server has left its own meanwhile."""
        if self.read(home) == self:
            (home / READY).unlink(missing_ok=True)

    def answers(self) -> dict[str, Any] | None:
        """What the server says of its health; None when it is not the one that we look for."""
        nonce = secrets.token_hex(16)
        proof = hmac.digest(self.secret.encode(), nonce.encode(), "sha256").hex()
        try:
            health = _ask(f"{self.url}/sandbox/health?nonce={nonce}")
        except (OSError, ValueError):
            return None
        return health if hmac.compare_digest(str(health.get("proof")), proof) else None


class Running:
    """A sandbox in use by this process, until `stop`."""

    def __init__(self, address: Address, *, home: Path, lease: Lease) -> None:
        self._home, self._lease, self._address = home, lease, address
        self.base_url = f"{address.url}/v1"

    def revive(self, *, limit: int) -> bool:
        """Start the server again if it has died; true when it answers at the same address."""
        if self._address.answers():
            return True
        with exclusively(self._home):
            address = _join(self._home, limit=limit) or _start(self._home, limit=limit)
        same = address.url == self._address.url
        self._address = address
        return same

    def stop(self) -> None:
        """Use it no longer; it ends by itself a few seconds after its last user."""
        with exclusively(self._home):
            self._lease.release()


def ensure(home: Path, *, limit: int) -> Running:
    """The sandbox of that home folder, started when none serves it; SetupError when it cannot."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with exclusively(home):
            lease = Lease(home)
            try:
                address = _join(home, limit=limit) or _start(home, limit=limit)
            except BaseException:
                lease.release()
                raise
    except OSError as error:
        raise SetupError(f"The sandbox cannot use its folder {home}: {error.strerror}.") from error
    return Running(address, home=home, lease=lease)


def _join(home: Path, *, limit: int) -> Address | None:
    address = Address.read(home)
    if address is None or (health := address.answers()) is None:
        return None
    if health.get("limit") != limit:
        _ask(f"{address.url}/sandbox/limit", {"limit": limit})
    return address


def _start(home: Path, *, limit: int) -> Address:
    """Start a server that leaves this process at once, and wait until it says that it is ready."""
    command = [sys.executable, "-m", "spotloom.sandbox", "--home", str(home)]
    command += ["--limit", str(limit), "--detached", "--port", str(_free_port_of_before(home))]
    package = str(Path(spotloom.__file__).parents[1])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    reading, writing = os.pipe()
    try:
        with (home / LOG).open("ab") as log:
            subprocess.run(  # noqa: S603 - our own interpreter and arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=log,
                env=environment,
                start_new_session=True,
                check=False,
            )
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        # The pipe ends when the server is ready, or dead.
        ended, _, _ = select.select([answer], [], [], _START_S)
        said = answer.readline().strip() if ended else b""
    address = Address.read(home)
    if said == b"ready" and address is not None and address.answers():
        return address
    raise SetupError(f"The sandbox did not start: {_last_words(home)} Its log is {home / LOG}.")


def _free_port_of_before(home: Path) -> int:
    """The port of the server that died here, if nobody has taken it: clients go on; else 0."""
    before = Address.read(home)
    if before is None:
        return 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            port = int(before.url.rpartition(":")[2])
            probe.bind(("127.0.0.1", port))
        except (OSError, ValueError, OverflowError):
            return 0
    return port


def _last_words(home: Path) -> str:
    with contextlib.suppress(OSError):
        lines = (home / LOG).read_text(errors="replace").split("\n")[-50:]
        if said := [line for line in lines if line.strip()]:
            return said[-1][:300]
    return "it said nothing."


def _ask(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data)  # noqa: S310 - an http address of our own writing
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        content = json.load(answer)
    return content if isinstance(content, dict) else {}
