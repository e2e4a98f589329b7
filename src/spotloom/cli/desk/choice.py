"""Chooses where a command is carried out: at the server that was named, else here.

No command knows which desk it has.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

from spotloom import settings as setting
from spotloom.cli.desk.shapes import Desk
from spotloom.errors import BriefError, Problem

P = ParamSpec("P")
T = TypeVar("T")

Server = Annotated[
    str | None,
    typer.Option(help="Do it at this server instead of here. [SPOTLOOM_SERVER]", metavar="URL"),
]
Key = Annotated[
    str | None, typer.Option(help="The API key for the server. [SPOTLOOM_KEY]", metavar="KEY")
]


def anywhere(command: Callable[Concatenate[Desk, P], T]) -> Callable[..., T]:
    """The command at its desk, with the options `--server` and `--key` beside its own."""

    @functools.wraps(command)
    def asked(*args: Any, server: str | None = None, key: str | None = None, **own: Any) -> T:
        return command(_desk(server, key), *args, **own)

    _, *own = inspect.signature(command).parameters.values()
    keyword = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter(name, keyword, default=None, annotation=kind)
        for name, kind in (("server", Server), ("key", Key))
    ]
    asked.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined] # read by typer
    asked.__annotations__ = {p.name: p.annotation for p in (*own, *more)}
    return asked


def _desk(server: str | None, key: str | None) -> Desk:
    settings = setting.load()
    at = server or (settings.server and str(settings.server))
    if not at:
        if key is not None:
            raise BriefError([Problem("--key", "is for a server; name it with --server.")])
        from spotloom.cli.desk.here import Here

        return Here(settings)
    given = key or (settings.key and settings.key.get_secret_value())
    if not given:
        raise BriefError([Problem("--key", f"is needed for {at}; or set SPOTLOOM_KEY.")])
    from spotloom.cli.desk.there import There

    return There(at, key=given)
