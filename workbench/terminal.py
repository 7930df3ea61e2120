"""Lines for the terminal, in which text of others may stand: a record's, a request's, an error's, a log's."""

import click

from .redaction import redacted
from .text_cleaning import Target, cleaned


def echo(text: object, *, err: bool = False) -> None:
    """Print lines, on the error stream with `err`, without secrets and without what would steer the terminal."""
    click.echo(cleaned(redacted(str(text)), Target.LINES), err=err)
