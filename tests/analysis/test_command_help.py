"""`--help` of `python -m analysis` and of each of its commands."""

import pytest

from analysis.__main__ import main


@pytest.mark.parametrize("name", ["", *main.commands])
def test_help_prints_the_usage_and_does_nothing_else(command, tmp_path, name):
    result = command(*name.split(), "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Usage: main {name}".rstrip())
    assert "--help" in result.stdout
    assert list(tmp_path.iterdir()) == []
