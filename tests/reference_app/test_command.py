"""`python -m reference_app`: its help does nothing else."""

import pytest
from click.testing import CliRunner

from reference_app import __main__ as command


@pytest.mark.parametrize("arguments", [["--help"], ["migrate", "--help"], ["migrate", "--dry-run", "--help"]])
def test_help_is_printed_and_nothing_is_migrated(arguments, monkeypatch):
    monkeypatch.setattr(command, "migrate", lambda *call: pytest.fail("migrated"))
    result = CliRunner().invoke(command.main, arguments, env={command.VARIABLE: "postgresql://u:p@127.0.0.1:1/db"})
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
