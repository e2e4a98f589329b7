"""Makes, starts, finds and stops the PostgreSQL server of one place."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from spotloom import leases
from spotloom.embedded import binaries, trouble
from spotloom.embedded.place import Place
from spotloom.errors import SetupError

NAME = "spotloom"  # of the role and of the database
START_S = 60.0  # long enough to recover a full max_wal_size on a slow disk
STOP_S = 30.0
CONNECT_S = 5
PAUSE_S = 0.01
LOG_BYTES = 1_000_000

# fsync, full_page_writes and synchronous_commit keep their defaults (on): the ledger is money.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # here only a part of the socket's name
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",  # no three helper processes for one laptop
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    # Starts, stops and crashes only: failed statements could tell prompts and secrets, and would
    # fill the file.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}


def bring_up(place: Place) -> str:
    """The URL of the running server, started if need be; inside `exclusively(place.folder)`."""
    _trim_log(place)
    sockets = place.sockets()
    end = time.monotonic() + START_S
    while (claim := leases.claim(place.alive)) is None:
        # Alive: up, coming up, going down, or the orphans of a killed one (they end by themselves).
        if (trouble_now := _ask(place, sockets)) is None:
            return url(sockets)
        if time.monotonic() > end:
            raise _silent(place, trouble_now)
        time.sleep(PAUSE_S)
    try:
        programs = binaries.find(place)
        _make(place, programs, claim)
        written = len(_log(place))
        _launch(place, programs, sockets, claim)
    finally:
        os.close(claim)
    while (trouble_now := _ask(place, sockets)) is not None:
        if _ended(place):
            raise trouble.failed("start", _log(place)[written:], place.folder)
        if time.monotonic() > end:
            raise _silent(place, trouble_now)
        time.sleep(PAUSE_S)
    return url(sockets)


def shut_down(place: Place) -> None:
    """Stop the server and wait for its end; inside `exclusively(place.folder)`."""
    for signal, patience_s in (("INT", STOP_S), ("QUIT", STOP_S)):
        if _ended(place):
            return
        if (pid := _pid(place)) is not None:
            # With the server's own rights: whatever its account wrote in that file, root does not
            # signal another's process.
            place.can('kill -"$1" "$2"', signal, str(pid))
        if _within(patience_s, lambda: _ended(place)):
            return
    raise _silent(place, "it was asked to stop")


def url(sockets: Path, database: str = NAME) -> str:
    """The libpq URL of a database on the server behind this socket."""
    # The port is told, for PGPORT would change it.
    return f"postgresql://{NAME}@/{database}?host={quote(str(sockets))}&port=5432"


def _make(place: Place, programs: Path, claim: int) -> None:
    """The data folder, complete or not at all."""
    if place.data.exists():
        _check_major(place)
        place.give(place.data)
        return
    new = place.folder / "data.new"
    if new.exists():
        shutil.rmtree(new)
    place.give(new)
    try:
        place.run(
            programs / "bin/initdb",
            *("--pgdata", new, "--username", NAME, "--auth", "trust"),
            *("--no-locale", "--encoding", "UTF8", "--data-checksums", "--no-instructions"),
            fds=(claim,),  # should we be killed now, the next starter waits for this one's end
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stdout", None) or str(error)
        failure = trouble.failed("make a database", str(said), place.folder)
        shutil.rmtree(new, ignore_errors=True)
        raise failure from error
    new.rename(place.data)
    _sync(place.folder)


def _check_major(place: Place) -> None:
    found = (place.data / "PG_VERSION").read_text().strip()
    if found != binaries.MAJOR:
        raise SetupError(
            f"{place.data} was made by PostgreSQL {found}, and this Spotloom brings "
            f"{binaries.MAJOR}. Run the Spotloom that made it, move the folder away to begin with "
            f"an empty database, or set DATABASE_URL to a PostgreSQL that holds its data."
        )


def _launch(place: Place, programs: Path, sockets: Path, claim: int) -> None:
    # A comma parts two folders unless the name is quoted, and a quote is written twice.
    quoted = '"{}"'.format(str(sockets).replace('"', '""'))
    settings = SETTINGS | {"unix_socket_directories": quoted}
    log = os.open(
        place.folder / "server.log",
        os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC,
        0o600,
    )
    try:
        place.run(
            # The shell ends at once, so that the server is nobody's child: no zombie, no Ctrl-C.
            *("/bin/sh", "-c", '"$@" &', "sh"),
            *(programs / "bin/postgres", "-D", place.data),
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            env=_forget_the_last(place, sockets),
            output=log,
            fds=(claim,),
        )
    finally:
        os.close(log)


def _forget_the_last(place: Place, sockets: Path) -> dict[str, str]:
    """Clear what an earlier server left; what keeps PostgreSQL from taking a stranger for it.

    We hold the lock that every process of an earlier server would hold, so the pid that it left is
    stale, even if it is now another's, or a zombie's. PostgreSQL does not mind the pid of its
    grandparent (pg_ctl tells it so). It still looks whether anybody uses the data's shared memory.
    """
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (sockets / name).unlink(missing_ok=True)
    pid = _pid(place)
    if pid is None:
        (place.data / "postmaster.pid").unlink(missing_ok=True)  # torn; it would refuse to start
        return {}
    return {"PG_GRANDPARENT_PID": str(pid)}


def _pid(place: Place) -> int | None:
    try:
        with (place.data / "postmaster.pid").open("rb") as file:
            pid = int(file.readline())
    except (FileNotFoundError, ValueError):
        return None
    return pid if pid > 1 else None


def _ask(place: Place, sockets: Path) -> str | None:
    """Why the server does not answer; None if it does, and then it has our database."""
    try:
        with psycopg.connect(
            url(sockets, "postgres"), autocommit=True, connect_timeout=CONNECT_S
        ) as connection:
            _check_and_complete(connection, place)
    except psycopg.OperationalError as error:
        return str(error)
    return None


def _check_and_complete(connection: psycopg.Connection[tuple[Any, ...]], place: Place) -> None:
    folder, there = connection.execute(
        "SELECT current_setting('data_directory'),"
        " EXISTS (SELECT FROM pg_database WHERE datname = %s)",
        [NAME],
    ).fetchone() or ("", False)
    if not place.data.samefile(folder):
        raise SetupError(
            f"The server of {place.folder} keeps its data in {folder}, not in {place.data}. "
            f"Stop it, then start Spotloom again."
        )
    if there:
        return
    try:
        connection.execute(f"CREATE DATABASE {NAME}")
    except psycopg.Error as error:
        raise trouble.failed("make its database", str(error), place.folder) from error


def _ended(place: Place) -> bool:
    claim = leases.claim(place.alive)
    if claim is None:
        return False
    os.close(claim)
    return True


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_S)
    return True


def _silent(place: Place, reason: str) -> SetupError:
    pid = _pid(place)
    return SetupError(
        f"The database server in {place.folder} runs{f' as process {pid}' if pid else ''} but "
        f"neither answers nor ends ({trouble.telling(reason)}). "
        f"End it{f' (kill -QUIT {pid})' if pid else ''}, then start Spotloom again."
    )


def _log(place: Place) -> str:
    try:
        return (place.folder / "server.log").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _trim_log(place: Place) -> None:
    """Keep one earlier log; a running server goes on writing to the emptied file."""
    log = place.folder / "server.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, place.folder / "server.log.1")
        os.truncate(log, 0)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
