"""Folders of servers and runs are closed to other users, whatever the umask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadgen import app_environment, deployments
from loadgen.services import make_private
from workbench.paths import REPOSITORY


@pytest.fixture(params=[0, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path):
    return path.stat().st_mode & 0o777


def test_the_folders_and_files_of_a_run_are_the_owners_only(tmp_path, umask):
    settings = deployments.settings_for("as-advised", database_url="postgresql://h/db")
    with app_environment.set_up(settings, tmp_path) as environment:
        folder = Path(environment.settings.session_directory)
        assert (mode(folder), mode(folder.parent)) == (0o700, 0o700)
        assert mode(Path(environment.settings.readings_file)) == 0o600
        assert mode(folder.parent / "valkey.conf") == 0o600


def test_an_existing_folder_is_closed(tmp_path, umask):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    for name in ("open", "new/inner"):
        make_private(tmp_path / name)
        assert mode(tmp_path / name) == 0o700


def test_the_folder_of_postgresql_is_the_owners_only(server):
    folder = server.child.log.parent
    assert mode(folder) == mode(folder / "cluster") == 0o700
    assert mode(folder / "password") == 0o600


AS_NOBODY = """
import sys
from pathlib import Path
from loadgen import services
from loadgen.services import postgres_user

postgres_user._namespaces_allowed = lambda: False
for _ in range(2):
    with services.database_server(Path(sys.argv[1]), 20) as server:
        print(server.version, Path(f"/proc/{server.pid}").stat().st_uid)
postgres_user._namespaces_allowed = lambda: True
with services.database_server(Path(sys.argv[1]), 20) as server:
    print(server.version)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_postgresql_as_nobody_has_a_folder_of_its_own_too():
    folder = Path(f"/var/tmp/tracetrack-test-{os.getpid()}")
    try:
        finished = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(folder / "postgres")], cwd=REPOSITORY, capture_output=True, text=True
        )
        if "cannot enter" in finished.stderr:
            pytest.skip("nobody cannot reach PostgreSQL's programs here")
        assert finished.returncode == 0, finished.stderr
        assert len(finished.stdout.splitlines()) == 3
        assert finished.stdout.splitlines()[0].endswith(" 65534")
        assert mode(folder / "postgres") == 0o700
    finally:
        subprocess.run(["rm", "-r", str(folder)], check=True)
