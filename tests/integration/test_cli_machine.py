"""What is in the way on the machine is told in one message, and leaves nothing half-made."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jwk
from tests.integration.command_line import PROGRAM, Place, ended, written

import spotloom

ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="only root may mount")


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(home=tmp_path / "home", cwd=tmp_path)


@pytest.fixture
def brief(tmp_path) -> Path:
    return written(tmp_path / "brief.yaml")


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """The folder as a small file system of its own."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, timeout=30, check=False).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=30)


def refused(place: Place, *words: str | Path, **settings: str) -> str:
    """The one message of a command that the machine did not let do its work."""
    said = place.run(*words, "--json", **settings)
    assert said.code == 1, said
    assert "Traceback" not in said.err
    message = str(said.json["error"]["message"])
    assert " ".join(message.split()) in said.words
    return message


def test_the_version_is_told_whatever_the_machine_is_like(place):
    said = place.run("--version", DATABASE_URL="no address at all")
    assert (said.code, said.out) == (0, f"spotloom {spotloom.__version__}\n")


@only_root
def test_a_data_folder_without_room_is_told_before_anything_is_made(place, brief, tmp_path):
    with mounted(tmp_path / "small", "size=2m") as small:
        message = refused(place, "make", brief, "--out", "out", SPOTLOOM_HOME=str(small))
        assert list(small.iterdir()) == []
    assert f"The disk of the data folder {small} has 2 MB left" in message
    assert not (tmp_path / "out").exists()


@only_root
def test_a_read_only_data_folder_is_told(place, brief, tmp_path):
    with mounted(tmp_path / "closed", "size=300m,ro") as closed:
        message = refused(place, "make", brief, "--out", "out", SPOTLOOM_HOME=str(closed))
    assert f"The data folder {closed} cannot be written: Read-only file system." in message
    assert "Set SPOTLOOM_HOME" in message
    assert not (tmp_path / "out").exists()


@only_root
def test_an_ordinary_user_without_rights_is_told(place, brief, tmp_path):
    """As an account that may not write there; root may write everywhere."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *PROGRAM]
    settings = place.environment({"SPOTLOOM_HOME": str(closed), "HOME": "/nonexistent"})
    process = subprocess.Popen(
        [*command, "make", str(brief), "--out", str(tmp_path / "out")],
        cwd="/",
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    said = ended(process)
    assert said.code == 1, said
    assert f"The data folder {closed} cannot be written: Permission denied." in said.words
    assert "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_data_folder_is_told(place, brief, tmp_path):
    (tmp_path / "home").write_text("a file")
    assert "cannot be written: File exists." in refused(place, "make", brief)


def test_a_store_that_cannot_be_is_told(place, brief, home):
    (home / "file").write_text("x")
    message = refused(
        Place(home=home, cwd=place.cwd), "make", brief, SPOTLOOM_STORE=str(home / "file")
    )
    assert f"{home / 'file'} cannot hold the files" in message


PASSWORD = "p%40ss-w%5Brd-%E2%82%AC"  # p@ss-w[rd-€
TOLD = ("p%40ss", "p@ss", "w[rd", "w%5Brd", "€")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/x", "Connection refused"),
        (f"mysql://me:{PASSWORD}@127.0.0.1/x", "must be a postgresql:// URL"),
        ("postgresql://me:p@ss-w[rd-€@127.0.0.1:1/x", "DATABASE_URL"),
        ("postgresql://me:p@ss-w[rd-€/x@127.0.0.1:1/x", "DATABASE_URL"),
        (f"postgresql://me:{PASSWORD}@127.0.0.1:port/x", "DATABASE_URL"),
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/x?sslmode=often", "DATABASE_URL"),
        ("just a text", "must be a postgresql:// URL"),
    ],
)
def test_a_dead_database_is_told_without_its_password(place, brief, tmp_path, url, says):
    said = place.run("make", brief, "--out", "out", "--json", DATABASE_URL=url)
    assert said.code == 1, said
    assert says in said.json["error"]["message"]
    assert "DATABASE_URL" in said.json["error"]["message"]
    assert not [part for part in TOLD if part in said.out + said.err]
    assert not (tmp_path / "out").exists()


def test_a_wrong_password_is_told_without_it(place, brief, tmp_path, password_server):
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:{password_server}/x"
    message = refused(place, "make", brief, "--out", "out", DATABASE_URL=url)
    assert 'password authentication failed for user "me"' in message
    assert not [part for part in TOLD if part in message]
    assert not (tmp_path / "out").exists()


@pytest.fixture
def password_server() -> Iterator[int]:
    """A server that speaks just enough of PostgreSQL's protocol to refuse every password."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        thread = threading.Thread(target=_refuse_passwords, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _refuse_passwords(listener: socket.socket) -> None:
    refusal = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "me"\0\0'
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                while (told := connection.recv(1024))[:1] == b"\0" and len(told) == 8:
                    connection.sendall(b"N")  # neither TLS nor GSSAPI here
                connection.sendall(b"R\0\0\0\x08\0\0\0\x03")  # the password in clear, please
                connection.recv(1024)
                length = (4 + len(refusal)).to_bytes(4, "big")
                connection.sendall(b"E" + length + refusal)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"SPOTLOOM_MAX_CONCURRENT": "0"}, "SPOTLOOM_MAX_CONCURRENT: "),
        ({"SPOTLOOM_MAX_CONCURRENT": "four"}, "not 'four'"),
        ({"SPOTLOOM_PROVIDER": "foo"}, "'sandbox' or 'openai-videos', not 'foo'"),
        ({"SPOTLOOM_DIALECT": "sgl"}, "'sglang'"),
        ({"SPOTLOOM_POLL_SECONDS": "-3"}, "not '-3'"),
        ({"SPOTLOOM_LOG_LEVEL": "loud"}, "SPOTLOOM_LOG_LEVEL: "),
        ({"SORA_BASE_URL": "127.0.0.1:8000"}, "SORA_BASE_URL: "),
    ],
)
def test_a_setting_that_cannot_be_is_told_by_its_name(place, brief, settings, says):
    message = refused(place, "plan", brief, **settings)
    assert message.startswith("These settings cannot be used:")
    assert says in message


def test_all_settings_that_cannot_be_are_told_at_once(place, brief):
    wrong = {"SPOTLOOM_PROVIDER": "foo", "SPOTLOOM_MAX_VIDEOS": "0", "SPOTLOOM_MAX_FILE_MB": "x"}
    message = refused(place, "plan", brief, **wrong)
    assert [name for name in wrong if f"\n  {name}: " in message] == list(wrong)


@pytest.mark.parametrize("content", [b"SORA_API_KEY=caf\xe9\n", None])
def test_a_settings_file_that_cannot_be_read_is_told(place, brief, tmp_path, content):
    file = tmp_path / ".env"
    file.mkdir() if content is None else file.write_bytes(content)
    said = place.run("plan", brief)
    if content is None:  # a folder of that name is none of ours
        assert said.code == 0
    else:
        assert said.code == 1
        assert ".env" in said.words
        assert "Traceback" not in said.err


def test_help_comes_whatever_the_settings_are(place):
    for command in ("plan", "make", "doctor", "sandbox"):
        said = place.run(command, "--help", SPOTLOOM_MAX_CONCURRENT="0")
        assert said.code == 0
        assert "Examples:" in said.out


def test_the_other_provider_without_its_address_is_told_first(place, brief, tmp_path):
    message = refused(place, "make", brief, "--provider", "openai-videos", "--yes")
    assert "openai-videos needs SORA_BASE_URL" in message
    assert not place.home.exists()
    assert not (tmp_path / "out").exists()


def test_a_port_in_use_is_told(place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = place.run("sandbox", "--port", str(port))
    assert said.code == 1
    assert f"Port {port} is in use; choose another with --port." in said.words


def test_a_table_that_cannot_be_written_is_told(place, brief, tmp_path):
    message = refused(place, "plan", brief, "--csv", tmp_path / "none" / "matrix.csv")
    assert "matrix.csv cannot be written: No such file or directory." in message


def test_doctor_tells_what_is_wrong_and_what_to_do(place, home):
    healthy = Place(home=home, cwd=place.cwd)
    said = healthy.run("doctor", "--json", SORA_BASE_URL="http://127.0.0.1:9/v1")
    assert said.code == 1
    found = {finding["thing"]: finding for finding in said.json}
    assert [thing for thing, finding in found.items() if not finding["well"]] == ["openai-videos"]
    assert "Check SORA_BASE_URL" in found["openai-videos"]["says"]
    said = healthy.run("doctor", "--fix")
    assert said.code == 0, said
    assert said.out.count("ok ") == 7


def test_doctor_warns_of_a_clerk_that_tells_us_nothing_or_lets_everybody_in(place, home):
    healthy = Place(home=home, cwd=place.cwd)
    clerk = {
        "CLERK_PUBLISHABLE_KEY": "pk_test_Y2xlcmsuc3R1ZGlvLmV4YW1wbGUk",
        "CLERK_JWT_KEY": jwk.RSAKey.generate_key(2048).as_pem(private=False).decode(),
    }

    def found(**more):
        given = {"CLERK_ORGANIZATIONS": "org_1, org_2"} | more
        told = healthy.run("doctor", "--json", **clerk, **given).json
        return next(finding for finding in told if finding["thing"] == "Clerk")

    untold = found()
    assert untold["well"]
    assert "warning: Clerk is used without CLERK_WEBHOOK_SECRET" in untold["says"]
    wrong = found(CLERK_WEBHOOK_SECRET="whsec_not-base64!")
    assert not wrong["well"]
    assert "CLERK_WEBHOOK_SECRET begins with whsec_" in wrong["says"]
    well = found(CLERK_WEBHOOK_SECRET="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert well == {"thing": "Clerk", "well": True, "says": "set up"}
    anybody = found(CLERK_ORGANIZATIONS="")
    assert anybody["well"]
    assert "warning: Clerk is used without CLERK_ORGANIZATIONS" in anybody["says"]
    named = found(CLERK_ORGANIZATIONS="org_1,Acme")
    assert not named["well"]
    assert "CLERK_ORGANIZATIONS holds 'Acme'" in named["says"]
    said = healthy.run("up", "--port", "0", **clerk, CLERK_WEBHOOK_SECRET="whsec_not-base64!")
    assert said.code == 1
    assert "CLERK_WEBHOOK_SECRET begins with whsec_" in said.err


def test_plan_and_help_load_nothing_heavy(place, brief):
    """What they do not import cannot slow them down."""
    heavy = ("dbos", "sqlalchemy", "av", "fastapi", "obstore", "psycopg", "alembic", "numpy", "PIL")
    script = (
        "import sys\nfrom spotloom import cli\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print(*({{*{heavy}}} & set(sys.modules)), file=sys.stderr)"
    )
    for words in (["plan", str(brief)], ["--help"], ["make", "--help"]):
        said = subprocess.run(
            [sys.executable, "-c", script, *words],
            env=place.environment({}),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert said.stderr.strip() == "", words
