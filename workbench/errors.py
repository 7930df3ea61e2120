"""Expected failures and interruptions, and how a command reports them: one or two lines and an exit code."""

import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import click

from .interruption import EXIT_INTERRUPTED, INTERRUPTIONS, raising_interruptions
from .paths import data_directory
from .terminal import echo

EXIT_FAILURE, EXIT_INVALID = 1, 3  # 2, for wrong usage, is click's
DATA = "TRACETRACK_DATA_DIR"
PLACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class UserError(click.ClickException):
    """A failure that its user can mend: the message says in one or two lines what is wrong and what to do.

    The command ends with exit code 1.
    """


class UsageError(UserError):
    """Wrong usage that click's own checks cannot see, such as an unknown name: exit code 2."""

    exit_code = click.UsageError.exit_code


class RecordingError(UserError):
    """A recording that is missing, damaged or of another shape; the message says what is wrong with it."""


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Run a command in the block: an expected failure becomes lines on the error stream and an exit code.

    Ctrl-C, SIGTERM and SIGHUP raise `Interrupted` in the block and end the program with exit code 130, also where
    another error takes the place of the exception, or a finalizer drops it.
    """
    with raising_interruptions() as received:
        try:
            with _reporting_failures():
                yield
        except (click.Abort, KeyboardInterrupt) as error:
            _exit_interrupted(str(error.__cause__ or error))
        except BaseException:
            if not received:
                raise
        if received:
            _exit_interrupted(received[0])


def _exit_interrupted(reason: str) -> NoReturn:
    for number in INTERRUPTIONS:  # a further signal must not cut short what runs at exit
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # the terminal may be gone
        click.echo(f"\n{reason or 'stopped'}; what was recorded until then can be read", err=True)
    sys.exit(EXIT_INTERRUPTED)


@contextmanager
def _reporting_failures() -> Iterator[None]:
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


def _place_message(error: OSError) -> str:
    """The message for a place that cannot be written or read; raises any other error again."""
    if error.errno == errno.ENAMETOOLONG:
        return "a name is too long for this file system"
    if error.errno == errno.EEXIST and _is_folder_of_data(error.filename):
        return f"{error.filename} is no folder; remove it, or choose another folder of the data with {DATA}"
    is_missing = error.errno == errno.ENOENT and _is_folder_of_data(error.filename)
    if error.errno not in PLACE_ERRORS and not is_missing:
        raise error
    place = f"{error.filename}: " if error.filename else ""
    free = "free some space, or " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{place}{error.strerror}; {free}choose another folder (that of the data with {DATA})"


def _is_folder_of_data(name: object) -> bool:
    """Whether a path is the folder of the data, one above it, or one in it: those that commands create."""
    data = data_directory()
    return isinstance(name, str) and Path(name) in (data, *data.parents, data / Path(name).name)


def _print_error(message: str) -> None:
    echo(f"Error: {message}", err=True)
