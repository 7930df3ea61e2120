"""The request rows of a run in the order of an instant, some at a time: a run of any length fits into the memory."""

from collections.abc import Iterator, Sequence

from workbench.recording import Run

MAX_ROWS = 50_000  # of a window, where a second has not more by itself


def rows_in_order(run: Run, instant: str, columns: Sequence[str]) -> Iterator[tuple]:
    """Yield the rows of all phases by `instant`, an SQL expression in ms; a row in which it is null is left out.

    `columns` are SQL expressions, and each row is a tuple of their values, with None for null.
    """
    for from_s, to_s in _windows(run, instant):
        yield from run.rows.tuples(
            f"SELECT {', '.join(columns)} FROM requests WHERE {instant} >= ? AND {instant} < ? "
            f"ORDER BY {instant}, user, sequence",
            [1000.0 * from_s, 1000.0 * to_s],
        )


def _windows(run: Run, instant: str) -> Iterator[tuple[int, int]]:
    """Yield intervals of whole seconds with at most `MAX_ROWS` rows each, as far as seconds allow it."""
    counts = run.rows.tuples(
        f"SELECT floor({instant} / 1000)::BIGINT AS second, count(*) FROM requests WHERE {instant} IS NOT NULL "
        "GROUP BY second ORDER BY second"
    )
    from_s, rows, last_s = None, 0, 0
    for second, number in counts:
        if from_s is None or rows + number > MAX_ROWS:
            if from_s is not None:
                yield from_s, last_s + 1
            from_s, rows = second, 0
        rows += number
        last_s = second
    if from_s is not None:
        yield from_s, last_s + 1
