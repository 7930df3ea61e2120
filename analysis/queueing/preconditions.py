"""Preconditions of a what-if prediction: which runs, settings and loads the model covers."""

from collections.abc import Mapping

from workbench.declared_arms import SOURCE
from workbench.endpoints import CACHE_LIFETIME_SETTINGS
from workbench.recording import Run

from .. import bottleneck
from ..capacity.bracket import load_of
from .deployment_simulation import Load
from .service_demands import Demands

CACHE_SETTINGS = ("cache", *CACHE_LIFETIME_SETTINGS.values())
MODELLED_SETTINGS = (
    "server", "workers", "threads", "pool_size", "pool_max_overflow", "hash_limit",
    "password_hash", "round_trip_ms", *CACHE_SETTINGS,
)  # fmt: skip
REQUIRED_SETTINGS = (*MODELLED_SETTINGS, "pool", "deadlines")
# They may differ: they change no latency, as long as no process is ended for want of memory.
NEUTRAL_SETTINGS = ("database_url", "max_connections", "database_host", "memory_limit_mib")
# What a setting is for an application that the workbench knows only by its server, workers, threads and connections.
OF_FOREIGN_APPLICATIONS = {
    "pool": "none", "pool_size": 0, "pool_max_overflow": 0, "hash_limit": 0, "password_hash": "none",
    "round_trip_ms": 0.0, "cache": "off", "deadlines": False, **dict.fromkeys(CACHE_LIFETIME_SETTINGS.values(), 0.0),
}  # fmt: skip
MAX_EXCESS = 0.02  # of the requests over the tasks that send one each
MIN_RESPONSES = 5  # successful ones of an endpoint, from which demands are drawn


class PredictionError(ValueError):
    """A prediction is beyond the model, or beyond the measurement; the message says why."""


def settings_of(run: Run) -> Mapping:
    """The settings of a run's deployment; an application of a user's own has declared and neutral ones."""
    settings = run.record["deployment"]["settings"]
    if SOURCE not in run.record["deployment"] or "pool" in settings:
        return settings
    pool = {"pool": "queue"} if "pool_size" in settings else {}
    return {**OF_FOREIGN_APPLICATIONS, **pool, **settings}


def check_run(run: Run) -> None:
    """Require a complete, valid run whose deployment recorded its settings."""
    if run.status != "complete" or not run.record["valid"]:
        raise PredictionError(f"{run.name} is {'not valid' if run.status == 'complete' else run.status}")
    settings = settings_of(run)
    if missing := [name for name in REQUIRED_SETTINGS if name not in settings]:
        raise PredictionError(f"{run.name} has no record of the settings {', '.join(missing)} of its deployment")


def check_unsaturated(run: Run) -> None:
    """Require that no resource was saturated: service demands cannot be read from requests that wait."""
    if run.totals is not None and (limit := bottleneck.find_bottleneck(run)).resource:
        raise PredictionError(
            f"the service demands of requests that wait are not known, and {limit.sentence}; "
            "predict from a run under a smaller load"
        )


def steady_load(run: Run) -> Load:
    """The load of the run. Raises `PredictionError` where it is not steady."""
    scenario = run.record["scenario"]
    if scenario["kind"] not in ("open", "sustained") or not scenario.get("steady"):
        raise PredictionError(f"{run.scenario} is no steady load; predictions start from sustained or open load")
    shortest_s, longest_s = scenario["think_s"]
    return Load(
        scenario["kind"],
        load_of(run),
        _own_shares(run) if run.record.get("locustfile") else scenario["shares"],
        scenario["warmup_s"],
        scenario["duration_s"],
        (shortest_s, longest_s),
    )


def _own_shares(run: Run) -> dict[str, float]:
    """The shares of the endpoints under users of a locustfile, as they were measured.

    Raises `PredictionError` for a load that the model does not have: users whose waits only their class knows, and
    tasks of several requests, which come one after the other.
    """
    if not run.is_open:
        raise PredictionError("how long users of a locustfile wait is not known; predict from a run under open load")
    counts = dict(zip(run.by_endpoint["endpoint"], run.by_endpoint["requests"].astype(float), strict=True))
    tasks = run.source.started
    if tasks and abs(sum(counts.values()) / tasks - 1) > MAX_EXCESS:
        raise PredictionError(f"a task of the locustfile sends {sum(counts.values()) / tasks:.2g} requests; the model "
                              "covers tasks of one request")  # fmt: skip
    return counts


def check_settings(
    recorded: Mapping, settings: Mapping, hash_ms: float | None, hit_ratios: Mapping[str, float] | None
) -> None:
    """Require that the model covers every difference of the `settings` from the `recorded` ones of the run."""
    changed = {name for name in recorded.keys() | settings.keys() if recorded.get(name) != settings.get(name)}
    if unknown := sorted(changed - {*MODELLED_SETTINGS, *NEUTRAL_SETTINGS}):
        raise PredictionError(
            f"the model does not cover a change of {', '.join(unknown)}; it covers {', '.join(MODELLED_SETTINGS)}"
        )
    if "password_hash" in changed and hash_ms is None:
        raise PredictionError(f"the time of a hash by {settings['password_hash']} is not given")
    if hit_ratios and settings["cache"] == "off":
        raise PredictionError("a cache that is off has no hits; leave out the hit ratio, or set cache to another value")
    if "threads" in changed and settings["server"] != "gthread" and settings["threads"] != 1:
        raise PredictionError(
            f"threads are a setting of gthread, and the server is {settings['server']}; set server=gthread too"
        )


def check_burst_settings(recorded: Mapping, settings: Mapping) -> None:
    """Require that caches are as they were: which requests of a burst find a value depends on those before them."""
    if changed := [name for name in CACHE_SETTINGS if recorded.get(name) != settings.get(name)]:
        raise PredictionError(f"the model of a burst does not cover a change of {', '.join(changed)}")


def check_search_terms(run: Run, settings: Mapping) -> None:
    """Require that all users of the run search for the same: only then a hit ratio follows from the lifetime."""
    if settings["cache"] != "off" and run.record["scenario"].get("terms") == "mix":
        raise PredictionError(
            "the hit ratio of a cache is known only where all users search for the same; give a hit ratio"
        )


def check_load(load: Load, demands: Demands) -> None:
    """Require that the run measured the think time and the endpoints of a predicted load."""
    if load.family == "sustained" and not load.mean_think_s:
        raise PredictionError("an open load has no think time; predict users from a run under sustained load")
    endpoints = {*load.shares, *(["login"] if load.family == "sustained" else [])}
    measured = demands.endpoints
    if few := [name for name in sorted(endpoints) if name not in measured or measured[name].requests < MIN_RESPONSES]:
        raise PredictionError(
            f"fewer than {MIN_RESPONSES} successful responses to {', '.join(few)} were measured; a longer run has more"
        )
