"""`python -m reference_app migrate`: give a database the schema that the application needs."""

import os

import click

from .migrate import INDEXES, PARTS, MigrationError, migrate
from .settings import PREFIX

VARIABLE = f"{PREFIX}DATABASE_URL"


@click.group()
def main():
    """Look after TraceTrack's database."""


@main.command("migrate")
@click.option("--dry-run", is_flag=True, help="Try it, tell what would be done, and roll it back.")
@click.option(
    "--indexes",
    type=click.Choice(list(INDEXES)),
    default="btree",
    show_default=True,
    help="Which indexes besides those of the keys; trigram has the B-trees too.",
)
@click.option(
    "--with", "parts", type=click.Choice(PARTS), multiple=True, help="A part that not every deployment wants."
)
def migrate_(dry_run, indexes, parts):
    """Create what the database of TRACETRACK_DATABASE_URL lacks, all or nothing, and tell each thing in a line.

    Old names are changed to the right ones with their rows. Nothing is removed, and nothing extra is touched.
    """
    if not (url := os.environ.get(VARIABLE)):
        raise click.ClickException(f"{VARIABLE} is not set; it names the database to migrate")
    try:
        lines = migrate(url, indexes, parts, dry_run)
    except MigrationError as error:
        raise click.ClickException(str(error)) from None
    for line in lines or ["nothing was missing"]:
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m reference_app")
