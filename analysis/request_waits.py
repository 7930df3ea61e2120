"""The wait event of a request: what the database's sessions mostly waited for while the request was on its way.

The sessions are read every 50 to 250 ms. The last reading between the send of a request and the end of its response
gives its event, the commonest one of the active sessions at that instant. It is an attribute of the instant: the
sessions worked for other requests too. No reading falls into most of the requests that take less time than that.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.recording import Run

NO_EVENT = "CPU or nothing"  # the session computes, or waits for a core
NO_SESSION = "no active session"
COLUMNS = ["run", "place", "read_ms", "next_ms", "wait_event"]
PLACE_MS = 100
US_PER_MS = 1000
# SQL: from rows of requests to the readings of `readings_by_place`, and the event; null where none fell into a request.
# An equality and two comparisons take a tenth of the time of an ASOF join of a million rows.
JOIN = f"""
    LEFT JOIN (SELECT run, max(place) AS last_place FROM readings GROUP BY run) AS ends ON ends.run = requests.run
    LEFT JOIN readings ON readings.run = requests.run
        AND place = least(floor((start_ms + latency_ms) / {PLACE_MS})::BIGINT, last_place)
        AND read_ms <= start_ms + latency_ms AND start_ms + latency_ms < next_ms
"""
EVENT = "CASE WHEN read_ms >= start_ms THEN wait_event END"


def commonest_waits(run: Run) -> pd.DataFrame:
    """Return a row for each reading of the database's sessions: `read_ms` since the run began, and `wait_event`.

    Of equally common events the first by name. Empty where the sessions were not read.
    """
    activity = run.database[run.database["source"] == "activity"]
    active = activity[(activity["name"] == "active") & (activity["value"] > 0)]
    commonest = active.sort_values(["at_us", "value", "metric"], ascending=[True, False, True]).drop_duplicates("at_us")
    events = commonest.set_index("at_us")["metric"].replace("none", NO_EVENT)
    instants_us = np.sort(activity["at_us"].unique()).astype(np.int64)
    named = events.reindex(instants_us).fillna(NO_SESSION).to_numpy()
    return pd.DataFrame({"read_ms": instants_us / US_PER_MS, "wait_event": named})


def readings_by_place(runs: Sequence[Run]) -> pd.DataFrame:
    """Return rows (`COLUMNS`) for `JOIN`; empty where the sessions of no run were read.

    A reading counts until the next one (`next_ms`, infinity for the last one), and has a row for each `place`, 100 ms,
    in that time. What ends after the last reading is in its place.
    """
    tables = [_by_place(run.name, commonest_waits(run)) for run in runs]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _by_place(run: str, readings: pd.DataFrame) -> pd.DataFrame:
    if readings.empty:
        return pd.DataFrame(columns=COLUMNS)
    read_ms = readings["read_ms"].to_numpy()
    next_ms = np.append(read_ms[1:], np.inf)
    first, last = (
        np.floor(ends / PLACE_MS).astype(np.int64) for ends in (read_ms, np.append(read_ms[1:], read_ms[-1]))
    )
    number = last - first + 1
    reading = np.repeat(np.arange(len(read_ms)), number)
    place = first[reading] + np.arange(len(reading)) - np.repeat(np.cumsum(number) - number, number)
    columns = run, place, read_ms[reading], next_ms[reading], readings["wait_event"].to_numpy()[reading]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
