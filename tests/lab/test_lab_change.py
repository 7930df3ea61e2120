"""The waterfall of a change: parts that add up, intervals, and sentences computed from them."""

import pytest

from lab import open_experiment
from lab.lab_change import LabChange
from workbench.errors import RecordingError


def test_parts_add_up_to_the_difference(exp):
    table = exp.change("as-measured", "tuned").why("login").table.set_index("part")
    parts = table.drop(index="latency")
    assert parts["change_ms"].sum() == pytest.approx(table["change_ms"]["latency"])
    assert (table["low_ms"] <= table["change_ms"]).all()
    assert table["blocks"].eq(4).all()


def test_the_largest_part_is_named_first(exp):
    shown = exp.change("as-measured", "tuned").why("login")
    assert "login took" in shown.sentences[0]
    assert shown.sentences[1].startswith("queue: ")
    assert " less (95 % " in shown.sentences[1]
    assert "n = 4 blocks" in shown.sentences[0]


def test_the_waterfall_is_of_one_endpoint_or_of_all(exp):
    change = exp.change("as-measured", "tuned")
    means = {name: change.why(name).table.set_index("part")["before_ms"]["latency"] for name in ("", "login", "search")}
    assert means["search"] < means[""] < means["login"] or means["login"] < means[""]
    with pytest.raises(RecordingError, match="no run of the two has requests to 'logout'; there are dashboard, login"):
        change.why("logout")


def test_one_block_has_no_interval_and_says_so(builder):
    one = open_experiment(builder.experiment(builder.run("as-measured"), builder.run("tuned")).directory)
    change = one.change("as-measured", "tuned")
    assert "no interval: 1 block" in change.why().sentences[0]
    assert "no interval" in repr(change)


def test_without_a_shared_block_there_is_no_waterfall(builder):
    runs = builder.run("as-measured", block=0), builder.run("tuned", block=1)
    apart = open_experiment(builder.experiment(*runs).directory)
    shown = LabChange(apart.recorded, "as-measured", "tuned", "burst-50").why()
    assert shown.sentences[0].startswith("No waterfall")
    assert shown.figure is None


def test_two_deployments_without_a_common_scenario_are_refused(builder):
    runs = builder.run("as-measured", "burst-25"), builder.run("tuned", "burst-50")
    apart = open_experiment(builder.experiment(*runs).directory)
    with pytest.raises(RecordingError, match="no valid runs under one scenario"):
        apart.change("as-measured", "tuned")
