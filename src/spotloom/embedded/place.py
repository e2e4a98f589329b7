"""Finds where a home's database lives, and the account that runs it."""

import contextlib
import os
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spotloom.errors import SetupError

if sys.platform != "win32":  # so that start() can be imported there, and say no
    import pwd

# Where root keeps the databases of homes that lie behind folders only root may enter.
SYSTEM = Path("/var/lib/spotloom")
# A socket's path may have 104 bytes on macOS and 108 on Linux, with the closing NUL.
SOCKET_FOLDER_BYTES = 103 - len("/.s.PGSQL.5432")
# Other characters come back changed from one or another that takes URLs apart: SQLAlchemy writes a
# space as `+`, libpq reads a comma as a second host, Alembic wants every % doubled.
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
COMMAND_S = 120.0  # initdb on a slow disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder of ours for the locks, the log and the data, and the account the server runs as."""

    folder: Path
    uid: int
    gid: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def alive(self) -> Path:
        """Locked for as long as any process of the server lives."""
        return self.folder / "server.lock"

    @property
    def foreign(self) -> bool:
        """Whether the server's account is not our own: we are root."""
        return os.geteuid() != self.uid

    def run(
        self,
        *command: str | Path,
        env: dict[str, str] | None = None,
        output: int = subprocess.PIPE,
        fds: tuple[int, ...] = (),
    ) -> str:
        """What the command said, run as the server's account; raises CalledProcessError."""
        account: dict[str, Any] = {}
        if self.foreign:
            # [gid], because Python 3.12.0 takes an empty list for "keep root's groups".
            account = {"user": self.uid, "group": self.gid, "extra_groups": [self.gid]}
        done = subprocess.run(  # noqa: S603 - our own words and paths, and no shell reads them
            [str(part) for part in command],
            check=True,
            cwd="/",  # our own may be closed to that account
            # Nothing else of ours: PGPORT, PGDATA and their kin would change the server.
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=fds,
            start_new_session=True,
            umask=0o077,
            encoding="utf-8",
            errors="replace",
            timeout=COMMAND_S,
            **account,
        )
        return str(done.stdout)

    def can(self, script: str, *arguments: str | Path) -> bool:
        """Whether the server's account can do it; tried, for modes alone do not tell."""
        try:
            self.run("/bin/sh", "-c", script, "sh", *arguments)
        except (subprocess.CalledProcessError, OSError):
            return False
        return True

    def give(self, folder: Path) -> Path:
        """Make this folder, which is ours or new, the server's alone."""
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        # By descriptor, and no links: root changes the owner of this very folder or of none.
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            owner = os.fstat(fd).st_uid
            if owner not in (self.uid, os.geteuid()):
                raise _belongs(folder, owner)
            if owner != self.uid:
                os.fchown(fd, self.uid, self.gid)
            if stat.S_IMODE(os.fstat(fd).st_mode) != 0o700:
                os.fchmod(fd, 0o700)
        finally:
            os.close(fd)
        return folder

    def sockets(self) -> Path:
        """The folder of the socket, which lets in the server's account (and root) alone."""
        folder = self.folder / "run"
        if len(str(folder)) > SOCKET_FOLDER_BYTES or not PLAIN.fullmatch(str(folder)):
            folder = self._short_folder()
        return self.give(folder)

    def _short_folder(self) -> Path:
        """The same one at every start, so that clients find the next server, too."""
        note = self.folder / "sockets"
        if note.exists():
            folder = Path(note.read_text(encoding="utf-8").strip())
            with contextlib.suppress(FileNotFoundError):
                found = folder.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid == self.uid:
                    return folder
        # Not TMPDIR, which may be long, or closed to the server's account. A fresh random name:
        # nobody can have laid it first.
        folder = Path(tempfile.mkdtemp(prefix="spotloom-", dir="/tmp"))
        write(note, f"{folder}\n")
        return folder


def find(home: Path) -> Place:
    """The place of this home's database, made if need be; raises SetupError or OSError."""
    root = os.geteuid() == 0
    mode = 0o711 if root else 0o700  # root's server is another account: it may pass, not look
    home.mkdir(mode=mode, parents=True, exist_ok=True)
    folder = home.resolve() / "postgres"
    _own(folder, mode=mode)
    if not root:
        return Place(folder=folder, uid=os.geteuid(), gid=os.getegid())
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise SetupError(
            "PostgreSQL does not run as root, and this machine has no account `nobody` for it. "
            "Run Spotloom as an ordinary user, or set DATABASE_URL."
        ) from None
    place = Place(folder=folder, uid=nobody.pw_uid, gid=nobody.pw_gid)
    if not place.can("exit 0"):
        raise SetupError(
            "PostgreSQL does not run as root, and this root may not run it as `nobody` "
            "(a container with a single user?). Run Spotloom as an ordinary user, or set "
            "DATABASE_URL."
        )
    note = folder / "moved-to"
    if note.exists():
        return replace(place, folder=_moved(note))
    if place.can('cd "$1"', folder):
        return place
    # Closed folders lie above it, and to open them is not ours to decide.
    return replace(place, folder=_elsewhere(folder, note))


def _elsewhere(folder: Path, note: Path) -> Path:
    """A folder of the system for this home's database, which the home then remembers.

    Its name is random: a home that was deleted and made again begins with an empty database.
    """
    SYSTEM.parent.mkdir(parents=True, exist_ok=True)
    _own(SYSTEM, mode=0o711)
    elsewhere = SYSTEM / secrets.token_hex(8)
    elsewhere.mkdir(mode=0o711)
    write(elsewhere / "home", f"{folder}\n")  # for whoever clears up
    draft = note.with_name(f"{note.name}.{os.getpid()}")
    draft.write_text(f"{elsewhere}\n", encoding="utf-8")
    try:
        os.link(draft, note)  # never replaces: of several starters at once, the first decides
    except FileExistsError:
        shutil.rmtree(elsewhere)
        return _moved(note)
    finally:
        draft.unlink()
    return elsewhere


def write(path: Path, text: str) -> None:
    """Replace the file as a whole, or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _moved(note: Path) -> Path:
    folder = Path(note.read_text(encoding="utf-8").strip())
    if folder.parent != SYSTEM or not folder.is_dir():
        raise SetupError(
            f"{note} says that the database is in {folder}, which is not there. "
            f"Put that folder back, or delete {note} to begin with an empty database."
        )
    _own(folder, mode=0o711)
    return folder


def _own(folder: Path, *, mode: int) -> None:
    """Make the folder; one that is there must be ours, for others may have laid it."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=mode)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise SetupError(f"{folder} must be a folder, not a link or a file. Move it away.")
    if found.st_uid != os.geteuid():
        raise _belongs(folder, found.st_uid)
    if stat.S_IMODE(found.st_mode) != mode:
        folder.chmod(mode)


def _belongs(folder: Path, owner: int) -> SetupError:
    return SetupError(
        f"{folder} belongs to {_name(owner)}, and Spotloom runs as {_name(os.geteuid())}. "
        f"Run it as {_name(owner)}, or choose another SPOTLOOM_HOME."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
