"""The relation of two clocks, measured by probes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.hosts.clock_relation import ClockRelation, Round, error_ns, relate

HOUR_NS = 3_600 * 10**9
ways = st.integers(0, 10**9)


def probe(at_ns, offset_ns, there_ns, answering_ns, back_ns):
    """A round that begins at this instant of the run's clock."""
    received, answered = at_ns + there_ns, at_ns + there_ns + answering_ns
    return Round(at_ns + offset_ns, received, answered, answered + back_ns + offset_ns)


@given(st.integers(-(10**18), 10**18), st.lists(st.tuples(ways, ways, ways), min_size=1, max_size=20))
def test_relate_is_within_its_uncertainty_however_the_ways_differ(offset_ns, rounds):
    relation = relate(probe(10**15, offset_ns, *ways) for ways in rounds)
    assert abs(relation.offset_ns - offset_ns) <= relation.uncertainty_ns
    assert relation.uncertainty_ns <= min((there + back + 1) // 2 for there, _, back in rounds)


def test_relate_an_hour_between_the_clocks_is_no_uncertainty():
    assert relate([probe(5, HOUR_NS, 100, 7, 100)]) == ClockRelation(HOUR_NS, 100, 1)


@pytest.mark.parametrize(
    ("end", "expected"),
    [(None, None), (ClockRelation(1_000, 10, 60), 50), (ClockRelation(1_400, 10, 60), 410)],
)
def test_error_contains_the_drift_of_the_clocks(end, expected):
    assert error_ns(ClockRelation(1_000, 50, 60), end) == expected
