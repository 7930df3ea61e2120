"""What a person may get wrong is answered in a line or two, and nothing is left running."""

import os
import socket

import pytest

from loadgen import services
from loadgen.services import postgres

GOOD = {"--deployment": "tuned", "--scenario": "burst-25", "--scale": "small"}


def run(command, *, before=(), environ=None, **options):
    given = GOOD | {f"--{name}": value for name, value in options.items()}
    words = [word for pair in given.items() for word in pair]
    return command.run("run", *words, before=before, **(environ or {}))


def complaint(finished):
    """What it said; progress apart, which ends each of its lines with a percentage and a step."""
    assert finished.returncode not in (0, -9)
    assert finished.stdout == ""
    lines = [line for line in finished.stderr.splitlines() if not line.startswith(("dataset ", "measuring: "))]
    assert "Traceback" not in finished.stderr
    assert 1 <= len(lines) <= 2, finished.stderr
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [
        ("deployment", "fastest", "as-measured"),
        ("scenario", "burst-few", "burst-25"),
        ("scale", "huge", "production"),
    ],
)
def test_a_name_that_is_not_there(own_command, option, value, known):
    said = complaint(run(own_command, **{option: value}))
    assert f"{value!r}; choose one of" in said
    assert known in said
    assert list(own_command.data.iterdir()) == []


@pytest.mark.parametrize(("option", "value"), [("port", "0"), ("seed", "one")])
def test_an_option_that_is_no_number(own_command, option, value):
    finished = run(own_command, **{option: value})
    assert finished.returncode == 2
    assert f"Error: Invalid value for '--{option}'" in complaint(finished)


def test_a_port_in_use(command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = complaint(run(command, port=str(port)))
    assert f"port {port} cannot be used" in said
    assert "--port" in said
    assert command.processes() == []


def test_a_database_that_does_not_answer(own_command):
    url = f"postgresql://me:hidden@127.0.0.1:{services.free_port()}/db"
    said = complaint(run(own_command, environ={"DATABASE_URL": url}))
    assert "does not answer" in said
    assert "Check DATABASE_URL" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    "url",
    ["nonsense", "postgresql://me:hidden@host:port/db", "mysql://me:hidden@host/db", "postgresql://me:hidden@host"],
)
def test_a_database_url_that_is_none(own_command, url):
    said = complaint(run(own_command, environ={"DATABASE_URL": url}))
    assert "postgresql://user:password@host:5432/database" in said
    assert "hidden" not in said


def test_a_wrong_password(own_command, server):
    url = server.url.replace("tracetrack:", "tracetrack:not-")
    said = complaint(run(own_command, environ={"DATABASE_URL": url}))
    assert "password authentication failed" in said
    assert url not in said


@pytest.mark.parametrize("url", ["http://:hidden@127.0.0.1:6379/0", "redis://:hidden@127.0.0.1:{port}/0"])
def test_a_store_that_is_none(command, server, url):
    given = {"DATABASE_URL": server.url, "REDIS_URL": url.format(port=services.free_port())}
    said = complaint(run(command, environ=given))
    assert "REDIS_URL" in said
    assert "hidden" not in said
    assert command.processes() == []


def test_two_commands_at_once(command):
    (command.data / "postgres").mkdir(exist_ok=True)
    with postgres.sole_use(command.data / "postgres"):
        said = complaint(run(command))
    assert f"process {os.getpid()}" in said
    assert "wait until it has ended" in said


def test_a_data_directory_that_is_a_file(own_command, tmp_path):
    (tmp_path / "file").touch()
    said = complaint(run(own_command, environ={"TRACETRACK_DATA_DIR": str(tmp_path / "file")}))
    assert "TRACETRACK_DATA_DIR" in said


def test_a_data_directory_that_cannot_be_written(own_command, mount):
    said = complaint(run(own_command, before=mount.before(own_command.data, "ro")))
    assert "Read-only file system" in said
    assert "TRACETRACK_DATA_DIR" in said


def test_a_data_directory_without_permission(own_command):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    own_command.data.chmod(0o500)
    assert "Permission denied" in complaint(run(own_command))


def test_a_disk_too_small_for_the_cluster(own_command, mount):
    said = complaint(run(own_command, before=mount.before(own_command.data, "size=16m")))
    assert "GiB free and this needs 3.0" in said
    assert "TRACETRACK_DATA_DIR" in said


def test_a_disk_too_small_for_a_run(own_command, mount, server):
    finished = run(own_command, before=mount.before(own_command.data, "size=16m"), environ={"DATABASE_URL": server.url})
    assert "GiB free and this needs 1.0" in complaint(finished)


def test_a_disk_that_is_full(own_command, mount, server):
    """Not even a folder can be made: the file system is out of inodes."""
    finished = run(
        own_command, before=mount.before(own_command.data, "size=2g,nr_inodes=2"), environ={"DATABASE_URL": server.url}
    )
    assert "No space left on device" in complaint(finished)
