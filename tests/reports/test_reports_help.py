"""`--help` of `python -m reports` and its commands prints the help, and does nothing else."""

import pytest
from click.testing import CliRunner

from reports import build as building
from reports.__main__ import main


@pytest.mark.parametrize("arguments", [[], ["report"], ["build"], ["gate"]], ids=lambda arguments: " ".join(arguments))
def test_help_prints_the_usage_and_does_nothing_else(monkeypatch, tmp_path, arguments):
    for work in ("measure", "build"):
        monkeypatch.setattr(building, work, lambda *_: pytest.fail("--help did something"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [*arguments, "--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: ")
    assert not list(tmp_path.iterdir())
