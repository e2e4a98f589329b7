"""The PostgreSQL that comes in a wheel: started, shared, killed, and started again."""

import contextlib
import os
import pwd
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest
from tests.integration.database_fixtures import (
    ROOT,
    Starter,
    WaitUntil,
    ask,
    born,
    postmaster,
    runs,
    started,
)

from spotloom import embedded, leases
from spotloom.embedded import binaries
from spotloom.embedded import place as places
from spotloom.errors import SetupError

NOBODY = pwd.getpwnam("nobody").pw_uid
ORDINARY = pwd.getpwnam("daemon").pw_uid


def kill(home: Path, wait_until: WaitUntil) -> None:
    os.kill(postmaster(home), signal.SIGKILL)
    wait_until(lambda: not runs(home))


def test_a_fresh_database_is_empty(fresh_database: str) -> None:
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert ask(fresh_database, tables) == 0


def test_a_new_home_gets_a_safe_and_quiet_server(home: Path) -> None:
    with started(home) as url:
        said = {
            name: ask(url, f"SHOW {name}")
            for name in (
                *("fsync", "synchronous_commit", "full_page_writes", "data_checksums"),
                *("listen_addresses", "max_connections", "TimeZone", "server_encoding"),
            )
        }
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM a_secret_prompt")
        assert ask(url, "SELECT current_database()") == "spotloom"
        assert ask(url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == 1
    assert said == {
        **dict.fromkeys(
            ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"), "on"
        ),
        "listen_addresses": "",
        "max_connections": "100",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
    }
    log = (home / "postgres/server.log").read_text()
    assert "ready to accept connections" in log
    assert "a_secret_prompt" not in log


def test_the_last_to_leave_stops_the_server_and_the_data_stay(home: Path) -> None:
    first, second = embedded.start(home), embedded.start(home)
    assert born(first.url) == born(second.url)
    ask(first.url, "CREATE TABLE kept AS SELECT 7 AS number")
    first.stop()
    first.stop()
    assert ask(second.url, "SELECT number FROM kept") == 7
    second.stop()
    assert not runs(home)
    with pytest.raises(psycopg.OperationalError):
        born(second.url)
    with started(home) as url:
        assert ask(url, "SELECT number FROM kept") == 7


def test_four_starters_at_once_share_one_server(home: Path) -> None:
    with contextlib.ExitStack() as stack:
        starters = [stack.enter_context(Starter(home)) for _ in range(4)]
        urls = [starter.says()["url"] for starter in starters]
        assert len({born(url) for url in urls}) == 1
        for starter in starters[:3]:
            starter.leave()
            assert born(urls[3])
        starters[3].leave()
        assert not runs(home)


@pytest.mark.parametrize("user", [ORDINARY, NOBODY])
def test_the_pid_of_a_stranger_does_not_pass_for_the_server(
    home: Path, user: int, wait_until: WaitUntil
) -> None:
    with started(home):
        kill(home, wait_until)
        # Of the server's own account PostgreSQL would take it for its earlier self.
        whose = {"user": user, "group": user, "extra_groups": [user]} if ROOT else {}
        stranger = subprocess.Popen(["sleep", "60"], **whose)  # type: ignore[call-overload]  # a dict
        try:
            note = home / "postgres/data/postmaster.pid"
            _, *rest = note.read_text().splitlines(keepends=True)
            note.write_text("".join([f"{stranger.pid}\n", *rest]))
            with started(home) as url:
                assert born(url)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_a_torn_pid_file_does_not_keep_the_server_down(home: Path, wait_until: WaitUntil) -> None:
    with started(home):
        kill(home, wait_until)
        (home / "postgres/data/postmaster.pid").write_text("")
        with started(home) as url:
            assert born(url)


def test_a_killed_server_comes_back_with_all_that_was_committed(
    home: Path, wait_until: WaitUntil
) -> None:
    with started(home) as url:
        before = born(url)
        ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
        kill(home, wait_until)
        with started(home) as again:
            assert again == url
            assert born(url) > before
            assert ask(url, "SELECT number FROM kept") == 7
        assert born(url)  # the first user has not left
    assert not runs(home)


def test_a_killed_starter_leaves_a_server_that_the_next_one_finds(home: Path) -> None:
    starter = Starter(home)
    before = born(starter.says()["url"])
    starter.kill()
    assert runs(home)
    with started(home) as url:
        assert born(url) == before
    assert not runs(home)


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(home: Path) -> None:
    with started(home) as url:
        pid = postmaster(home)
        assert os.getpgid(pid) != os.getpgrp()
        assert os.getsid(pid) != os.getsid(0)
        assert born(url)


def test_a_half_made_database_is_made_anew(home: Path) -> None:
    half = home / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with started(home) as url:
        assert born(url)
    assert not half.exists()


def test_the_data_of_another_major_version_are_left_alone(home: Path) -> None:
    data = home / "postgres/data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(SetupError, match="made by PostgreSQL 17, and this Spotloom brings 18"):
        embedded.start(home)
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_server_that_gives_up_is_quoted(home: Path) -> None:
    with started(home):
        pass
    control = home / "postgres/data/global/pg_control"
    os.truncate(control, 10)
    with pytest.raises(SetupError, match=r"could not start in .*: .*pg_control"):
        embedded.start(home)
    assert not leases.in_use(home / "postgres")


def test_a_server_started_by_hand_is_never_joined_by_a_second(
    home: Path, wait_until: WaitUntil
) -> None:
    with started(home):
        pass
    found = places.find(home)
    programs = binaries.find(found)
    found.run(
        *("/bin/sh", "-c", '"$@" &', "sh", programs / "bin/postgres", "-D", found.data),
        *("-c", "listen_addresses=", "-k", found.give(home / "hand")),
        output=subprocess.DEVNULL,
    )
    note = home / "postgres/data/postmaster.pid"
    wait_until(lambda: note.exists() and note.read_text().endswith("ready   \n"))
    try:
        with pytest.raises(SetupError, match="pre-existing shared memory block"):
            embedded.start(home)
    finally:
        os.kill(postmaster(home), signal.SIGINT)
        wait_until(lambda: not note.exists())


def test_a_log_that_has_grown_is_cut(home: Path) -> None:
    with started(home):
        log = home / "postgres/server.log"
        with log.open("a") as file:
            file.write("LOG:  a word\n" * 100_000)
        with started(home):
            assert log.stat().st_size < 10_000
        assert log.with_name("server.log.1").stat().st_size > 1_000_000
    assert "database system is shut down" in log.read_text()
