"""The wall clock of a run as its record has it, as text: any text may stand there."""

from datetime import datetime

from workbench.recording import Run


def unix_s(run: Run, field: str) -> float | None:
    """When the run `started` or `ended`, in seconds since 1970; None where the record has no such time."""
    try:
        return datetime.fromisoformat(run.record[field]).timestamp()
    except (KeyError, ValueError, OverflowError, OSError):
        return None
