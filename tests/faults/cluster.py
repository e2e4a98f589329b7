"""A PostgreSQL of the system as a private server, which can be killed and started again."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

OWNER = "spotloom_login"  # as a host hands it out: it makes databases and roles, and is no more
READY_S = 60.0
_INSTALLED = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_min_error_statement": "panic",
}


def newest() -> Path | None:
    """The folder of the newest PostgreSQL programs that are installed."""
    found = [p for p in _INSTALLED.glob("*/bin") if (p / "postgres").exists()]
    return max(found, key=lambda p: int(re.sub(r"\D", "", p.parent.name) or 0), default=None)


class Cluster:
    """A private PostgreSQL server on a loopback port."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._data, self._log = programs, folder / "data", folder / "server.log"
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            folder.chmod(0o711)
            self._data.mkdir()
            shutil.chown(self._data, "nobody", "nogroup")
            self._as = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = int(free.getsockname()[1])
        made = [programs / "initdb", "-D", self._data, "-U", "postgres", "--auth", "trust"]
        subprocess.run(
            [*map(str, made), "--no-locale", "-E", "UTF8", "--no-instructions"],
            check=True,
            capture_output=True,
            cwd="/",
            **self._as,
        )
        self.start()
        with self._connect() as connection:
            connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")
            connection.execute(f"CREATE DATABASE {OWNER} OWNER {OWNER}")

    @property
    def url(self) -> str:
        """The database of the owner, who is no superuser."""
        return f"postgresql://{OWNER}@127.0.0.1:{self._port}/{OWNER}"

    def start(self) -> None:
        """Start it at its address; returns when it answers."""
        end = time.monotonic() + READY_S
        while True:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [
                        *(str(self._programs / "postgres"), "-D", str(self._data)),
                        *("-p", str(self._port)),
                        *(
                            w
                            for name, value in _SETTINGS.items()
                            for w in ("-c", f"{name}={value}")
                        ),
                    ],
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    **self._as,
                )
            while self._process.poll() is None:
                with contextlib.suppress(psycopg.OperationalError), self._connect():
                    return
                time.sleep(0.05)
            # The processes of a killed one end by themselves, and until then it refuses to start.
            assert time.monotonic() < end, self._log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)

    def crash(self, number: int) -> None:
        """End it as a crash does, and start it again."""
        self._process.send_signal(number)
        self._process.wait()
        self.start()

    def stop(self) -> None:
        """End it, whoever is connected."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        address = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        return psycopg.connect(address, autocommit=True, connect_timeout=5)


@contextlib.contextmanager
def private() -> Iterator[Cluster]:
    """A new, empty server for as long as the context is open; skips where none is installed."""
    programs = newest()
    if programs is None:
        pytest.skip(f"there is no PostgreSQL under {_INSTALLED}")
    with tempfile.TemporaryDirectory(prefix="spotloom-cluster-") as folder:
        cluster = Cluster(programs, Path(folder))
        try:
            yield cluster
        finally:
            cluster.stop()
