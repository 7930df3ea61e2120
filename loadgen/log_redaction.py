"""Removing secrets from the logs of a run: the programs that write them know nothing of what a query contains."""

from pathlib import Path

from workbench import atomic
from workbench.redaction import redacted

ENCODING, ERRORS = "utf-8", "surrogateescape"  # bytes that are no text stay as they are


def redact_logs(directory: Path) -> None:
    """Rewrite each log of a run that has a secret in it; call it when the programs that write them have ended."""
    for path in directory.glob("*.log"):
        with path.open(encoding=ENCODING, errors=ERRORS, newline="") as log:
            has_secret = any(redacted(line) != line for line in log)
        if has_secret:
            _rewrite(path)


def _rewrite(path: Path) -> None:
    with (
        atomic.replacing(path) as partial,
        path.open(encoding=ENCODING, errors=ERRORS, newline="") as log,
        partial.open("w", encoding=ENCODING, errors=ERRORS, newline="") as cleaned,
    ):
        cleaned.writelines(map(redacted, log))
