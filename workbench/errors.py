"""What a person is told when something cannot be done, and how a command ends then."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

PLACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class UserError(click.ClickException):
    """One or two lines that say what is wrong and what to do; the command ends with exit code 1."""


class RecordingError(UserError):
    """A recording that is none, or cannot be read; the message says what is missing."""


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Around a command: every expected failure is one or two lines on the error stream and an exit code."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        if error.ctx:
            click.echo(f"See {error.ctx.command_path} --help.", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            click.echo("Error: a name is too long for this file system", err=True)
            sys.exit(1)
        if error.errno not in PLACE_ERRORS:
            raise
        place = f"{error.filename}: " if error.filename else ""
        advice = "free some space, or choose another folder (that of the data with TRACETRACK_DATA_DIR)"
        click.echo(f"Error: {place}{error.strerror}; {advice}", err=True)
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nStopped; what was recorded until then can be read.", err=True)
        sys.exit(130)
