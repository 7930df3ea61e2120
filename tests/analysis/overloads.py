"""Runs of an overload whose rows are known: what was offered, what was answered in time, and what was refused."""

from loadgen.overload import AFTER_S, BEFORE_S, OVERLOAD_S
from tests import synthetic_runs
from tests.synthetic_runs import LOAD_START_US

LOGIN_EVERY = 20  # a twentieth of the requests are logins


def overloaded(builder, deployment, scenario, outcome, block=0):
    """A run with rows by the rates of its scenario; `outcome` gives the response time (ms) and the fields of a row.

    It is called with the piece (0 before, 1 during, 2 after), the seconds in it, and the number of the request in it.
    """
    run = builder.run(deployment, scenario, block=block)
    base = run.record["scenario"]["base_rps"]
    times = int(scenario.removeprefix("overload-"))
    run.rows.clear()
    begin_s = 0.0
    for piece, (seconds, rate) in enumerate(((BEFORE_S, base), (OVERLOAD_S, times * base), (AFTER_S, base))):
        for number in range(round(seconds * rate)):
            at_s = number / rate
            run.rows.append(_row(run, 1000 * (begin_s + at_s), *outcome(piece, at_s, number)))
        begin_s += seconds
    run.record["generator"] |= {"requests": len(run.rows), "rows": len(run.rows)}
    run.process = run.database = run.pool = None  # those of the rows that were replaced
    return run


def _row(run, at_ms, response_ms, fields):
    number = len(run.rows)
    endpoint = "login" if number % LOGIN_EVERY == 0 else "dashboard" if number % 2 else "search"
    settings = type("Settings", (), {"cache": "off", "reads": "autocommit", "workers": 2})
    row = synthetic_runs.request_row(number % 900, number, endpoint, at_ms, response_ms, 1.0, settings)
    assert row["start_us"] == LOAD_START_US + round(1000 * at_ms)
    return row | fields


REFUSED = {"ok": False, "status": 503, "error": "status 503"}
TIMED_OUT = {"ok": False, "status": None, "error": "timeout"}


def admitted(piece, at_s, number, *, slow_s=0.0):
    """As with admission control: five requests in a hundred are late, what is too much is refused at once.

    `slow_s` is how long after the overload reads are still slow.
    """
    if piece == 1 and number % 5:
        return 2.0, REFUSED
    return (900.0 if piece == 2 and at_s < slow_s else 80.0), {}


def collapsed(piece, at_s, number):
    """As without a limit: from the overload on each request waits longer than the client does."""
    return (40.0, {}) if piece == 0 else (5000.0, TIMED_OUT)
