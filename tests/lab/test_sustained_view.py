"""The verdict on a load in sentences: where nothing succeeded, where arrivals were dropped, and where it is certain."""

import math

from analysis.stats.confidence import Estimate
from analysis.sustained_load import INCONCLUSIVE, NOT_SUSTAINED, EndpointResult, SustainedLoad
from lab.sustained_view import sentences, sustained


def lines(verdict, *results, reasons=()):
    return sentences(SustainedLoad(verdict, 300.0, reasons, results, 5, 5, "the limit"), "burst-8", "shop")


def test_each_endpoint_has_its_value_interval_and_blocks():
    result = EndpointResult("/cart", Estimate(412.3, 5, 398, 430), 500, 0)
    assert lines(NOT_SUSTAINED, result) == [
        "burst-8 on shop with p95 of every endpoint below 300 ms: not sustained (5 of 5 blocks valid).",
        "/cart: p95 412 ms (95 % 398 to 430 ms, n = 5 blocks), not below the bound.",
        "What limited it: the limit.",
    ]


def test_an_interval_across_the_bound_says_what_would_decide():
    result = EndpointResult("/cart", Estimate(290, 5, 250, 330, is_lower_bound=True), 500, 0)
    text = lines(INCONCLUSIVE, result)
    assert text[1] == "An interval reaches across the bound: more blocks make it narrower."
    assert text[2] == "/cart: p95 290 ms (95 % 250 to 330 ms or wider, n = 5 blocks), below the bound."
    assert len(text) == 3


def test_failures_stand_in_the_place_of_a_value():
    nothing = EndpointResult("/cart", Estimate(math.nan, 5), 40, 40)
    dropped = EndpointResult("/pay", Estimate(math.inf, 5), 40, 0)
    text = lines(NOT_SUSTAINED, nothing, dropped, reasons=("40 of 80 requests of block 1 failed",))
    assert text[1:4] == [
        "40 of 80 requests of block 1 failed.",
        "/cart: no successful response; 40 of 40 requests failed.",
        "/pay: p95 above every latency that was observed, as arrivals were dropped.",
    ]


def test_a_load_whose_requests_all_fail_is_shown(builder):
    runs = [builder.run("tuned", block=block) for block in range(4)]
    for run in runs:
        for row in run.rows:
            row.update(ok=False, error="500", status=500)
    shown = sustained(builder.experiment(*runs), "tuned", "burst-50", 300)
    assert "not sustained" in shown.sentences[0]
    assert "no successful response; 200 of 200 requests failed." in " ".join(shown.sentences)
    assert list(shown.table["failures"]) == [200, 200, 200]
