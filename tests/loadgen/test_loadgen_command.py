"""The command line `python -m loadgen`: its help, and one or two lines for every mistake; no process is left."""

import os
import socket

import pytest
from click.testing import CliRunner

from loadgen import machine_lock, run_folder, services
from loadgen.__main__ import main
from loadgen.services import sole_use

HELP = ((), ("list",), ("run",), ("experiment",), ("init",))
VALID = {"--deployment": "tuned", "--scenario": "burst-25", "--scale": "small"}


@pytest.mark.parametrize("words", HELP, ids=" ".join)
def test_help_prints_the_usage_and_does_nothing_else(monkeypatch, tmp_path, words):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    with machine_lock.sole_use():  # a command that begins to work would be refused
        result = CliRunner().invoke(main, [*words, "--help"])
    assert (result.exit_code, result.exception) == (0, None)
    assert result.output.startswith("Usage: ")
    assert list(tmp_path.iterdir()) == []


def words_with(options):
    given = VALID | {f"--{name}": value for name, value in options.items()}
    return ("run", *(word for pair in given.items() for word in pair))


def run(command, *, before=(), environ=None, **options):
    return command.run(*words_with(options), before=before, **(environ or {}))


def refuse(command, *, environ=None, **options):
    return command.refuse(*words_with(options), **(environ or {}))


def error_of(finished):
    """The error of a command, one or two lines; lines of progress begin with their label."""
    assert finished.returncode not in (0, -9)
    assert finished.stdout == ""
    lines = [line for line in finished.stderr.splitlines() if not line.startswith(("dataset ", "measuring: "))]
    assert "Traceback" not in finished.stderr
    assert 1 <= len(lines) <= 2, finished.stderr
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("deployment", "fastest", "choose one of as-measured"),
        ("deployment", "tunde", "did you mean tuned?"),
        ("scenario", "crowd", "choose one of single"),
        ("scenario", "burst50", "did you mean burst-50?"),
        ("scale", "huge", "choose one of small"),
    ],
)
def test_an_unknown_name_gets_a_near_one_or_all(own_command, option, value, hint):
    assert f"{value!r}; {hint}" in error_of(refuse(own_command, **{option: value}))
    assert list(own_command.data.iterdir()) == []


@pytest.mark.parametrize(("option", "value"), [("port", "0"), ("seed", "one")])
def test_an_option_that_is_not_a_number(own_command, option, value):
    finished = refuse(own_command, **{option: value})
    assert finished.returncode == 2
    assert f"Error: Invalid value for '--{option}'" in error_of(finished)


def test_a_port_in_use_is_named(command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = error_of(run(command, port=str(port)))
    assert f"port {port} cannot be used" in error
    assert "--port" in error
    assert command.processes() == []


def test_a_database_that_does_not_answer_is_named_without_its_password(own_command):
    url = f"postgresql://me:hidden@127.0.0.1:{services.free_port()}/db"
    error = error_of(refuse(own_command, environ={"DATABASE_URL": url}))
    assert "does not answer" in error
    assert "Check DATABASE_URL" in error
    assert "hidden" not in error


@pytest.mark.parametrize(
    "url",
    ["nonsense", "postgresql://me:hidden@host:port/db", "mysql://me:hidden@host/db", "postgresql://me:hidden@host"],
)
def test_a_malformed_database_url_is_answered_with_an_example(own_command, url):
    error = error_of(refuse(own_command, environ={"DATABASE_URL": url}))
    assert "postgresql://user:password@host:5432/database" in error
    assert "hidden" not in error


def test_a_wrong_password_is_reported_without_the_url(own_command, server):
    url = server.url.replace("tracetrack:", "tracetrack:not-")
    error = error_of(refuse(own_command, environ={"DATABASE_URL": url}))
    assert "password authentication failed" in error
    assert url not in error


@pytest.mark.parametrize("url", ["http://:hidden@127.0.0.1:6379/0", "redis://:hidden@127.0.0.1:{port}/0"])
def test_a_store_that_cannot_be_used_names_the_variable(command, server, url):
    given = {"DATABASE_URL": server.url, "REDIS_URL": url.format(port=services.free_port())}
    error = error_of(run(command, environ=given))
    assert "REDIS_URL" in error
    assert "hidden" not in error
    assert command.processes() == []


def test_a_second_command_names_the_first(command):
    (command.data / "postgres").mkdir(exist_ok=True)
    with sole_use.of_folder(command.data / "postgres"):
        error = error_of(refuse(command))
    assert f"process {os.getpid()}" in error
    assert "wait until it has ended" in error


def test_a_data_directory_that_is_a_file_names_the_variable(own_command, tmp_path):
    (tmp_path / "file").touch()
    error = error_of(refuse(own_command, environ={"TRACETRACK_DATA_DIR": str(tmp_path / "file")}))
    assert "TRACETRACK_DATA_DIR" in error


def test_a_data_directory_on_a_read_only_disk_is_reported(own_command, mount):
    error = error_of(run(own_command, before=mount.before(own_command.data, "ro")))
    assert "Read-only file system" in error
    assert "TRACETRACK_DATA_DIR" in error


def test_a_data_directory_without_permission_is_reported(own_command):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    own_command.data.chmod(0o500)
    assert "Permission denied" in error_of(run(own_command))


def test_a_disk_too_small_for_the_cluster_is_reported(own_command, mount):
    error = error_of(run(own_command, before=mount.before(own_command.data, "size=16m")))
    assert "GiB free and this needs 3.0" in error
    assert "TRACETRACK_DATA_DIR" in error


def test_a_disk_too_small_for_a_run_is_reported(own_command, mount, server):
    finished = run(own_command, before=mount.before(own_command.data, "size=16m"), environ={"DATABASE_URL": server.url})
    assert "GiB free and this needs 1.0" in error_of(finished)


def test_a_full_disk_is_reported(own_command, mount, server):
    """Not even a folder can be created: the file system is out of inodes."""
    finished = run(
        own_command, before=mount.before(own_command.data, "size=2g,nr_inodes=2"), environ={"DATABASE_URL": server.url}
    )
    assert "No space left on device" in error_of(finished)


def test_runs_that_begin_in_one_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    made = []
    for _ in range(3):
        made.append(run_folder.dated("tuned-burst-25"))
        made[-1].mkdir(parents=True)
    assert len(set(made)) == 3
