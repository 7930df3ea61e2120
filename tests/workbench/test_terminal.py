"""What a command prints has no escape sequences of others and no secrets, whatever the error."""

import click
import pytest

from workbench.errors import RecordingError, UserError, reporting_errors
from workbench.terminal import echo

HOSTILE = "\x1b[2J\x1b]0;title\x07password=hunter2 http://me:hunter2@host \u202eevil \ud800"
CLEAN = "password=*** http://me:***@host evil �"


def test_echo_prints_lines_without_sequences_and_secrets(capsys):
    echo(f"first\n{HOSTILE}")
    assert capsys.readouterr().out == f"first\n{CLEAN}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError(HOSTILE), 1),
        (RecordingError(HOSTILE), 1),
        (click.UsageError(HOSTILE), 2),
        (PermissionError(13, "denied", HOSTILE), 1),
    ],
)
def test_an_expected_failure_is_one_clean_line(capsys, error, code):
    with pytest.raises(SystemExit) as ended, reporting_errors():
        raise error
    assert ended.value.code == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: {CLEAN}")
