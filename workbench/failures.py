"""Failures of the measured phase by their kind, which is the reason that a request row carries in `error`."""

from collections.abc import Iterable

import pandas as pd

from .redaction import redacted
from .request_frames import FAILED, KINDS
from .request_rows import RequestRows
from .text_cleaning import Target, cleaned

MAX_KINDS = 3  # that a table names; a count stands for the others
MAX_CHARACTERS = 60  # of a kind
NO_REASON = "no reason recorded"


def kinds_text(counts: Iterable[tuple[str, int]], kinds: int | None = None, max_kinds: int = MAX_KINDS) -> str:
    """Counts by kind in a line, such as `28 × status 500, 2 × timeout and 4 kinds more`.

    `counts` are kinds with their counts, the most frequent first. `kinds` is their number, where not all are given.
    """
    counts = list(counts)
    shown = ", ".join(f"{count} × {short(kind)}" for kind, count in counts[:max_kinds])
    others = (len(counts) if kinds is None else kinds) - len(counts[:max_kinds])
    return f"{shown} and {others} kind{'s' if others != 1 else ''} more" if others else shown


def short(kind: str) -> str:
    """A kind in one line of at most `MAX_CHARACTERS`, without secrets and without what steers a terminal."""
    return cleaned(redacted(kind), Target.LINE, MAX_CHARACTERS).strip() or NO_REASON


def kinds_by(rows: RequestRows, *keys: str) -> pd.DataFrame:
    """The kinds of failures by these columns of the rows: `failure_kinds`, a line each, indexed by them."""
    names = ", ".join(keys)
    counts = rows.answer(
        f"""
        WITH each AS (
            SELECT {names}, coalesce(error, '{NO_REASON}') AS kind, sum(failures)::BIGINT AS failures
            FROM kinds JOIN runs USING (run) GROUP BY ALL
        )
        SELECT *, count(*) OVER (PARTITION BY {names}) AS kinds FROM each
        QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY failures DESC, kind) <= {MAX_KINDS}
        ORDER BY {names}, failures DESC, kind
        """,
        kinds=rows.merged(KINDS),
    )
    lines = [
        (*_values(group), kinds_text(zip(each["kind"], each["failures"], strict=True), int(each["kinds"].iloc[0])))
        for group, each in counts.groupby(list(keys))
    ]
    return pd.DataFrame(lines, columns=[*keys, "failure_kinds"]).set_index(list(keys))


def kinds_by_arm(rows: RequestRows) -> pd.DataFrame:
    """A row for each kind of failure of an arm under a load in a phase, the most frequent first.

    `scenario`, `deployment`, `phase`, `kind`, and how many requests failed so, `failures`.
    """
    return rows.answer(
        f"""
        SELECT scenario, deployment, phase, coalesce(error, '{NO_REASON}') AS kind, sum(failures)::BIGINT AS failures
        FROM failed JOIN runs USING (run) GROUP BY ALL ORDER BY failures DESC, scenario, deployment, phase, kind
        """,
        failed=rows.merged(FAILED),
    )


def with_kinds(table: pd.DataFrame, rows: RequestRows, *keys: str) -> pd.DataFrame:
    """The table with `failure_kinds` beside its `failures`; None in a row without any."""
    if not table["failures"].any():
        return table.assign(failure_kinds=None)
    joined = table.join(kinds_by(rows, *keys), on=list(keys))
    kinds = joined["failure_kinds"].astype(object)
    return joined.assign(failure_kinds=kinds.where(kinds.notna(), None))


def _values(group: object) -> tuple:
    return group if isinstance(group, tuple) else (group,)
