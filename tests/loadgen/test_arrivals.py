"""Due times of the requests of an open load, compared with the known properties of such arrivals."""

import itertools
import statistics

import pytest

from loadgen.arrivals import Piece, arrival_times_s, share_of_process

RAMP = (Piece(60.0, 0.0, 100.0),)


def poisson(pieces, seed="1"):
    return list(arrival_times_s(pieces, "poisson", seed))


def constant(pieces):
    return list(arrival_times_s(pieces, "constant", "1"))


def test_constant_arrivals_are_evenly_spaced():
    assert constant([Piece(2.0, 5, 5)]) == pytest.approx([n / 5 for n in range(10)])


def test_each_piece_continues_where_the_previous_one_ended():
    together = constant([Piece(1.0, 10, 10), Piece(2.0, 20, 20)])
    assert together == pytest.approx([n / 10 for n in range(10)] + [1 + n / 20 for n in range(40)])


def test_a_piece_with_rate_zero_has_no_arrivals():
    assert constant([Piece(5.0, 0, 0), Piece(1.0, 4, 4)]) == pytest.approx([5.0, 5.25, 5.5, 5.75])


def test_arrivals_of_a_ramp_from_zero_grow_with_the_square_of_time():
    """∫ 100·t/60 dt = n has the root t = √(1.2·n)."""
    arrivals = constant(RAMP)
    assert len(arrivals) == 3000
    assert arrivals[:5] == pytest.approx([(1.2 * n) ** 0.5 for n in range(5)])
    assert arrivals == sorted(arrivals)


def test_a_ramp_down_mirrors_a_ramp_up():
    up, down = constant([Piece(10.0, 10, 30)]), constant([Piece(10.0, 30, 10)])
    assert down[1:] == pytest.approx([10 - at for at in reversed(up[1:])])


def test_arrivals_depend_on_the_seed_only():
    pieces = [Piece(10.0, 20, 20)]
    assert poisson(pieces) == poisson(pieces)
    assert poisson(pieces) != poisson(pieces, "2")


def test_poisson_arrivals_have_exponential_gaps_and_counts_with_their_mean_as_variance():
    """20,000 arrivals: the mean gap is known to 1 % (one standard error is 0.7 %), its spread equals it."""
    arrivals = poisson([Piece(200.0, 100, 100)])
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    assert statistics.mean(gaps) == pytest.approx(0.01, rel=0.03)
    assert statistics.stdev(gaps) / statistics.mean(gaps) == pytest.approx(1.0, abs=0.03)
    counts = [0] * 200
    for at in arrivals:
        counts[int(at)] += 1
    assert statistics.variance(counts) / statistics.mean(counts) == pytest.approx(1.0, abs=0.3)


def test_poisson_arrivals_follow_a_changing_rate():
    """On the number due so far, the gaps of a ramp are those of a constant rate."""
    due = [at * at / 1.2 for at in poisson(RAMP)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(due)]
    assert statistics.mean(gaps) == pytest.approx(1.0, rel=0.08)
    assert statistics.stdev(gaps) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_shares_of_all_processes_make_the_whole_schedule(processes):
    whole = poisson([Piece(5.0, 50, 50)])
    parts = [list(share_of_process(iter(whole), index, processes)) for index in range(processes)]
    assert sorted(itertools.chain(*parts)) == whole
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
