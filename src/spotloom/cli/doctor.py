"""`spotloom doctor`: checks what Spotloom stands on, and says what to do about it."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from spotloom import settings as setting
from spotloom.cli.say import answer_json, out, plain
from spotloom.errors import SetupError, SpotloomError
from spotloom.settings import Settings

if TYPE_CHECKING:
    from spotloom.campaigns.mirrors.places import Place

UNHEALTHY = 1
WIDTH = 15


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and whether work can go on."""

    thing: str
    well: bool
    says: str


def doctor_command(
    fix: Annotated[bool, typer.Option("--fix", help="Bring the tables up to date.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the data folder, the database, the store, the providers and Notion.

    Each is really used for a moment; nothing is ordered and nothing is paid.

    Exit code 0: all is well. 1: something is wrong, and it says what to do.

    Examples:
      spotloom doctor
      spotloom doctor --fix
    """
    settings = setting.load()
    findings = []
    for finding in _look(settings, fix=fix):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        answer_json([{"thing": f.thing, "well": f.well, "says": f.says} for f in findings])
    if not all(f.well for f in findings):
        raise typer.Exit(UNHEALTHY)


def _tell(finding: Finding) -> None:
    mark = ("ok    ", "green") if finding.well else ("wrong ", "bold red")
    thing = (finding.thing.ljust(WIDTH), "bold")
    out.print(Text.assemble(mark, thing, plain(finding.says)), soft_wrap=True)


def _look(settings: Settings, *, fix: bool) -> Iterator[Finding]:
    from spotloom import wiring

    try:
        home = wiring.prepare_home(settings)
    except SetupError as error:
        yield Finding("data folder", well=False, says=str(error))
        return
    free = shutil.disk_usage(home).free
    yield Finding("data folder", well=True, says=f"{home}, {free / 1e9:,.1f} GB free")
    yield from _database(settings, home, fix=fix)
    yield asyncio.run(_store(settings, home))
    yield asyncio.run(_provider(settings, home, wiring.SANDBOX))
    if settings.sora_base_url is not None or settings.provider == wiring.OPENAI_VIDEOS:
        yield asyncio.run(_provider(settings, home, wiring.OPENAI_VIDEOS))
    else:
        says = "not used; for real footage set SORA_BASE_URL (and SORA_API_KEY)"
        yield Finding(wiring.OPENAI_VIDEOS, well=True, says=says)
    yield asyncio.run(_notion(settings, home))
    if settings.clerk_publishable_key is not None:
        yield _clerk(settings)


def _clerk(settings: Settings) -> Finding:
    """Whether Clerk's tokens and webhooks could be checked; it is not asked."""
    from spotloom.auth.issuers import tokens
    from spotloom.web.sign_in import clerk
    from spotloom.wiring import serving

    try:
        given = serving.clerk(settings)
        if given is not None:
            tokens.public_key(given.jwt_key)
            _ = given.issuer  # which the publishable key carries
        warnings = clerk.check(given).values()
    except SetupError as error:
        return Finding("Clerk", well=False, says=str(error))
    return Finding("Clerk", well=True, says=" ".join(f"warning: {w}" for w in warnings) or "set up")


def _database(settings: Settings, home: Path, *, fix: bool) -> Iterator[Finding]:
    from spotloom import wiring
    from spotloom.campaigns import database

    which = "DATABASE_URL" if settings.database_url else "the one that comes with Spotloom"
    try:
        with wiring.database_url(settings, home) as url:
            version = database.check(url)
            yield Finding("database", well=True, says=f"PostgreSQL {version}, {which}")
            if not database.pending(url):
                yield Finding("tables", well=True, says="up to date")
            elif fix:
                database.migrate(url)
                yield Finding("tables", well=True, says="brought up to date")
            else:
                says = "older than this version; the next `make` or `doctor --fix` updates them"
                yield Finding("tables", well=True, says=says)
    except SetupError as error:
        yield Finding("database", well=False, says=str(error))


async def _store(settings: Settings, home: Path) -> Finding:
    """Whether a file can be put into the store and taken away again."""
    from spotloom.media.store import Store

    where = settings.store or str(home / "media")
    try:
        store = Store.open(where)
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"ok")
            file.flush()
            await store.put_file("doctor/try.txt", Path(file.name), content_type="text/plain")
        await store.delete("doctor/try.txt")
    except SpotloomError as error:
        return Finding("store", well=False, says=str(error))
    return Finding("store", well=True, says=store.name)


async def _notion(settings: Settings, home: Path) -> Finding:
    """Whether Notion takes the key, and shows the database that is written to."""
    from spotloom.wiring import notion

    if settings.notion_api_key is None:
        return Finding("Notion", well=True, says="not used; to mirror videos set NOTION_API_KEY")
    try:
        says = await notion.examined(settings, await _place(settings, home))
        return Finding("Notion", well=True, says=says)
    except SpotloomError as error:
        says = f"{error} Check NOTION_API_KEY, and what is shared with that connection."
        return Finding("Notion", well=False, says=says)


async def _place(settings: Settings, home: Path) -> "Place | None":
    """The database in Notion that videos are shown in, if any."""
    from spotloom import wiring
    from spotloom.campaigns import database
    from spotloom.campaigns.mirrors import places
    from spotloom.generation.mirrors.notion import TARGET

    with wiring.database_url(settings, home) as url:
        if database.pending(url):
            return None
        engine, sessions = database.connect(url, role=database.Role.WORKER, pool=1)
        try:
            async with sessions() as session:
                return await places.of_any(session, TARGET)
        finally:
            await engine.dispose()


async def _provider(settings: Settings, home: Path, name: str) -> Finding:
    """Whether the provider answers a question about a job that it cannot have."""
    from spotloom import wiring
    from spotloom.providers.provider import answers

    try:
        async with wiring.providers(settings, home, names={name}) as [provider]:
            await answers(provider)
    except SpotloomError as error:
        advice = "" if name == wiring.SANDBOX else " Check SORA_BASE_URL and SORA_API_KEY."
        return Finding(name, well=False, says=f"{error}{advice}")
    if name == wiring.SANDBOX:
        return Finding(name, well=True, says="answers; draws animatics, charges nothing")
    key = "with SORA_API_KEY" if settings.sora_api_key else "without a key"
    says = f"{provider.account} answers {key}, as dialect {settings.dialect}"
    return Finding(name, well=True, says=says)
