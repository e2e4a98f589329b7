"""The command line: what a person types, and what they are told."""

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _root() -> None:
    """From one brief to hundreds of finished videos."""


def main() -> None:
    """Run the command line."""
    app()
