"""Reading what the commands of `python -m analysis` print."""

import re


def endpoint_rows(output: str) -> dict[str, list[float]]:
    """The numbers of a printed table, by endpoint."""
    rows = re.findall(r"^(login|dashboard|search|scan)((?: +[\d.]+|NaN)+)$", output, re.MULTILINE)
    return {name: [float(number) for number in numbers.split()] for name, numbers in rows}


def require_refused(result, *words: str) -> None:
    """Require exit code 1, nothing on the output, and one line on the error stream with all of the words."""
    assert (getattr(result, "returncode", None) or result.exit_code) == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert all(word in lines[0] for word in words), lines[0]
