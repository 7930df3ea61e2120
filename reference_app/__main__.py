"""`python -m reference_app migrate`: give a database the schema that the application needs."""

import os

import click

from .migrate import INDEXES, OPTIONAL_PARTS, MigrationError, migrate
from .settings import PREFIX

VARIABLE = f"{PREFIX}DATABASE_URL"


@click.group()
def main() -> None:
    """Manage the schema of TraceTrack's database."""


@main.command("migrate")
@click.option("--dry-run", is_flag=True, help="Try the migration, print what it would do, and roll it back.")
@click.option(
    "--indexes",
    type=click.Choice(list(INDEXES)),
    default="btree",
    show_default=True,
    help="Indexes besides those of the keys; trigram includes btree.",
)
@click.option(
    "--with", "parts", type=click.Choice(OPTIONAL_PARTS), multiple=True, help="A part that not every deployment needs."
)
def migrate_command(dry_run: bool, indexes: str, parts: tuple[str, ...]) -> None:
    """Create what the database of TRACETRACK_DATABASE_URL lacks, all or nothing, and print a line for each change.

    Old tables and columns are renamed with their rows. Nothing is removed, and nothing extra is changed.
    """
    if not (url := os.environ.get(VARIABLE)):
        raise click.ClickException(f"{VARIABLE} is not set; set it to the URL of the database to migrate")
    try:
        lines = migrate(url, indexes, parts, dry_run)
    except MigrationError as error:
        raise click.ClickException(str(error)) from None
    for line in lines or ["nothing was missing"]:
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m reference_app")
