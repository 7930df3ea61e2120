"""Runs against a target by the real command, and what they left: output, record and rows."""

import json
from pathlib import Path

import pandas as pd

from workbench.errors import EXIT_INVALID

SHORT = ("--duration", "2", "--warmup", "0")


def run_on_target(command, url, *arguments, **more):
    return command.run("run", "--target", url, *arguments, **more)


def reasons_apart_from_lag(record):
    """Why a run is not valid, except that requests went out late, as they may beside other tests."""
    return [reason for reason in record["reasons"] if "dispatch lag" not in reason]


def directory_of(finished):
    """The directory of a run that was carried out, valid or not: beside other tests a load may be late."""
    assert finished.returncode in (0, EXIT_INVALID), finished.stderr
    return Path(finished.stdout.splitlines()[-1])


def record_of(finished):
    return json.loads((directory_of(finished) / "run.json").read_text())


def rows_of(finished):
    return pd.read_parquet(directory_of(finished) / "requests.parquet")


def error_lines(finished):
    """The error output of a command that failed, without the lines of progress."""
    assert finished.returncode not in (0, -9)
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return [line for line in finished.stderr.splitlines() if not line.startswith("measuring: ")]
