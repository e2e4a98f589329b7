"""`spotloom doctor`: checks what Spotloom stands on, and says what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from spotloom import settings as setting
from spotloom import wiring
from spotloom.campaigns import database
from spotloom.cli.say import answer_json, out
from spotloom.errors import SetupError
from spotloom.media.store import Store
from spotloom.settings import Settings

UNHEALTHY = 1


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
    """Check the data folder, the database, the store and the providers.

    Exit code 0: all is well. 1: something is wrong, and it says what to do.
    """
    settings = setting.load()
    findings = list(_look(settings, fix=fix))
    if as_json:
        answer_json([{"thing": f.thing, "well": f.well, "says": f.says} for f in findings])
    else:
        for finding in findings:
            mark = "[green]ok[/]   " if finding.well else "[red]wrong[/]"
            out.print(f"{mark} [bold]{finding.thing}[/]  ", end="")
            out.print(finding.says, markup=False, soft_wrap=True)
    if not all(f.well for f in findings):
        raise typer.Exit(UNHEALTHY)


def _look(settings: Settings, *, fix: bool) -> Iterator[Finding]:
    try:
        home = wiring.prepare_home(settings)
    except SetupError as error:
        yield Finding("data folder", well=False, says=str(error))
        return
    yield Finding("data folder", well=True, says=str(home))
    yield from _database(settings, home, fix=fix)
    yield _store(settings, home)
    yield from _providers(settings)


def _database(settings: Settings, home: Path, *, fix: bool) -> Iterator[Finding]:
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


def _store(settings: Settings, home: Path) -> Finding:
    where = settings.store or str(home / "media")
    try:
        Store.open(where)
    except SetupError as error:
        return Finding("store", well=False, says=str(error))
    return Finding("store", well=True, says=where)


def _providers(settings: Settings) -> Iterator[Finding]:
    yield Finding("sandbox", well=True, says="always there, draws animatics, charges nothing")
    chosen = settings.provider == "openai-videos"
    if settings.sora_base_url is None:
        says = "not configured: set SORA_BASE_URL (and SORA_API_KEY) to make real footage"
        yield Finding("openai-videos", well=not chosen, says=says)
        return
    key = "with SORA_API_KEY" if settings.sora_api_key else "without a key"
    says = f"{settings.sora_base_url}, {key}, dialect {settings.dialect}"
    yield Finding("openai-videos", well=True, says=says)
