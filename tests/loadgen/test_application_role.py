"""The application's role in PostgreSQL: enough for every request, and for nothing else."""

from contextlib import closing

import psycopg2
import pytest
from click.testing import CliRunner

from loadgen import app_environment, deployments
from loadgen.services import connect
from reference_app.__main__ import main
from tests.reference_app.migration_target import MigrationTarget

FORBIDDEN = [
    "CREATE TABLE tracetrack.other (id int)",
    "CREATE TABLE public.other (id int)",
    "CREATE DATABASE other",
    "CREATE ROLE other",
    "DROP TABLE tracetrack.scan",
    "TRUNCATE tracetrack.scan",
    "DELETE FROM tracetrack.scan",
    "UPDATE tracetrack.\"user\" SET role = 'admin'",
    'UPDATE tracetrack."user" SET active = true',
    "INSERT INTO tracetrack.\"user\" (username, password_hash, role) VALUES ('x', '', 'admin')",
    "UPDATE tracetrack.bag SET qr_id = 'x'",
    "UPDATE tracetrack.scan SET bag_id = 1",
    "ALTER TABLE tracetrack.bag DISABLE TRIGGER ALL",
    "COPY tracetrack.bag TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY tracetrack.ended_session (id) FROM '/etc/passwd'",
    "COPY tracetrack.bag TO '/tmp/bag'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tracetrack'",
    "SELECT rolpassword FROM pg_authid",
    "SET ROLE tracetrack",
]


@pytest.fixture
def as_application(server, database):
    with closing(connect(server.application_url_of(database))) as connection, connection.cursor() as cursor:
        yield cursor


def test_the_role_is_no_superuser_and_owns_nothing(as_application):
    as_application.execute(
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles "
        "WHERE rolname = current_user"
    )
    assert as_application.fetchall() == [("tracetrack_app", False, False, False, False, False)]
    as_application.execute("SELECT count(*) FROM pg_shdepend WHERE refobjid = current_user::regrole AND deptype = 'o'")
    assert as_application.fetchone() == (0,)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_what_the_application_does_not_need_is_refused(as_application, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_application.execute(statement)


def test_the_application_of_a_run_has_the_role(server, database, tmp_path):
    settings = deployments.settings_for("as-measured")
    with app_environment.database_route(server, database, settings, tmp_path) as (url, _):
        assert url.startswith("postgresql://tracetrack_app:")
    assert server.application_password not in repr(server)


def test_a_server_of_ones_own_keeps_its_role(server, database):
    own = type(server)(server.url, server.version, server.max_connections, None)
    assert own.application_url_of(database) == server.url_of(database)


def test_the_password_is_in_no_statistics_and_no_log(server):
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        cursor.execute("SELECT query FROM pg_stat_statements WHERE query LIKE '%ROLE tracetrack_app%'")
        statements = str(cursor.fetchall())
    assert "SCRAM-SHA-256" in statements or statements == "[]"
    assert server.application_password not in statements
    assert server.application_password not in server.child.log.read_text()


@pytest.fixture
def empty_database(server):
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE granted")
        cursor.execute('CREATE ROLE "the app\'s"')
        with closing(server.connect("granted")) as inside:
            yield MigrationTarget(server.url_of("granted"), inside)
        cursor.execute("DROP DATABASE granted WITH (FORCE)")
        cursor.execute('DROP ROLE "the app\'s"')


def run_grant(role, url):
    return CliRunner().invoke(main, ["grant", role], env={"TRACETRACK_DATABASE_URL": url})


def test_the_command_grants_the_rights_to_a_role_of_any_name(empty_database):
    refused = run_grant("the app's", empty_database.url)
    assert (refused.exit_code, refused.stderr) == (
        1,
        'Error: nothing was granted: schema "tracetrack" does not exist\n',
    )
    empty_database.lines("--with", "summary", "--with", "session")
    granted = run_grant("the app's", empty_database.url)
    assert (granted.exit_code, granted.stdout) == (0, "the app's may run the application\n")
    right = "has_table_privilege(%s, 'tracetrack.{}', '{}')"
    tried = (("summary", "UPDATE"), ("session", "DELETE"), ("bag", "DELETE"))
    rights = f"SELECT {', '.join(right.format(*each) for each in tried)}"
    with closing(psycopg2.connect(empty_database.url)) as connection, connection.cursor() as cursor:
        cursor.execute(rights, ("the app's",) * len(tried))
        assert cursor.fetchone() == (True, True, False)
    unknown = run_grant("nobody else", empty_database.url)
    assert (unknown.exit_code, unknown.stderr) == (1, 'Error: nothing was granted: role "nobody else" does not exist\n')


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("", "TRACETRACK_DATABASE_URL is not set"),
        ("mysql://u:hidden@h/d", "TRACETRACK_DATABASE_URL cannot be used"),
        ("postgresql://u:hidden@127.0.0.1:1/d", "nothing was granted: connection"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_in_one_line(url, line):
    refused = run_grant("app", url)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"Error: {line}")
    assert refused.stderr.count("\n") == 1
    assert "hidden" not in refused.stderr
