"""What a toxic is: its kinds, attributes and directions, and that anything else is refused in one line."""

import math
from random import Random

import pytest

from loadgen.toxics import ATTRIBUTES, KINDS, make_toxic
from workbench.errors import UserError

VALID = {
    "latency": {"latency_ms": 50, "jitter_ms": 10},
    "bandwidth": {"rate_kb_s": 0.5},
    "timeout": {"timeout_ms": 0},
    "reset_peer": {"timeout_ms": 100.5},
    "slow_close": {"delay_ms": 600_000},
    "limit_data": {"bytes": 2**40},
    "down": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_made_with_the_attributes_of_toxiproxy(kind):
    toxic = make_toxic("t", kind, "both", VALID[kind])
    assert (toxic.name, toxic.kind, toxic.directions) == ("t", kind, ("upstream", "downstream"))
    assert toxic.attributes == VALID[kind]
    assert set(VALID[kind]) == {attribute.name for attribute in ATTRIBUTES[kind]}


def test_latency_without_jitter_has_none():
    assert make_toxic("t", "latency", "upstream", {"latency_ms": 5}).attributes == {"latency_ms": 5, "jitter_ms": 0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "the name of a toxic has up to 128 letters, digits, dots, dashes, underscores; not ''"),
        ({"name": None}, "the name of a toxic has up to 128 letters, digits, dots, dashes, underscores; not None"),
        ({"name": "a\nb"}, r"the name of a toxic has up to 128 letters, digits, dots, dashes, underscores; not 'a\nb'"),
        (
            {"kind": "slow"},
            "the kind of a toxic is one of latency, bandwidth, timeout, reset_peer, slow_close, limit_data, down; not",
        ),
        ({"direction": "up"}, "the direction of a toxic is one of upstream, downstream, both; not 'up'"),
        ({"direction": ["both"]}, "the direction of a toxic is one of upstream, downstream, both; not ['both']"),
        ({"attributes": [1]}, "the attributes of a toxic are numbers by name, not [1]"),
        ({"attributes": {}}, "latency needs latency_ms"),
        (
            {"attributes": {"latency_ms": 1, "jitter": 2}},
            "latency has no attribute 'jitter'; it has latency_ms, jitter_ms",
        ),
        ({"attributes": {"latency_ms": -1}}, "latency_ms of latency is a number from 0 to 600000, not -1"),
        ({"attributes": {"latency_ms": math.nan}}, "latency_ms of latency is a number from 0 to 600000, not nan"),
        ({"attributes": {"latency_ms": 10**400}}, "latency_ms of latency is a number from 0 to 600000, not 1000000"),
        ({"attributes": {"latency_ms": True}}, "latency_ms of latency is a number from 0 to 600000, not True"),
        ({"attributes": {"latency_ms": "5"}}, "latency_ms of latency is a number from 0 to 600000, not '5'"),
        (
            {"kind": "bandwidth", "attributes": {"rate_kb_s": 0}},
            "rate_kb_s of bandwidth is a number from 0.001 to 1000",
        ),
        ({"kind": "limit_data", "attributes": {"bytes": 1.5}}, "bytes of limit_data is a whole number from 0 to 90071"),
        ({"kind": "down", "direction": "upstream"}, "down closes whole connections: its direction is both, not upstre"),
        ({"kind": "down", "attributes": {"x": 1}}, "down has no attribute 'x'; it has none"),
    ],
)
def test_bad_values_are_refused_in_one_line(given, message):
    fields = {"name": "t", "kind": "latency", "direction": "both", "attributes": {"latency_ms": 1}, **given}
    with pytest.raises(UserError) as refused:
        make_toxic(**fields)
    assert refused.value.message.startswith(message)
    assert len(refused.value.message.splitlines()) == 1
    assert len(refused.value.message) < 250


def test_jitter_is_uniform_around_the_latency_and_never_below_zero():
    wide = make_toxic("t", "latency", "both", {"latency_ms": 10, "jitter_ms": 30})
    drawn_s = [wide.delay_s(False, random) for random in [Random(1)] for _ in range(2000)]
    assert (min(drawn_s), 0.039 < max(drawn_s) <= 0.040) == (0, True)
    assert 0.28 < sum(delay_s == 0 for delay_s in drawn_s) / 2000 < 0.38  # a third of -20 to 40 ms
    assert [wide.delay_s(False, random) for random in [Random(1)] for _ in range(2000)] == drawn_s


def test_slow_close_delays_only_the_end_of_a_stream():
    slow = make_toxic("t", "slow_close", "both", {"delay_ms": 250})
    assert (slow.delay_s(False, Random(1)), slow.delay_s(True, Random(1))) == (0, 0.25)


@pytest.mark.parametrize(
    ("kind", "attributes", "lifetime_s"),
    [
        ("timeout", {"timeout_ms": 0}, None),
        ("timeout", {"timeout_ms": 200}, 0.2),
        ("reset_peer", {"timeout_ms": 0}, 0),
        ("latency", {"latency_ms": 5}, None),
    ],
)
def test_only_timeouts_and_resets_end_connections_and_a_black_hole_does_not(kind, attributes, lifetime_s):
    assert make_toxic("t", kind, "both", attributes).lifetime_s == lifetime_s
