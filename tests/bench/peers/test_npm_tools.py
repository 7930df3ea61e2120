"""Installing autocannon: without scripts of packages, into a folder that goes, and one line where it fails."""

import pytest

from bench.peers import npm_tools
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
    with npm_tools.autocannon() as folder:
        assert folder.endswith("/node_modules/.bin")
    assert "--ignore-scripts" in arguments.read_text().split()


def test_a_failed_installation_is_a_line(npm):
    npm(1)
    with (
        pytest.raises(UserError, match="npm could not install autocannon: npm error: no network"),
        npm_tools.autocannon(),
    ):
        pass


def test_without_npm_the_option_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm is not installed"), npm_tools.autocannon():
        pass
