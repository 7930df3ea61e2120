"""`.hgrm`: the lines are the exact percentiles, and agree with the tables of the workbench."""

import math
import re

import numpy as np
import pytest

from analysis.exports.hgrm import hgrm_lines
from workbench.errors import UserError

LINE = re.compile(r" *(?P<value>[\d.]+) (?P<share>\d\.\d{12}) +(?P<count>\d+) +(?P<inverse>[\d.]+|inf)")
FOOTER = re.compile(r"#\[\w+ += +([\d.]+|inf), [\w ]+ += +([\d.]+|inf)\]")


def parsed(lines):
    """The rows (value, share, count, 1/(1 − share)) and the six numbers below them."""
    head, empty, *rest = lines
    assert head.split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    assert empty == ""
    rows = [tuple(map(float, match.groups())) for line in rest[:-3] if (match := LINE.fullmatch(line))]
    assert len(rows) == len(rest) - 3
    return rows, [float(number) for line in rest[-3:] for number in FOOTER.fullmatch(line).groups()]


@pytest.fixture
def run(builder):
    return builder.experiment(builder.run("as-measured", "burst-50")).runs[0]


def latencies_ms(run, endpoint=None):
    rows = run.measured if endpoint is None else run.measured[run.measured["endpoint"] == endpoint]
    return rows.loc[rows["ok"], "latency_ms"].to_numpy()


@pytest.mark.parametrize("endpoint", [None, "login", "search"])
def test_each_line_is_the_smallest_value_that_its_share_does_not_exceed(run, endpoint):
    values = latencies_ms(run, endpoint)
    rows, (mean, deviation, largest, count, _, _) = parsed(hgrm_lines(run, endpoint))
    assert rows[0][1] == 0
    for value, share, number, inverse in rows:
        assert value == pytest.approx(np.quantile(values, share, method="inverted_cdf"), abs=5e-4)
        assert number == (values <= value + 5e-4).sum()
        assert inverse == (math.inf if share == 1 else pytest.approx(1 / (1 - share), abs=0.01))
    assert (mean, deviation) == pytest.approx((values.mean(), values.std()), abs=1e-3)
    assert (largest, count) == pytest.approx((values.max(), len(values)))
    assert rows[-1][:3] == pytest.approx((values.max(), 1.0, len(values)))


def test_the_percentiles_agree_with_the_tables_to_a_neighbour(run):
    of_login = run.by_endpoint.set_index("endpoint").loc["login"]
    rows, _ = parsed(hgrm_lines(run, "login"))
    by_share = {share: value for value, share, _, _ in rows}
    values = np.sort(latencies_ms(run, "login"))
    for column, share in {"median_ms": 0.5, "p95_ms": 0.95}.items():
        rank = share * (len(values) - 1)
        gap = values[math.ceil(rank)] - values[math.floor(rank)]
        assert abs(of_login[column] - by_share[share]) <= gap + 1e-3


def test_percentiles_that_reach_dropped_arrivals_are_left_out(builder):
    run = builder.run("tuned", "open-8")
    run.record["generator"] |= {"dropped": {"measure": 5}, "started_tasks": {"measure": 20}}
    opened = builder.experiment(run).runs[0]
    observed = len(latencies_ms(opened))
    rows, (mean, _, largest, count, _, _) = parsed(hgrm_lines(opened, time="response"))
    assert count > observed
    assert (mean, largest) == (math.inf, math.inf)
    assert rows[-1][1] <= observed / count < 1
    assert all(number <= observed for _, _, number, _ in rows)


def test_an_endpoint_without_a_success_is_named_with_those_that_there_are(run):
    with pytest.raises(UserError, match=r"no successful measured response to 'x'; .*: dashboard, login, search"):
        list(hgrm_lines(run, "x"))
