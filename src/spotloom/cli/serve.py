"""`spotloom sandbox`: our own keyless video API in the foreground, for trying and testing."""

from pathlib import Path
from typing import Annotated

import typer

from spotloom import settings as setting


def sandbox_command(
    port: Annotated[
        int, typer.Option(help="Loopback port; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    faults: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of scripted faults.",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="Videos at once.", min=1, max=1000)] = 4,
    home: Annotated[
        Path | None, typer.Option(help="Folder for jobs, ledger and files.", metavar="DIR")
    ] = None,
    instant_seconds: Annotated[
        float | None,
        typer.Option(
            help="Each job takes this long and yields a stock clip instead of a drawing.",
            metavar="SECONDS",
            min=0,
        ),
    ] = None,
    webhook_url: Annotated[
        str | None, typer.Option(help="Where to announce ends.", metavar="URL")
    ] = None,
    webhook_secret: Annotated[
        str | None, typer.Option(help="Signs the webhooks.", metavar="SECRET")
    ] = None,
) -> None:
    """Run a video API that speaks /v1/videos, draws animatics, and misbehaves on request.

    Point any client at it: SORA_BASE_URL=http://127.0.0.1:PORT/v1

    Exit code 0: stopped with Ctrl-C. 1: the port or the folder cannot be used.

    Examples:
      spotloom sandbox
      spotloom sandbox --port 8123 --limit 8 --instant-seconds 0.5
    """
    from spotloom.sandbox import __main__ as sandbox

    folder = home or setting.load().data / "sandbox-served"
    arguments = ["--home", str(folder), "--port", str(port), "--limit", str(limit)]
    given = {
        "--faults": faults,
        "--instant-seconds": instant_seconds,
        "--webhook-url": webhook_url,
        "--webhook-secret": webhook_secret,
    }
    for name, value in given.items():
        if value is not None:
            arguments.append(f"{name}={value}")  # one word, so that -1 is not taken for an option
    raise typer.Exit(sandbox.main(arguments))
