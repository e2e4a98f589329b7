"""The command line: what a person types, and what they are told."""

import logging
import sys

import structlog
import typer

from spotloom import settings as setting
from spotloom.campaigns.budgets import BudgetRefused
from spotloom.cli import say
from spotloom.cli.doctor import doctor_command
from spotloom.cli.make import demo_command, make_command
from spotloom.cli.plan import plan_command
from spotloom.cli.serve import sandbox_command
from spotloom.cli.show import status_command, watch_command
from spotloom.errors import BriefError, Conflict, NotFound, SetupError, SpotloomError

BAD_MACHINE, BAD_INPUT, OVER_BUDGET = 1, 2, 3

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="One advertising brief into hundreds of video variations.",
)
app.command("demo")(demo_command)
app.command("plan")(plan_command)
app.command("make")(make_command)
app.command("status")(status_command)
app.command("watch")(watch_command)
app.command("doctor")(doctor_command)
app.command("sandbox")(sandbox_command)


@app.callback()
def _root() -> None:
    """One advertising brief into hundreds of video variations."""


def main() -> None:
    """Run the command line; the exit code says who acts next."""
    try:
        _log_to_stderr()
        app()
    except SpotloomError as error:
        say.problem(error, as_json="--json" in sys.argv)
        sys.exit(_exit_code(error))
    except BrokenPipeError:
        sys.exit(BAD_MACHINE)


def _exit_code(error: SpotloomError) -> int:
    match error:
        case BudgetRefused():
            return OVER_BUDGET
        case BriefError() | NotFound() | Conflict():
            return BAD_INPUT
        case SetupError() | _:
            return BAD_MACHINE


def _log_to_stderr() -> None:
    level = logging.getLevelNamesMapping()[setting.load().log_level.upper()]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
