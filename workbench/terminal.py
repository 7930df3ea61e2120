"""Lines for the terminal, in which text of others may stand: a record's, a request's, an error's, a log's."""

import math
from typing import Any

import click

from .redaction import redacted
from .text_cleaning import Target, cleaned


def echo(text: object, *, err: bool = False) -> None:
    """Print lines, on the error stream with `err`, without secrets and without what would steer the terminal."""
    click.echo(cleaned(redacted(str(text)), Target.LINES), err=err)


class FiniteRange(click.FloatRange):
    """A number of an option within bounds; `nan` and infinity are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails with a usage error."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a number of the range {self._describe_range()}", param, ctx)
        return number
