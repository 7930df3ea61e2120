"""Installing what is compared: without scripts of packages, into a folder that goes, and one line where it fails."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from bench.peers import installation
from workbench.errors import UserError

NPM = """#!/bin/sh
echo "$@" > "{folder}/arguments"
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/.bin"
echo "npm error: no network" >&2
exit {code}
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Put a program called npm on the path that ends with this code."""

    def put(code):
        program = tmp_path / "npm"
        program.write_text(NPM.format(folder=tmp_path, code=code))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return tmp_path / "arguments"

    return put


def test_npm_runs_no_script_of_a_package(npm):
    arguments = npm(0)
    with installation.autocannon() as folder:
        assert folder.endswith("/node_modules/.bin")
    assert "--ignore-scripts" in arguments.read_text().split()


def test_uv_builds_no_package(tmp_path, monkeypatch):
    program = tmp_path / "uv"
    program.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/arguments"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with installation.polars():
        pass
    assert "--only-binary :all:" in (tmp_path / "arguments").read_text()


def test_a_failed_installation_is_a_line(npm):
    npm(1)
    with (
        pytest.raises(UserError, match="npm could not install autocannon: npm error: no network"),
        installation.autocannon(),
    ):
        pass


def test_without_npm_the_option_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm is not installed"), installation.autocannon():
        pass


@pytest.mark.extra  # it needs PyPI
def test_polars_is_found_by_this_process_and_by_those_that_it_starts(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "before")
    asking = [sys.executable, "-c", "import polars; print(polars.__version__)"]
    with installation.polars():
        assert version("polars") == subprocess.check_output(asking, text=True).strip()
        (folder,) = (path for path in sys.path if "tracetrack-locked-packages" in path)
    assert os.environ["PYTHONPATH"] == "before"
    assert folder not in sys.path
    assert not os.path.exists(folder)
    assert subprocess.run(asking, capture_output=True).returncode
