"""The command line: what a person types, and what they are told."""

import logging
import os
import sys
import traceback
from typing import Annotated

import typer

import spotloom
from spotloom.cli import say
from spotloom.cli.access import key_app, login_link_command
from spotloom.cli.control import (
    cancel_command,
    pause_command,
    priority_command,
    resolve_command,
    resume_command,
    retry_command,
)
from spotloom.cli.desk.choice import anywhere
from spotloom.cli.doctor import doctor_command
from spotloom.cli.export.command import export_command
from spotloom.cli.lanes import budget_command, lanes_command
from spotloom.cli.make import demo_command, make_command
from spotloom.cli.notion import notion_app
from spotloom.cli.plan import plan_command
from spotloom.cli.serve import sandbox_command
from spotloom.cli.show import status_command, watch_command
from spotloom.cli.work import up_command, worker_command
from spotloom.errors import BriefError, BudgetRefused, Conflict, NotFound, SpotloomError

BAD_MACHINE, BAD_INPUT, OVER_BUDGET, INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="One advertising brief into hundreds of video variations.",
    epilog="Start with: spotloom demo. Every command explains itself with --help.",
)
app.command("demo")(demo_command)
app.command("plan")(anywhere(plan_command))
app.command("make")(anywhere(make_command))
app.command("status")(anywhere(status_command))
app.command("watch")(anywhere(watch_command))
app.command("export")(anywhere(export_command))
app.command("cancel")(anywhere(cancel_command))
app.command("retry")(anywhere(retry_command))
app.command("pause")(anywhere(pause_command))
app.command("resume")(anywhere(resume_command))
app.command("priority")(anywhere(priority_command))
app.command("resolve")(anywhere(resolve_command))
app.command("lanes")(anywhere(lanes_command))
app.command("budget")(anywhere(budget_command))
app.command("worker")(worker_command)
app.command("up")(up_command)
app.command("login-link")(login_link_command)
app.add_typer(key_app, name="key")
app.add_typer(notion_app, name="notion")
app.command("doctor")(doctor_command)
app.command("sandbox")(sandbox_command)


def _tell_version(asked: bool) -> None:
    if asked:
        say.out.print(f"spotloom {spotloom.__version__}")
        raise typer.Exit


_Version = typer.Option(
    "--version",
    help="Show the version and exit.",
    callback=_tell_version,
    is_eager=True,  # else it would ask for a command first
)


@app.callback()
def _root(version: Annotated[bool, _Version] = False) -> None:
    """One advertising brief into hundreds of video variations."""


def main() -> None:
    """Run the command line; the exit code says who acts next."""
    say.never_fail_on_letters()
    as_json = "--json" in sys.argv
    code = _run(as_json=as_json)
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or BAD_MACHINE
    sys.exit(code)


def _run(*, as_json: bool) -> int:
    try:
        return _called()
    except BrokenPipeError:
        return BAD_MACHINE
    except Exception as error:  # noqa: BLE001 # top of the process: even --json is answered
        return _failed(error, as_json=as_json)


def _called() -> int:
    if not {"--help", "--version"}.intersection(sys.argv):  # they come whatever the settings are
        _log_to_stderr()
    code = int(app(standalone_mode=False, prog_name="spotloom") or 0)
    if code == INTERRUPTED and not say.told(say.INTERRUPTED):
        raise typer.Abort
    return code


def _failed(error: Exception, *, as_json: bool) -> int:
    """Tell of it; the exit code."""
    match error:
        case SpotloomError():
            say.problem(error, as_json=as_json)
            return _exit_code(error)
        case typer.Abort():
            say.refusal("Stopped.", kind=say.INTERRUPTED, as_json=as_json)
            return INTERRUPTED
        case typer.TyperException():
            return _misused(error, as_json=as_json)
        case OSError():
            say.refusal(_of_system(error), kind="SetupError", as_json=as_json)
        case _:
            traceback.print_exception(error)
            words = f"Spotloom met a fault of its own: {type(error).__name__}: {error}"
            say.refusal(words, kind="Fault", as_json=as_json)
    return BAD_MACHINE


def _exit_code(error: SpotloomError) -> int:
    match error:
        case BudgetRefused():
            return OVER_BUDGET
        case BriefError() | NotFound() | Conflict():
            return BAD_INPUT
        case _:
            return BAD_MACHINE


def _misused(error: typer.TyperException, *, as_json: bool) -> int:
    """Tell of words that the command does not take."""
    if len(sys.argv) > 1:  # else the help was shown
        say.refusal(error.format_message(), kind="UsageError", as_json=as_json)
        context = getattr(error, "ctx", None)
        if context is not None:
            say.err.print(f"Try: {context.command_path} --help", markup=False)
    return BAD_INPUT


def _of_system(error: OSError) -> str:
    thing = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    return f"{thing}{error.strerror or error}"


def _log_to_stderr() -> None:
    from spotloom import logs
    from spotloom import settings as setting

    logs.configure(logging.getLevelNamesMapping()[setting.load().log_level.upper()])
