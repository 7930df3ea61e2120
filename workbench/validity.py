"""Gates: whether a run's records and its load generator can be trusted. What the system did is never judged here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from . import host_gates, machine_watch, witness_gates
from .littles_law_gate import relative_difference
from .request_schema import GENERATOR_ERROR

# Of the request rows, that gates use.
COLUMNS = (
    "phase", "scheduled_us", "user_wait_us", "start_us", "latency_us", "status", "ok", "error", *witness_gates.COLUMNS,
)  # fmt: skip
GENERATOR_ROLE = "generator"


@dataclass(frozen=True)
class Gate:
    """A gate with its value, its threshold, and whether it passed (None: not measured, or of a shared machine)."""

    name: str
    value: float | None
    threshold: float
    passed: bool | None

    def record(self) -> dict:
        return asdict(self)

    def reason(self) -> str:
        """The reason for which a run with this failed gate is not valid."""
        return f"{self.name}: {BOUNDS[self.name].text(self.value)}, allowed {BOUNDS[self.name].allowed}"


@dataclass(frozen=True)
class Bound:
    """A gate's name, its threshold (the largest value, or with `is_minimum` the smallest), and the format of values."""

    name: str
    threshold: float
    form: str
    is_minimum: bool = False

    @property
    def allowed(self) -> str:
        if not self.threshold:
            return "none"
        return f"{'at least' if self.is_minimum else 'at most'} {self.text(self.threshold)}"

    def text(self, value: float | None) -> str:
        return "not measured" if value is None else self.form.format(value)

    def observe(self, value: float | None) -> Gate:
        """The gate with its value and without a verdict."""
        return Gate(self.name, value, self.threshold, None)

    def evaluate(self, value: float | None) -> Gate:
        if value is None:
            return Gate(self.name, None, self.threshold, None)
        passed = value >= self.threshold if self.is_minimum else value <= self.threshold
        return Gate(self.name, value, self.threshold, passed)


REPORTS = Bound("generator processes without a report", 0, "{:.0f}")
COUNTED = Bound("rows missing against the generator's count", 0, "{:.0f}")
USERS = Bound("users that did not start, or left early", 0, "{:.0f}")
TASKS = Bound("tasks due but neither started nor counted as dropped", 0, "{:.0f}")
STOPPED = Bound("loads that the locustfile stopped before their end", 0, "{:.0f}")
PARTS = Bound("processes whose Locust has others that are not in this run", 0, "{:.0f}")
EXPECTED = Bound("rows missing against the scenario", 0, "{:.0f}")
SERVED = Bound("difference from the application's own count of requests", 0, "{:.0f}")
ERRORS = Bound("difference from the application's own count of errors", 0, "{:.0f}")
APP_TIME = Bound("difference from the application's own time, ms", 0, "{:.3f}")
DURATIONS = Bound("responses in another interval of the application's own durations", 0, "{:.0f}")
STATEMENTS = Bound("difference from PostgreSQL's own count of statements", 0, "{:.0f}")
MALFORMED = Bound("malformed lines of the imported file, share", 0.01, "{:.2%}")
GENERATOR_FAILURES = Bound("requests that failed in the load generator", 0, "{:.0f}")
ANSWERED = Bound("requests that the target answered", 1, "{:,.0f}", is_minimum=True)
# Above it the generator's own queue gets into the latencies.
GENERATOR_CPU = Bound("generator CPU, share of one core", 0.80, "{:.1%}")
GENERATOR_CPU_PEAK = Bound("generator CPU in its busiest second, share of one core", 0.80, "{:.1%}")
# Within it all users of a burst have to have sent their first request.
FIRST_SENDS = Bound("first sends, share of the burst", 0.10, "{:.1%}")
DISPATCH_LAG = Bound("dispatch lag p99, ms", 5.0, "{:.2f}")
# The next five have their bounds from quiet runs, see METHODS.md.
DISPATCH_LAG_TAIL = Bound("dispatch lag p99.9, ms", 15.0, "{:.2f}")
LOOP_GAP = Bound("longest gap of the generator's event loop, ms", 20.0, "{:.1f}")
OTHERS_CPU = Bound("CPU of other processes, share of all cores", 0.10, "{:.1%}")
OTHERS_CPU_PEAK = Bound("CPU of other processes in their busiest second, share of all cores", 0.30, "{:.1%}")
STEAL = Bound("time taken by the hypervisor, share of all cores", 0.05, "{:.1%}")
DISTURBANCES = (DISPATCH_LAG_TAIL, LOOP_GAP, OTHERS_CPU, OTHERS_CPU_PEAK, STEAL)
HOSTS = Bound("hosts of the load generator that were lost, or left rows behind", 0, "{:.0f}")
# Rows of several hosts stand on one axis: within it the second of a request is known.
CLOCK_ERROR = Bound("largest error of a host's clock against the run's, ms", 100.0, "{:.3f}")
LITTLES_LAW = Bound("relative difference from Little's law", 0.02, "{:.2%}")
# In the order of tables; every bound of this module is a gate.
BOUNDS = {value.name: value for value in list(globals().values()) if isinstance(value, Bound)}


def gates(
    requests: pd.DataFrame,
    process: pd.DataFrame | None,
    *,
    summary: Mapping,
    processes: int = 1,
    users: int | None = None,
    due: int | None = None,
    expected: int | None = None,
    served: int | None = None,
    witnesses: Mapping | None = None,
    kind: str = "",
    steady: bool = False,
    shared_machine: bool = False,
) -> list[Gate]:
    """Evaluate the gates of one run from its request rows and process readings as they are on disk (µs).

    `summary` is the load generator's: `requests` by its count, `processes` that reported, `in_flight_marks`, `hosts`.
    `users` and `expected` rows are fixed by the scenario, `due` tasks by the schedule of an open load. `served` is the
    application's own count, `witnesses` are its others and the database's (see `witness_gates`). None stands for what
    is not fixed or was not counted. On a `shared_machine` disturbances are observed and not evaluated.
    """
    return [
        REPORTS.evaluate(processes - summary.get("processes", 0)),
        COUNTED.evaluate(_difference(summary.get("requests"), len(requests))),
        USERS.evaluate(_missing_users(users, summary.get("users"))),
        TASKS.evaluate(_difference(due, _total(summary, "started_tasks") + _total(summary, "dropped"))),
        STOPPED.evaluate(_count(summary.get("stopped_by_locustfile"))),
        PARTS.evaluate(_count(summary.get("parts_elsewhere"))),
        EXPECTED.evaluate(_difference(expected, len(requests))),
        SERVED.evaluate(_difference_from_served(requests, served)),
        *_of_witnesses(requests, witnesses),
        GENERATOR_FAILURES.evaluate(int(requests["error"].fillna("").str.startswith(GENERATOR_ERROR).sum())),
        # Not every protocol has a status; a successful response is an answer.
        ANSWERED.evaluate(int((requests["status"].notna() | requests["ok"]).sum())),
        GENERATOR_CPU.evaluate(_generator_cpu_share(requests, process, summary)),
        *_of_load(requests, summary, kind, steady),
        *_disturbances(requests, process, summary, kind, shared_machine),
    ]


def _of_witnesses(requests: pd.DataFrame, witnesses: Mapping | None) -> list[Gate]:
    """The gates that compare the rows with what the application and the database counted themselves."""
    return [
        ERRORS.evaluate(witness_gates.error_difference(requests, witnesses)),
        APP_TIME.evaluate(witness_gates.time_difference_ms(requests, witnesses)),
        DURATIONS.evaluate(witness_gates.duration_difference(requests, witnesses)),
        STATEMENTS.evaluate(witness_gates.statement_difference(requests, witnesses)),
    ]


def _of_load(requests: pd.DataFrame, summary: Mapping, kind: str, steady: bool) -> list[Gate]:
    """The gates that depend on the kind of load: of the sends, of Little's law, and of several hosts."""
    if kind in ("burst", "single"):
        evaluated = [FIRST_SENDS.evaluate(first_sends_share(requests))]
    else:
        evaluated = [DISPATCH_LAG.evaluate(dispatch_lag_ms(requests))]
    if steady:
        evaluated.append(LITTLES_LAW.evaluate(relative_difference(requests, summary.get("in_flight_marks") or [])))
    if hosts := summary.get("hosts"):
        evaluated.append(HOSTS.evaluate(host_gates.lost(hosts)))
        evaluated.append(CLOCK_ERROR.evaluate(host_gates.clock_error_ms(hosts)))
    return evaluated


def _disturbances(
    requests: pd.DataFrame, process: pd.DataFrame | None, summary: Mapping, kind: str, shared_machine: bool
) -> list[Gate]:
    """The gates of what held up the generator, by itself or by others."""
    values = {
        GENERATOR_CPU_PEAK: _busiest_generator_share(requests, process),
        LOOP_GAP: machine_watch.longest_gap_ms(requests, summary.get("loop_gaps")),
        OTHERS_CPU: machine_watch.others_share(requests, process),
        OTHERS_CPU_PEAK: machine_watch.busiest_others_share(requests, process),
        STEAL: machine_watch.steal_share(requests, process),
    }
    if kind not in ("burst", "single"):
        enough = len(requests) >= machine_watch.MIN_TAIL_REQUESTS
        values[DISPATCH_LAG_TAIL] = dispatch_lag_ms(requests, 0.999) if enough else None
    return [evaluate(bound, value, shared_machine=shared_machine) for bound, value in values.items()]


def evaluate(bound: Bound, value: float | None, *, shared_machine: bool) -> Gate:
    """The gate of a bound; on a shared machine a disturbance has no verdict."""
    return bound.observe(value) if shared_machine and bound in DISTURBANCES else bound.evaluate(value)


def dispatch_lag_ms(requests: pd.DataFrame, quantile: float = 0.99) -> float | None:
    """A quantile (ms) of how late requests with an intended send were sent; None without such requests.

    The wait of an arrival for a free user is no lag of the generator.
    """
    lag_us = requests["start_us"] - requests["scheduled_us"]
    scheduled = lag_us[lag_us > 0]  # a request without an intended send has its actual one there
    if "user_wait_us" in requests:
        scheduled = scheduled - requests["user_wait_us"].fillna(0)[scheduled.index]
    return None if scheduled.empty else float(scheduled.quantile(quantile) / 1000)


def first_sends_share(requests: pd.DataFrame) -> float | None:
    """The time until the last user of a burst had sent its first request, as a share of the whole burst."""
    lag_us = requests["start_us"] - requests["scheduled_us"]
    if not (lag_us > 0).any():
        return None
    release_us = requests["scheduled_us"][lag_us > 0].min()
    first = requests[requests["scheduled_us"] == release_us]  # after a pause a task has other requests that are due
    end_us = machine_watch.end_us(requests)
    return float((first["start_us"].max() - release_us) / (end_us - release_us))


def generator_cpu_share(requests: pd.DataFrame, process: pd.DataFrame | None) -> float | None:
    """CPU time of the busiest generator process between the first send and the last response, as a share of a core.

    None with fewer than two readings in that time.
    """
    if process is None:
        return None
    roles = [role for role in process["role"].unique() if role.startswith(GENERATOR_ROLE)]
    shares = [share for role in roles if (share := cpu_share(requests, process, role)) is not None]
    return max(shares, default=None)


def cpu_share(requests: pd.DataFrame, process: pd.DataFrame | None, role: str) -> float | None:
    """CPU time of one role between the first send and the last response, as a share of a core.

    None with fewer than two readings in that time.
    """
    if process is None or requests.empty:
        return None
    first_us = machine_watch.begin_us(requests)
    last_us = machine_watch.end_us(requests)
    readings = process[(process["role"] == role) & process["at_us"].between(first_us, last_us)]
    if len(readings) < 2:
        return None
    first, last = readings.iloc[0], readings.iloc[-1]
    return float((last["cpu_us"] - first["cpu_us"]) / (last["at_us"] - first["at_us"]))


def _busiest_generator_share(requests: pd.DataFrame, process: pd.DataFrame | None) -> float | None:
    """CPU time of the busiest generator process in its busiest second, as a share of a core; None without readings."""
    if process is None:
        return None
    by_role = process[process["role"].str.startswith(GENERATOR_ROLE)].groupby("role")
    shares = [machine_watch.busiest_second(requests, readings) for _, readings in by_role]
    return max((share for share in shares if share is not None), default=None)


def _generator_cpu_share(requests: pd.DataFrame, process: pd.DataFrame | None, summary: Mapping) -> float | None:
    """From the readings; of a load that ended before two of them from the only generator process's own count."""
    share = generator_cpu_share(requests, process)
    if share is not None or summary.get("processes") != 1 or summary.get("cpu_ms") is None or requests.empty:
        return share
    end_us = machine_watch.end_us(requests)
    return float(1000 * summary["cpu_ms"] / (end_us - machine_watch.begin_us(requests)))


def _difference_from_served(requests: pd.DataFrame, served: int | None) -> int | None:
    """The application may have served requests whose response was lost, but none that was not sent."""
    if served is None:
        return None
    return max(0, int(requests["status"].notna().sum()) - served, served - len(requests))


def _missing_users(users: int | None, counted: Mapping[str, int] | None) -> int | None:
    """Users that were not ready at the start signal, and users that left before their time."""
    return None if users is None or counted is None else users - counted["present"] + counted["left_early"]


def _total(summary: Mapping, counts: str) -> int:
    return sum((summary.get(counts) or {}).values())


def _count(number: float | None) -> int | None:
    return None if number is None else int(number)


def _difference(expected: int | None, actual: int) -> int | None:
    return None if expected is None else abs(expected - actual)
