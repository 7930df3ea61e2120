"""The split of a percentile by deployment: its means, its menus, and what it lacks."""

import shutil
import time

import pytest

from lab import open_experiment
from lab.split_view import ALL
from tests.lab.shown_parts import fallback
from workbench.errors import RecordingError, UserError


@pytest.fixture(scope="module")
def view(exp):
    return exp.split("burst-50", "login")


@pytest.fixture(autouse=True)
def as_it_was(view):
    view.choose(scenario="burst-50", endpoint="login", quantile=(0.90, 0.99))


def test_the_tail_is_that_of_each_run(exp, view):
    """Each run has its own quantiles; the mean is over the requests of all runs."""
    table = view.table.set_index(["deployment", "share"])
    tails, everything = [], []
    for block in (1, 2, 3, 4):
        latencies = exp.run("tuned", "burst-50", block).requests.frame.query("endpoint == 'login'")["latency_ms"]
        tails += list(latencies[latencies.between(*latencies.quantile([0.9, 0.99]))])
        everything += list(latencies)
    assert table["latency_ms"]["tuned", "tail"] == pytest.approx(sum(tails) / len(tails))
    assert table["latency_ms"]["tuned", "all"] == pytest.approx(sum(everything) / len(everything))
    assert table["requests"]["tuned", "all"] == 200
    assert fallback(view)


def test_each_deployment_has_a_sentence_with_its_largest_parts(view):
    assert view.sentences[0].startswith("Mean time by part of login under burst-50, and of those between p90 and p99")
    first, second = view.sentences[1:]
    assert first.startswith("as-measured: ")
    assert second.startswith("tuned: ")
    assert "% queue" in second
    assert "cache" not in second  # takes no time here


def test_menus_and_slider_choose(view):
    view._slider.value = (50, 90)  # as a hand does
    assert view.quantile == (0.5, 0.9)
    assert "between p50 and p90" in view.sentences[0]
    view._scenario.value = "single"
    assert "under single" in view.sentences[0]
    view._endpoint.value = ALL
    assert "all requests under single" in view.sentences[0]
    assert {trace.xaxis for trace in view._answer.figure.data} == {"x", "x2"}


def test_all_quantiles_are_all_requests(view):
    view.choose(quantile=(0, 1))
    table = view.table.set_index(["share", "deployment"]).drop(columns="requests")
    assert table.loc["all"].equals(table.loc["tail"])


def test_two_handles_in_one_place_are_a_sentence(view):
    view._slider.value = (90, 90)
    assert "move one end" in view.sentences[0]
    assert fallback(view)


@pytest.mark.parametrize("quantile", [(0.9, 0.9), (0.99, 0.9), (-0.1, 0.5), (0.5, 1.1)])
def test_quantiles_out_of_order_are_refused(view, quantile):
    with pytest.raises(UserError, match="from 0 to 1 in ascending order"):
        view.choose(quantile=quantile)


def test_names_that_are_in_no_menu_are_one_line(exp, view):
    with pytest.raises(RecordingError, match="no endpoint 'logout' to choose; there are all requests, dash"):
        view.choose(endpoint="logout")
    with pytest.raises(RecordingError, match="no scenario 'burst-51'"):
        exp.split("burst-51")
    assert view._endpoint.value == "login"


def test_a_deployment_without_server_timings_is_named(builder):
    foreign = builder.run("as-measured")
    for row in foreign.rows:
        row.update(queue_us=None, app_us=None)
    shown = open_experiment(builder.experiment(foreign, builder.run("tuned")).directory).split()
    assert list(shown.table["deployment"].unique()) == ["tuned"]
    assert shown.sentences[-1] == "No successful request whose parts are known (`Server-Timing`): as-measured."
    assert shown.sentences[1].startswith("tuned: ")


def test_a_run_that_was_deleted_meanwhile_is_left_out_and_named(builder):
    runs = [builder.run(name, block=block) for block in range(2) for name in ("as-measured", "tuned")]
    opened = open_experiment(builder.experiment(*runs).directory)
    view = opened.split()
    shutil.rmtree(opened.recorded.runs[0].directory)
    view._slider.value = (0, 50)
    assert "was deleted" in view.sentences[-1]
    assert view.table.set_index(["deployment", "share"])["requests"]["as-measured", "all"] == 150
    for run in opened.recorded.runs[1:]:
        (run.directory / "requests.parquet").write_bytes(b"PAR1")
    view._slider.value = (0, 60)
    assert view.table.empty
    assert sum("requests.parquet was changed (4 bytes, sealed with " in text for text in view.sentences) == 3
    assert fallback(view)


def test_an_experiment_without_a_valid_run_is_one_line(builder):
    opened = open_experiment(builder.experiment(builder.run().invalid()).directory)
    with pytest.raises(RecordingError, match="has no valid run to split"):
        opened.split("burst-50")


@pytest.mark.exclusive
def test_a_move_of_the_slider_is_answered_within_a_second(view):
    begin_s = time.perf_counter()
    view._slider.value = (75, 95)
    assert time.perf_counter() - begin_s < 1
