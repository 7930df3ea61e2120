"""`python -m reference_app`: give a database the schema that the application needs, and a role the rights."""

import os

import click
import psycopg2
from sqlalchemy import make_url

from . import role_grants
from .migrate import INDEXES, OPTIONAL_PARTS, MigrationError, migrate
from .service_urls import DATABASE_EXAMPLE, is_database_url
from .settings import PREFIX

VARIABLE = f"{PREFIX}DATABASE_URL"


@click.group()
def main() -> None:
    """Manage the schema of TraceTrack's database, and who may use it."""


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


@main.command("grant")
@click.argument("role")
def grant_command(role: str) -> None:
    """Let ROLE, which need not own anything, run the application in the database of TRACETRACK_DATABASE_URL.

    The URL names the owner of the schema. Run it again after a migration.
    """
    try:
        role_grants.grant_in(_database_url(), role)
    except psycopg2.Error as error:
        raise click.ClickException(f"nothing was granted: {str(error).strip().splitlines()[0]}") from None
    click.echo(f"{role} may run the application")


def _database_url() -> str:
    if not (url := os.environ.get(VARIABLE)):
        raise click.ClickException(f"{VARIABLE} is not set; set it to the URL of the database")
    if not is_database_url(url):
        raise click.ClickException(f"{VARIABLE} cannot be used; it looks like {DATABASE_EXAMPLE}")
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main(prog_name="python -m reference_app")
