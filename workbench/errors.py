"""Expected failures, and how a command reports them: one or two lines and an exit code, never a traceback."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from .terminal import echo

EXIT_FAILURE, EXIT_INTERRUPTED = 1, 130
PLACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class UserError(click.ClickException):
    """A failure that its user can mend: the message says in one or two lines what is wrong and what to do.

    The command ends with exit code 1.
    """


class RecordingError(UserError):
    """A recording that is missing, damaged or of another shape; the message says what is wrong with it."""


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Run a command in the block: an expected failure becomes lines on the error stream and an exit code."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        _print_error(error.format_message())
        if error.ctx:
            click.echo(f"See {error.ctx.command_path} --help.", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _print_error(error.format_message())
        sys.exit(error.exit_code)
    except OSError as error:
        _print_error(_place_message(error))
        sys.exit(EXIT_FAILURE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nStopped; what was recorded until then can be read.", err=True)
        sys.exit(EXIT_INTERRUPTED)


def _place_message(error: OSError) -> str:
    """The message for a place that cannot be written or read; raises any other error again."""
    if error.errno == errno.ENAMETOOLONG:
        return "a name is too long for this file system"
    if error.errno not in PLACE_ERRORS:
        raise error
    place = f"{error.filename}: " if error.filename else ""
    advice = "free some space, or choose another folder (that of the data with TRACETRACK_DATA_DIR)"
    return f"{place}{error.strerror}; {advice}"


def _print_error(message: str) -> None:
    echo(f"Error: {message}", err=True)
