"""Whether a run's records and its load generator can be believed. What the system did is never judged here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from .request_schema import OF_THE_GENERATOR

COLUMNS = ("scheduled_us", "start_us", "latency_us", "status", "ok", "error")  # of the rows, that are judged
FEWEST_FOR_LITTLE = 100  # requests; of fewer the ends of the time, where they are cut, are too large a share


@dataclass(frozen=True)
class Gate:
    """One condition judged: the figure, what it is held against, and whether it holds (None: not measured)."""

    name: str
    value: float | None
    threshold: float
    passed: bool | None

    def record(self) -> dict:
        return asdict(self)

    def reason(self) -> str:
        bound = BOUNDS[self.name]
        return f"{self.name}: {bound.text(self.value)}, allowed {bound.allowed}"


@dataclass(frozen=True)
class Bound:
    """What a figure is held against: the most that it may be, or where `at_least` the least; and how it is written."""

    name: str
    threshold: float
    form: str
    at_least: bool = False

    @property
    def allowed(self) -> str:
        if not self.threshold:
            return "none"
        return f"{'at least' if self.at_least else 'at most'} {self.text(self.threshold)}"

    def text(self, figure: float) -> str:
        return self.form.format(figure)

    def judge(self, figure: float | None) -> Gate:
        holds = figure is not None and (figure >= self.threshold if self.at_least else figure <= self.threshold)
        return Gate(self.name, figure, self.threshold, None if figure is None else holds)


PROCESSES = Bound("generator processes without a report", 0, "{:.0f}")
COUNTED = Bound("rows missing against the generator's count", 0, "{:.0f}")
EXPECTED = Bound("rows missing against the scenario", 0, "{:.0f}")
SERVED = Bound("difference from the application's own count of requests", 0, "{:.0f}")
USERS = Bound("users that did not start, or left early", 0, "{:.0f}")
BEGUN = Bound("tasks due but neither started nor counted as dropped", 0, "{:.0f}")
OWN_FAILURES = Bound("requests that failed in the load generator", 0, "{:.0f}")
ANSWERED = Bound("requests that the target answered", 1, "{:,.0f}", at_least=True)
# Above it the generator's own queue gets into the latencies.
GENERATOR_CPU = Bound("generator CPU, share of one core", 0.80, "{:.1%}")
# Within it all users of a burst have to have sent their first request.
FIRST_SENDS = Bound("first sends, share of the burst", 0.10, "{:.1%}")
LAG = Bound("dispatch lag p99, ms", 5.0, "{:.2f}")
LITTLE = Bound("relative difference from Little's law", 0.02, "{:.2%}")
BOUNDS = {
    bound.name: bound
    for bound in (
        PROCESSES,
        COUNTED,
        USERS,
        BEGUN,
        EXPECTED,
        SERVED,
        OWN_FAILURES,
        ANSWERED,
        GENERATOR_CPU,
        FIRST_SENDS,
        LAG,
        LITTLE,
    )
}


def gates(
    requests: pd.DataFrame,
    process: pd.DataFrame | None,
    *,
    told: Mapping,
    processes: int = 1,
    users: int | None = None,
    due: int | None = None,
    expected: int | None = None,
    served: int | None = None,
    kind: str = "",
    steady: bool = False,
) -> list[Gate]:
    """The gates of one run, from its rows and readings as they are on disk (microseconds).

    `told` is what the generator told at its end: `requests` by its own count, `processes` that told, `marks` of its
    requests in flight. `users` and `expected` rows are the numbers that the scenario fixes, `due` is that of the tasks
    of an open load by its schedule, `served` the application's own count.
    """
    judged = [
        PROCESSES.judge(processes - told.get("processes", 0)),
        COUNTED.judge(_apart(told.get("requests"), len(requests))),
        USERS.judge(_missing_users(users, told.get("users"))),
        BEGUN.judge(_apart(due, _total(told, "started_tasks") + _total(told, "dropped"))),
        EXPECTED.judge(_apart(expected, len(requests))),
        SERVED.judge(_apart_from_served(requests, served)),
        OWN_FAILURES.judge(int(requests["error"].fillna("").str.startswith(OF_THE_GENERATOR).sum())),
        # Not every protocol has a status; what went well was answered.
        ANSWERED.judge(int((requests["status"].notna() | requests["ok"]).sum())),
        GENERATOR_CPU.judge(_generator_cpu(requests, process, told)),
    ]
    if kind in ("burst", "single"):
        judged.append(FIRST_SENDS.judge(first_sends_share(requests)))
    else:
        judged.append(LAG.judge(dispatch_lag_ms(requests)))
    if steady:
        judged.append(LITTLE.judge(little_disagreement(requests, told.get("in_flight_marks") or [])))
    return judged


def dispatch_lag_ms(requests: pd.DataFrame, quantile: float = 0.99) -> float | None:
    """How late requests were sent that were due at an instant; None where none was."""
    lag_us = requests["start_us"] - requests["scheduled_us"]
    due = lag_us[lag_us > 0]  # who is not due at an instant is due when sent
    return None if due.empty else float(due.quantile(quantile) / 1000)


def first_sends_share(requests: pd.DataFrame) -> float | None:
    """The time until the last user of a burst had sent their first request, as a share of the whole burst."""
    lag_us = requests["start_us"] - requests["scheduled_us"]
    first = requests[lag_us > 0]
    if first.empty:
        return None
    began_us = first["scheduled_us"].min()
    ended_us = (requests["start_us"] + requests["latency_us"]).max()
    return float((first["start_us"].max() - began_us) / (ended_us - began_us))


def little_disagreement(requests: pd.DataFrame, marks: list[list[tuple[int, int]]]) -> float | None:
    """How far λ·W of the rows is from the requests in flight that the generator integrated apart from them.

    Between the two marks of each process, λ·W is the sum of the rows' times within that time over its length (Little
    1961; for a finite time exact with rows that are cut at its ends). None for too few rows, or without marks.
    """
    spans = [span for span in marks if len(span) == 2 and span[1][0] > span[0][0]]
    if not spans or len(spans) < len(marks):
        return None
    began_us, ended_us = (sum(span[end][0] for span in spans) / len(spans) for end in (0, 1))
    integrated = sum((last[1] - first[1]) / (last[0] - first[0]) for first, last in spans)
    sent_us, received_us = requests["start_us"], requests["start_us"] + requests["latency_us"]
    within_us = (received_us.clip(upper=ended_us) - sent_us.clip(lower=began_us)).clip(lower=0)
    if (within_us > 0).sum() < FEWEST_FOR_LITTLE or not integrated:
        return None
    return float(abs(within_us.sum() / (ended_us - began_us) / integrated - 1))


def generator_cpu_share(requests: pd.DataFrame, process: pd.DataFrame | None) -> float | None:
    """CPU time of the busiest process of the generator between the first send and the last answer, of one core.

    None where fewer than two readings fall into that time.
    """
    if process is None:
        return None
    roles = [role for role in process["role"].unique() if role.startswith("generator")]
    shares = [share for role in roles if (share := cpu_share(requests, process, role)) is not None]
    return max(shares, default=None)


def _generator_cpu(requests, process, told):
    """From the readings; of a load that was over before two of them from what the only process counted itself."""
    share = generator_cpu_share(requests, process)
    if share is not None or told.get("processes") != 1 or told.get("cpu_ms") is None or requests.empty:
        return share
    ended_us = (requests["start_us"] + requests["latency_us"]).max()
    return float(1000 * told["cpu_ms"] / (ended_us - requests["start_us"].min()))


def cpu_share(requests: pd.DataFrame, process: pd.DataFrame | None, role: str) -> float | None:
    """CPU time of one role of the process readings, as `generator_cpu_share`."""
    if process is None or requests.empty:
        return None
    first_us = requests["start_us"].min()
    last_us = (requests["start_us"] + requests["latency_us"]).max()
    readings = process[(process["role"] == role) & process["at_us"].between(first_us, last_us)]
    if len(readings) < 2:
        return None
    first, last = readings.iloc[0], readings.iloc[-1]
    return float((last["cpu_us"] - first["cpu_us"]) / (last["at_us"] - first["at_us"]))


def _apart_from_served(requests, served):
    """The application may have served requests whose answer never came, but none that was not sent."""
    if served is None:
        return None
    return max(0, int(requests["status"].notna().sum()) - served, served - len(requests))


def _missing_users(users, counted):
    """Those that did not stand ready when all were let go, and those that left before it was their time."""
    return None if users is None or counted is None else users - counted["present"] + counted["left_early"]


def _total(told, what):
    return sum((told.get(what) or {}).values())


def _apart(should, rows):
    return None if should is None else abs(should - rows)
