"""What a person is told when something cannot be done."""

import click


class Problem(click.ClickException):
    """One or two lines that say what is wrong and what to do; the command ends with exit code 1."""
